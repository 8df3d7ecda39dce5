"""A person's own data over HTTP: handed over as a zip, and erased; by themselves or by the owner, and nobody else."""

import io
import json
import zipfile

from hub.ports import Add
from hub.records import HOME, File, PersonId, Record
from hub.testing import a_follow, a_link, a_message, a_person, a_reply, a_step, a_task, a_turn
from tests.unit.web.world import World, a_world

BEA, CARL = PersonId("bea"), PersonId("carl")


async def with_people(world: World) -> None:
    """Have Bea and Carl known, each with a task."""
    for person, text in ((BEA, "What Bea said"), (CARL, "What Carl said")):
        sha256, _ = await world.services.portraits._files.put(text.encode(), limit=1000)
        task = a_task(text, person=person)
        turn = a_turn(task, answer="Yes.")
        file = File(name="../a b.txt", media_type="text/plain", size=3, sha256=sha256)
        message = a_message(text, person=person, task=task.id, turn=turn.id)
        sent = a_message(person=person, parts=(file,), task=task.id)
        known: list[Record] = [
            a_person(id=person, name=person.title(), role="member"),
            a_link(sender=person, person=person),
        ]
        said: list[Record] = [task, turn, a_step(turn), message, sent, a_reply(message, turn=turn.id), a_follow(task)]
        await world.store.commit(*map(Add, [*known, *said]))


async def key_of(world: World, person: PersonId, *scopes: str) -> str:
    _, secret = await world.people.create_key(HOME, person, "test", scopes)
    return secret


async def test_who_asks_gets_all_that_is_theirs_and_nothing_of_others() -> None:
    world = await a_world()
    await with_people(world)
    async with world.client(secret := await key_of(world, BEA, "messages:read")) as client:
        answer = await client.get("/v1/people/me/export")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert {"README.txt", "person.json", "messages.jsonl", "tasks.jsonl", "turns.jsonl", "steps.jsonl"} <= set(
        archive.namelist()
    )
    everything = b"\n".join(archive.read(name) for name in archive.namelist())
    assert b"What Bea said" in everything
    assert b"Carl" not in everything
    assert secret.encode() not in everything
    assert b'"hash"' not in everything
    (file,) = (name for name in archive.namelist() if name.startswith("files/"))
    assert (archive.read(file), ".." in file) == (b"What Bea said", False)
    assert "**You**" in archive.read("conversations/1.md").decode()
    assert [json.loads(line)["name"] for line in archive.read("keys.jsonl").splitlines()] == ["test"]
    assert "1 tasks, 3 messages, 1 files" in archive.read("README.txt").decode()


async def test_nobody_else_gets_it_but_the_owner() -> None:
    world = await a_world()
    await with_people(world)
    async with world.client(await key_of(world, CARL, "messages:read")) as client:
        other = await client.get("/v1/people/bea/export")
    async with world.client(await world.key_with("people:write", "messages:read")) as client:
        helper = await client.get("/v1/people/bea/export")
    async with world.client(await key_of(world, BEA, "tasks:read")) as client:
        without = await client.get("/v1/people/me/export")
    async with world.client() as client:
        owner, nobody = await client.get("/v1/people/bea/export"), await client.get("/v1/people/eve/export")

    codes = [answer.status_code for answer in (other, helper, without, owner, nobody)]
    assert codes == [404, 403, 403, 200, 404]


async def test_who_is_erased_has_left_at_once_and_is_gone_soon() -> None:
    world = await a_world()
    await with_people(world)
    secret = await key_of(world, BEA, "messages:write")
    async with world.client(secret) as client:
        left = await client.delete("/v1/people/me")
        again = await client.get("/v1/people/me")
    async with world.client() as client:
        seen = await client.get("/v1/people/bea")
        twice = await client.delete("/v1/people/bea")
        (person,) = await world.store.leaving()
        await world.services.leaving.finish(person)
        gone = await client.get("/v1/people/bea")

    assert (left.status_code, again.status_code) == (202, 401)
    assert left.json()["leaving_at"] == seen.json()["leaving_at"] is not None
    assert (twice.status_code, gone.status_code) == (202, 404)
    assert await world.store.messages_of_person(HOME, BEA, limit=1) == ()
    assert len(await world.store.messages_of_person(HOME, CARL, limit=10)) == 3


async def test_nobody_erases_another_but_the_owner_and_nobody_the_owner() -> None:
    world = await a_world()
    await with_people(world)
    async with world.client(await key_of(world, CARL, "messages:write")) as client:
        other = await client.delete("/v1/people/bea")
    async with world.client(await world.key_with("people:write", "messages:write")) as client:
        helper = await client.delete("/v1/people/bea")
    async with world.client(await key_of(world, BEA, "messages:read")) as client:
        without = await client.delete("/v1/people/me")
    async with world.client() as client:
        owner, nobody = await client.delete("/v1/people/me"), await client.delete("/v1/people/eve")

    codes = [answer.status_code for answer in (other, helper, without, owner, nobody)]
    assert codes == [404, 403, 403, 400, 404]
    assert await world.store.leaving() == ()
