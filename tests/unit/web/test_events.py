"""The stream of what happens: nothing missed, nothing twice, nothing of anybody else."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from msgspec import Struct

from hub.dispatch.feed import BEHIND
from hub.ports import Add, Delta
from hub.records import HOME, OWNER, MessageId, PersonId, TaskId, TurnId
from hub.testing import an_event
from hub.web.auth import Caller
from hub.web.stream import LATELY, Frame, Teller, frames
from tests.unit.web.world import World, a_world

KINDS = ["message", "route", "turn", "delta", "delta", "delta", "reply", "turn", "task"]


class Heard(Struct, frozen=True):
    """A server-sent event."""

    event: str
    id: str
    data: Any


async def test_a_reader_hears_hello_and_then_all_that_becomes_of_a_message() -> None:
    world = await a_world()
    async with world.served() as client, reading(client) as stream:
        hello = await anext(stream)
        await client.post("/v1/messages", json={"text": "hello"})
        heard = [await anext(stream) for _ in KINDS]

    assert (hello.event, hello.data) == ("hello", {"last": 0})
    assert [item.event for item in heard] == KINDS
    assert [item.id for item in heard] == ["1", "2", "3", "", "", "", "4", "5", "6"]
    assert [item.data["text"] for item in heard if item.event == "delta"] == ["You ", "said: ", "**hello** "]
    assert heard[6].data["html"] == "<p>You said: <strong>hello</strong></p>\n"
    assert heard[7].data["state"] == "done"
    assert heard[8].data["number"] == 1


@pytest.mark.parametrize("how", [{"headers": {"Last-Event-ID": "4"}}, {"params": {"after": 4}}])
async def test_a_reader_who_comes_back_hears_what_was_missed_and_then_what_comes(how: dict[str, Any]) -> None:
    world = await a_world()
    async with world.served() as client:
        await client.post("/v1/messages?wait=5", json={"text": "one"})
        async with reading(client, **how) as stream:
            hello, *missed = [await anext(stream) for _ in range(3)]
            await client.post("/v1/messages", json={"text": "two"})
            after = [await anext(stream) for _ in KINDS]

    assert hello.data == {"last": 6}
    assert [(item.event, item.id) for item in missed] == [("turn", "5"), ("task", "6")]
    assert [item.id for item in after if item.id] == ["7", "8", "9", "10", "11", "12"]


async def test_however_often_a_reader_comes_back_nothing_is_missed_or_doubled() -> None:
    world = await a_world()
    heard: list[str] = []
    async with world.served() as client:
        saying = asyncio.ensure_future(say_much(client, 30))
        while len(heard) < 180:
            async with reading(client, headers={"Last-Event-ID": heard[-1] if heard else "0"}) as stream:
                for _ in range(25):
                    item = await anext(stream)
                    if item.id:
                        heard.append(item.id)
                    if len(heard) == 180:
                        break
        await saying

    assert heard == [str(number) for number in range(1, 181)]


async def test_who_comes_in_the_middle_of_an_answer_gets_what_was_said_so_far() -> None:
    world = await a_world()
    world.feed.publish(delta("Half an "), delta("answer"))
    async with world.served() as client, reading(client) as stream:
        hello, whole = await anext(stream), await anext(stream)
        world.feed.publish(delta(" and the rest"))
        more = await anext(stream)

    assert hello.event == "hello"
    assert (whole.data["text"], whole.data["whole"]) == ("Half an answer", True)
    assert (more.data["text"], more.data["whole"]) == (" and the rest", False)


async def test_a_reader_who_knows_more_than_a_restored_store_hears_what_comes() -> None:
    world = await a_world()
    async with aclosing(listen(world, after=1000)) as stream:
        await anext(stream)
        world.feed.publish(*await world.store.commit(Add(an_event())))
        frame = await anext(stream)

    assert frame.id == 1


async def test_who_is_cut_off_wherever_they_wait_is_forgotten() -> None:
    world = await a_world()
    async with anyio.create_task_group() as group:
        heard = anyio.Event()

        async def read() -> None:
            async for _ in frames(world.services, Caller(key=world.owner, by="bearer"), None, None):
                heard.set()

        group.start_soon(read)
        await heard.wait()
        await anyio.sleep(0.01)
        assert watchers(world) == 1
        # As Litestar cancels a stream that nobody reads any more: at each wait, also of what cleans up.
        group.cancel_scope.cancel()

    assert watchers(world) == 0


async def test_what_is_kept_at_once_goes_out_at_once_with_pieces_of_answers_in_their_place() -> None:
    world = await a_world()
    async with aclosing(frames(world.services, Caller(key=world.owner, by="bearer"), None, None)) as stream:
        await anext(stream)
        kept = await world.store.commit(*[Add(an_event()) for _ in range(3)])
        world.feed.publish(*reversed(kept), delta("Once "), *await world.store.commit(Add(an_event())))
        told = [await anext(stream) for _ in range(3)]

    assert [[(frame.event, frame.id) for frame in together] for together in told] == [
        [("message", 1), ("message", 2), ("message", 3)],
        [("delta", None)],
        [("message", 4)],
    ]


async def test_one_tasks_reader_hears_of_nothing_else() -> None:
    world = await a_world()
    async with world.served() as client:
        first = (await client.post("/v1/messages?wait=5", json={"text": "one"})).json()
        async with reading(client, params={"task": first["task"]["id"]}) as stream:
            await anext(stream)
            await client.post("/v1/messages?wait=5", json={"text": "two"})
            await client.post("/v1/messages?wait=5", json={"text": "three", "task": 1})
            heard = [await anext(stream) for _ in range(3)]

    assert {item.data.get("task", {}).get("id") for item in heard if item.event == "route"} == {first["task"]["id"]}
    assert heard[0].event == "route"


async def test_nobody_hears_of_anybody_else() -> None:
    world = await a_world()
    async with aclosing(listen(world)) as stream:
        await anext(stream)
        world.feed.publish(*await world.store.commit(Add(an_event(person=PersonId("guest")))))
        world.feed.publish(*await world.store.commit(Add(an_event())))
        frame = await anext(stream)

    assert frame.id == 2


async def test_news_in_the_wrong_order_are_told_in_the_right_one() -> None:
    world = await a_world()
    async with aclosing(listen(world)) as stream:
        await anext(stream)
        first = await world.store.commit(Add(an_event()))
        second = await world.store.commit(Add(an_event()))
        world.feed.publish(*second, *first)
        heard = [(await anext(stream)).id for _ in range(2)]
        world.feed.publish(*await world.store.commit(Add(an_event())))
        heard.append((await anext(stream)).id)

    assert heard == [1, 2, 3]


async def test_a_finished_answer_isnt_begun_again_by_a_late_piece() -> None:
    world = await a_world()
    turn = TurnId("turn")
    async with aclosing(listen(world)) as stream:
        await anext(stream)
        world.feed.publish(delta("Hel", turn))
        world.feed.publish(*await world.store.commit(Add(an_event(kind="reply", turn=turn))))
        world.feed.publish(delta("lo", turn), *await world.store.commit(Add(an_event(kind="task"))))
        heard = [(await anext(stream)).event for _ in range(3)]

    assert heard == ["delta", "reply", "task"]


async def test_a_reader_who_listens_for_long_is_remembered_no_better_than_others() -> None:
    world = await a_world()
    teller = Teller(world.services, Caller(key=world.owner, by="bearer"), 0, None)
    turns = [TurnId(f"turn {number}") for number in range(3 * LATELY)]
    for turn in turns:
        (event,) = await world.store.commit(Add(an_event(kind="reply", turn=turn)))
        assert [len(told) async for told in teller.tell([event])] == [1]

    assert teller.delta(delta("late", turns[-1])) == ()
    assert len(teller._ended) == LATELY


async def test_a_reader_who_is_too_slow_is_ended_and_catches_up_from_the_store() -> None:
    world = await a_world()
    async with aclosing(listen(world)) as stream:
        await anext(stream)
        for _ in range(BEHIND + 1):
            world.feed.publish(*await world.store.commit(Add(an_event())))
        heard = [frame.id async for frame in stream]
    async with aclosing(listen(world, after=heard[-1] if heard else 0)) as stream:
        rest = [(await anext(stream)).id for _ in range(BEHIND + 2 - len(heard))]

    assert len(heard) <= 1
    assert rest[-1] == BEHIND + 1


async def test_the_stream_ends_when_the_hub_does() -> None:
    world = await a_world()
    async with world.served() as client, reading(client) as stream:
        await anext(stream)
        world.services.closing.set()
        assert [item async for item in stream] == []


async def test_a_reader_who_leaves_is_forgotten() -> None:
    world = await a_world()
    async with aclosing(listen(world)) as stream:
        await anext(stream)
        assert watchers(world) == 1
    assert watchers(world) == 0
    async with world.client() as client:
        await client.post("/v1/messages?wait=5", json={"text": "hello"})
        await client.post("/v1/messages?wait=0.01", json={"text": "wait"})
    assert watchers(world) == 0


async def test_a_stream_ends_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.web.stream.KEEP_ALIVE", 0.01)
    world = await a_world()
    key = await world.people.whose(await world.key_with("messages:read"))
    assert key
    async with aclosing(listen(world, Caller(key=key, by="bearer"))) as stream:
        await anext(stream)
        alive = await anext(stream)
        await world.people.revoke(HOME, key.id)
        rest = [frame async for frame in stream]

    assert (alive.event, rest) == ("", [])


@pytest.mark.parametrize("id", ["x", "-1", "9" * 30, "\u0663"])
async def test_a_last_event_id_that_isnt_one_is_refused(id: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.get("/v1/events", headers={b"Last-Event-ID": id.encode()})

    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


def watchers(world: World) -> int:
    """Return how many watch the feed."""
    return sum(len(queues) for queues in world.feed._watchers.values())


async def listen(world: World, caller: Caller | None = None, after: int | None = None) -> AsyncGenerator[Frame, None]:
    """Yield frames one by one, however they come."""
    async with aclosing(frames(world.services, caller or Caller(key=world.owner, by="bearer"), after, None)) as stream:
        async for together in stream:
            for frame in together:
                yield frame


@asynccontextmanager
async def reading(client: httpx.AsyncClient, **how: Any) -> AsyncIterator[AsyncGenerator[Heard, None]]:
    """Read the events of a served hub."""
    async with client.stream("GET", "/v1/events", **how) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async with aclosing(_heard(answer)) as stream:
            yield stream


async def _heard(answer: httpx.Response) -> AsyncGenerator[Heard, None]:
    fields = {"event": "", "id": "", "data": ""}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif fields["event"]:
            yield Heard(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {"event": "", "id": "", "data": ""}


async def say_much(client: httpx.AsyncClient, times: int) -> None:
    for number in range(times):
        await client.post("/v1/messages", json={"text": f"{number}"})


def delta(text: str, turn: str = "turn") -> Delta:
    return Delta(tenant=HOME, person=OWNER, task=TaskId("task"), turn=TurnId(turn), message=MessageId("m"), text=text)
