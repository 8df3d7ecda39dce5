"""The model's own process: `python -m hub.llm.worker`, spoken to over stdin and stdout (wire.py).

It dies with the hub: at the end of stdin, and on Linux when its parent does.
"""

import contextlib
import ctypes
import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, assert_never

from hub.llm import wire
from hub.llm.batch import SEQUENCES
from hub.llm.engine import BadModel, Engine
from hub.llm.intake import make
from hub.llm.jobs import TooLong
from hub.llm.pace import Pace
from hub.llm.post import Post
from hub.llm.prefixes import Prefixes
from hub.llm.scheduler import Scheduler
from hub.llm.template import Template
from hub.llm.warmup import measure, most, probe
from hub.ports import Said

BEAT = 1.0
"""Seconds between signs of life while there's work."""

_PR_SET_PDEATHSIG = 1


class Worker:
    """One model, serving."""

    def __init__(self, engine: Engine, pace: Pace, post: Post, send: Callable[[wire.Report], None]) -> None:
        self._engine = engine
        self._pace = pace
        self._template = Template(engine)
        self._post = post
        self._send = send
        self._scheduler = Scheduler(engine, Prefixes(engine, SEQUENCES), send)

    def run(self) -> None:
        """Take what comes in and work on it, for ever."""
        beaten = time.monotonic()
        while True:
            for order in self._post.collect(wait=self._scheduler.idle):
                self._take(order)
            self._scheduler.step(self._post.begin)
            if self._pace.note(*self._scheduler.last):
                self._send(wire.Tuned(threads=self._pace.threads))
            if time.monotonic() - beaten > BEAT:
                self._send(wire.Beat())
                beaten = time.monotonic()

    def _take(self, order: wire.Order) -> None:
        match order:
            case wire.Cancel(id=id):
                self._scheduler.cancel(id)
            case wire.Count(id=id, prompt=prompt):
                self._count(id, prompt)
            case wire.Chat() | wire.Decide() | wire.Fill() | wire.ScorePairs():
                self._begin(order)
            case wire.Load():
                raise ValueError("one process serves one model")
            case _:
                assert_never(order)

    def _count(self, id: int, prompt: Sequence[Said]) -> None:
        try:
            self._send(wire.Counted(id=id, tokens=len(self._template.tokens(prompt))))
        except ValueError as error:
            self._send(wire.Fault(id=id, text=str(error)))

    def _begin(self, asked: wire.Work) -> None:
        try:
            work = make(asked, self._engine, self._template)
            if isinstance(work, wire.Weighed):
                self._send(work)
            else:
                self._scheduler.submit(work)
        except TooLong as error:
            self._send(wire.Overflow(id=asked.id, tokens=error.tokens, context=self._engine.context))
        except ValueError as error:
            self._send(wire.Fault(id=asked.id, text=str(error)))


def main() -> None:
    """Serve the hub until it's gone."""
    _tie_to_parent()
    source, sink = _take_pipes()

    def send(report: wire.Report) -> None:
        sink.write(wire.frame(report))
        sink.flush()

    order = wire.read_order(source.read)
    if not isinstance(order, wire.Load):
        return
    sha256 = order.known
    try:
        sha256 = sha256 or _hash(order.path)
        if order.sha256 and sha256 != order.sha256:
            raise BadModel(f"its SHA-256 is {sha256}, not {order.sha256}: damaged, or another file; fetch it again")
        engine = Engine(order.path, order.context)
        probe(engine)
        threads, speed = _threads(engine, order)
    except (BadModel, OSError) as error:
        send(wire.Failed(detail=str(error), sha256=sha256))
        return
    post = Post(source, engine.abort, engine.proceed)
    # Threads that somebody wished for are theirs.
    pace = Pace(engine, 1, 1, speed) if order.threads else Pace(engine, threads, max(threads, most()), speed)
    worker = Worker(engine, pace, post, send)
    post.start()
    send(wire.Loaded(context=engine.context, sha256=sha256, threads=threads, tokens_per_second=speed))
    worker.run()


def _threads(engine: Engine, order: wire.Load) -> tuple[int, float]:
    if order.measured is None:
        return measure(engine, order.threads)
    engine.threads(order.measured[0], order.measured[0])
    return order.measured


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to ourselves: what a library prints goes to stderr."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return source, sink


def _tie_to_parent() -> None:
    # Ctrl-C reaches the whole group; it's the hub that decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # If memory runs out, it's better that this process dies than the hub.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _hash(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
