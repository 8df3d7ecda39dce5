"""While an evaluation runs: the model that decides, and how far it has come, told on standard error."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

from hub.cli.words import console
from hub.ports import LLM

PATIENCE = 180.0
"""Seconds for a model to be read and tried."""
PAUSE = 5.0
"""Seconds between two lines of progress."""


@asynccontextmanager
async def deciding(llm: LLM) -> AsyncIterator[None]:
    """Have a model ready; if there's none, say so and go on as the hub would: without it."""
    await llm.open()
    try:
        deadline = time.monotonic() + PATIENCE
        # Of the ways that a model can turn out, an event tells only the best.
        while llm.info.state in {"loading", "restarting"} and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        info = llm.info
        if info.state != "ready":
            told = f" ({info.detail})" if info.detail else ""
            console(err=True).print(f"No model decides, {info.model} is {info.state}{told}: measured without one.")
        yield
    finally:
        await llm.close()


class Progress:
    """Tells how many are done, every few seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._began = self._told = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._tell()

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        if self._done < self._total and time.monotonic() - self._told > PAUSE:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        console(err=True).print(f"{self._what}: {self._done} of {self._total}, {self._told - self._began:.0f} s")
