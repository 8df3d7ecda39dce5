"""The real small model in its own process, as the live tests use it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.llm.llamacpp import LlamaCpp
from hub.ports import End, Priority, Said, Terms
from hub.records import TenantId
from tests.live.real import MODEL_SHA256

ASK = Terms(tenant=TenantId("home"))
URGENT = Terms(tenant=TenantId("home"), priority=Priority.DECISION)
STORY = [Said("user", "Write a very long story about a fox.")]


@asynccontextmanager
async def serving(path: Path, sha256: str = MODEL_SHA256) -> AsyncIterator[LlamaCpp]:
    async with opened(path, sha256) as llm:
        async with asyncio.timeout(120):
            await llm.ready()
        yield llm


@asynccontextmanager
async def opened(path: Path, sha256: str = MODEL_SHA256) -> AsyncIterator[LlamaCpp]:
    llm = LlamaCpp(path, sha256=sha256, context=2048, threads=1)
    await llm.open()
    try:
        yield llm
    finally:
        await llm.close()


async def whole(llm: LlamaCpp, prompt: list[Said], *, ask: Terms = ASK, limit: int = 20) -> tuple[str, End]:
    text = ""
    async for piece in llm.chat(prompt, ask, limit=limit):
        if isinstance(piece, End):
            return text, piece
        text += piece.text
    raise AssertionError("no End")
