"""Requests for vectors, a few texts at a time, so that answers and decisions go on beside them."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from hub.llm import wire
from hub.llm.jobs import TooLong

STEP = 256
"""Tokens evaluated in one go, if a single text hasn't more: so long everybody else waits."""


class Texts(Protocol):
    """What turns texts into rows of numbers; the pooler does."""

    at_once: int
    longest: int

    def tokens(self, text: str) -> list[int]: ...
    def rows(self, texts: Sequence[Sequence[int]]) -> list[list[float]] | None: ...


class Job:
    """One request."""

    def __init__(self, asked: wire.Embed, texts: list[list[int]]) -> None:
        self.id = asked.id
        self.urgency = asked.ask.priority, asked.id
        self.deadline = time.monotonic() + asked.ask.deadline
        self.texts = texts
        self.rows: list[tuple[float, ...]] = []


class Vectors:
    """The requests of one pooler, the more urgent first."""

    def __init__(self, pooler: Texts, send: Callable[[wire.Answer], None]) -> None:
        self._pooler = pooler
        self._send = send
        self._jobs: list[Job] = []

    @property
    def idle(self) -> bool:
        """Whether there's nothing to do."""
        return not self._jobs

    def submit(self, asked: wire.Embed) -> None:
        """Queue a request; raises TooLong, or ValueError if it can't be served."""
        texts = [self._pooler.tokens(text) for text in asked.texts]
        longest = max(map(len, texts), default=0)
        if longest > self._pooler.longest:
            raise TooLong(longest, self._pooler.longest)
        self._jobs.append(Job(asked, texts))

    def cancel(self, id: int) -> None:
        """Drop a request."""
        self._jobs = [job for job in self._jobs if job.id != id]

    def step(self, begin: Callable[[set[int]], bool]) -> None:
        """Evaluate a few texts, unless `begin`, given their request's id, says no; tell what's complete."""
        self._drop_late()
        if not self._jobs:
            return
        job = min(self._jobs, key=lambda job: job.urgency)
        some = self._some(job.texts[len(job.rows) :])
        if some:
            if not begin({job.id}):
                return
            rows = self._rows(job, some)
            if rows is None:
                return
            job.rows += (_unit(row) for row in rows)
        if len(job.rows) == len(job.texts):
            self.cancel(job.id)
            tokens = sum(map(len, job.texts))
            self._send(wire.Vectors(id=job.id, vectors=tuple(job.rows), tokens=tokens))

    def _rows(self, job: Job, some: list[list[int]]) -> list[list[float]] | None:
        try:
            return self._pooler.rows(some)
        except ValueError as error:
            self.cancel(job.id)
            self._send(wire.Fault(id=job.id, text=str(error)))
            return None

    def _some(self, texts: list[list[int]]) -> list[list[int]]:
        some: list[list[int]] = []
        room = min(self._pooler.longest, max(STEP, len(texts[0]) if texts else 0))
        for tokens in texts[: self._pooler.at_once]:
            room -= len(tokens)
            if room < 0:
                break
            some.append(tokens)
        return some

    def _drop_late(self) -> None:
        now = time.monotonic()
        for job in [job for job in self._jobs if job.deadline <= now]:
            self.cancel(job.id)
            self._send(wire.Late(id=job.id))


def _unit(row: Sequence[float]) -> tuple[float, ...]:
    length = math.hypot(*row)
    return tuple(value / length for value in row) if length > 0 else tuple(row)
