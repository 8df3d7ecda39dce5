"""The client: a request is done once however often it's said, and what goes wrong is told with the way out."""

from pathlib import Path

import httpx
import msgspec
import pytest

from hub.cli import client as module
from hub.cli.client import Away, Client, Refused, Trouble
from hub.cli.place import Place
from hub.cli.wire import Accepted, Task
from hub.config import Secret

PLACE = Place(url="http://hub.test", key=Secret("ah_key"), key_from="AGENTHOST_KEY", data=Path("data"))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0, 0.0))


class Wire:
    """Answers as it's told to, one thing after another, and remembers what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, place: Place = PLACE) -> Client:
        return Client(place, transport=httpx.MockTransport(self))


def accepted() -> httpx.Response:
    return httpx.Response(202, json={"id": "m1", "state": "accepted"})


def problem(status: int, detail: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"title": "x", "status": status, "detail": detail}, headers=headers)


@pytest.mark.parametrize(
    "lost",
    [httpx.ReadError("reset"), httpx.RemoteProtocolError("closed"), httpx.ReadTimeout("slow"), httpx.WriteError("x")],
)
async def test_a_lost_connection_is_tried_again_under_the_same_key(lost: Exception) -> None:
    wire = Wire(lost, httpx.ConnectError("refused"), problem(503, "starting"), accepted())
    async with wire.client() as hub:
        await hub.post("/v1/messages", {"text": "hello"}, Accepted)

    assert len(wire.asked) == 4
    assert len({request.headers["idempotency-key"] for request in wire.asked}) == 1
    assert len({request.content for request in wire.asked}) == 1


async def test_two_requests_have_two_keys() -> None:
    wire = Wire(accepted(), accepted())
    async with wire.client() as hub:
        await hub.post("/v1/messages", {"text": "a"}, Accepted)
        await hub.post("/v1/messages", {"text": "a"}, Accepted)

    assert len({request.headers["idempotency-key"] for request in wire.asked}) == 2


async def test_a_hub_that_never_answered_is_told_at_once() -> None:
    wire = Wire(httpx.ConnectError("refused"))
    async with wire.client() as hub:
        with pytest.raises(Away, match="agenthost run"):
            await hub.post("/v1/messages", {"text": "hello"}, Accepted)


async def test_patience_has_an_end() -> None:
    wire = Wire(*(httpx.ConnectError("refused") for _ in range(4)))
    async with wire.client() as hub:
        with pytest.raises(Away):
            await hub.get("/v1/status", msgspec.Raw, patient=True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (problem(401, "no such key"), "no such key. The key was taken from AGENTHOST_KEY: is it this hub's?"),
        (problem(429, "too many", **{"Retry-After": "7"}), "too many. Try again in 7 seconds."),
        (problem(503, "the disk is full", **{"Retry-After": "5"}), "the disk is full. Try again in 5 seconds."),
        (problem(404, "task: there's no 9"), "task: there's no 9"),
        (httpx.Response(502, text="<html>bad gateway"), "not as a hub does"),
    ],
)
async def test_an_error_is_told_in_the_hubs_words_with_the_way_out(answer: httpx.Response, told: str) -> None:
    async with Wire(answer).client() as hub:
        with pytest.raises(Refused) as caught:
            await hub.post("/v1/messages", {"text": "hello"}, Accepted)

    assert told in caught.value.message
    assert "ah_key" not in caught.value.message


async def test_without_a_key_the_ways_to_give_one_are_told() -> None:
    place = msgspec.structs.replace(PLACE, key=Secret(""), key_from="")
    async with Wire(problem(401, "missing")).client(place) as hub:
        with pytest.raises(Refused, match="--data"):
            await hub.get("/v1/status", msgspec.Raw)


async def test_something_else_than_a_hub_is_told_as_such() -> None:
    async with Wire(httpx.Response(200, text="It works!")).client() as hub:
        with pytest.raises(Trouble, match="look what's running there"):
            await hub.get("/v1/status", Accepted)


async def test_a_listing_is_read_page_by_page_up_to_its_limit() -> None:
    def page(first: int, next: str | None) -> httpx.Response:
        tasks = [{"id": f"t{n}", "number": n, "title": "x", "state": "working"} for n in range(first, first + 2)]
        return httpx.Response(200, json={"items": tasks, "next": next})

    wire = Wire(page(1, "c1"), page(3, "c2"), page(5, None))
    async with wire.client() as hub:
        found = await hub.pages("/v1/tasks", Task, 5, {"state": None})

    assert [task.number for task in found] == [1, 2, 3, 4, 5]
    assert [str(request.url.params) for request in wire.asked] == ["", "cursor=c1", "cursor=c2"]


async def test_events_are_asked_for_from_where_they_broke_off() -> None:
    stream = 'event: hello\ndata: {"last": 7}\n\n: alive\n\nid: 8\nevent: message\ndata: {"a":\ndata: 1}\n\n: alive\n\n'
    wire = Wire(httpx.Response(200, text=stream, headers={"content-type": "text/event-stream"}))
    async with wire.client() as hub:
        events = [event async for event in hub.events("7")]

    assert wire.asked[0].headers["last-event-id"] == "7"
    assert [(event.kind, event.id) for event in events] == [("hello", ""), ("message", "8")]
    assert events[1].data == '{"a":\n1}'


async def test_a_refused_event_stream_is_told() -> None:
    async with Wire(problem(401, "no such key")).client() as hub:
        with pytest.raises(Refused, match="no such key"):
            _ = [event async for event in hub.events("")]
