"""llama.cpp's context for the reader: a small BERT that says which of several texts a message belongs to, or none.

Imported in the model's own process only, like the engine.
"""

import ctypes
import hashlib
import json
import sys
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as c
import numpy as np

from hub.llm import wire
from hub.llm.params import model_params

LONGEST = 120
"""Tokens of a text; what's behind them isn't read."""

MOST = 1152
"""Tokens read in one go: a message and eight texts."""

HEADS_KEY = b"agenthost.reader.heads"


class BadReader(Exception):
    """The file can't be used as a reader; the text says why."""


def beside(path: str, sha256: str) -> "Reader | None":
    """Load the reader if there's to be one. Without it the rest serves: what's wrong goes to the log."""
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 and found != sha256:
            raise BadReader(f"its SHA-256 is {found}, not {sha256}")
        return Reader(path)
    except (BadReader, OSError) as error:
        sys.stderr.write(f"the reader {path} isn't used: {error}\n")
        return None


class Reader:
    """One reader, loaded."""

    def __init__(self, path: str, threads: int = 1) -> None:
        model = c.llama_model_load_from_file(path.encode(), model_params())
        if not model:
            raise BadReader("llama.cpp can't read it")
        self._model = model
        self._vocab: Any = c.llama_model_get_vocab(model)
        self._old, self._new = _heads(model)
        self._width = int(c.llama_model_n_embd(model))
        params = c.llama_context_default_params()
        params.embeddings = True
        params.pooling_type = c.LLAMA_POOLING_TYPE_NONE
        params.n_ctx = params.n_batch = params.n_ubatch = MOST
        params.n_threads = params.n_threads_batch = threads
        params.no_perf = True
        context = c.llama_init_from_model(model, params)
        if not context:
            raise BadReader("llama.cpp can't make a context for it")
        self._context = context
        self._batch = c.llama_batch_init(MOST, 0, 1)
        self._first, self._between = int(c.llama_vocab_bos(self._vocab)), int(c.llama_vocab_sep(self._vocab))

    def answer(self, asked: wire.Match) -> wire.Matched:
        """Serve a request; raises ValueError if it can't be."""
        logits, tokens = self.match(asked.message, asked.texts)
        return wire.Matched(id=asked.id, logits=tuple(logits), tokens=tokens)

    def match(self, message: str, texts: Sequence[str]) -> tuple[list[float], int]:
        """Return the logits of each text, and last that of none, and how many tokens were read.

        All stand in one text, each one's positions beginning where the message ends: their order means nothing.
        """
        parts = [[self._first, *self._tokens(message), self._between]]
        parts += [[*self._tokens(text), self._between] for text in texts]
        total = sum(map(len, parts))
        if total > MOST:
            raise ValueError(f"{len(texts)} texts are too many for the reader")
        whose = np.array(self._fill(parts))
        if code := c.llama_encode(self._context, self._batch):
            raise RuntimeError(f"llama_encode returned {code}")
        found = np.ctypeslib.as_array(c.llama_get_embeddings(self._context), shape=(total, self._width))
        means = [found[whose == number].mean(axis=0) for number in range(len(parts))]
        logits = [float(means[0] @ self._new[:-1] + self._new[-1])]
        logits += [float(mean @ self._old[:-1] + self._old[-1]) for mean in means[1:]]
        return [*logits[1:], logits[0]], total

    def _tokens(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        buffer = (c.llama_token * room)()
        count = c.llama_tokenize(self._vocab, data, len(data), buffer, room, False, False)
        return list(buffer[: max(0, min(count, LONGEST))])

    def _fill(self, parts: Sequence[Sequence[int]]) -> list[int]:
        """Fill the batch, ordered by position as llama.cpp wants it; return which part each row belongs to."""
        rows = [
            (position, number, token)
            for number, part in enumerate(parts)
            for position, token in enumerate(part, start=len(parts[0]) if number else 0)
        ]
        rows.sort(key=lambda row: row[0])
        batch = self._batch
        for at, (position, _, token) in enumerate(rows):
            batch.token[at], batch.pos[at] = token, position
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
            batch.logits[at] = True
        batch.n_tokens = len(rows)
        return [number for _, number, _ in rows]


def _heads(model: Any) -> tuple[Any, Any]:
    buffer = ctypes.create_string_buffer(64 * 1024)
    size = c.llama_model_meta_val_str(model, HEADS_KEY, buffer, len(buffer))
    try:
        heads = json.loads(buffer.value) if size >= 0 else {}
        return np.array(heads["old"], np.float32), np.array(heads["new"], np.float32)
    except (ValueError, KeyError, TypeError):
        raise BadReader("it isn't a reader of AgentHost's") from None
