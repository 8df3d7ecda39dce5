"""What's said where there's no llama.cpp, or no file; and nobody waits for a model that isn't there."""

import asyncio
from pathlib import Path

import pytest

from hub.errors import LLMUnavailable
from hub.llm.llamacpp import LlamaCpp
from hub.ports import Said, Terms
from hub.records import TenantId
from tests.unit.llm.counterpart import until

ASK = Terms(tenant=TenantId("home"))


async def test_without_llama_cpp_it_names_what_to_install_and_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    llm = LlamaCpp(tmp_path / "model.gguf")
    await llm.open()
    await until(lambda: llm.info.state == "absent")

    assert "gcc" in llm.info.detail
    assert "remote" in llm.info.detail
    with pytest.raises(LLMUnavailable, match="gcc"):
        await llm.decide([Said("user", "?")], ["yes", "no"], ASK)
    await llm.close()


async def test_without_a_file_it_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    llm = LlamaCpp(tmp_path / "model.gguf")
    await llm.open()
    await until(lambda: llm.info.state == "broken")

    assert str(tmp_path / "model.gguf") in llm.info.detail
    assert "llm.model" in llm.info.detail
    with pytest.raises(LLMUnavailable):
        await llm.count([Said("user", "?")])
    await llm.close()


async def test_one_that_was_never_opened_closes_and_serves_nothing(tmp_path: Path) -> None:
    llm = LlamaCpp(tmp_path / "model.gguf")
    with pytest.raises(LLMUnavailable, match="loading"):
        await llm.score([("a", "b")], ASK)
    await llm.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await llm.ready()
