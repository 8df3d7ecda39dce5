"""The LLM port over a model that's still on its way to this machine."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import cast

from msgspec.structs import replace

from hub.errors import LLMAway, PullError
from hub.ports import LLM, Decision, Embedded, Embedding, End, Filled, LLMInfo, Piece, Said, Scores, Scoring, Terms

AGAIN = 60.0
"""Seconds until a download that failed is tried again."""

Fetch = Callable[[Callable[[int, int], None]], Awaitable[LLM]]
"""Brings a model here, telling how many bytes of how many have come, and returns the LLM over it; raises PullError."""

log = logging.getLogger(__name__)


class Arriving:
    """Fetches a model in the background, and is that model from then on."""

    def __init__(self, name: str, fetch: Fetch, *, context: int, again: float = AGAIN) -> None:
        self._fetch = fetch
        self._again = again
        self._llm: LLM | None = None
        self._here = asyncio.Event()
        self._info = LLMInfo(model=name, state="absent", context=context, detail="its download begins")
        self._task: asyncio.Task[None] | None = None

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once: how far the download is, and then how the model is."""
        return self._llm.info if self._llm else self._info

    async def open(self) -> None:
        """Begin to fetch it, and return without waiting for it."""
        # It outlives the call, up to `close`: no TaskGroup can span the two.
        self._task = asyncio.create_task(self._bring(), name="pull")

    async def close(self) -> None:
        """Stop the download, which goes on from there another time, or the model."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._llm:
            await self._llm.close()

    async def ready(self) -> None:
        """Return when requests can be served; wait for ever if that never comes."""
        await self._here.wait()
        await self._model().ready()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        """Answer in pieces, then one End. Closing the iterator cancels."""
        answer = self._model().chat(prompt, ask, limit=limit, temperature=temperature)
        pieces = cast("AsyncGenerator[Piece | End]", answer)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is as the assistant's next words after `lead`."""
        return await self._model().decide(prompt, options, ask, lead=lead)

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens."""
        return await self._model().fill(prompt, schema, ask, lead=lead, limit=limit)

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens a prompt has, with all that the model's template adds."""
        return await self._model().count(prompt)

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        """Score each pair (prefix, continuation) of plain text: what arrives here is a file, whose model can."""
        return await cast("Scoring", self._model()).score(pairs, ask)

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        """Return a vector for each text; raises LLMError from a model that gives none."""
        return await cast("Embedding", self._model()).embed(texts, ask)

    def _model(self) -> LLM:
        if self._llm is None:
            raise LLMAway(f"{self._info.model}: {self._info.detail}")
        return self._llm

    async def _bring(self) -> None:
        while True:
            try:
                llm = await self._fetch(self._tell)
            except PullError as error:
                log.warning("%s can't be fetched: %s", self._info.model, error)
                self._info = replace(self._info, state="absent" if error.passes else "broken", detail=str(error))
                await asyncio.sleep(self._again)
            else:
                await llm.open()
                self._llm = llm
                self._here.set()
                return

    def _tell(self, done: int, size: int) -> None:
        part = 100 * done / size if size else 0.0
        self._info = replace(self._info, state="absent", detail=f"being fetched: {part:.0f} % of {size / 1e9:.2f} GB")
