"""Messages over HTTP: said, kept, answered, moved, chosen."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from hub.ports import Add
from hub.records import HOME, OWNER, Person, PersonId
from hub.testing import NOON
from tests.unit.web.world import a_world


async def test_a_message_is_accepted_with_its_id_once_its_kept() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/messages", json={"text": "wait"})

    assert answer.status_code == 202
    assert answer.json() == {"id": answer.json()["id"], "state": "accepted"}
    kept = await world.store.message(answer.json()["id"])
    assert kept
    assert (kept.text, kept.person, kept.address.bridge, kept.address.chat) == ("wait", OWNER, "http", "owner/main")


async def test_who_waits_gets_the_message_with_its_replies_and_its_task() -> None:
    world = await a_world(pace=0.01)
    async with world.client() as client:
        answer = await client.post("/v1/messages?wait=5", json={"text": "2 < 3"})

    assert answer.status_code == 200
    message = answer.json()
    assert (message["state"], message["role"], message["html"], message["chat"]) == (
        "answered",
        "user",
        "2 &lt; 3",
        "main",
    )
    assert message["task"]["number"] == 1
    assert message["route"]["rule"] == "first"
    (reply,) = message["replies"]
    assert reply["html"] == "<p>You said: <strong>2 &lt; 3</strong></p>\n"
    assert (reply["role"], reply["answers"], reply["task"]["number"]) == ("agent", message["id"], 1)
    assert "replies" not in reply


async def test_who_waits_in_vain_gets_the_message_as_accepted() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/messages?wait=0.05", json={"text": "wait"})

    assert (answer.status_code, answer.json()["state"]) == (202, "accepted")


async def test_who_waits_hears_of_an_answer_that_comes_later() -> None:
    world = await a_world()
    async with world.client() as client:
        waiting = asyncio.ensure_future(client.post("/v1/messages?wait=5", json={"text": "wait"}))
        await world.echo.heard.wait()
        (message,) = (await client.get("/v1/messages")).json()["items"]
        kept = await world.store.message(message["id"])
        assert kept
        await world.echo.answer(kept)
        answer = await waiting

    assert (answer.status_code, answer.json()["state"]) == (200, "answered")


async def test_a_wait_ends_when_the_hub_does() -> None:
    world = await a_world()
    async with world.client() as client:
        waiting = asyncio.ensure_future(client.post("/v1/messages?wait=60", json={"text": "wait"}))
        await world.echo.heard.wait()
        world.services.closing.set()
        answer = await waiting

    assert answer.status_code == 202


async def test_a_question_comes_with_its_choices_and_is_answered_by_one() -> None:
    world = await a_world()
    async with world.client() as client:
        asking = (await client.post("/v1/messages?wait=5", json={"text": "which?"})).json()
        (question,) = asking["replies"]
        wrong = await client.post(f"/v1/messages/{question['id']}/choice", json={"choice": "7"})
        right = await client.post(f"/v1/messages/{question['id']}/choice", json={"choice": "new"})
        asked = (await client.get(f"/v1/messages/{asking['id']}")).json()

    assert asking["state"] == "asking"
    assert question["choices"] == [{"id": "1", "text": "This"}, {"id": "new", "text": "A new one"}]
    assert wrong.status_code == 400
    assert (wrong.json()["field"], wrong.json()["detail"]) == ("choice", "choice: must be one of '1', 'new'; it is '7'")
    assert (right.status_code, right.json()["id"]) == (202, question["id"])
    assert asked["state"] == "answered"


async def test_the_question_may_be_named_by_the_message_that_it_asks_about() -> None:
    world = await a_world()
    async with world.client() as client:
        asking = (await client.post("/v1/messages?wait=5", json={"text": "which?"})).json()
        answer = await client.post(f"/v1/messages/{asking['id']}/choice", json={"choice": "1"})
        again = await client.post(f"/v1/messages/{(await say(client, 'hi'))['id']}/choice", json={"choice": "1"})

    assert answer.status_code == 202
    assert (again.status_code, again.json()["detail"]) == (400, "id: this message offers no choices")


async def test_parts_are_kept_as_they_were_sent() -> None:
    world = await a_world()
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    async with world.client() as client:
        message = (await client.post("/v1/messages?wait=5", json={"parts": parts})).json()

    assert message["parts"] == parts
    assert message["text"] == "one\ntwo"


async def test_a_chat_is_read_from_its_newest_page_to_its_oldest() -> None:
    world = await a_world()
    async with world.client() as client:
        for number in range(5):
            await say(client, f"{number}", chat="work")
        await say(client, "elsewhere")
        newest = (await client.get("/v1/messages?chat=work&limit=4")).json()
        older = (await client.get(f"/v1/messages?chat=work&limit=4&cursor={newest['next']}")).json()
        oldest = (await client.get(f"/v1/messages?chat=work&limit=4&cursor={older['next']}")).json()

    texts = [[item["text"] for item in page["items"]] for page in (oldest, older, newest)]
    assert texts == [
        ["0", "You said: **0**"],
        ["1", "You said: **1**", "2", "You said: **2**"],
        ["3", "You said: **3**", "4", "You said: **4**"],
    ]
    assert oldest["next"] is None


async def test_a_retracted_answer_is_left_out_of_the_chat() -> None:
    world = await a_world()
    async with world.client() as client:
        message = await say(client, "hello")
        reply = await world.store.message(message["replies"][0]["id"])
        assert reply
        await world.echo.change_message(replace(reply, state="moved"))
        page = (await client.get("/v1/messages")).json()

    assert [item["text"] for item in page["items"]] == ["hello"]


async def test_a_message_is_moved_to_another_task_or_a_new_one() -> None:
    world = await a_world()
    async with world.client() as client:
        first, second = await say(client, "one"), await say(client, "two")
        moved = await client.put(f"/v1/messages/{second['id']}/task", json={"task": first["task"]["id"]})
        by_number = await client.put(f"/v1/messages/{second['id']}/task", json={"task": 2})
        fresh = await client.put(f"/v1/messages/{second['replies'][0]['id']}/task", json={"task": "new"})
        unknown = await client.put(f"/v1/messages/{second['id']}/task", json={"task": "nothing"})

    assert (moved.status_code, moved.json()["task"]["number"], moved.json()["route"]["rule"]) == (200, 1, "corrected")
    assert by_number.json()["task"]["number"] == 2
    assert (fresh.json()["id"], fresh.json()["task"]["number"]) == (second["id"], 3)
    assert (unknown.status_code, unknown.json()["field"]) == (400, "task")
    assert "'nothing'" in unknown.json()["detail"]


async def test_the_task_may_be_named_by_id_by_number_or_as_new() -> None:
    world = await a_world()
    async with world.client() as client:
        first = await say(client, "one")
        by_id = await say(client, "two", task=first["task"]["id"])
        by_number = await say(client, "three", task=1)
        by_text = await say(client, "four", task="1")
        fresh = await say(client, "five", task="new")
        unknown = await client.post("/v1/messages", json={"text": "six", "task": 99})

    assert [message["task"]["number"] for message in (by_id, by_number, by_text, fresh)] == [1, 1, 1, 2]
    assert unknown.status_code == 400
    assert unknown.json()["detail"] == "task: there's no 99; give an id or number from GET /v1/tasks, or 'new'"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "text", "send either text or parts"),
        ({"text": "a", "parts": [{"type": "text", "text": "b"}]}, "parts", "send either text or parts"),
        ({"text": ""}, "text", "empty"),
        ({"text": " \n"}, "text", "empty"),
        ({"text": 5}, "text", "must be str"),
        ({"text": "a", "tsak": 1}, "tsak", "is unknown here; leave it out"),
        ({"parts": []}, "parts", "length >= 1"),
        ({"parts": [{"type": "film", "name": "x"}]}, "parts[0].type", "'film' isn't known here"),
        ({"parts": [{"type": "file", "name": "x"}]}, "parts[0].sha256", "is missing"),
        ({"parts": [{"type": "file", "sha256": "0" * 64}]}, "parts[0].sha256", "there's no such file of yours"),
        ({"parts": [{"type": "text"}]}, "parts[0].text", "is missing"),
        ({"text": "a", "agent": "nobody"}, "agent", "there's no 'nobody'; installed: default"),
        ({"text": "a", "chat": "a/b"}, "chat", "must be str matching regex"),
        ({"text": "a", "reply_to": "nothing"}, "reply_to", "there's no message 'nothing'"),
        ({"text": "a", "on_behalf_of": "nobody"}, "on_behalf_of", "there's no person 'nobody'"),
        ([], "body", "must be object"),
    ],
)
async def test_a_bad_message_is_refused_with_field_value_and_way_out(body: Any, field: str, words: str) -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/messages", json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field
    assert words in answer.json()["detail"]
    assert world.echo.kept == 0


async def test_a_key_with_people_write_speaks_for_another() -> None:
    world = await a_world()
    guest = Person(id=PersonId("guest"), tenant=HOME, name="Guest", created_at=NOON)
    await world.store.commit(Add(guest))
    plain = await world.key_with("messages:write", "messages:read")
    async with world.client(plain) as client:
        refused = await client.post("/v1/messages", json={"text": "hi", "on_behalf_of": "guest"})
    speaking = await world.key_with("messages:write", "messages:read", "people:write")
    async with world.client(speaking) as client:
        message = await client.post("/v1/messages?wait=5", json={"text": "hi", "on_behalf_of": "guest"})
        own = await client.get(f"/v1/messages/{message.json()['id']}")
    another = await world.key_with("messages:read", "people:write")
    async with world.client(another) as client:
        hidden = await client.get(f"/v1/messages/{message.json()['id']}")

    assert refused.status_code == 403
    kept = await world.store.message(message.json()["id"])
    assert kept
    assert (kept.person, kept.address.chat) == ("guest", "guest/main")
    assert message.json()["chat"] == "main"
    # What a key said for others it may look up again, and nobody else's.
    assert (own.status_code, hidden.status_code) == (200, 404)


async def test_stopping_a_chat_stops_what_runs_there() -> None:
    world = await a_world()
    async with world.client() as client:
        answer = await client.post("/v1/chat/stop", json={"chat": "work"})
        without = await client.post("/v1/chat/stop")

    assert (answer.status_code, answer.json()) == (200, {"stopped": 0})
    assert without.status_code == 200
    assert [address.chat for address in world.echo.stopped] == ["owner/work", "owner/main"]


async def say(client: Any, text: str, **more: object) -> Any:
    """Say something and return it with its answer."""
    answer = await client.post("/v1/messages?wait=5", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()
