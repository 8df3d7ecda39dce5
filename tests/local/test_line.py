"""The line between computer and hub: who may lend, what either believes, and what becomes of a broken one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from hub.errors import StartError
from hub.lent import (
    FRAME,
    REFUSED,
    REPLACED,
    Answer,
    Call,
    FromComputer,
    Hello,
    ListFolder,
    Welcome,
    Wish,
    Withdrawn,
    WriteFile,
)
from hub.local.session import address, refusal
from hub.ports import ToolCall
from hub.records import HOME, OWNER, TaskId
from hub.testing import ScriptedLLM
from tests.local.lenders import Person
from tests.local.served import Served, a_computer, a_hub, hello

NOTE = WriteFile(folder="notes", path="todo.md", text="bread")


def a_call(key: str = "1") -> ToolCall:
    return ToolCall(
        tool="computer_list", arguments={}, key=key, tenant=HOME, person=OWNER, agent="default", task=TaskId("none")
    )


@asynccontextmanager
async def a_line(served: Served, key: str = "", first: object = None) -> AsyncIterator[ClientConnection]:
    """A computer of our own making, which says what it likes."""
    headers = {"Authorization": f"Bearer {key or served.key}"}
    async with connect(f"{served.url.replace('http', 'ws')}/v1/local", additional_headers=headers) as line:
        await line.send(msgspec.json.encode(first or hello()).decode())
        yield line


async def closed(line: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(10):
        await line.wait_closed()
    return line.close_code or 0, line.close_reason or ""


# --- who may


async def test_only_a_bearer_key_with_the_scope_may_lend(tmp_path: Path) -> None:
    async with a_hub(ScriptedLLM()) as served:
        url = f"{served.url.replace('http', 'ws')}/v1/local"
        wrong = await served.key_for(HOME, OWNER, "messages:read")
        for headers in (
            {},
            {"Authorization": "Bearer ah_wrong"},
            {"Authorization": f"Bearer {wrong}"},
            {"Cookie": f"agenthost_session={served.key}"},
        ):
            with pytest.raises(InvalidStatus):
                async with connect(url, additional_headers=headers):
                    raise AssertionError
        async with a_computer(served, tmp_path / "home", None, key=wrong) as lending:
            assert "local:lend" in await lending.ended()
        async with a_line(served, await served.key_for()) as line:
            assert json.loads(await line.recv())["type"] == "welcome"


async def test_a_key_that_is_revoked_ends_the_line_and_the_computer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.web.local.LOOK", 0.05)
    async with a_hub(ScriptedLLM()) as served:
        key, secret = await served.hub.people.create_key(HOME, OWNER, "laptop", ("local:lend",))
        async with a_computer(served, tmp_path / "home", None, key=secret) as lending:
            await served.lent("laptop")
            await served.hub.people.revoke(HOME, key.id)
            assert "key" in await lending.ended()
        await served.lent()


@pytest.mark.parametrize(
    "first",
    [
        {"type": "answer", "id": "1", "outcome": "done", "text": ""},
        {"type": "hello", "computer": "../x"},
        {"type": "hello", "computer": "x" * 40},
        {"type": "hello", "computer": "laptop", "folders": [{"name": "a b"}]},
        {"type": "hello", "computer": "laptop", "folders": [{"name": f"f{n}"} for n in range(30)]},
        {"type": "hello", "computer": "laptop", "folders": [{"name": "a"}, {"name": "a"}]},
        {"type": "hello", "computer": "laptop", "commands": [{"name": "a", "words": "x" * 500}]},
        {"type": "nonsense"},
        "nonsense",
        ["x" * (FRAME + 1)],
    ],
    ids=lambda first: str(first)[:60],
)
async def test_a_computer_that_says_nonsense_is_let_go(first: object) -> None:
    async with a_hub(ScriptedLLM()) as served, a_line(served, first=first) as line:
        code, reason = await closed(line)

    assert (code in (1008, REFUSED), bool(reason)) == (True, True)


async def test_one_person_may_lend_a_few_computers_only() -> None:
    async with a_hub(ScriptedLLM()) as served, AsyncExitStack() as stack:
        for n in range(8):
            line = await stack.enter_async_context(a_line(served, first=hello(f"c{n}")))
            await line.recv()
        code, reason = await closed(await stack.enter_async_context(a_line(served, first=hello("c8"))))

    assert (code, "8 of yours" in reason) == (REFUSED, True)


# --- calls


async def test_a_computer_of_the_same_name_takes_the_place_and_the_first_does_not_fight_for_it(tmp_path: Path) -> None:
    async with a_hub(ScriptedLLM()) as served, a_computer(served, tmp_path / "one", None, yes_read=True) as first:
        await served.lent("laptop")
        async with a_line(served) as second:
            await second.recv()
            assert "another computer lends as 'laptop'" in await first.ended()
            asking = asyncio.create_task(served.hub.lending.ask(a_call(), "laptop", ListFolder(folder="notes")))
            call = msgspec.json.decode(await second.recv(), type=Call)
            await second.send(msgspec.json.encode(Answer(id="other", outcome="done", text="wrong")).decode())
            await second.send(msgspec.json.encode(Answer(id=call.id, outcome="done", text="mine")).decode())
            assert await asking == "mine"


async def test_a_call_that_nobody_waits_for_is_withdrawn(tmp_path: Path) -> None:
    person = Person()
    async with a_hub(ScriptedLLM()) as served, a_computer(served, tmp_path / "home", person) as lending:
        await served.lent("laptop")
        asking = asyncio.create_task(served.hub.lending.ask(a_call(), "laptop", NOTE))
        while not person.shown:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while "withdrawn" not in "".join(lending.told) and "refused" not in lending.computer.notes.read_text("utf-8"):
            await asyncio.sleep(0.01)

    assert not (lending.computer.root / "todo.md").exists()


async def test_a_hub_that_restarts_has_its_computers_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with a_hub(ScriptedLLM()) as served:
            lending = await stack.enter_async_context(a_computer(served, tmp_path / "home", None, yes_read=True))
            await served.lent("laptop")
        port = int(served.url.rpartition(":")[2])
        async with a_hub(ScriptedLLM(), port, served.key) as again:
            await again.lent("laptop")
            assert await again.hub.lending.ask(a_call(), "laptop", ListFolder(folder="papers"))

    assert any(line.startswith("Not connected") for line in lending.told)


# --- a hostile hub


@asynccontextmanager
async def a_hostile_hub(*frames: object) -> AsyncIterator[tuple[Served, list[FromComputer]]]:
    """Greets, sends these frames at once, and keeps what it's answered."""
    heard: list[FromComputer] = []

    async def talk(line: ServerConnection) -> None:
        heard.append(msgspec.json.decode(await line.recv(), type=FromComputer))
        await line.send(msgspec.json.encode(Welcome(person="\x1b[2Jowner", hub="0")).decode())
        for frame in frames:
            await line.send(msgspec.json.encode(frame).decode())
        async for data in line:
            heard.append(msgspec.json.decode(data, type=FromComputer))  # noqa: PERF401 - as they come

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Served(None, f"http://127.0.0.1:{port}", "ah_key", ScriptedLLM()), heard  # type: ignore[arg-type]


async def test_a_hostile_hub_gets_nothing_that_is_not_lent_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    wishes: list[Wish] = [
        ListFolder(folder="etc"),
        ListFolder(folder="notes", path="../.."),
        WriteFile(folder="papers", path="a", text="b"),
    ]
    calls = [Call(id=f"c{n}", wish=wish) for n, wish in enumerate(wishes)]
    calls.append(Call(id="c0", wish=ListFolder(folder="notes")))
    person = Person()
    async with (
        a_hostile_hub(*calls) as (served, heard),
        a_computer(served, tmp_path / "home", None, yes_read=True) as it,
    ):
        while len(heard) < 5:
            await asyncio.sleep(0.01)

    answers = [frame for frame in heard if isinstance(frame, Answer)]
    assert {answer.outcome for answer in answers} <= {"refused"}
    assert person.shown == []
    assert not any("\x1b" in line for line in it.told)


async def test_a_hub_that_floods_is_left(tmp_path: Path) -> None:
    calls = [Call(id=f"c{n}", wish=NOTE) for n in range(500)]
    person = Person()
    async with a_hostile_hub(*calls) as (served, heard), a_computer(served, tmp_path / "home", person) as lending:
        while not any("too much at once" in line for line in lending.told) and len(heard) < 490:
            await asyncio.sleep(0.01)

    assert len(person.shown) <= 4 * sum(isinstance(frame, Hello) for frame in heard)
    assert not (lending.computer.root / "todo.md").exists()


@pytest.mark.parametrize(
    "frame", [{"type": "call", "id": "1"}, {"type": "call", "id": "1", "wish": {"type": "shell"}}, [1]]
)
async def test_a_hub_that_sends_nonsense_is_left_and_tried_again_later(tmp_path: Path, frame: object) -> None:
    async with a_hostile_hub(frame) as (served, _), a_computer(served, tmp_path / "home", None) as lending:
        while not any("can't be read" in line for line in lending.told):
            await asyncio.sleep(0.01)
        assert not lending.task.done()


def test_a_key_goes_nowhere_in_the_clear_but_to_this_machine() -> None:
    assert address("http://127.0.0.1:8080") == "ws://127.0.0.1:8080/v1/local"
    assert address("https://hub.example.org/") == "wss://hub.example.org/v1/local"
    for url in ("http://hub.example.org", "http://10.0.0.1", "ftp://x", "hub.example.org", "http://[::1", ""):
        with pytest.raises(StartError, match="--hub"):
            address(url)


def test_what_a_hub_says_no_with_is_told_and_what_may_pass_is_tried_again() -> None:
    with pytest.raises(StartError, match="lacks the scope"):
        refusal(403, b'{"detail": "key lacks the scope local:lend"}')
    with pytest.raises(StartError, match="hub of this version"):
        refusal(404, b"<html>")
    assert refusal(503, b"") == "the hub answers 503"
    assert msgspec.json.decode(msgspec.json.encode(Withdrawn(id="1")), type=Withdrawn).id == "1"
    assert REPLACED != REFUSED
