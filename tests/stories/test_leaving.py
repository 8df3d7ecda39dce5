"""A person leaves: nothing of theirs is left in the hub, and nothing of anybody else's is missing."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from hub.errors import BadRequest, NotAllowed, NotFound
from hub.flow.leaving import AGAIN
from hub.ports import Add
from hub.records import (
    HOME,
    OWNER,
    Address,
    Deed,
    File,
    Incoming,
    Link,
    Message,
    PersonId,
    Record,
    Task,
    Text,
    new_id,
)
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import (
    NOON,
    FakeBridge,
    Hang,
    ScriptedLLM,
    a_correction,
    a_follow,
    a_message,
    a_pairing,
    a_pause,
    a_person,
    a_posting,
    a_replay,
    a_reply,
    a_route,
    a_step,
    a_taint,
    a_task,
    a_thread,
    a_turn,
    a_webhook,
    a_webhook_delivery,
    an_entry,
    an_event,
    an_inlet,
    hello,
)
from tests.stories.day import Day, at_work

BEA = PersonId("bea-0193")
CANARY = "canary-of-bea"
GROUP = PersonId("group-1")


class Shown(MemoryStore):
    """A store that can be read through."""

    def everything(self) -> list[Record]:
        return [record for kind in self._kept.values() for record in kind.values()]

    def told(self) -> str:
        return msgspec.json.encode(self.everything()).decode()


def tells(record: Record, word: str) -> bool:
    return word in msgspec.json.encode(record).decode()


def with_file(sha256: str, **fields: Any) -> Message:
    return a_message(parts=(File(name="a.txt", media_type="text/plain", size=5, sha256=sha256),), **fields)


async def bea_moves_in(day: Day, documents: MemoryDocuments) -> dict[str, str]:
    """Have Bea use all that there is; return her files and those of others."""
    store, files = day.store, day.hub.files
    await store.commit(
        Add(a_person(id=BEA, name=CANARY, role="member")),
        Add(Link(tenant=HOME, bridge="fake", sender="bea-at-fake", person=BEA, created_at=NOON, chat="bea-at-fake")),
        Add(a_pairing(person=BEA, state="approved", name=CANARY)),
        Add(a_pairing(sender="bea-at-fake", name=CANARY)),
    )
    key, _ = await day.hub.people.create_key(HOME, BEA, CANARY, ["messages:read", "messages:write"])
    shared, _ = await files.put(b"of both", limit=100)
    own, _ = await files.put(b"of bea", limit=100)
    uploaded, _ = await files.put(b"never sent", limit=100)
    task = a_task(CANARY, person=BEA, number=1)
    turn = a_turn(task, answer=CANARY)
    message = with_file(own, person=BEA, task=task.id, turn=turn.id, state="answered")
    both = with_file(shared, person=BEA, task=task.id, state="answered")
    reply = a_reply(message, CANARY, turn=turn.id)
    theirs: list[Record] = [
        task, turn, message, both, reply, a_step(turn, result=CANARY), a_pause(turn, person=BEA, why=CANARY),
        a_taint(task, detail=CANARY), a_thread(task), a_posting(reply), an_entry(message), a_follow(task, person=BEA),
        a_correction(message, task, task), an_event(person=BEA), a_replay(key, body=CANARY),
        a_message(f"/status {CANARY}", person=BEA, state="answered"), an_inlet(person=BEA, name=CANARY),
        (hook := a_webhook(by=BEA)), a_webhook_delivery(hook, person=BEA), a_webhook_delivery(hook, 2, person=BEA),
    ]  # fmt: skip
    await store.commit(*map(Add, theirs))
    await store.commit(Add(with_file(shared, state="answered")))
    for owner in (
        f"memory/home/default/{BEA}",
        f"uploads/home/{BEA}",
        f"preferences/home/{BEA}",
        f"plugin/home/x/{BEA}",
    ):
        await documents.put(owner, uploaded if owner.startswith("uploads") else "one", {"fact": CANARY})
    await documents.put("bridges/fake", f"topic:{task.id}", {"title": CANARY})
    await documents.put("bridges/fake", "other", {"chat": "ann"})
    await documents.put("digests", f"home/{BEA}", {"chat": CANARY})
    return {"own": own, "shared": shared, "uploaded": uploaded}


async def words_in_a_group(day: Day) -> tuple[Task, Message, Message]:
    """Have Bea and the owner write in a group; return its task, and what each said."""
    task = a_task(CANARY, person=GROUP, number=1, digest=CANARY)
    turn = a_turn(task)
    said = a_message(
        CANARY, person=GROUP, author=BEA, task=task.id, turn=turn.id, route=a_route(task), state="answered"
    )
    other = a_message("What I said", person=GROUP, author=OWNER, task=task.id, state="answered")
    every: list[Record] = [a_person(id=GROUP, role="group"), task, turn, a_step(turn, request=CANARY), said, other]
    await day.store.commit(*map(Add, every))
    return task, said, other


async def test_nothing_of_theirs_is_left_and_nothing_of_others_is_missing() -> None:
    store, documents = Shown(), MemoryDocuments()
    async with Day(ScriptedLLM("Yours."), store=store, documents=documents, bridges={"fake": FakeBridge()}) as day:
        mine = await day.says("What the owner said")
        before = {id(record): record for record in store.everything()}
        files = await bea_moves_in(day, documents)
        task, _, other = await words_in_a_group(day)
        person = await day.hub.leaving.begin(HOME, BEA)
        await day.hub.leaving.finish(person)
        await day.quiet()

        assert CANARY not in store.told()
        # The audit log alone says that there was somebody by that id: see docs/how-to/keep-an-audit-log.md.
        assert [each for each in store.everything() if not isinstance(each, Deed) and tells(each, BEA)] == []
        assert await store.person(HOME, BEA) is None
        kept = store.everything()
        assert all(record in kept for record in before.values())
        assert await day.replies(mine) == ["Yours."]
        assert await store.message(other.id) == other
        assert (found := await store.task(task.id)) is not None
        assert found.state == task.state
        assert [await day.hub.files.exists(files[name]) for name in ("own", "uploaded", "shared")] == [
            False,
            False,
            True,
        ]
        assert await documents.owners() == ("bridges/fake", "digests", "leaving")
        assert await documents.all("digests") == ()
        assert await documents.all("leaving") == ()
        assert await documents.all("bridges/fake") == (("other", {"chat": "ann"}),)


async def test_from_the_first_moment_nobody_speaks_for_them() -> None:
    documents, bridge = MemoryDocuments(), FakeBridge()
    async with Day(ScriptedLLM("Hi!"), documents=documents, bridges={"fake": bridge}) as day, at_work(day, bridge):
        await bea_moves_in(day, documents)
        key, secret = await day.hub.people.create_key(HOME, BEA, "k", ["messages:write"])
        assert await day.hub.people.whose(secret) == key
        over_http = Incoming(
            address=Address(bridge="http", chat=f"{BEA}/main"),
            external_id=new_id(),
            sender=BEA,
            parts=(Text("me again"),),
            sent_at=NOON,
        )
        await day.hub.inbox.keep(replace(over_http, external_id="first"))
        await day.hub.leaving.begin(HOME, BEA)

        assert await day.hub.people.whose(secret) is None
        with pytest.raises(NotAllowed):
            await day.hub.inbox.keep(over_http)
        with pytest.raises(NotAllowed):
            await bridge.say(hello("me again", sender="bea-at-fake"))


async def test_what_is_running_is_stopped_first() -> None:
    async with Day(ScriptedLLM(Hang(after="Let me ")), store=Shown()) as day:
        await day.sends_as("bea", "Think for ever")
        await day.working()
        person = await day.hub.leaving.begin(HOME, PersonId("bea"))
        await day.hub.leaving.finish(person)
        await day.quiet()

        assert day.hub.turns.running == frozenset()
        assert "Think for ever" not in day.store.told()  # type: ignore[attr-defined]  # it's a Shown


async def test_the_owner_cannot_be_erased_nor_who_is_not_there() -> None:
    async with Day(ScriptedLLM()) as day:
        with pytest.raises(BadRequest, match="owner"):
            await day.hub.leaving.begin(HOME, OWNER)
        with pytest.raises(NotFound):
            await day.hub.leaving.begin(HOME, PersonId("nobody"))


async def test_to_leave_twice_is_no_error_and_a_restart_goes_on_with_it() -> None:
    store, documents = Shown(), MemoryDocuments()
    async with Day(ScriptedLLM(), store=store, documents=documents) as day:
        await bea_moves_in(day, documents)
        first = await day.hub.leaving.begin(HOME, BEA)
        assert await day.hub.leaving.begin(HOME, BEA) == first
    async with Day(ScriptedLLM(), store=store, documents=documents) as day:
        erasing = asyncio.create_task(day.hub.leaving.run())
        for _ in range(2_000):
            if await store.person(HOME, BEA) is None:
                break
            await asyncio.sleep(0.001)
        erasing.cancel()

    assert CANARY not in store.told()
    assert await documents.owners() == ("bridges/fake", "digests", "leaving")
    assert await documents.all("leaving") == ()


async def test_what_others_upload_with_the_same_bytes_stays() -> None:
    documents = MemoryDocuments()
    async with Day(ScriptedLLM(), documents=documents) as day:
        files = await bea_moves_in(day, documents)
        await day.hub.uploads.keep(HOME, OWNER, "mine.txt", "text/plain", b"of bea")
        await day.hub.leaving.finish(await day.hub.leaving.begin(HOME, BEA))

        assert await day.hub.files.exists(files["own"])


async def test_an_erasure_that_stumbles_waits_and_is_gone_on_with() -> None:
    """Whatever is in its way, the hub lives on, and the erasure with it."""
    store = Shown()
    async with Day(ScriptedLLM(), store=store) as day:
        await store.commit(Add(a_person(id=BEA, role="member")))
        await day.hub.leaving.begin(HOME, BEA)
        found = day.hub.leaving._unindex
        faults = iter([OSError("no rights"), OSError("no rights")])

        async def unindex(*_: str) -> None:
            if fault := next(faults, None):
                raise fault

        assert found is None
        day.hub.leaving._unindex = unindex
        erasing = asyncio.create_task(day.hub.leaving.run())
        for _ in range(2_000):
            if await store.person(HOME, BEA) is None:
                break
            await asyncio.sleep(0.001)
            await day.clock.advance(AGAIN)
        erasing.cancel()

        assert await store.person(HOME, BEA) is None
        assert next(faults, None) is None
