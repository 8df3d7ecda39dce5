"""A small model that scores pairs as the hub's worker does, without a process of its own."""

import ctypes
import os
from collections.abc import Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np

from hub.evals.streams import Item
from hub.flow import weighing
from hub.ports import Score
from make.training.streams import CANDIDATES


class Scorer:
    """Scores pairs as the hub's worker does: one sequence for each task, its prefix kept, one batch a message."""

    def __init__(self, path: str) -> None:
        import llama_cpp  # noqa: PLC0415 - only `score` and `online` need it

        from hub.llm.params import model_params  # noqa: PLC0415 - it loads llama_cpp

        self.lib = llama_cpp
        self.lib.llama_backend_init()
        self._quiet = self.lib.llama_log_callback(lambda *_: None)
        self.lib.llama_log_set(self._quiet, ctypes.c_void_p(0))
        self.model = self.lib.llama_model_load_from_file(path.encode(), model_params())
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        params = self.lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = 4096, 1536, 1536, CANDIDATES + 3
        params.n_threads = params.n_threads_batch = 1
        params.kv_unified = True
        self.context = self.lib.llama_init_from_model(self.model, params)
        self.memory = self.lib.llama_get_memory(self.context)
        self.size = self.lib.llama_vocab_n_tokens(self.vocab)
        self.batch = self.lib.llama_batch_init(1536, 0, 1)
        self.kept: dict[str, tuple[int, list[int]]] = {}
        self.evaluated = 0

    def forget(self) -> None:
        self.lib.llama_memory_clear(self.memory, True)
        self.kept = {}

    def score(self, asked: Sequence[tuple[str, str, str]]) -> list[Score]:
        """Score (name, prefix, continuation); the name says whose prefix to go on from."""
        rows = 0
        jobs = []
        for name, prefix, text in asked:
            head, tail = self._tokens(prefix), self._tokens(text)
            sequence, known = self._sequence(name, {name for name, _, _ in asked})
            same = 0
            while same < min(len(known), len(head) - 1) and known[same] == head[same]:
                same += 1
            self.lib.llama_memory_seq_rm(self.memory, sequence, same, -1)
            for at, token in enumerate(head[same:] + tail[:-1], start=same):
                self._put(rows, token, at, sequence, at >= len(head) - 1)
                rows += 1
            jobs.append((name, sequence, head, tail, rows - len(tail)))
        self.batch.n_tokens = rows
        self.evaluated += rows
        if self.lib.llama_decode(self.context, self.batch):
            raise RuntimeError("llama_decode failed")
        found = []
        for name, sequence, head, tail, first in jobs:
            found.append(Score(sum(self._logprob(first + at, token) for at, token in enumerate(tail)), len(tail)))
            self.lib.llama_memory_seq_rm(self.memory, sequence, len(head), -1)
            self.kept[name] = (sequence, head)
        return found

    def _put(self, row: int, token: int, at: int, sequence: int, wanted: bool) -> None:
        self.batch.token[row], self.batch.pos[row] = token, at
        self.batch.n_seq_id[row], self.batch.seq_id[row][0] = 1, sequence
        self.batch.logits[row] = wanted

    def _sequence(self, name: str, wanted: set[str]) -> tuple[int, list[int]]:
        if name in self.kept:
            return self.kept[name]
        free = set(range(CANDIDATES + 3)) - {sequence for sequence, _ in self.kept.values()}
        if not free:
            oldest = next(name for name in self.kept if name not in wanted)
            free = {self.kept.pop(oldest)[0]}
        sequence = min(free)
        self.lib.llama_memory_seq_rm(self.memory, sequence, 0, -1)
        self.kept[name] = (sequence, [])
        return self.kept[name]

    def _tokens(self, text: str) -> list[int]:
        raw = text.encode()
        found = (self.lib.llama_token * (len(raw) + 8))()
        return list(found[: self.lib.llama_tokenize(self.vocab, raw, len(raw), found, len(found), False, False)])

    def _logprob(self, row: int, token: int) -> float:
        logits = np.ctypeslib.as_array(self.lib.llama_get_logits_ith(self.context, row), shape=(self.size,))
        top = logits.max()
        return float(logits[token] - top - np.log(np.exp(logits - top).sum()))


def ask(scorer: Scorer, item: Item) -> list[Score]:
    names = ["", *(seen.task.id for seen in item.roster)]
    return scorer.score(
        [(name, *pair) for name, pair in zip(names, weighing.pairs(item.message.text, item.roster), strict=True)]
    )
