"""Programs of others, run by Monty: a small Python of its own in worker processes, without files, network or imports.

What a program may use of the hub it's given by name; whatever else it tries is refused. Limits are always set: of time,
of memory, of calls. A program that breaks its worker costs one call.
"""

import asyncio
import atexit
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from hub.errors import ManifestError, ToolError
from hub.manifests import Allowance

if TYPE_CHECKING:
    from pydantic_monty import AsyncFunctionSnapshot, AsyncMonty, AsyncMontySession, AsyncSnapshot, ResourceLimits

WORKERS = 2
PATIENCE = 10.0
"""Seconds to wait for a worker."""
GRACE = 60.0
"""Seconds, the hub's own functions included, after which a worker is killed whatever it says."""
RECURSION = 200
MARGIN = 20
"""Looking up a name of the hub's counts as a call, too."""
PRINTED = 10_000
"""Bytes of output."""
REUSED = 200
"""Sessions until a worker is replaced."""
SHOWN = 600
"""Characters of an error."""
ASK = "ask"
"""A program's call of this one is answered by nobody at once: its run ends there until there's an answer."""
LINGER = 0.05
"""Seconds between the last of this process and its end: see `_linger`."""
QUESTION = 1_000
"""Characters of a question."""
QUESTIONS = 10
"""Of one call."""

Hosts = Mapping[str, Callable[..., Awaitable[object]]]


class Answer(Struct, frozen=True, kw_only=True):
    """What a program asked, and what it was told."""

    question: str
    answer: str


class Asked(Struct, frozen=True, kw_only=True):
    """A program's run ended at a question."""

    question: str
    state: bytes
    """The program as it stands: only for `go_on`, and only if it's certain that nobody changed it."""


class Failed(Exception):
    """What an agent wrote can't be run, or failed."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.text = text
        """The error in one line; what a check found, a line for each."""
        self.line = line
        """Where it failed, from 1; 0 if nobody knows."""


class Unloadable(Exception):
    """A state that this Monty can't go on with: another version wrote it."""


class Strayed(Exception):
    """A program that was begun anew asked something else than it had."""


class Scripts:
    """Runs programs. Workers are started with the first one: a hub without plugins has none."""

    def __init__(self) -> None:
        self._pool: AsyncMonty | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            await self._pool.__aexit__(None, None, None)
            self._pool = None

    @property
    def version(self) -> str:
        """Return which Monty it is: a state is gone on with by the same one."""
        from pydantic_monty import __version__  # noqa: PLC0415 - only hubs with plugins load it

        return __version__

    async def check(self, path: str, program: str, stubs: str) -> None:
        """Check a program's types against what it's given (`stubs`) and that it can be read; raises ManifestError.

        What stands outside its functions is run, with nothing of the hub in reach.
        """
        from pydantic_monty import CollectString, MontyError  # noqa: PLC0415

        pool = await self._opened()
        name = path.rpartition("/")[2]
        try:
            async with pool.checkout(
                script_name=name,
                limits=_limits(Allowance()),
                type_check=True,
                type_check_stubs=stubs,
                type_check_format="concise",
            ) as session:
                await session.feed_run(program, print_callback=CollectString(max_bytes=PRINTED))
        except MontyError as error:
            told = _first(str(error))
            # What has to do with its types says where: as path:line:column.
            raise ManifestError(
                f"{path}{told.removeprefix(name) if told.startswith(f'{name}:') else f': {told}'}"
            ) from None

    async def call(
        self, program: str, expression: str, values: Mapping[str, object], allowance: Allowance, hosts: Hosts
    ) -> str:
        """Run a program and then an expression that sees `values`; return its value, as text or JSON.

        `hosts` are the functions that it may call. Raises ToolError with words for the LLM.
        """
        from pydantic_monty import CollectString  # noqa: PLC0415

        async with self._session(allowance) as session:
            value = await session.feed_run(
                f"{program}\n\n{expression}",
                inputs=dict(values),
                external_lookup=dict(hosts),
                print_callback=CollectString(max_bytes=PRINTED),
            )
        return _text(value)

    async def compute(
        self, code: str, stubs: str, allowance: Allowance, hosts: Hosts, certain: Callable[[str], bool]
    ) -> str:
        """Run code that has no function to call; return what it printed and its last expression's value, if any.

        Its types are checked first: what's found there and `certain` to fail isn't run. Raises Failed, and ToolError
        where it never began.
        """
        from pydantic_monty import (  # noqa: PLC0415
            CollectString,
            MontyCrashedError,
            MontyError,
            MontyRuntimeError,
            MontySyntaxError,
            MontyTypingError,
        )

        pool = await self._opened()
        printed = CollectString(max_bytes=PRINTED)

        async def fed(*, unchecked: bool) -> Any:
            async with pool.checkout(
                limits=_limits(allowance),
                type_check=True,
                type_check_stubs=stubs,
                type_check_format="concise",
                # Nobody waits for what's computed to have slept.
                os_policy={"sleep": "zero"},
            ) as session:
                return await session.feed_run(
                    code, external_lookup=dict(hosts), print_callback=printed, skip_type_check=unchecked
                )

        try:
            try:
                value = await fed(unchecked=False)
            except MontyTypingError as error:
                if certain(str(error)):
                    raise Failed(str(error)) from None
                value = await fed(unchecked=True)
        except (MontyRuntimeError, MontySyntaxError) as error:
            frames = error.traceback()
            raise Failed(_first(str(error)), frames[-1].line if frames else 0) from None
        except MontyCrashedError:
            raise Failed("it broke its sandbox and was stopped") from None
        except MontyError as error:
            raise Failed(_first(str(error))) from None
        except TimeoutError:
            raise ToolError("Too many programs are running; try again in a moment.") from None
        return "\n".join(filter(None, (printed.output.strip(), "" if value is None else _shown(value))))

    async def begin(
        self,
        program: str,
        expression: str,
        values: Mapping[str, object],
        allowance: Allowance,
        hosts: Hosts,
        answers: Iterable[Answer] = (),
    ) -> str | Asked:
        """Run a program as `call` does, but until it asks something that isn't among `answers`.

        Raises Strayed if it asks them otherwise.
        """
        from pydantic_monty import CollectString  # noqa: PLC0415

        told = deque(answers)
        async with self._session(allowance) as session:
            snapshot = await session.feed_start(
                f"{program}\n\n{expression}",
                inputs=dict(values),
                external_lookup=_asking(hosts, told),
                print_callback=CollectString(max_bytes=PRINTED),
            )
            return await _driven(snapshot, told)

    async def go_on(self, state: bytes, allowance: Allowance, hosts: Hosts, answer: Answer) -> str | Asked:
        """Go on with a program that asked, within new limits; raises Unloadable besides ToolError."""
        from pydantic_monty import CollectString, MontyError  # noqa: PLC0415

        told = deque([answer])
        async with self._session(allowance) as session:
            try:
                snapshot = await session.load_snapshot(
                    state, external_lookup=_asking(hosts, told), print_callback=CollectString(max_bytes=PRINTED)
                )
            except MontyError as error:
                raise Unloadable(_first(str(error))) from None
            return await _driven(snapshot, told)

    @asynccontextmanager
    async def _session(self, allowance: Allowance) -> AsyncIterator["AsyncMontySession"]:
        """Give a session in a worker; what goes wrong in it is a ToolError."""
        from pydantic_monty import MontyCrashedError, MontyError  # noqa: PLC0415

        pool = await self._opened()
        try:
            async with pool.checkout(limits=_limits(allowance)) as session:
                yield session
        except MontyCrashedError:
            raise ToolError("The program broke its sandbox and was stopped.") from None
        except MontyError as error:
            raise ToolError(f"The program failed: {_first(str(error))}") from None
        except TimeoutError:
            raise ToolError("Too many programs are running; try again in a moment.") from None

    async def _opened(self) -> "AsyncMonty":
        from pydantic_monty import AsyncMonty  # noqa: PLC0415

        async with self._opening:
            if self._pool is None:
                pool = AsyncMonty(
                    max_processes=WORKERS,
                    checkout_timeout=PATIENCE,
                    request_timeout=GRACE,
                    max_checkouts_per_worker=REUSED,
                )
                await pool.__aenter__()
                self._pool = pool
                atexit.unregister(_linger)
                atexit.register(_linger)
            return self._pool


def _linger() -> None:
    """Let Monty's threads come to rest: one that still reports to a Python that's ending aborts the process."""
    time.sleep(LINGER)


async def _driven(snapshot: "AsyncSnapshot", told: "deque[Answer]") -> str | Asked:
    """Answer what a program calls until it ends, or asks what nobody has told yet."""
    from pydantic_monty import AsyncFunctionSnapshot, MontyComplete  # noqa: PLC0415

    asked = 0
    while not isinstance(snapshot, MontyComplete):
        if not isinstance(snapshot, AsyncFunctionSnapshot) or snapshot.is_os_function or snapshot.function_name != ASK:
            snapshot = await snapshot.resume_auto()
            continue
        asked += 1
        question = _question(snapshot, asked)
        if isinstance(question, Exception):
            snapshot = await snapshot.resume({"exception": question})
        elif not told:
            return Asked(question=question, state=snapshot.dump())
        elif told[0].question != question:
            raise Strayed
        else:
            snapshot = await snapshot.resume_auto()
    return _text(snapshot.output)


def _question(snapshot: "AsyncFunctionSnapshot", number: int) -> str | Exception:
    """Return what a program asks, or what's wrong with how it does."""
    values = (*snapshot.args, *snapshot.kwargs.values())
    if len(values) != 1 or not set(snapshot.kwargs) <= {"question"} or not isinstance(values[0], str):
        return TypeError("ask(): takes one text, the question")
    if not 0 < len(values[0].strip()) <= QUESTION:
        return ValueError(f"ask(): a question has 1 to {QUESTION} characters")
    if not snapshot.allow_eager_await:
        # What's under way beside it wouldn't outlive the pause.
        return RuntimeError("ask(): await it by itself, when nothing else is being waited for")
    if number > QUESTIONS:
        return RuntimeError(f"ask(): {QUESTIONS} questions are the most in one call")
    return values[0]


def _asking(hosts: Hosts, told: "deque[Answer]") -> dict[str, Callable[..., Awaitable[object]]]:
    async def ask(question: str) -> str:
        return told.popleft().answer

    return {**hosts, ASK: ask}


def _limits(allowance: Allowance) -> "ResourceLimits":
    return {
        "max_feed_duration_secs": allowance.seconds,
        "max_turn_duration_secs": allowance.seconds,
        "max_memory": allowance.memory_mb * 1024 * 1024,
        "max_suspensions": allowance.calls + MARGIN,
        "max_recursion_depth": RECURSION,
        "max_total_sleep_secs": allowance.seconds,
    }


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError):
        raise ToolError("The program's result isn't text, a number, a list or a dictionary.") from None


def _shown(value: Any) -> str:
    try:
        return _text(value)
    except ToolError:
        return str(value)[:PRINTED]


def _first(error: str) -> str:
    """Return an error's own line; where in the program it was is for its author."""
    lines = [line for line in error.strip().splitlines() if line.strip()]
    shown = " ".join(line.strip() for line in lines[:2])
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
