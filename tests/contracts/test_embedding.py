"""Every sentence that ports.Embedding promises, over every backend that gives vectors."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hub.errors import ContextOverflow, LLMError
from hub.llm.llamacpp import LlamaCpp
from hub.llm.remote import Remote
from hub.ports import Embedding, Said, Terms
from hub.records import TenantId
from hub.testing import ScriptedLLM
from tests.live.real import needs_llama_cpp
from tests.live.servers import llama_server
from tests.live.tiny import bert

ASK = Terms(tenant=TenantId("home"))
TEXTS = ["a quick brown fox", "the lazy dog", "quick", *(f"text number {n}" for n in range(20))]


Giver = LlamaCpp | ScriptedLLM | Remote


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("llamacpp", marks=pytest.mark.live),
        pytest.param("remote", marks=pytest.mark.live),
    ]
)
async def llm(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Giver]:
    async with AsyncExitStack() as stack:
        made = await _made(request.param, tmp_path, stack)
        await made.open()
        async with asyncio.timeout(120):
            await made.ready()
        yield made
        await made.close()


async def _made(kind: str, folder: Path, stack: AsyncExitStack) -> Giver:
    if kind == "scripted":
        return ScriptedLLM(context=512)
    if kind == "llamacpp":
        return _tiny(folder)
    needs_llama_cpp()
    model = bert(folder / "bert.gguf")
    url = await stack.enter_async_context(llama_server("--embedding", "--context", "512", model=model))
    return Remote(url, "small", context=512)


def _tiny(folder: Path) -> LlamaCpp:
    needs_llama_cpp()
    return LlamaCpp(bert(folder / "bert.gguf"), threads=1)


async def test_there_is_a_vector_of_length_one_for_each_text(llm: Giver) -> None:
    assert isinstance(llm, Embedding)
    found = await llm.embed(TEXTS, ASK)

    assert len(found.vectors) == len(TEXTS)
    assert {len(vector) for vector in found.vectors} == {llm.info.dimensions}
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-5) for vector in found.vectors)
    assert found.tokens >= len(TEXTS)


async def test_a_text_has_the_same_vector_whatever_comes_along(llm: Giver) -> None:
    (alone,) = (await llm.embed(TEXTS[2:3], ASK)).vectors
    together = (await llm.embed(TEXTS, ASK)).vectors

    assert together[2] == pytest.approx(alone, abs=1e-4)
    assert together[0] != pytest.approx(alone, abs=1e-2)


async def test_nothing_is_given_for_no_texts(llm: Giver) -> None:
    assert (await llm.embed([], ASK)).vectors == ()


async def test_a_text_that_is_too_long_is_refused(llm: Giver) -> None:
    with pytest.raises(ContextOverflow):
        await llm.embed(["short", "far too long " * 400], ASK)


@pytest.mark.live
async def test_a_model_that_only_gives_vectors_says_so_when_it_is_to_write(tmp_path: Path) -> None:
    llm = _tiny(tmp_path)
    await llm.open()
    await llm.ready()
    try:
        with pytest.raises(LLMError, match="only gives vectors"):
            await llm.decide([Said("user", "?")], ["yes", "no"], ASK)
        assert llm.info.restarts == 0
    finally:
        await llm.close()
