"""llama.cpp's context for models that turn a whole text into one row of numbers: a vector, or a reranker's scores.

Imported in the model's own process only, like the engine.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as c
import numpy as np

AT_ONCE = 8
"""Texts evaluated together at most."""

LONGEST = 512
"""Tokens of one text at most, and of all that are evaluated together: an encoder sees a text in one go."""


def metadata(model: Any, key: str) -> str:
    """Return what a model's file says under its architecture's key, empty if nothing."""
    return _metadata(model, f"{_metadata(model, 'general.architecture')}.{key}")


def pools(model: Any) -> bool:
    """Say whether a model was made to give one vector for a text."""
    kind = metadata(model, "pooling_type")
    return kind.isdecimal() and int(kind) > c.LLAMA_POOLING_TYPE_NONE


def writes(model: Any) -> bool:
    """Say whether a model can write text: one that looks ahead can't."""
    return metadata(model, "attention.causal") != "false"


class Pooler:
    """A context that gives one row of numbers for each text, of a model that `pools`."""

    def __init__(self, model: Any, threads: int) -> None:
        self.at_once = AT_ONCE
        self._vocab: Any = c.llama_model_get_vocab(model)
        self.longest = min(LONGEST, int(c.llama_model_n_ctx_train(model)) or LONGEST)
        params = c.llama_context_default_params()
        params.embeddings = True
        params.n_ctx = params.n_batch = params.n_ubatch = self.longest
        params.n_seq_max = AT_ONCE
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.no_perf = True
        context = c.llama_init_from_model(model, params)
        if not context:
            raise ValueError("llama.cpp can't make a context for vectors")
        self._context = context
        self._memory: Any = c.llama_get_memory(context)
        self._batch = c.llama_batch_init(self.longest, 0, 1)
        ranks = c.llama_pooling_type(context) == c.LLAMA_POOLING_TYPE_RANK
        self.width = int(c.llama_model_n_cls_out(model) if ranks else c.llama_model_n_embd_out(model))
        """Numbers in a row."""
        self._abort = ctypes.c_bool(False)
        self._aborts = c.ggml_abort_callback(lambda _: self._abort.value)
        c.llama_set_abort_callback(context, self._aborts, None)

    def close(self) -> None:
        """Free the context; the model stays."""
        c.llama_batch_free(self._batch)
        c.llama_free(self._context)

    def tokens(self, text: str) -> list[int]:
        """Tokenise a whole text, with what the model was trained to see around it; nothing in it is a control token."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        buffer = (c.llama_token * room)()
        count = c.llama_tokenize(self._vocab, data, len(data), buffer, room, True, False)
        if count < 0:
            raise ValueError(f"llama.cpp can't tokenise {len(data)} bytes")
        return list(buffer[:count])

    def abort(self) -> None:
        """Make the evaluation that's running, or the next one, end soon with None. For any thread."""
        self._abort.value = True

    def proceed(self) -> None:
        """Take back an abort."""
        self._abort.value = False

    def rows(self, texts: Sequence[Sequence[int]]) -> list[list[float]] | None:
        """Return a row of numbers for each of at most AT_ONCE texts, `longest` tokens in all; None if broken off."""
        batch, at = self._batch, 0
        for number, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                batch.token[at] = token
                batch.pos[at] = position
                batch.n_seq_id[at] = 1
                batch.seq_id[at][0] = number
                batch.logits[at] = True
                at += 1
        batch.n_tokens = at
        if self._memory:
            c.llama_memory_clear(self._memory, False)
        code = c.llama_decode(self._context, batch)
        if code == 2:
            return None
        if code != 0:
            raise ValueError(f"llama.cpp can't evaluate these texts ({code})")
        return [self._row(number) for number in range(len(texts))]

    def _row(self, number: int) -> list[float]:
        found = c.llama_get_embeddings_seq(self._context, number)
        if not found:
            raise ValueError("llama.cpp gives no vector for a text")
        row: list[float] = np.ctypeslib.as_array(found, shape=(self.width,)).astype(np.float64).tolist()
        return row


def _metadata(model: Any, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    size = c.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace") if size >= 0 else ""
