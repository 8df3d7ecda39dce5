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
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hub.llm import memory, wire
from hub.llm.batch import SEQUENCES
from hub.llm.engine import BadModel, Engine, load
from hub.llm.intake import make
from hub.llm.jobs import TooLong
from hub.llm.pace import Pace
from hub.llm.pooling import Pooler, pools, writes
from hub.llm.post import Post
from hub.llm.prefixes import Prefixes
from hub.llm.reader import Reader, beside
from hub.llm.scheduler import Scheduler
from hub.llm.template import Template
from hub.llm.vectors import Vectors
from hub.llm.warmup import measure, most, probe

BEAT = 1.0
"""Seconds between signs of life while there's work."""

_PR_SET_PDEATHSIG = 1


class Worker:
    """One model, serving: it writes and weighs, or gives vectors, or both."""

    def __init__(
        self,
        engine: Engine | None,
        pooler: Pooler | None,
        reader: Reader | None,
        pace: Pace | None,
        post: Post,
        send: Callable[[wire.Report], None],
    ) -> None:
        self._reader = reader
        self._pace = pace
        self._post = post
        self._send = send
        self._vectors = Vectors(pooler, send) if pooler else None
        self._writer = Writer(engine, send) if engine else None
        self._beaten = time.monotonic()
        if engine and engine.eyes:
            engine.eyes.beat = self._beat

    def run(self) -> None:
        """Take what comes in and work on it, for ever."""
        while True:
            for order in self._post.collect(wait=self._idle):
                self._take(order)
            if self._writer:
                self._writer.scheduler.step(self._post.begin)
                if self._pace and self._pace.note(*self._writer.scheduler.last):
                    self._send(wire.Tuned(threads=self._pace.threads))
            if self._vectors:
                self._vectors.step(self._post.begin)
            self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._beaten > BEAT:
            self._send(wire.Beat())
            self._beaten = time.monotonic()

    @property
    def _idle(self) -> bool:
        return (not self._writer or self._writer.scheduler.idle) and (not self._vectors or self._vectors.idle)

    def _take(self, order: wire.Order) -> None:
        match order:
            case wire.Load():
                raise ValueError("one process serves one model")
            case wire.Cancel(id=id):
                if self._writer:
                    self._writer.scheduler.cancel(id)
                if self._vectors:
                    self._vectors.cancel(id)
            case _:
                try:
                    self._begin(order)
                except TooLong as error:
                    self._send(wire.Overflow(id=order.id, tokens=error.tokens, context=error.most))
                except ValueError as error:
                    self._send(wire.Fault(id=order.id, text=str(error)))

    def _begin(self, order: wire.Request) -> None:
        if isinstance(order, wire.Match):
            if self._reader is None:
                raise ValueError("no reader is loaded beside this model")
            # At once, between two steps of the others: it takes less than one of them.
            self._send(self._reader.answer(order))
        elif isinstance(order, wire.Embed):
            if self._vectors is None:
                raise ValueError("this model gives no vectors for texts; name one that was made for it")
            self._vectors.submit(order)
        elif self._writer is None:
            raise ValueError("this model only gives vectors for texts; let llm.model name one that can write")
        else:
            self._writer.begin(order)


class Writer:
    """What writes and weighs."""

    def __init__(self, engine: Engine, send: Callable[[wire.Report], None]) -> None:
        self.scheduler = Scheduler(engine, Prefixes(engine, SEQUENCES), send)
        self._engine = engine
        self._template = Template(engine)
        self._send = send

    def begin(self, order: wire.Work | wire.Count) -> None:
        """Take a request; raises TooLong, or ValueError if it can't be served."""
        if isinstance(order, wire.Count):
            self._send(wire.Counted(id=order.id, tokens=len(self._template.tokens(order.prompt))))
            return
        work = make(order, self._engine, self._template)
        if isinstance(work, wire.Weighed):
            self._send(work)
        else:
            self.scheduler.submit(work)


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
    memory.limit(order.memory_mb)
    sha256 = order.known
    try:
        sha256 = sha256 or _hash(order.path)
        if order.sha256 and sha256 != order.sha256:
            raise BadModel(f"its SHA-256 is {sha256}, not {order.sha256}: damaged, or another file; fetch it again")
        model = load(order.path, plain=order.plain)
        engine = Engine(model, order.context, memory_mb=order.memory_mb) if writes(model) else None
        if engine:
            probe(engine)
        threads, speed = _threads(engine, order) if engine else (order.threads or 1, 0.0)
        if engine and order.mmproj:
            engine.see(order.mmproj, threads)
        pooler = Pooler(model, threads) if pools(model) else None
        reader = beside(order.reader, order.reader_sha256)
    except (BadModel, OSError) as error:
        send(wire.Failed(detail=str(error), sha256=sha256))
        return
    parts = [part for part in (engine, pooler) if part]
    post = Post(source, lambda: [part.abort() for part in parts], lambda: [part.proceed() for part in parts])
    worker = Worker(engine, pooler, reader, _pace(engine, order, threads, speed), post, send)
    post.start()
    loaded = wire.Loaded(
        context=engine.context if engine else pooler.longest if pooler else 0,
        sha256=sha256,
        threads=threads,
        tokens_per_second=speed,
        dimensions=pooler.width if pooler else 0,
        sees=bool(engine and engine.eyes),
    )
    send(loaded)
    worker.run()


def _pace(engine: Engine | None, order: wire.Load, threads: int, speed: float) -> Pace | None:
    # Threads that somebody wished for are theirs.
    if engine is None or order.threads:
        return None
    return Pace(engine, threads, max(threads, most()), speed)


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
