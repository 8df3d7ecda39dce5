"""Keeps the model's process alive: looks at the file, starts, listens, starts again."""

import asyncio
import importlib.util
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from hub.errors import ContextOverflow, LLMError, LLMTimeout, LLMUnavailable
from hub.llm import memory, wire
from hub.llm.child import Child
from hub.ports import LLMInfo

log = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between looks at the model's file."""

SILENCE = 10.0
"""Seconds without a sign of life, while there's work, after which the process is taken for hung."""

GRACE = 2.0
"""Seconds after a request's deadline in which the process can still say so itself."""

LOADING = 600.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
HEALTHY = 60.0
CRASHES = 3

INSTALL = (
    "llama-cpp-python isn't installed: install gcc, g++ and make and run `make run` again, "
    'or name an OpenAI-compatible server: [llm] backend = "remote", url, model'
)

Stamp = tuple[int, int, int, int]
State = Literal["absent", "loading", "ready", "restarting", "broken"]


class Died(Exception):
    """The process ended by itself, or had to be ended."""


class TooBig(Died):
    """The process took more memory than it may."""


class Request:
    """One request under way: what the process says to it."""

    def __init__(self, id: int, deadline: float) -> None:
        self.id = id
        self.deadline = deadline
        self.over = False
        self._answers: asyncio.Queue[wire.Answer | LLMUnavailable] = asyncio.Queue()

    def put(self, answer: wire.Answer | LLMUnavailable) -> None:
        """Hand over an answer."""
        self.over = not isinstance(answer, wire.Wrote)
        self._answers.put_nowait(answer)

    async def next(self) -> wire.Good:
        """Return the next answer; raises LLMUnavailable, LLMTimeout, ContextOverflow or LLMError."""
        try:
            async with asyncio.timeout_at(self.deadline + GRACE):
                answer = await self._answers.get()
        except TimeoutError:
            raise LLMTimeout("the model's process didn't answer in time") from None
        match answer:
            case LLMUnavailable():
                raise answer
            case wire.Late():
                raise LLMTimeout("the request's deadline passed")
            case wire.Overflow(tokens=tokens, context=context):
                raise ContextOverflow(tokens, context)
            case wire.Fault(text=text):
                raise LLMError(text)
            case _:
                return answer


class Keeper:
    """One model file and the process that serves it."""

    def __init__(self, path: Path, load: wire.Load) -> None:
        self._path = path
        self._load = load
        self._info = LLMInfo(model=path.name, state="loading")
        self._ready = asyncio.Event()
        self._ids = itertools.count(1)
        self._requests: dict[int, Request] = {}
        self._child: Child | None = None
        self._heard = 0.0
        self._served = False
        self._hung = asyncio.Event()
        self._stamp: tuple[Stamp, ...] | str | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def info(self) -> LLMInfo:
        """How it stands."""
        return self._info

    @property
    def pid(self) -> int | None:
        """The process that serves, if there's one."""
        return self._child.pid if self._child else None

    def open(self) -> None:
        """Begin to keep it alive."""
        # It outlives the call, up to `close`: no TaskGroup can span the two.
        self._life = asyncio.create_task(self._live(), name="keeper")

    async def close(self) -> None:
        """End the process; requests under way fail."""
        if self._life:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life
        self._life = None

    async def ready(self) -> None:
        """Return when requests can be served."""
        await self._ready.wait()

    @contextmanager
    def ask(self, make: Callable[[int], wire.Request], seconds: float) -> Iterator[Request]:
        """Send a request; it's cancelled at the end of the block if it isn't over. Raises LLMUnavailable."""
        if not self._ready.is_set() or self._child is None:
            raise LLMUnavailable(f"{self._info.model} is {self._info.state}: {self._info.detail or 'try again soon'}")
        child, loop = self._child, asyncio.get_running_loop()
        if not self._requests:
            self._heard = loop.time()
        request = Request(next(self._ids), loop.time() + seconds)
        self._requests[request.id] = request
        child.send(make(request.id))
        try:
            yield request
        except LLMTimeout:
            if loop.time() - self._heard > GRACE:
                self._hung.set()
            raise
        finally:
            del self._requests[request.id]
            if not request.over:
                child.send(wire.Cancel(id=request.id))

    def measured(self, tokens_per_second: float) -> None:
        """Take note of how fast an answer was written."""
        self._info = replace(self._info, tokens_per_second=round(tokens_per_second, 1))

    async def _live(self) -> None:
        if importlib.util.find_spec("llama_cpp") is None:
            self._say("absent", INSTALL)
            return
        pause, deaths = FIRST_PAUSE, 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                if await self._present():
                    await self._serve()
                continue
            except (Died, OSError) as error:
                reason = str(error)
                if isinstance(error, TooBig):
                    self._shrink()
            except Exception as error:
                log.exception("the model's keeper stumbled")
                reason = repr(error)
            # One that has answered something isn't in a crash loop, however often it's killed.
            if self._served or asyncio.get_running_loop().time() - began > HEALTHY:
                pause, deaths = FIRST_PAUSE, 0
            deaths += 1
            log.warning("the model's process ended (%s); starting it again in %.1f s", reason, pause)
            crashing = deaths > CRASHES and not self._served
            self._say("broken" if crashing else "restarting", f"{self._path}: the model's process ended: {reason}")
            self._info = replace(self._info, restarts=self._info.restarts + 1)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _present(self) -> bool:
        stamp = await asyncio.to_thread(_stamps, self._files)
        if isinstance(stamp, str):
            self._say("broken", stamp)
            await self._change(stamp)
            return False
        if stamp != self._stamp:
            self._say("loading", "")
            self._load = replace(self._load, known="", measured=None)
        self._stamp = stamp
        return True

    @property
    def _files(self) -> dict[str, Path]:
        """What it's made of, by the config's key."""
        return {"model": self._path} | ({"mmproj": Path(self._load.mmproj)} if self._load.mmproj else {})

    def _shrink(self) -> None:
        """Start with half the context next time."""
        context = max(memory.LEAST, min(self._load.context, self._info.context or self._load.context) // 2)
        if context < self._load.context:
            log.warning("%s: from now on with a context of %d tokens, which takes less memory", self._path, context)
            self._load = replace(self._load, context=context)

    def _avoid(self, child: Child) -> None:
        """Start without the processor's special units next time, if it crashed before it ever served."""
        if child.crashed and not self._served and not self._load.plain:
            log.warning("%s: from now on without the processor's special units for matrices", self._path)
            self._load = replace(self._load, plain=True, measured=None)

    async def _serve(self) -> None:
        """Serve until the file changes; raises Died, or OSError if no process can be started."""
        self._served = False
        self._hung.clear()
        child, reason, too_big = await Child.start(), "", False
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(child.listen())
            try:
                await self._run(child)
            except Died as died:
                reason, too_big = str(died), isinstance(died, TooBig)
            finally:
                self._ready.clear()
                self._child = None
                self._info = replace(self._info, state="restarting")
                self._fail_requests()
                await child.kill()
                await asyncio.wait([listening], timeout=1)
                listening.cancel()
        if too_big:
            raise TooBig(reason)
        if reason and child.starved:
            raise TooBig(f"{reason}: it got no more memory ({child.end})")
        if reason:
            self._avoid(child)
            raise Died(f"{reason}: {child.end}")

    async def _run(self, child: Child) -> None:
        child.send(self._load)
        try:
            async with asyncio.timeout(LOADING):
                report = await child.receive()
        except TimeoutError:
            raise Died("it didn't get ready") from None
        match report:
            case wire.Loaded():
                self._begin(child, report)
            case wire.Failed():
                self._load = replace(self._load, known=report.sha256)
                self._say("broken", f"{self._path}: {report.detail}")
                await self._change(self._stamp)
                return
            case _:
                raise Died("it died while loading")
        ends = [self._receive(child), self._watch(child), self._change(self._stamp)]
        tasks = [asyncio.ensure_future(end) for end in ends]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        for task in done:
            task.result()
        self._say("restarting", f"{self._path}: the file has changed; it's loaded anew")

    def _begin(self, child: Child, loaded: wire.Loaded) -> None:
        speed, threads = loaded.tokens_per_second, loaded.threads
        self._load = replace(self._load, known=loaded.sha256, measured=(threads, speed))
        self._child = child
        self._info = replace(
            self._info,
            state="ready",
            detail="",
            context=loaded.context,
            sha256=loaded.sha256,
            threads=threads,
            dimensions=loaded.dimensions,
            sees=loaded.sees,
            tokens_per_second=self._info.tokens_per_second or round(speed, 1),
        )
        self._ready.set()
        log.info("%s is ready: %d threads, %.0f tokens/s", self._info.model, threads, speed)

    async def _receive(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        while (report := await child.receive()) is not None:
            self._heard = loop.time()
            match report:
                case wire.Loaded() | wire.Failed() | wire.Beat():
                    pass
                case wire.Tuned(threads=threads):
                    busy = "busy" if threads < self._info.threads else "quiet again"
                    log.info("the machine is %s: %d threads from now on", busy, threads)
                    self._load = replace(self._load, measured=(threads, self._info.tokens_per_second))
                    self._info = replace(self._info, threads=threads)
                case _:
                    self._served = self._served or isinstance(report, wire.Served)
                    if request := self._requests.get(report.id):
                        request.put(report)
        raise Died("it died")

    async def _watch(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._hung.wait()
                raise Died("it didn't answer in time, and was killed")
            self._measure(child)
            if self._requests and loop.time() - self._heard > SILENCE:
                raise Died(f"it gave no sign of life for {SILENCE:.0f} s, and was killed")

    def _measure(self, child: Child) -> None:
        taken, most = memory.resident(child.pid), self._load.memory_mb
        self._info = replace(self._info, memory_mb=round(taken, 1))
        if most and taken > most:
            raise TooBig(f"it took {taken:.0f} MB of memory, and llm.memory_mb allows {most}")

    async def _change(self, seen: tuple[Stamp, ...] | str | None) -> None:
        while True:
            if await asyncio.to_thread(_stamps, self._files) != seen:
                return
            await asyncio.sleep(LOOK)

    def _fail_requests(self) -> None:
        for request in self._requests.values():
            request.put(LLMUnavailable("the model's process ended; it's being started again"))

    def _say(self, state: State, detail: str) -> None:
        if detail and detail != self._info.detail:
            log.warning("%s: %s", state, detail)
        self._info = replace(self._info, state=state, detail=detail)


def _stamps(files: Mapping[str, Path]) -> tuple[Stamp, ...] | str:
    """Return what changes when a file does, or why one can't be had."""
    stamps = []
    for key, path in files.items():
        try:
            found = path.stat()
        except OSError as error:
            return f"{path}: {error.strerror or error}; put a GGUF file there, or let llm.{key} name one"
        stamps.append((found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode))
    return tuple(stamps)
