"""Everything that waits, over HTTP: listed for whom it's of use, answered once, and others' never."""

from datetime import timedelta
from typing import Any

from bridges.http import convert
from hub.ports import Add, Save
from hub.records import HOME, OWNER, Ask, Blocked, Candidate, Choice, FileExists, Limits, PersonId, Task, Usage
from hub.testing import (
    a_draft,
    a_handover,
    a_message,
    a_pairing,
    a_pause,
    a_person,
    a_route,
    a_taint,
    a_task,
    a_transition,
    a_turn,
    an_entry,
)
from tests.unit.web.world import World, a_world

BEA, OLA, BAND = PersonId("bea"), PersonId("ola"), PersonId("band")


async def resting(world: World, number: int = 1, **fields: Any) -> Task:
    """Have a task rest after a turn."""
    now = world.services.clock.now()
    task = a_task(f"Task {number}", number=number, state="input-required", updated_at=now, **fields)
    await world.store.commit(Add(task), Add(a_turn(task, state="done")))
    return task


async def a_call(world: World, task: Task, **fields: Any) -> str:
    """Have a call wait for leave; return the id under which it waits."""
    (turn,) = await world.store.turns(task.id)
    now = world.services.clock.now()
    fields = {"person": task.person, "created_at": now, "expires_at": now + timedelta(minutes=10), **fields}
    pause = a_pause(turn, **fields)
    await world.store.commit(Add(pause))
    return f"leave-{pause.id}"


async def key_of(world: World, person: PersonId, role: Any, *scopes: str) -> str:
    await world.store.commit(Add(a_person(id=person, name=person.title(), role=role)))
    _, secret = await world.people.create_key(HOME, person, "k", scopes)
    return secret


async def listed(world: World, key: str | None = None, **query: str) -> list[dict[str, Any]]:
    async with world.client(key) as client:
        answer = await client.get("/v1/waiting", params=query)
        assert answer.status_code == 200, answer.text
        counted = (await client.get("/v1/waiting/count")).json()["waiting"]
    items: list[dict[str, Any]] = answer.json()["items"]
    if not query:
        assert counted == len(items)
    return items


async def test_leave_is_told_to_the_letter_with_whose_words_were_read() -> None:
    world = await a_world()
    task = await resting(world, verdict=Ask(question="", why="leave is asked"))
    id = await a_call(world, task, arguments='{"to":"ann\u202e"}')
    await world.store.commit(Add(a_taint(task)))
    [one] = await listed(world)
    assert (one["id"], one["kind"], one["yours"], one["tool"]) == (id, "leave", True, "send")
    assert r"ann\u202e" in one["shown"]
    assert one["read"] == ["web_fetch (https://example.org)"]
    assert [choice["id"] for choice in one["choices"]] == ["approve", "deny"]
    assert one["task"]["number"] == 1
    assert one["expires_at"]


async def test_each_kind_is_listed_with_what_it_may_be_answered_with() -> None:
    world = await a_world()
    now = world.services.clock.now()
    more = (Choice(id="more", text="Go on"), Choice(id="finish", text="Leave it at that"))
    await resting(world, 1, verdict=Ask(question="When?"))
    await resting(world, 2, verdict=Blocked(missing="no key"))
    spent = {"limits": Limits(turns=5), "used": Usage(turns=5)}
    await resting(world, 3, verdict=Ask(question="5 turns are used up.", choices=more), kind="assignment", **spent)
    await resting(world, 4, verdict=Ask(question="The same again. Shall I go on?", choices=more))
    await resting(world, 5, verdict=Ask(question="", why="something was promised"))
    stopped = await resting(world, 6, verdict=Ask(question="asked long ago"))
    await world.store.commit(Add(a_transition(stopped, before="working", after="input-required", by="person")))
    await world.store.commit(Add(a_task("Write", number=7, proposed=(FileExists(path="a.md"),), updated_at=now)))
    route = a_route(stopped, rule="model", candidates=(Candidate(task=stopped.id, title="Six", probability=0.5),))
    message = a_message("Which?", state="asking", route=route, created_at=now)
    await world.store.commit(Add(message), Add(an_entry(message, state="held", due_at=now)))
    await world.store.commit(Add(a_pairing(created_at=now, expires_at=now + timedelta(hours=1))))

    found = {each["task"]["number"] if each["task"] else each["kind"]: each for each in await listed(world)}
    assert {
        name: (each["kind"], [c["id"] for c in each["choices"]], each["words"]) for name, each in found.items()
    } == {
        1: ("question", [], True),
        2: ("blocked", ["resume", "cancel"], False),
        3: ("budget", ["more", "finish"], False),
        4: ("question", ["more", "finish"], False),
        7: ("checks", ["yes", "no"], False),
        "route": ("route", [stopped.id, "new"], False),
        "pairing": ("pairing", ["approve", "deny"], False),
    }
    assert (found[3]["used"]["turns"], found[3]["limits"]["turns"], found[3]["more"]["turns"]) == (5, 5, 20)
    assert found[7]["lines"] == ["the file a.md is there"]


async def test_what_needs_a_right_is_shown_to_who_has_it() -> None:
    world = await a_world()
    now = world.services.clock.now()
    await world.store.commit(Add(a_pairing(created_at=now, expires_at=now + timedelta(hours=1))))
    plain = await key_of(world, BEA, "member", "tasks:read", "tasks:write")
    desk = await key_of(world, OLA, "operator", "tasks:read", "tasks:write", "chats:operate")
    taken, wanted = a_handover(person=BEA, state="taken", operator=OLA), a_handover(person=BAND)
    task = a_task("Help", person=BEA)
    draft = a_draft(taken, task, "Hi!", person=BEA)
    await world.store.commit(Add(task), Add(taken), Add(wanted), Add(draft), Add(a_draft(taken, task, state="sent")))
    assert await listed(world, plain) == []
    assert [each["kind"] for each in await listed(world, desk)] == ["draft", "handover"]
    assert [each["kind"] for each in await listed(world)] == ["handover", "pairing"]
    async with world.client(plain) as client:
        for id in (f"draft-{draft.id}", f"handover-{wanted.id}"):
            assert (await client.post(f"/v1/waiting/{id}", json={"choice": "take"})).status_code == 404
        assert (await client.get("/v1/waiting", params={"of": "tenant"})).status_code == 403
        assert (await client.get("/v1/waiting/settled", params={"of": "tenant"})).status_code == 403


async def test_an_owner_sees_what_waits_for_others_and_answers_only_for_groups() -> None:
    world = await a_world()
    await key_of(world, BEA, "member", "tasks:read")
    await world.store.commit(Add(a_person(id=BAND, name="The band", role="group")))
    beas = await a_call(world, await resting(world, person=BEA))
    bands = await a_call(world, await resting(world, person=BAND))
    assert [(each["id"], each["yours"]) for each in await listed(world)] == [(bands, True)]
    everybodys = await listed(world, of="tenant")
    assert [(each["id"], each["yours"], each["person"]["name"]) for each in everybodys] == [
        (beas, False, "Bea"),
        (bands, True, "The band"),
    ]
    async with world.client() as client:
        assert (await client.post(f"/v1/waiting/{beas}", json={"choice": "deny"})).status_code == 404
        assert (await client.post(f"/v1/waiting/{bands}", json={"choice": "deny"})).status_code == 200


async def test_it_is_answered_once_and_who_is_second_is_told_by_whom() -> None:
    world = await a_world()
    id = await a_call(world, await resting(world))
    async with world.client() as client:
        first = await client.post(f"/v1/waiting/{id}", json={"choice": "deny", "reason": "Too\ndear"})
        again = await client.post(f"/v1/waiting/{id}", json={"choice": "approve"})
        settled = (await client.get("/v1/waiting/settled")).json()["items"]
    assert (first.status_code, first.json()["outcome"]) == (200, "denied")
    assert (again.status_code, again.json()["detail"]) == (409, "It was decided already: denied by Owner.")
    assert (settled[0]["outcome"], settled[0]["reason"], settled[0]["by"]["name"]) == ("denied", "Too dear", "Owner")
    assert await listed(world) == []


async def test_what_is_not_offered_is_refused_and_what_nobody_asked_is_not_found() -> None:
    world = await a_world()
    task = await resting(world, verdict=Ask(question="When?"))
    id = await a_call(world, task)
    question = next(each["id"] for each in await listed(world) if each["kind"] == "question")
    async with world.client() as client:
        for body in ({"choice": "maybe"}, {}, {"text": "Yes"}):
            assert (await client.post(f"/v1/waiting/{id}", json=body)).status_code == 400
        assert (await client.post(f"/v1/waiting/{question}", json={"text": " "})).status_code == 400
        assert (await client.post(f"/v1/waiting/{id}", json={"choice": "deny", "reason": "\u0000"})).status_code == 400
        for unknown in ("leave-x", "question-x-y", "x", "package-x-y", "leave", f"checks-{task.id}-0"):
            answer = await client.post(f"/v1/waiting/{unknown}", json={"choice": "allow"})
            assert answer.status_code == (409 if unknown.startswith("checks") else 404), unknown


async def test_an_answer_to_a_question_that_is_not_asked_any_more_is_not_taken_for_the_next_ones() -> None:
    world = await a_world()
    task = await resting(world, verdict=Ask(question="When?"))
    [asked] = await listed(world)
    await world.store.commit(Add(a_turn(task, number=2, state="done")))
    async with world.client() as client:
        assert (await client.post(f"/v1/waiting/{asked['id']}", json={"text": "At noon"})).status_code == 409
        [anew] = (await client.get("/v1/waiting")).json()["items"]
        assert (await client.post(f"/v1/waiting/{anew['id']}", json={"text": "At noon"})).status_code == 200
        assert (await client.post(f"/v1/waiting/{anew['id']}", json={"text": "At one"})).status_code == 409


async def test_of_two_answers_that_come_at_once_one_is_kept() -> None:
    world = await a_world()
    await resting(world, verdict=Ask(question="When?"))
    [asked] = await listed(world)
    # The other one is kept, and not routed yet.
    other = a_message("At one", address=convert.address(OWNER, "main"), external_id=f"answer:{asked['id']}")
    await world.store.commit(Add(other))
    async with world.client() as client:
        second = await client.post(f"/v1/waiting/{asked['id']}", json={"text": "At noon"})
    assert (second.status_code, second.json()["detail"]) == (409, "It was answered already.")
    assert world.echo.kept == 0


async def test_a_key_that_may_not_speak_answers_no_question_and_reads_no_message() -> None:
    world = await a_world()
    now = world.services.clock.now()
    task = await resting(world, verdict=Ask(question="When?"))
    message = a_message("A secret", state="asking", route=a_route(task, rule="model"), created_at=now)
    await world.store.commit(Add(message), Add(an_entry(message, state="held", due_at=now)))
    key = await world.key_with("tasks:read", "tasks:write")
    [asked] = await listed(world, key)
    assert (asked["kind"], asked["text"]) == ("question", "When?")
    async with world.client(key) as client:
        assert (await client.post(f"/v1/waiting/{asked['id']}", json={"text": "At noon"})).status_code == 403
        assert (await client.post(f"/v1/waiting/route-{message.id}", json={"choice": "new"})).status_code == 403
    assert world.echo.kept == 0


async def test_a_stranger_is_let_in_once() -> None:
    world = await a_world()
    now = world.services.clock.now()
    pairing = a_pairing(created_at=now, expires_at=now + timedelta(hours=1))
    await world.store.commit(Add(pairing))
    async with world.client() as client:
        first = await client.post(f"/v1/waiting/pairing-{pairing.id}", json={"choice": "approve"})
        second = await client.post(f"/v1/waiting/pairing-{pairing.id}", json={"choice": "deny"})
    assert (first.status_code, first.json()["outcome"]) == (200, "Eve")
    assert second.status_code == 409
    assert "approved" in second.json()["detail"]


async def test_what_lapsed_or_was_answered_in_a_chat_stands_below() -> None:
    world = await a_world()
    now = world.services.clock.now()
    task = await resting(world, verdict=Ask(question="When?"))
    (turn,) = await world.store.turns(task.id)
    lapsed = a_pause(turn, state="done", answer="expired", decided_at=now)
    went_on = a_transition(
        task, before="input-required", after="submitted", by="person", at=now, why="its person spoke"
    )
    by_hub = a_transition(task, before="input-required", after="submitted", by="hub", at=now, why="not a person")
    await world.store.commit(Add(lapsed), Add(went_on), Add(by_hub), Save(task))
    async with world.client() as client:
        found = (await client.get("/v1/waiting/settled")).json()["items"]
    assert sorted((each["kind"], each["outcome"], each["by"] and each["by"]["id"]) for each in found) == [
        ("leave", "expired", None),
        ("task", "its person spoke", OWNER),
    ]
