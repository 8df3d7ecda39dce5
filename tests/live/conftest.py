"""The real small model, ready, for every live test that asks for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.llm.llamacpp import LlamaCpp
from tests.live.real import MODEL_SHA256, model_file


@pytest.fixture
async def model() -> AsyncIterator[LlamaCpp]:
    llm = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=4096, threads=1)
    await llm.open()
    async with asyncio.timeout(120):
        await llm.ready()
    yield llm
    await llm.close()
