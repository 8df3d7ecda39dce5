"""Every sentence that ports.Store promises of what it finds, over every store."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from hub.ports import Add, Change, Remove, Save, Store
from hub.records import (
    HOME,
    OWNER,
    File,
    Message,
    MessageId,
    PersonId,
    TaskId,
    TenantId,
    Text,
    new_id,
)
from hub.store.memory import MemoryStore
from hub.testing import (
    NOON,
    a_correction,
    a_key,
    a_message,
    a_person,
    a_replay,
    a_reply,
    a_task,
    a_turn,
    an_address,
    an_entry,
    an_event,
)
from tests.contracts.people import BEA, OTHERS, SOON, add

# --- people and keys


async def test_people_belong_to_a_tenant(store: Store) -> None:
    ann, bea = a_person(), a_person(id=BEA, name="Bea", created_at=SOON)
    other = a_person(tenant=OTHERS, name="Olaf")
    await add(store, bea, ann, other)
    assert await store.people(HOME) == (ann, bea)
    assert await store.person(OTHERS, OWNER) == other
    assert await store.person(OTHERS, BEA) is None


async def test_keys_are_found_by_hash_and_id(store: Store) -> None:
    key = a_key()
    await add(store, key)
    assert await store.key_by_hash(key.hash) == key
    assert await store.key(HOME, key.id) == key
    assert await store.key(OTHERS, key.id) is None


async def test_keys_lists_api_keys_oldest_first(store: Store) -> None:
    young, old = a_key(created_at=SOON), a_key(revoked_at=SOON)
    await add(store, young, old, a_key(kind="session"), a_key(tenant=OTHERS))
    assert await store.keys(HOME) == (old, young)


# --- messages


async def conversation(store: Store, count: int, **fields: object) -> list[Message]:
    messages = [a_message(str(number), **fields) for number in range(count)]
    await add(store, *reversed(messages))
    return messages


async def test_a_message_is_found_by_the_platforms_id_whatever_its_thread(store: Store) -> None:
    message = a_message(external_id="7", address=an_address(thread="t"))
    await add(store, message)
    assert await store.message_by_external(HOME, an_address(), "7") == message
    assert await store.message_by_external(HOME, an_address(thread="u"), "7") == message
    assert await store.message_by_external(HOME, an_address("bea"), "7") is None
    assert await store.message_by_external(OTHERS, an_address(), "7") is None


async def test_messages_of_a_task_are_the_newest_oldest_first(store: Store) -> None:
    messages = await conversation(store, 5, task=TaskId("t"))
    await conversation(store, 2, task=TaskId("u"))
    assert await store.messages_of_task(TaskId("t"), limit=3) == tuple(messages[2:])
    assert await store.messages_of_task(TaskId("t"), limit=9) == tuple(messages)
    assert await store.messages_of_task(TaskId("none"), limit=9) == ()


async def test_messages_of_a_task_end_before_and_begin_after(store: Store) -> None:
    messages = await conversation(store, 6, task=TaskId("t"))
    task, first, last = TaskId("t"), messages[0].id, messages[5].id
    assert await store.messages_of_task(task, limit=2, before=last) == tuple(messages[3:5])
    assert await store.messages_of_task(task, limit=2, after=first) == tuple(messages[1:3])
    assert await store.messages_of_task(task, limit=2, before=last, after=first) == tuple(messages[3:5])


async def test_retracted_messages_are_no_longer_of_the_task(store: Store) -> None:
    messages = await conversation(store, 2, task=TaskId("t"))
    await add(store, a_message(task=TaskId("t"), state="moved", role="agent"))
    assert await store.messages_of_task(TaskId("t"), limit=9) == tuple(messages)


async def test_messages_of_a_chat_are_the_newest_oldest_first(store: Store) -> None:
    messages = await conversation(store, 4)
    threaded = a_message(address=an_address(thread="t"))
    await add(store, threaded, a_message(address=an_address("bea")), a_message(tenant=OTHERS))
    assert await store.messages_of_chat(HOME, an_address(), limit=3) == (*messages[2:], threaded)
    assert await store.messages_of_chat(HOME, an_address(), limit=2, before=messages[3].id) == tuple(messages[1:3])


async def test_replies_are_found_by_what_they_answer_and_by_turn(store: Store) -> None:
    turn = a_turn(a_task())
    asked, together = a_message(turn=turn.id), a_message(turn=turn.id)
    answer = a_reply(asked, turn=turn.id)
    notice = a_reply(asked, role="notice", turn=None)
    await add(store, asked, together, answer, notice, a_reply(asked, state="moved"), a_reply(a_message()))
    assert await store.replies(asked.id) == (answer, notice)
    assert await store.replies(together.id) == (answer,)
    assert await store.replies(answer.id) == (answer,)
    assert await store.replies(a_message().id) == ()


# --- queues


async def test_the_entry_of_a_message_is_its_newest_in_that_queue(store: Store) -> None:
    message = a_message()
    old, new, out = an_entry(message, state="done"), an_entry(message), an_entry(message, queue="outbox")
    await add(store, message, old, new, out)
    assert await store.entry_of("inbox", message.id) == new
    assert await store.entry_of("outbox", message.id) == out


async def test_the_ready_entries_of_a_lane_come_in_order(store: Store) -> None:
    message = a_message()
    ready = [an_entry(message, lane="l", due_at=due) for due in (None, NOON, None)]
    others = [an_entry(message, lane="l", state=state) for state in ("held", "done", "dead")]
    await add(store, message, *reversed(ready), *others, an_entry(message, lane="m"))
    assert await store.entries("l", NOON, 9) == tuple(ready)
    assert await store.entries("l", NOON, 2) == tuple(ready[:2])


async def test_nothing_overtakes_an_entry_that_waits_for_its_time(store: Store) -> None:
    message = a_message()
    first, waits, last = (an_entry(message, lane="l", due_at=due) for due in (None, SOON, None))
    await add(store, message, first, waits, last)
    assert await store.entries("l", NOON, 9) == (first,)
    assert await store.entries("l", SOON, 9) == (first, waits, last)


async def test_held_entries_are_listed_when_their_time_has_passed(store: Store) -> None:
    message = a_message()
    held, later = an_entry(message, state="held", due_at=NOON), an_entry(message, state="held", due_at=SOON)
    await add(store, message, held, later, an_entry(message, state="held"), an_entry(message, due_at=NOON))
    assert await store.held(NOON, 9) == (held,)
    assert await store.held(SOON, 9) == (held, later)
    assert await store.held(SOON, 1) == (held,)


async def test_lanes_whose_first_ready_entry_is_due_are_listed_once(store: Store) -> None:
    message = a_message()
    await add(
        store,
        message,
        an_entry(message, lane="b"),
        an_entry(message, lane="a", due_at=NOON),
        an_entry(message, lane="b"),
        an_entry(message, lane="waits", due_at=SOON),
        an_entry(message, lane="waits"),
        an_entry(message, lane="held", state="held"),
        an_entry(message, lane="done", state="done"),
    )
    assert await store.lanes(NOON, 9) == ("b", "a")
    assert await store.lanes(NOON, 1) == ("b",)
    assert await store.lanes(SOON, 9) == ("b", "a", "waits")


async def test_begun_entries_are_ready_ones_with_a_boot(store: Store) -> None:
    message = a_message()
    begun = an_entry(message, boot="1")
    await add(store, message, begun, an_entry(message), an_entry(message, boot="1", state="done"))
    assert await store.begun() == (begun,)


async def test_waiting_counts_a_persons_unsettled_inbox_entries(store: Store) -> None:
    ann, bea, olaf = a_message(), a_message(person=BEA), a_message(tenant=OTHERS)
    await add(store, ann, bea, olaf, an_entry(ann), an_entry(ann, state="held"), an_entry(bea), an_entry(olaf))
    await add(store, an_entry(ann, state="done"), an_entry(ann, state="dead"), an_entry(ann, queue="outbox"))
    assert await store.waiting(HOME, OWNER) == 2
    assert await store.waiting(HOME, BEA) == 1
    assert await store.waiting(HOME, PersonId("nobody")) == 0


async def test_counts_are_by_queue_and_state_without_the_done(store: Store) -> None:
    message = a_message()
    states = ("ready", "ready", "held", "dead", "done")
    await add(store, message, *(an_entry(message, state=state) for state in states), an_entry(message, queue="outbox"))
    assert await store.counts() == {"inbox.ready": 2, "inbox.held": 1, "inbox.dead": 1, "outbox.ready": 1}


async def test_a_file_is_found_by_who_has_a_message_with_it_as_the_newest_one_calls_it(store: Store) -> None:
    photo = File(name="photo.jpg", media_type="image/jpeg", size=3, sha256="a" * 64)
    again = replace(photo, name="again.jpg")
    ann = a_message(), a_message(parts=(Text("look"), photo)), a_message(parts=(again,))
    await add(store, *ann, a_message(person=BEA), a_message(tenant=OTHERS, parts=(photo,)))
    assert await store.file(HOME, OWNER, photo.sha256) == again
    assert await store.file(HOME, None, photo.sha256) == again
    assert await store.file(HOME, BEA, photo.sha256) is None
    assert await store.file(HOME, OWNER, "b" * 64) is None


async def test_what_a_person_sent_files_with_is_told_newest_first(store: Store) -> None:
    photo = File(name="a.jpg", media_type="image/jpeg", size=3, sha256="a" * 64)
    first, second, third = (a_message(parts=(Text("Look"), photo)) for _ in range(3))
    others = (
        a_message(),
        a_message(parts=(photo,), person=BEA),
        a_message(parts=(photo,), tenant=TenantId("acme")),
        a_message(parts=(photo,), role="agent"),
    )
    await add(store, first, second, third, *others)

    assert await store.messages_with_files(HOME, OWNER, limit=2) == (third, second)
    assert await store.messages_with_files(HOME, OWNER, limit=2, before=second.id) == (first,)


async def test_lengths_are_of_one_queue_by_lane_and_count_what_waits(store: Store) -> None:
    message = a_message()
    for state in ("ready", "held", "dead", "done"):
        await add(store, an_entry(message, queue="outbox", lane="out:a", state=state))
    await add(store, message, an_entry(message, queue="outbox", lane="out:b"), an_entry(message, lane="chat:a"))
    assert await store.lengths("outbox") == {"out:a": 2, "out:b": 1}
    assert await store.lengths("inbox") == {"chat:a": 1}


async def test_dead_letters_are_listed_newest_first(store: Store) -> None:
    message = a_message()
    old, new = an_entry(message, state="dead"), an_entry(message, state="dead", queue="outbox")
    await add(store, message, old, new, an_entry(message), an_entry(a_message(), tenant=OTHERS, state="dead"))
    assert await store.dead(HOME, 9) == (new, old)
    assert await store.dead(HOME, 1) == (new,)


# --- events, corrections, replays


async def test_events_are_a_persons_own_in_order_after_a_seq(store: Store) -> None:
    await add(
        store,
        an_event(message=MessageId("1")),
        an_event(message=MessageId("bea"), person=BEA),
        an_event(message=MessageId("2"), task=TaskId("t")),
    )
    await add(store, an_event(message=MessageId("others"), tenant=OTHERS), an_event(message=MessageId("3")))
    events = await store.events(HOME, OWNER, after=0, limit=9)
    assert [event.message for event in events] == ["1", "2", "3"]
    assert await store.events(HOME, OWNER, after=events[0].seq, limit=1) == events[1:2]
    assert await store.events(HOME, OWNER, after=events[2].seq, limit=9) == ()


async def test_everybodys_events_are_found_in_order_after_a_seq(store: Store) -> None:
    await add(store, an_event(message=MessageId("1")), an_event(message=MessageId("bea"), person=BEA))
    await add(store, an_event(message=MessageId("others"), tenant=OTHERS))
    events = await store.events_since(0, 9)
    assert [event.message for event in events] == ["1", "bea", "others"]
    assert await store.events_since(events[0].seq, 1) == events[1:2]
    assert await store.events_since(events[2].seq, 9) == ()


async def test_seqs_of_forgotten_events_are_never_given_again(store: Store) -> None:
    await add(store, an_event(), an_event())
    [last] = await store.commit(Add(an_event(created_at=NOON)))
    assert await store.forget_events(NOON) == 0
    assert await store.forget_events(SOON) == 3
    assert await store.events(HOME, OWNER, after=0, limit=9) == ()
    assert await store.last_event() == last.seq
    [new] = await store.commit(Add(an_event()))
    assert new.seq > last.seq


async def test_corrections_are_listed_newest_first(store: Store) -> None:
    message, task = a_message(), a_task()
    old, new = a_correction(message, task, task), a_correction(message, task, task)
    await add(store, old, new, a_correction(a_message(tenant=OTHERS), task, task))
    assert await store.corrections(HOME, 9) == (new, old)
    assert await store.corrections(HOME, 1) == (new,)


async def test_corrections_of_a_task_are_those_out_of_it_and_into_it(store: Store) -> None:
    message, one, other = a_message(), a_task(), a_task()
    out, into = a_correction(message, one, other), a_correction(message, other, one)
    await add(store, out, into, a_correction(message, other, other))
    assert await store.corrections_of_task(one.id, 9) == (into, out)
    assert await store.corrections_of_task(one.id, 1) == (into,)


async def test_a_replay_is_filled_in_when_the_request_is_done(store: Store) -> None:
    replay = a_replay(a_key(), status=0)
    await add(store, replay)
    await store.commit(Save(replace(replay, status=202, body="{}")))
    assert await store.replay(replay.key, replay.name) == replace(replay, status=202, body="{}")
    assert await store.replay(replay.key, "another") is None


async def test_old_replays_are_forgotten_and_younger_ones_kept(store: Store) -> None:
    key = a_key()
    old, young = a_replay(key, name="old"), a_replay(key, name="young", created_at=SOON)
    await add(store, key, old, young)
    assert await store.forget_replays(SOON) == 1
    assert await store.replay(key.id, "old") is None
    assert await store.replay(key.id, "young") == young


async def test_a_backup_is_written_while_work_goes_on(store: Store, tmp_path: Path) -> None:
    await add(store, *(a_message() for _ in range(50)))
    copy = tmp_path / "copy"
    working = asyncio.gather(*(store.commit(Add(a_message())) for _ in range(50)))
    await store.backup(str(copy))
    await working
    assert copy.stat().st_size > 0


async def test_a_store_knows_its_size(store: Store) -> None:
    await add(store, *(a_message("x" * 1000) for _ in range(50)))
    size = await store.size()
    assert size == 0 if isinstance(store, MemoryStore) else size > 50_000


def test_changes_are_what_they_say() -> None:
    changes: list[Change] = [Add(a_task()), Save(a_task()), Remove(a_task())]
    assert len({type(change) for change in changes}) == 3


def test_ids_sort_by_the_order_they_were_made() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
