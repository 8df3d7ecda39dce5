"""Every sentence that ports.Upkeep promises, over every store."""

from datetime import timedelta

from msgspec.structs import replace

from hub.ports import Add, Save, Store
from hub.records import HOME, OWNER, File, PersonId, TaskId, TaskState, Text
from hub.testing import (
    NOON,
    a_correction,
    a_follow,
    a_key,
    a_message,
    a_person,
    a_replay,
    a_task,
    an_address,
    an_entry,
)
from tests.contracts.people import BEA, OTHERS, SOON, add

HOUR = timedelta(hours=1)
LATER = NOON + HOUR
GROUP = PersonId("group")
PHOTO = File(name="a.png", media_type="image/png", size=3, sha256="a" * 64)


async def test_oldest_is_of_what_is_ready_and_due_and_not_of_what_rests_or_is_done(store: Store) -> None:
    message = a_message()
    states = [an_entry(message, state=state, created_at=NOON - 9 * HOUR) for state in ("held", "done", "dead")]
    ready = [an_entry(message, created_at=NOON - HOUR), an_entry(message, created_at=NOON - 2 * HOUR)]
    put_off = an_entry(message, queue="outbox", created_at=NOON - 5 * HOUR, due_at=NOON - timedelta(minutes=3))
    later = an_entry(message, queue="outbox", created_at=NOON - 8 * HOUR, due_at=SOON)
    await add(store, message, *states, *ready, put_off, later)

    assert await store.oldest(NOON) == {"inbox": NOON - 2 * HOUR, "outbox": NOON - timedelta(minutes=3)}
    assert await store.oldest(NOON - 3 * HOUR) == {}


async def test_open_tasks_are_counted_by_state_of_one_tenant_or_all(store: Store) -> None:
    states: tuple[TaskState, ...] = ("working", "working", "input-required", "completed", "failed", "canceled")
    await add(store, *(a_task(state=state, number=number) for number, state in enumerate(states)))
    await add(store, a_task(state="working", tenant=OTHERS))

    assert await store.open_tasks(HOME) == {"working": 2, "input-required": 1}
    assert await store.open_tasks() == {"working": 3, "input-required": 1}


async def test_forget_entries_removes_what_is_settled_and_old_and_nothing_else(store: Store) -> None:
    message = a_message()
    old = [an_entry(message, state="done", created_at=NOON - HOUR) for _ in range(250)]
    others = [an_entry(message, state=state, created_at=NOON - HOUR) for state in ("ready", "held", "dead")]
    young = an_entry(message, state="done", created_at=NOON)
    await add(store, message, *old, *others, young)

    assert await store.forget_entries(NOON) == 250
    assert {entry.id for entry in await store.entries_of(message.id)} == {entry.id for entry in (*others, young)}


async def test_ended_tasks_are_those_unchanged_since_the_longest_ended_first(store: Store) -> None:
    ended: tuple[TaskState, ...] = ("completed", "failed", "canceled")
    tasks = [a_task(state=state, number=n, updated_at=NOON - n * HOUR) for n, state in enumerate(ended, 1)]
    twin = a_task(state="completed", number=4, updated_at=NOON - 3 * HOUR, tenant=OTHERS)
    rest = [a_task(state="working", number=5, updated_at=NOON - 9 * HOUR), a_task(state="completed", number=6)]
    await add(store, *tasks, twin, *rest)
    found = await store.ended_tasks(NOON, limit=10)

    assert [task.id for task in found] == [*sorted([tasks[2].id, twin.id]), tasks[1].id, tasks[0].id]
    assert await store.ended_tasks(NOON, limit=2) == found[:2]
    assert await store.ended_tasks(NOON, limit=10, after=found[0]) == found[1:]


async def test_loose_messages_belong_to_no_task(store: Store) -> None:
    loose = [a_message(created_at=NOON - HOUR), a_message(created_at=NOON - HOUR, tenant=OTHERS)]
    await add(store, *loose, a_message(created_at=LATER), a_message(task=TaskId("t"), created_at=NOON - HOUR))

    assert await store.loose_messages(NOON, limit=10) == tuple(loose)
    assert await store.loose_messages(NOON, limit=1) == (loose[0],)
    assert await store.loose_messages(NOON, limit=10, after=loose[0].id) == (loose[1],)


async def test_all_messages_of_a_task_are_also_those_that_were_retracted_and_copies(store: Store) -> None:
    task = TaskId("t")
    first = a_message(task=task)
    messages = (first, a_message(task=task, state="moved"), a_message(task=task, copy_of=first.id))
    await add(store, *reversed(messages), a_message(task=TaskId("other")), a_message())

    assert await store.all_messages_of_task(task, limit=10) == messages
    assert await store.all_messages_of_task(task, limit=10, after=first.id) == messages[1:]


async def test_a_persons_messages_are_theirs_and_what_they_wrote_in_groups_is_found_apart(store: Store) -> None:
    said, told = a_message(), a_message(role="agent", state="sent", address=an_address("elsewhere"))
    in_group = a_message(person=GROUP, author=OWNER)
    others = [a_message(person=BEA), a_message(tenant=OTHERS), a_message(person=GROUP, author=BEA)]
    await add(store, said, told, in_group, *others, a_message(person=GROUP, author=OWNER, tenant=OTHERS))

    assert await store.messages_of_person(HOME, OWNER, limit=10) == (said, told)
    assert await store.messages_of_person(HOME, OWNER, limit=10, after=said.id) == (told,)
    assert await store.messages_in_groups(HOME, OWNER, limit=10) == (in_group,)
    assert await store.messages_in_groups(HOME, OWNER, limit=10, after=in_group.id) == ()


async def test_messages_with_any_file_are_everybodys(store: Store) -> None:
    with_files = (a_message(parts=(PHOTO,)), a_message(parts=(Text("see"), PHOTO), tenant=OTHERS, person=BEA))
    await add(store, a_message(), *with_files)

    assert await store.messages_with_any_file(limit=10) == with_files
    assert await store.messages_with_any_file(limit=10, after=with_files[0].id) == with_files[1:]


async def test_entries_and_corrections_of_a_message_are_all_of_them(store: Store) -> None:
    message, other = a_message(), a_message()
    inbox = [an_entry(message, state=state) for state in ("done", "ready")]
    out = an_entry(message, queue="outbox")
    corrections = [a_correction(message, a_task(), a_task()) for _ in range(2)]
    await add(store, message, other, *reversed(inbox), out, an_entry(other), *reversed(corrections))
    await add(store, a_correction(other, a_task(), a_task()))

    assert await store.entries_of(message.id) == (*inbox, out)
    assert await store.corrections_of(message.id) == tuple(corrections)


async def test_a_persons_keys_are_sessions_and_revoked_ones_too(store: Store) -> None:
    keys = (a_key(), a_key(kind="session"), a_key(revoked_at=SOON))
    await add(store, *keys, a_key(person=BEA), a_key(tenant=OTHERS))
    replays = [a_replay(keys[0], name=name) for name in ("POST /b", "POST /a")]
    await add(store, *replays, a_replay(keys[1]))

    assert await store.keys_of(HOME, OWNER) == keys
    assert await store.replays_of(keys[0].id, limit=10) == (replays[1], replays[0])
    assert await store.replays_of(keys[0].id, limit=1) == (replays[1],)


async def test_followed_by_is_what_a_person_follows(store: Store) -> None:
    task = a_task()
    follows = [a_follow(task, bridge=bridge) for bridge in ("a", "b")]
    await add(store, task, *reversed(follows), a_follow(task, bridge="c", person=BEA))

    assert await store.followed_by(HOME, OWNER) == tuple(follows)


async def test_who_leaves_is_found_until_they_are_gone(store: Store) -> None:
    ann, bea = a_person(), a_person(id=BEA)
    await add(store, ann, bea)
    assert await store.leaving() == ()
    gone = replace(bea, leaving_at=NOON)
    await store.commit(Save(gone), Add(a_person(tenant=OTHERS, leaving_at=SOON)))

    assert [(person.tenant, person.id, person.leaving_at) for person in await store.leaving()] == [
        (HOME, BEA, NOON),
        (OTHERS, OWNER, SOON),
    ]
