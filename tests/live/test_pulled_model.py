"""A config that names a repository: the hub's models begin at once, the file comes, and then it answers."""

import asyncio
import os
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.config import Config, LLMConfig, embedded_model
from hub.llm.llamacpp import LlamaCpp
from hub.llms import Models
from hub.ports import Piece, Said, Terms
from hub.records import HOME
from hub.store.documents import MemoryDocuments
from tests.live.real import MODEL_SHA256, model_file
from tests.unit.weights.counterpart import Hub

pytestmark = pytest.mark.live

QUESTION = [Said("user", "What is the capital city of France? Answer in English.")]


async def test_a_model_of_a_repository_is_fetched_in_the_background_checked_and_then_answers(tmp_path: Path) -> None:
    async with Hub() as hub:
        hub.files = {"small-Q4_1.gguf": model_file().read_bytes()}
        hub.hashes = {"small-Q4_1.gguf": MODEL_SHA256}
        hub.cut = [30_000_000]  # and its connection breaks once
        environ = {"HF_ENDPOINT": hub.url, "XDG_CACHE_HOME": str(tmp_path), "HOME": os.environ["HOME"]}
        config = Config(llm=LLMConfig(model=hub.repo, threads=1))
        models = Models(config, environ, MemoryDocuments(), SystemClock())
        await models.open()
        try:
            assert models.chat.info.state == "absent"
            async with asyncio.timeout(120):
                await models.chat.ready()
            said = [
                p.text async for p in models.chat.chat(QUESTION, Terms(tenant=HOME), limit=24) if isinstance(p, Piece)
            ]
            assert "Paris" in "".join(said)
            assert models.chat.info.sha256 == MODEL_SHA256
        finally:
            await models.close()

        # The next start has it already, and asks nobody.
        asked = len(hub.asked)
        again = Models(config, environ, MemoryDocuments(), SystemClock())
        assert isinstance(again.chat, LlamaCpp)
        assert len(hub.asked) == asked
        assert not embedded_model(environ).exists()
