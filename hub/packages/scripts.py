"""Programs of others, run by Monty: a small Python of its own in worker processes, without files, network or imports.

What a program may use of the hub it's given by name; whatever else it tries is refused. Limits are always set: of time,
of memory, of calls. A program that breaks its worker costs one call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import ManifestError, ToolError
from hub.manifests import Allowance

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, ResourceLimits

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

Hosts = Mapping[str, Callable[..., Awaitable[object]]]


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

    async def check(self, path: str, program: str, stubs: str) -> None:
        """Check a program's types against what it's given (`stubs`) and that it can be read; raises ManifestError.

        What stands outside its functions is run, with nothing of the hub in reach.
        """
        from pydantic_monty import CollectString, MontyError  # noqa: PLC0415 - only hubs with plugins load it

        pool = await self._opened()
        limits = _limits(Allowance())
        try:
            async with pool.checkout(
                script_name="plugin.py",
                limits=limits,
                type_check=True,
                type_check_stubs=stubs,
                type_check_format="concise",
            ) as session:
                await session.feed_run(program, print_callback=CollectString(max_bytes=PRINTED))
        except MontyError as error:
            raise ManifestError(f"{path}: {_first(str(error))}") from None

    async def call(
        self, program: str, expression: str, values: Mapping[str, object], allowance: Allowance, hosts: Hosts
    ) -> str:
        """Run a program and then an expression that sees `values`; return its value, as text or JSON.

        `hosts` are the functions that it may call. Raises ToolError with words for the LLM.
        """
        from pydantic_monty import CollectString, MontyCrashedError, MontyError  # noqa: PLC0415

        pool = await self._opened()
        try:
            async with pool.checkout(limits=_limits(allowance)) as session:
                value = await session.feed_run(
                    f"{program}\n\n{expression}",
                    inputs=dict(values),
                    external_lookup=dict(hosts),
                    print_callback=CollectString(max_bytes=PRINTED),
                )
        except MontyCrashedError:
            raise ToolError("The program broke its sandbox and was stopped.") from None
        except MontyError as error:
            raise ToolError(f"The program failed: {_first(str(error))}") from None
        except TimeoutError:
            raise ToolError("Too many programs are running; try again in a moment.") from None
        return _text(value)

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
            return self._pool


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


def _first(error: str) -> str:
    """Return an error's own line; where in the program it was is for its author."""
    lines = [line for line in error.strip().splitlines() if line.strip()]
    shown = " ".join(line.strip() for line in lines[:2])
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
