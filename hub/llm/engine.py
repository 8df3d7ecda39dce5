"""llama.cpp's low-level interface, as far as we need it: load, tokenise, evaluate batches, read logits.

Imported in the model's own process only: a fault in here kills a process.
"""

import ctypes
import sys
from typing import Any

import llama_cpp.llama_cpp as c
import numpy as np
from numpy.typing import NDArray

from hub.llm import memory, vision
from hub.llm.batch import CHUNK, LOGITS, SEQUENCES, Outcome, Patch, Row
from hub.llm.params import model_params

Logits = NDArray[np.float32]

_WARN, _ERROR = 3, 4  # of llama.cpp's log levels


class BadModel(Exception):
    """The file can't be used as a model; the text says why."""


def load(path: str, *, plain: bool = False) -> Any:
    """Load a model's file; raises BadModel. `plain`: see Load."""
    c.llama_log_set(_log_callback, None)
    vision.quiet(_log_callback)
    c.llama_backend_init()
    model = c.llama_model_load_from_file(path.encode(), model_params(plain=plain))
    if not model:
        raise BadModel("llama.cpp can't read it; put a whole GGUF file there")
    return model


class Engine:
    """One context of a model, with several sequences."""

    def __init__(self, model: Any, context: int, *, memory_mb: int = 0) -> None:
        self._model = model
        self._vocab: Any = c.llama_model_get_vocab(model)
        self.context = min(context, c.llama_model_n_ctx_train(model) or context)
        self.context = self._fitting(memory_mb)
        # Chats may fill one context; what's above it is for decisions, which mustn't wait for a chat's end.
        self.cells = self.context + max(1024, self.context // 2)
        self._context = self._open()
        self._memory: Any = c.llama_get_memory(self._context)
        self._batch = c.llama_batch_init(CHUNK, 0, 1)
        self.vocabulary = int(c.llama_vocab_n_tokens(self._vocab))
        # Set by another thread while llama_decode runs, read by llama.cpp before each node of its graph.
        self._abort = ctypes.c_bool(False)
        self._aborts = c.ggml_abort_callback(lambda _: self._abort.value)
        c.llama_set_abort_callback(self._context, self._aborts, None)
        self.eyes: vision.Vision | None = None

    def _fitting(self, memory_mb: int) -> int:
        heads, width = int(c.llama_model_n_head(self._model)), int(c.llama_model_n_embd(self._model))
        # Keys and values of each layer, two bytes each. Some models need less; none needs more.
        layers = int(c.llama_model_n_layer(self._model))
        cell = 4 * layers * int(c.llama_model_n_head_kv(self._model)) * width // max(1, heads)
        size = int(c.llama_model_size(self._model))
        try:
            return memory.context(self.context, megabytes=memory_mb, file=size, cell=cell, spare=1.5)
        except ValueError as error:
            raise BadModel(str(error)) from None

    def see(self, path: str, threads: int) -> None:
        """Let it see images through a projector's file; raises BadModel."""
        try:
            self.eyes = vision.Vision(path, self._model, threads, lambda: self._abort.value)
        except ValueError as error:
            raise BadModel(f"llm.mmproj: {error}") from None

    def _open(self) -> Any:
        params = c.llama_context_default_params()
        params.n_ctx = self.cells
        params.n_batch = params.n_ubatch = CHUNK
        params.n_seq_max = SEQUENCES
        params.n_outputs_max = params.n_outputs_max_per_seq = LOGITS
        params.kv_unified = True
        params.no_perf = True
        context = c.llama_init_from_model(self._model, params)
        if not context:
            raise BadModel(f"llama.cpp can't make a context of {self.cells} tokens for it; lower llm.context")
        self.cells = int(c.llama_n_ctx(context))
        return context

    def close(self) -> None:
        """Free the context; the model stays."""
        c.llama_batch_free(self._batch)
        c.llama_free(self._context)

    # --- words

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """Tokenise; what looks like a control token is one only where `special`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (c.llama_token * room)()
        count = c.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            raise ValueError(f"llama.cpp can't tokenise {len(data)} bytes")
        return list(buffer[:count])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return a token's bytes; control tokens have none unless `special`."""
        buffer = ctypes.create_string_buffer(512)
        count = c.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, special)
        return buffer.raw[: max(0, count)]

    def ends(self, token: int) -> bool:
        """Say whether a token ends an answer."""
        return bool(c.llama_vocab_is_eog(self._vocab, token))

    @property
    def bos(self) -> int | None:
        """The token that begins a text, if the model has one."""
        token = int(c.llama_vocab_bos(self._vocab))
        return token if token >= 0 else None

    @property
    def eos(self) -> int | None:
        """The token that ends a text, if the model has one."""
        token = int(c.llama_vocab_eos(self._vocab))
        return token if token >= 0 else None

    @property
    def adds_bos(self) -> bool:
        """Whether the model was trained with its BOS before everything."""
        return bool(c.llama_vocab_get_add_bos(self._vocab))

    @property
    def start(self) -> int | None:
        """The token after which any text may begin: what separated documents in training, else BOS.

        A chat model's BOS may mean "a role's name comes now", so it's the second choice.
        """
        found = self.tokens("<|endoftext|>", special=True)
        return found[0] if len(found) == 1 else self.bos

    @property
    def template(self) -> str:
        """The model's own chat template, empty if it has none."""
        text = c.llama_model_chat_template(self._model, None)
        return text.decode("utf-8", "replace") if text else ""

    # --- evaluation

    def threads(self, generation: int, batch: int) -> None:
        """Use so many threads for single tokens and for many."""
        c.llama_set_n_threads(self._context, generation, batch)

    def abort(self) -> None:
        """Make the evaluation that's running, or the next one, end soon with ABORTED. For any thread."""
        self._abort.value = True

    def proceed(self) -> None:
        """Take back an abort."""
        self._abort.value = False

    def evaluate(self, rows: list[Row]) -> Outcome:
        """Evaluate at most CHUNK tokens of any sequences, each sequence's in order; or one chunk of an image."""
        first = rows[0]
        if isinstance(first.token, Patch) and self.eyes:
            return self.eyes.evaluate(self._context, first.sequence, first.position, first.token.chunk)
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i] = row.token
            batch.pos[i] = row.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row.sequence
            batch.logits[i] = row.wanted
        code = c.llama_decode(self._context, batch)
        if code == 0:
            return Outcome.DONE
        if code == 1:
            return Outcome.FULL
        if code == 2:
            return Outcome.ABORTED
        raise RuntimeError(f"llama_decode returned {code}")

    def logits(self, row: int) -> Logits:
        """Return a view of the logits of the last batch's row; gone with the next batch."""
        return np.ctypeslib.as_array(c.llama_get_logits_ith(self._context, row), shape=(self.vocabulary,))

    def logprobs(self, row: int, tokens: list[int]) -> list[float]:
        """Return the natural log-probabilities of tokens after a row of the last batch."""
        logits = self.logits(row)
        top = float(logits.max())
        total = top + float(np.log(np.exp(logits - top).sum(dtype=np.float64)))
        return [float(logits[token]) - total for token in tokens]

    def sample(self, sampler: Any, row: int) -> int:
        """Choose the next token after a row of the last batch, and tell the sampler."""
        return int(c.llama_sampler_sample(sampler, self._context, row))

    @property
    def vocab(self) -> Any:
        """llama.cpp's vocabulary, for samplers."""
        return self._vocab

    # --- memory

    def copy(self, source: int, target: int, upto: int) -> bool:
        """Let an empty sequence share another's first tokens; False where the model's memory can't be shared."""
        if c.llama_model_is_recurrent(self._model) or c.llama_model_is_hybrid(self._model):
            return False
        c.llama_memory_seq_cp(self._memory, source, target, 0, upto)
        return True

    def cut(self, sequence: int, start: int) -> bool:
        """Forget a sequence's tokens from a position on; False if only all of it could be forgotten, and was."""
        if c.llama_memory_seq_rm(self._memory, sequence, start, -1):
            return True
        c.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False


def _log(level: int, text: bytes, _: object) -> None:
    if level in (_WARN, _ERROR):
        sys.stderr.write(text.decode("utf-8", "replace"))
        sys.stderr.flush()


_log_callback = c.llama_log_callback(_log)
