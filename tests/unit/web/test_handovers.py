"""/v1/handovers: operators see who wants a human, and answer; nobody else does, and nobody of another tenant."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from hub.ports import Add
from hub.records import HOME, Handover, PersonId, TenantId
from hub.testing import a_draft, a_handover, a_message, a_person, a_task, a_tenant
from tests.unit.web.world import World, a_world

BEA, OLA, OTTO = PersonId("bea"), PersonId("ola"), PersonId("otto")


class Desk:
    """A world with a customer and two operators."""

    def __init__(self, world: World, ola: str, otto: str, bea: str) -> None:
        self.world, self.ola, self.otto, self.bea = world, ola, otto, bea


async def a_desk() -> Desk:
    world = await a_world()
    for id, role in ((BEA, "member"), (OLA, "operator"), (OTTO, "operator")):
        await world.store.commit(Add(a_person(id=id, name=id.title(), role=role)))
    keys = [
        (await world.people.create_key(HOME, person, "k", scopes))[1]
        for person, scopes in ((OLA, ["chats:operate"]), (OTTO, ["chats:operate"]), (BEA, ["messages:read"]))
    ]
    return Desk(world, *keys)


async def asked(desk: Desk, person: PersonId = BEA) -> Handover:
    """Have somebody have said something, and asked for a human."""
    message = a_message("My bill is wrong", person=person)
    await desk.world.store.commit(Add(message))
    handover, _ = await desk.world.services.desk.handing.ask(HOME, person, message.address, "person", "the bill")
    return handover


async def test_an_operator_reads_the_queue_takes_answers_and_ends_it() -> None:
    desk = await a_desk()
    handover = await asked(desk)
    async with desk.world.client(desk.ola) as ola:
        [told] = (await ola.get("/v1/handovers")).json()["items"]
        assert (told["id"], told["person"]["name"], told["why"], told["by"]) == (
            handover.id,
            "Bea",
            "the bill",
            "person",
        )
        at = f"/v1/handovers/{handover.id}"
        assert [each["text"] for each in (await ola.get(f"{at}/messages")).json()["items"]] == ["My bill is wrong"]
        assert (await ola.post(f"{at}/send", json={"text": "Hi"})).status_code == 409
        taken = (await ola.post(f"{at}/take")).json()
        assert (taken["state"], taken["operator"]["name"]) == ("taken", "Ola")
        task = a_task(person=BEA)
        draft = a_draft(handover, task, "I can't **help**")
        await desk.world.store.commit(Add(task), Add(draft))
        [drafted] = (await ola.get(f"{at}/drafts")).json()["items"]
        assert (drafted["text"], drafted["state"], drafted["html"].strip()) == (
            "I can't **help**",
            "open",
            "<p>I can't <strong>help</strong></p>",
        )
        sent = await ola.post(f"{at}/send", json={"text": "I can.", "draft": draft.id})
        assert sent.status_code == 201
        assert (sent.json()["text"], sent.json()["human"]) == ("I can.", "Ola")
        assert (await ola.post(f"{at}/send", json={"draft": draft.id})).status_code == 409
        assert (await ola.post(f"{at}/drafts/{draft.id}/discard")).status_code == 409
        assert (await ola.post(f"{at}/notes", json={"text": "Pays late"})).status_code == 201
        assert [note["text"] for note in (await ola.get(f"{at}/notes")).json()["items"]] == ["Pays late"]
        assert (await ola.post(f"{at}/resolve")).json()["state"] == "resolved"
        for rest in ("messages", "drafts", "notes"):
            assert (await ola.get(f"{at}/{rest}")).status_code == 404
        assert (await ola.get("/v1/handovers")).json()["items"] == []
        assert len((await ola.get("/v1/handovers?state=resolved")).json()["items"]) == 1


async def test_the_queue_is_filtered_and_read_page_by_page() -> None:
    desk = await a_desk()
    for number in range(5):
        person = PersonId(f"p{number}")
        await desk.world.store.commit(Add(a_person(id=person, name=person, role="member")))
        await desk.world.store.commit(Add(a_handover(person=person, late=("first",) if number == 3 else ())))
    async with desk.world.client(desk.ola) as ola:

        async def names(query: str) -> list[str]:
            return [each["person"]["id"] for each in (await ola.get(f"/v1/handovers?{query}")).json()["items"]]

        first = (await ola.get("/v1/handovers?limit=3")).json()
        assert await names(f"limit=3&cursor={first['next']}") == ["p3", "p4"]
        assert await names("late=true") == ["p3"]
        await ola.post(f"/v1/handovers/{first['items'][0]['id']}/take")
        assert await names("mine=true") == ["p0"]
        assert await names("state=asked") == ["p1", "p2", "p3", "p4"]
        assert await names("state=all&limit=2") == ["p4", "p3"]
        assert (await ola.get("/v1/handovers?state=nonsense")).status_code == 400


async def test_one_operator_has_it_and_hands_it_on() -> None:
    desk = await a_desk()
    handover = await asked(desk)
    at = f"/v1/handovers/{handover.id}"
    async with desk.world.client(desk.ola) as ola, desk.world.client(desk.otto) as otto:
        await ola.post(f"{at}/take")
        answer = await otto.post(f"{at}/take")
        assert (answer.status_code, "another operator has it" in answer.json()["detail"]) == (409, True)
        assert (await otto.post(f"{at}/release")).status_code == 403
        assert [each["id"] for each in (await ola.get("/v1/handovers/operators")).json()["items"]] == [
            OLA,
            OTTO,
            "owner",
        ]
        assert (await ola.post(f"{at}/transfer", json={"to": "bea"})).status_code == 400
        assert (await ola.post(f"{at}/transfer", json={"to": OTTO})).json()["operator"]["id"] == OTTO
        assert (await otto.post(f"{at}/release")).json()["state"] == "asked"


async def test_operators_take_at_the_same_moment_and_one_gets_it() -> None:
    desk = await a_desk()
    handover = await asked(desk)
    async with desk.world.client(desk.ola) as ola, desk.world.client(desk.otto) as otto:
        answers = await asyncio.gather(*(each.post(f"/v1/handovers/{handover.id}/take") for each in (ola, otto)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_what_an_operator_says_under_one_key_is_said_once_even_if_the_answer_was_never_kept() -> None:
    desk = await a_desk()
    handover = await asked(desk)
    drafting = desk.world.services.desk.drafting
    async with desk.world.client(desk.ola) as ola:
        await ola.post(f"/v1/handovers/{handover.id}/take")
        said = [await drafting.send(HOME, handover.id, OLA, "Hi", None, "a-name") for _ in range(2)]
        assert said[0].id == said[1].id
        keyed = {"Idempotency-Key": "k1"}
        answers = [
            await ola.post(f"/v1/handovers/{handover.id}/send", json={"text": "Hi"}, headers=keyed) for _ in "ab"
        ]
        assert answers[0].json()["id"] == answers[1].json()["id"] != said[0].id


async def test_an_operator_takes_over_on_their_own_whoever_has_said_something() -> None:
    desk = await a_desk()
    async with desk.world.client(desk.ola) as ola:
        assert (await ola.post("/v1/handovers", json={"person": BEA})).status_code == 400
        await desk.world.store.commit(Add(a_message(person=BEA)))
        made = await ola.post("/v1/handovers", json={"person": BEA, "why": "a hunch"})
        assert (made.status_code, made.json()["by"], made.json()["state"]) == (201, "operator", "taken")
        assert (await ola.post("/v1/handovers", json={"person": "nobody"})).status_code == 404


ROUTES: dict[str, Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]] = {
    "read": lambda client, at: client.get(at),
    "messages": lambda client, at: client.get(f"{at}/messages"),
    "drafts": lambda client, at: client.get(f"{at}/drafts"),
    "notes": lambda client, at: client.get(f"{at}/notes"),
    "note": lambda client, at: client.post(f"{at}/notes", json={"text": "x"}),
    "take": lambda client, at: client.post(f"{at}/take"),
    "release": lambda client, at: client.post(f"{at}/release"),
    "transfer": lambda client, at: client.post(f"{at}/transfer", json={"to": "ola"}),
    "resolve": lambda client, at: client.post(f"{at}/resolve"),
    "send": lambda client, at: client.post(f"{at}/send", json={"text": "x"}),
    "discard": lambda client, at: client.post(f"{at}/drafts/x/discard"),
}


@pytest.mark.parametrize("route", ROUTES)
async def test_another_tenants_handovers_are_not_there(route: str) -> None:
    desk = await a_desk()
    handover = await asked(desk)
    other = TenantId("other")
    await desk.world.store.commit(Add(a_tenant(id=other)), Add(a_person(id=OLA, tenant=other, role="operator")))
    _, theirs = await desk.world.people.create_key(other, OLA, "k", ["chats:operate"])
    async with desk.world.client(theirs) as client:
        answer = await ROUTES[route](client, f"/v1/handovers/{handover.id}")
        missing = await ROUTES[route](client, "/v1/handovers/nothing")
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert (await client.get("/v1/handovers?state=all")).json()["items"] == []
    async with desk.world.client(desk.bea) as bea:
        assert (await ROUTES[route](bea, f"/v1/handovers/{handover.id}")).status_code == 403


async def test_rules_are_a_tenants_own_and_an_admins_to_change() -> None:
    desk = await a_desk()
    async with desk.world.client() as owner, desk.world.client(desk.ola) as ola:
        assert (await ola.get("/v1/handovers/rules")).json() == {
            "first_minutes": 15.0,
            "end_minutes": 480.0,
            "signed": True,
        }
        assert (await ola.put("/v1/handovers/rules", json={"signed": False})).status_code == 403
        changed = (await owner.put("/v1/handovers/rules", json={"first_minutes": 5, "signed": False})).json()
        assert changed == {"first_minutes": 5.0, "end_minutes": 480.0, "signed": False}
        assert (await owner.put("/v1/handovers/rules", json={})).json()["signed"] is True
        assert (await owner.put("/v1/handovers/rules", json={"first_minutes": 0})).status_code == 400
        told = (await owner.get("/v1/audit?action=desk.changed")).json()["items"]
        assert len(told) == 2


async def test_operators_are_told_what_is_new_while_it_happens() -> None:
    desk = await a_desk()
    async with (
        desk.world.served(desk.ola) as ola,
        ola.stream("GET", "/v1/handovers/events") as stream,
    ):
        lines, told = stream.aiter_lines(), list[str]()
        handover: Handover | None = None
        async with asyncio.timeout(5):
            async for line in lines:
                told.append(line)
                if handover is None and line.startswith("data:"):
                    handover = await asked(desk)
                if handover is not None and handover.id in line:
                    break
        assert told[0] == "event: hello"
