"""Images through llama.cpp's projector: a model with random weights sees nothing sensible, but it does see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest
from gguf import PoolingType

from hub.config import LLMConfig
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.errors import LLMError
from hub.flow.calling import Calls
from hub.flow.journal import Journal
from hub.flow.ledger import Ledger
from hub.flow.rights import Rights
from hub.flow.speaking import Speaker
from hub.flow.toolbox import Toolbox
from hub.flow.work import Work
from hub.llm.llamacpp import LlamaCpp
from hub.llm.remote import Remote
from hub.manifests import Agent
from hub.ports import Add, End, Image, Piece, Priority, Said, Terms
from hub.records import File, TenantId, Text
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, a_message, a_task, a_turn
from tests.live.real import needs_llama_cpp
from tests.live.servers import llama_server
from tests.live.tiny import IMAGE, PATCH, mmproj, png, text
from tests.unit.llm.counterpart import until

pytestmark = pytest.mark.live

ASK = Terms(tenant=TenantId("home"))
URGENT = Terms(tenant=TenantId("home"), priority=Priority.DECISION)
PATCHES = (IMAGE // PATCH) ** 2
RED, BLUE = Image(name="red.png", data=png(250, 10, 10)), Image(name="blue.png", data=png(10, 10, 250))
OPTIONS = ["a", "b", "c"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    needs_llama_cpp()
    return text(tmp_path / "text.gguf"), mmproj(tmp_path / "mmproj.gguf")


@asynccontextmanager
async def serving(path: Path, eye: Path | None = None) -> AsyncIterator[LlamaCpp]:
    llm = LlamaCpp(path, threads=1, mmproj=eye)
    await llm.open()
    try:
        async with asyncio.timeout(20):
            await llm.ready()
        yield llm
    finally:
        await llm.close()


def asked(*images: Image, words: str = "What is it?") -> list[Said]:
    return [Said("user", words, images)]


async def end_of(llm: LlamaCpp, prompt: list[Said], limit: int = 4) -> End:
    async for piece in llm.chat(prompt, ASK, limit=limit):
        if isinstance(piece, End):
            return piece
    raise AssertionError("no End")


async def test_what_it_sees_changes_what_it_thinks(files: tuple[Path, Path]) -> None:
    async with serving(*files) as llm:
        assert llm.info.sees
        red = await llm.decide(asked(RED), OPTIONS, URGENT)
        blue = await llm.decide(asked(BLUE), OPTIONS, URGENT)
        again = await llm.decide(asked(RED), OPTIONS, URGENT)

        assert red.probabilities != pytest.approx(blue.probabilities, abs=1e-4)
        assert red.probabilities == pytest.approx(again.probabilities, abs=1e-4)
        plain = await llm.count([Said("user", "What is it?")])
        assert await llm.count(asked(RED)) >= plain + PATCHES
        assert llm.info.restarts == 0


async def test_an_image_that_was_seen_is_not_looked_at_again(files: tuple[Path, Path]) -> None:
    async with serving(*files) as llm:
        chat = asked(RED)
        first = await end_of(llm, chat)
        more = [*chat, Said("assistant", "A house."), Said("user", "And its roof?")]
        second = await end_of(llm, more)
        other = await end_of(llm, asked(BLUE))

        assert first.tokens_new == first.tokens_in
        assert second.tokens_new < second.tokens_in - PATCHES
        assert other.tokens_new >= PATCHES


async def test_several_images_are_seen_each_for_itself_while_answers_are_written(files: tuple[Path, Path]) -> None:
    async with serving(*files) as llm:
        both = await llm.decide(asked(RED, BLUE), OPTIONS, URGENT)
        swapped = await llm.decide(asked(BLUE, RED), OPTIONS, URGENT)
        assert both.probabilities != pytest.approx(swapped.probabilities, abs=1e-4)

        async with aclosing(llm.chat([Said("user", "Go on")], ASK, limit=200)) as answer:
            await anext(answer)
            beside = await llm.decide(asked(RED, BLUE), OPTIONS, Terms(tenant=TenantId("other")))
            assert isinstance(await anext(answer), Piece)
        assert beside.probabilities == pytest.approx(both.probabilities, abs=1e-3)


async def test_a_model_that_does_not_see_is_told_of_the_image(files: tuple[Path, Path]) -> None:
    async with serving(files[0]) as llm:
        assert not llm.info.sees
        note = "[image: red.png, 40x30, not shown to this model]\nWhat is it?"

        assert await llm.count(asked(RED)) == await llm.count([Said("user", note)])
        assert (await end_of(llm, asked(RED))).tokens_out


async def test_what_is_no_image_costs_no_more_than_a_note(files: tuple[Path, Path]) -> None:
    torn = Image(name="torn.png", data=RED.data[:60])
    page = Image(name="page.png", data=b"<html>https://127.0.0.1:9/x.png</html>")
    bomb = Image(name="bomb.png", data=png(0, 0, 0, width=1)[:16] + b"\0\0\xff\xff" * 2 + RED.data[24:])
    async with serving(*files) as llm:
        for image in (page, bomb):
            assert (await end_of(llm, asked(image))).tokens_out
        with suppress(LLMError):
            await end_of(llm, asked(torn))

        assert llm.info.restarts == 0
        assert (await end_of(llm, asked(RED))).tokens_out


async def test_a_projector_that_is_missing_or_wrong_is_named(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.llm.keeper.LOOK", 0.05)
    path = tmp_path / "eye.gguf"
    llm = LlamaCpp(files[0], threads=1, mmproj=path)
    await llm.open()
    try:
        await until(lambda: llm.info.state == "broken")
        assert "llm.mmproj" in llm.info.detail
        path.write_bytes(files[0].read_bytes())
        await until(lambda: "made for it" in llm.info.detail)
        path.write_bytes(files[1].read_bytes())
        async with asyncio.timeout(20):
            await llm.ready()
        assert llm.info.sees
    finally:
        await llm.close()


async def test_a_model_that_writes_and_pools_gives_vectors_too(tmp_path: Path) -> None:
    needs_llama_cpp()
    async with serving(text(tmp_path / "both.gguf", pooling=PoolingType.LAST)) as llm:
        assert llm.info.dimensions == 64
        vectors = (await llm.embed(["one", "two", "one"], ASK)).vectors

        assert vectors[0] == pytest.approx(vectors[2], abs=1e-4)
        assert vectors[0] != pytest.approx(vectors[1], abs=1e-2)
        assert (await end_of(llm, [Said("user", "Hello")])).tokens_out


async def test_a_photo_that_came_with_a_message_reaches_the_model_with_its_words(files: tuple[Path, Path]) -> None:
    """From the message and the kept file through the agent's turn to llama.cpp's eyes."""
    store, kept, clock = MemoryStore(), MemoryFiles(), FakeClock()
    await store.open()
    sha256, size = await kept.put(RED.data, limit=10_000)
    photo = File(name="red.png", media_type="image/png", size=size, sha256=sha256)
    agent = Agent(name="default", version="0.1.0", description="Helps.", prompt="Look.")
    spent = []
    async with serving(*files) as llm:
        for number, parts in enumerate(((Text("What is it?"),), (photo, Text("What is it?")))):
            task = a_task("What is it?", number=number)
            turn, message = a_turn(task), a_message(parts=parts, task=task.id, state="routed")
            await store.commit(Add(task), Add(turn), Add(message))
            config = LLMConfig(answer_tokens=4)
            box = Toolbox((), llm)
            speaker = Speaker(
                store,
                kept,
                LocalFeed(),
                clock,
                llm,
                box,
                Calls(store, clock, box, Rights(store, clock), 10.0),
                config,
                "UTC",
            )
            journal = Journal(store, LocalFeed(), LocalDispatcher(clock), clock)
            ledger = await Ledger.open(store, journal, clock, turn.id)
            spent.append(await speaker.speak(agent, Work(task, turn, [], [message]), ledger, nobody_joins))

    bare, seen = spent
    # Seen, four patches and a new line; told of it, more than forty bytes, each a token.
    assert PATCHES <= seen.tokens_in - bare.tokens_in < 40


async def nobody_joins(_: Work) -> None:
    pass


@pytest.mark.parametrize("sees", [True, False])
async def test_a_server_is_shown_images_if_it_takes_them_and_told_of_them_if_not(
    files: tuple[Path, Path], sees: bool
) -> None:
    options = ("--context", "512", "--parallel", "1", *(("--mmproj", str(files[1])) if sees else ()))
    async with llama_server(*options, model=files[0]) as url:
        llm = Remote(url, "small", context=512, backoff=0.01)
        await llm.open()
        try:
            async with asyncio.timeout(20):
                await llm.ready()
            bare = await whole(llm, [Said("user", "What is it?")])
            red = await whole(llm, asked(RED))
            blue = await whole(llm, asked(BLUE))

            assert llm.info.sees is sees
            if sees:
                # Seen, four patches and what stands around them; told, at least 40 bytes, each a token.
                assert PATCHES <= red.tokens_in - bare.tokens_in < 40
            else:
                assert blue.tokens_in > red.tokens_in > bare.tokens_in + 40
        finally:
            await llm.close()


async def whole(llm: Remote, prompt: list[Said]) -> End:
    async for piece in llm.chat(prompt, ASK, limit=4):
        if isinstance(piece, End):
            return piece
    raise AssertionError("no End")
