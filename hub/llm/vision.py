"""llama.cpp's eyes: an image's bytes -> positions in a prompt -> what the model remembers of it.

It's given bytes and nothing else: nothing in here opens a file or an address that a message named. Imported in the
model's own process only, like the engine.
"""

import ctypes
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import llama_cpp.llama_cpp as c
import llama_cpp.mtmd_cpp as m

from hub.llm.batch import CHUNK, Outcome, Patch

READ = 8
"""Images kept unpacked, in case they're counted or shown again."""

NODES = 16
"""Steps of an image's evaluation between two looks whether it's to be broken off."""


class Chunk:
    """A stretch of an image that's evaluated in one go; freed with the last position that refers to it."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = m.mtmd_input_chunk_copy(pointer)
        self.tokens = int(m.mtmd_input_chunk_get_n_tokens(pointer))
        self.positions = int(m.mtmd_input_chunk_get_n_pos(pointer))

    def __del__(self) -> None:
        m.mtmd_input_chunk_free(self.pointer)


class Vision:
    """What a projector's file (mmproj) adds to a model. Raises ValueError if it can't be used with it."""

    def __init__(self, path: str, model: Any, threads: int, aborted: Callable[[], bool]) -> None:
        self._read: OrderedDict[bytes, list[int]] = OrderedDict()
        self._aborted = aborted
        self._nodes = 0
        self.beat: Callable[[], None] = lambda: None
        """Called now and then while an image is looked at, which may take long."""
        params = m.mtmd_context_params_default()
        params.use_gpu = params.warmup = params.print_timings = False
        params.n_threads = threads
        self._callback = c.ggml_backend_sched_eval_callback(self._goes_on)
        params.cb_eval = self._callback
        context = m.mtmd_init_from_file(path.encode(), model, params)
        if not context:
            raise ValueError(f"llama.cpp can't use {path} with it; put the mmproj file there that was made for it")
        self._context = context
        if not m.mtmd_support_vision(context):
            raise ValueError(f"{path} lets it see no images")

    def tokens(self, data: bytes) -> list[int]:
        """Return an image's positions, with the words that this model wants around it; raises ValueError."""
        key = hashlib.sha256(data).digest()
        if key not in self._read:
            self._read[key] = self._tokenise(data, key)
            if len(self._read) > READ:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]

    def _tokenise(self, data: bytes, key: bytes) -> list[int]:
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        bitmap = m.mtmd_helper_bitmap_init_from_buf(self._context, buffer, len(data), False)
        if not bitmap:
            raise ValueError("an image can't be read; send it as PNG or JPEG")
        chunks = m.mtmd_input_chunks_init()
        try:
            marker = m.mtmd_default_marker()
            text = m.mtmd_input_text(text=marker, text_len=len(marker), add_special=False, parse_special=True)
            bitmaps = (m.mtmd_bitmap_p_ctypes * 1)(bitmap)
            if m.mtmd_tokenize(self._context, chunks, ctypes.byref(text), bitmaps, 1) != 0:
                raise ValueError("an image can't be prepared for the model")
            tokens: list[int] = []
            for number in range(m.mtmd_input_chunks_size(chunks)):
                tokens += self._positions(m.mtmd_input_chunks_get(chunks, number), key, number)
            return tokens
        finally:
            m.mtmd_input_chunks_free(chunks)
            m.mtmd_bitmap_free(bitmap)

    def _positions(self, pointer: Any, key: bytes, number: int) -> list[int]:
        if m.mtmd_input_chunk_get_type(pointer) == m.MTMD_INPUT_CHUNK_TYPE_TEXT:
            count = ctypes.c_size_t()
            found = m.mtmd_input_chunk_get_tokens_text(pointer, ctypes.byref(count))
            return list(found[: count.value]) if found else []
        chunk = Chunk(pointer)
        if m.mtmd_decode_use_non_causal(self._context, chunk.pointer) and chunk.tokens > CHUNK:
            raise ValueError(
                f"this model wants {chunk.tokens} tokens of an image at once; at most {CHUNK} are evaluated"
            )
        # No token is negative, and the same picture has the same numbers: what's known of it is found again.
        first = -1 - (int.from_bytes(key[:8], "big") << 32) - (number << 16)
        return [Patch(first - at, chunk, chunk.positions, chunk.tokens) for at in range(chunk.positions)]

    def evaluate(self, context: Any, sequence: int, position: int, chunk: Chunk) -> Outcome:
        """Look at an image, and put what's seen into a sequence of llama.cpp's context."""
        self._nodes = 0
        code = m.mtmd_encode_chunk(self._context, chunk.pointer)
        if self._aborted():
            return Outcome.ABORTED
        if code != 0:
            raise ValueError(f"llama.cpp can't look at an image ({code})")
        seen, after = m.mtmd_get_output_embd(self._context), c.llama_pos()
        code = m.mtmd_helper_decode_image_chunk(
            *(self._context, context, chunk.pointer, seen, position, sequence, CHUNK, ctypes.byref(after)),
            *(m.mtmd_helper_post_decode_callback(), None),
        )
        if code == 0:
            return Outcome.DONE
        c.llama_memory_seq_rm(c.llama_get_memory(context), sequence, position, -1)
        if code == 1:
            return Outcome.FULL
        if code == 2:
            return Outcome.ABORTED
        raise ValueError(f"llama.cpp can't take in an image ({code})")

    def _goes_on(self, tensor: Any, ask: bool, data: Any) -> bool:
        # Asked whether to stop after this step, and then, having stopped there, whether to go on.
        if ask:
            self._nodes += 1
            return self._nodes % NODES == 0
        self.beat()
        return not self._aborted()


def quiet(log: Any) -> None:
    """Have the same said as of the engine."""
    m.mtmd_log_set(log, None)
    m.mtmd_helper_log_set(log, None)
