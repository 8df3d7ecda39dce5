"""The LLM port over several backends: the first that can serves."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import TypeVar, cast

from msgspec.structs import replace

from hub.errors import LLMAway, LLMError, LLMRefused, LLMUnavailable
from hub.ports import LLM, Decision, Embedded, Embedding, End, Filled, LLMInfo, Piece, Said, Terms

T = TypeVar("T")
log = logging.getLogger(__name__)


class Chain:
    """Backends in the order in which they're tried, for each request anew.

    One that isn't ready is passed over without a try: each looks after itself until it's ready again. Once a part of an
    answer was shown, no other goes on with it; the error says so, and who asks again is served by another.
    """

    def __init__(self, *members: LLM) -> None:
        self.members = members

    @property
    def info(self) -> LLMInfo:
        """Say how the one is that would serve now; in its detail, in whose place it does."""
        infos = [member.info for member in self.members]
        money = max(info.money_today for info in infos)
        for number, info in enumerate(infos):
            if info.state == "ready":
                detail = f"in place of {'; '.join(map(_told, infos[:number]))}" if number else info.detail
                return replace(info, detail=detail, money_today=money)
        return replace(infos[0], detail="; ".join(map(_told, infos)), money_today=money)

    async def open(self) -> None:
        """Begin to get all ready, and return without waiting for them."""
        for member in self.members:
            await member.open()

    async def close(self) -> None:
        """Stop all; requests under way fail."""
        async with AsyncExitStack() as stack:
            for member in self.members:
                stack.push_async_callback(member.close)

    async def ready(self) -> None:
        """Return when one of them can serve; wait for ever if that never comes."""
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(member.ready()) for member in self.members]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        """Answer in pieces, then one End; closing the iterator cancels."""
        last: Exception | None = None
        for member in self._order():
            shown = False
            try:
                answer = cast(
                    "AsyncGenerator[Piece | End]", member.chat(prompt, ask, limit=limit, temperature=temperature)
                )
                async with aclosing(answer) as pieces:
                    async for piece in pieces:
                        shown = True
                        yield piece
                return
            except (LLMUnavailable, LLMRefused) as error:
                if shown:
                    raise
                last = self._passed_over(member, error)
        raise last or self._nobody()

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is as the assistant's next words after `lead`."""
        return await self._first(lambda member: member.decide(prompt, options, ask, lead=lead))

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens."""
        return await self._first(lambda member: member.fill(prompt, schema, ask, lead=lead, limit=limit))

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens a prompt has for the one that would serve now."""
        return await self._first(lambda member: member.count(prompt))

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        """Return a vector for each text, by the first alone: those of another model say something else."""
        first = self.members[0]
        if not isinstance(first, Embedding):
            raise LLMError(f"{first.info.model} gives no vectors")
        return await first.embed(texts, ask)

    async def _first(self, do: Callable[[LLM], Awaitable[T]]) -> T:
        last: Exception | None = None
        for member in self._order():
            try:
                return await do(member)
            except (LLMUnavailable, LLMRefused) as error:
                last = self._passed_over(member, error)
        raise last or self._nobody()

    def _order(self) -> list[LLM]:
        """Return those to try; before any is known to be ready, those that may just be."""
        ready = [member for member in self.members if member.info.state == "ready"]
        return ready or [member for member in self.members if member.info.state == "loading"]

    def _nobody(self) -> LLMAway:
        return LLMAway("; ".join(_told(member.info) for member in self.members))

    def _passed_over(self, member: LLM, error: Exception) -> Exception:
        log.warning("%s is passed over: %s", member.info.model, error)
        return error


def _told(info: LLMInfo) -> str:
    return f"{info.model} ({info.detail or info.state})"
