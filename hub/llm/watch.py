"""Whether a models' server is there: looked at until it answers, and again whenever a request finds it gone."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from msgspec.structs import replace

from hub.errors import LLMError, LLMRefused, LLMTimeout
from hub.llm.refusals import Passing, Unknown, Unsupported
from hub.ports import LLMInfo

LOOK = 2.0
"""Seconds between looks at a server that doesn't answer; they double up to LONGEST_LOOK."""

LONGEST_LOOK = 60.0
REFUSED = 60.0
"""Seconds until one that refused the key, or wants money, is tried again; they double up to LONGEST_REFUSED."""

LONGEST_REFUSED = 3600.0

Look = Callable[[], Awaitable[str]]


class Watch:
    """Keeps an eye on a server, so that no request has to find out again that it's down.

    `look` returns "" if the server answers, else why it's of no use; it raises LLMRefused.
    """

    def __init__(self, info: LLMInfo, look: Look) -> None:
        self.info = info
        self._look = look
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._rest = 0.0
        self._losses = 0

    def open(self) -> None:
        """Begin to look, and return without waiting."""
        # It outlives the call, up to `close`: no TaskGroup can span the two.
        self._looking = asyncio.create_task(self._watch(), name="remote")

    async def close(self) -> None:
        """Stop looking."""
        if self._looking:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def ready(self) -> None:
        """Return when the server has answered; wait for ever if it never does."""
        await self._ready.wait()

    def note(self, error: LLMError) -> None:
        """Take note of a request that failed: the server rests until it has been looked at again."""
        if isinstance(error, LLMTimeout):  # slow, or gone: a look tells, and until then it counts as well
            self._rest = 0.0
            self._lost.set()
            return
        refused = isinstance(error, LLMRefused)
        if isinstance(error, Unsupported) and not isinstance(error, Unknown):
            return  # it's this request that it doesn't take, not us
        first, longest = (REFUSED, LONGEST_REFUSED) if refused else (LOOK, LONGEST_LOOK)
        wished = error.after if isinstance(error, Passing) else 0.0
        rest = max(wished, min(longest, first * 2**self._losses))
        self._losses = min(self._losses + 1, 12)
        self._lose("broken" if refused else "restarting", str(error), rest)

    def served(self) -> None:
        """Take note of a request that went well."""
        self._losses = 0
        if self.info.state != "ready":
            self._say("ready")

    def learn(self, dimensions: int) -> None:
        """Take note of how many numbers the model's vectors have."""
        self.info = replace(self.info, dimensions=dimensions)

    async def _watch(self) -> None:
        while True:
            await self._find()
            await self._lost.wait()
            await asyncio.sleep(self._rest)

    async def _find(self) -> None:
        pause = LOOK
        while True:
            self._lost.clear()
            try:
                detail = await self._look()
            except LLMRefused as error:
                self._say("broken", str(error))
                pause = LONGEST_LOOK
            else:
                if not self._lost.is_set():
                    self._say("restarting" if detail else "ready", detail)
                if not detail:
                    return
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 2)

    def _lose(self, state: Literal["restarting", "broken"], detail: str, rest: float) -> None:
        self._rest = rest
        self._say(state, detail)
        self._lost.set()

    def _say(self, state: Literal["ready", "restarting", "broken"], detail: str = "") -> None:
        self.info = replace(self.info, state=state, detail=detail)
        if state == "ready":
            self._ready.set()
        else:
            self._ready.clear()
