"""What's old is forgotten, in full and in small pieces; what's open, waits or teaches the router stays."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import fields

from hub.config import StoreConfig
from hub.flow.forgetting import FEW, Forgetting
from hub.flow.litter import YOUNG, Litter
from hub.flow.retention import Retention
from hub.ports import Add, Change
from hub.records import (
    HOME,
    OWNER,
    Correction,
    Draft,
    Entry,
    Event,
    File,
    Follow,
    Handover,
    Inlet,
    Message,
    Note,
    Pause,
    Pin,
    Posting,
    Record,
    Schedule,
    Step,
    Taint,
    Task,
    TaskState,
    Thread,
    Transition,
    Turn,
    Webhook,
    WebhookDelivery,
)
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.store.rows import TABLES
from hub.testing import (
    NOON,
    FakeClock,
    MemoryWorkspaces,
    ScriptedLLM,
    a_correction,
    a_follow,
    a_message,
    a_pause,
    a_pin,
    a_posting,
    a_reply,
    a_step,
    a_taint,
    a_task,
    a_thread,
    a_transition,
    a_turn,
    an_entry,
)
from tests.stories.day import Day

LONG_AGO = NOON - timedelta(days=100)


class Counting(MemoryStore):
    """Counts how many records the largest commit had."""

    largest = 0

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        self.largest = max(self.largest, len(changes))
        return await super().commit(*changes)

    def everything(self) -> list[Record]:
        return [record for kind in self._kept.values() for record in kind.values()]


async def whole_task(store: MemoryStore, number: int, state: TaskState = "completed", **fields: Any) -> Task:
    """Keep a task of long ago with everything that a task can have."""
    task = a_task(number=number, state=state, updated_at=LONG_AGO, **fields)
    turn = a_turn(task, state="done", ended_at=LONG_AGO)
    message = a_message(task=task.id, turn=turn.id, state="answered", created_at=LONG_AGO)
    reply = a_reply(message, turn=turn.id, created_at=LONG_AGO)
    moved = a_message(task=task.id, state="moved", created_at=LONG_AGO)
    of_message: list[Record] = [
        an_entry(message, state="done", created_at=NOON),
        a_posting(reply, external_id=f"p{number}"),
    ]
    of_task: list[Record] = [
        a_taint(task),
        a_pin(task),
        a_thread(task, str(number)),
        a_follow(task),
        a_transition(task),
    ]
    steps = [a_step(turn, number=each) for each in range(3)]
    every: list[Record] = [
        task,
        turn,
        message,
        reply,
        moved,
        *of_message,
        *of_task,
        *steps,
        a_pause(turn, state="done"),
    ]
    await store.commit(*map(Add, every))
    return task


def sweep(store: MemoryStore, now: datetime = NOON, **settings: Any) -> Retention:
    return Retention(store, Forgetting(store, MemoryWorkspaces()), FakeClock(now), StoreConfig(**settings))


async def test_an_ended_task_is_forgotten_with_all_that_belongs_to_it_a_few_records_at_a_time() -> None:
    store = Counting()
    for number in range(1, 151):
        await whole_task(store, number)
    store.largest = 0
    await sweep(store, keep_messages_days=30).sweep()

    assert store.everything() == []
    assert store.largest <= FEW


def test_every_kind_of_record_that_hangs_on_a_task_or_a_message_is_forgotten_with_it() -> None:
    """A new kind with such a field is to be removed in hub/flow/forgetting.py, and named here."""
    hanging = {kind for kind in TABLES if {"task", "turn", "message"} & {field.name for field in fields(kind)}}
    of_task = {Turn, Step, Pause, Taint, Pin, Thread, Follow, Transition, Draft}
    # What operators keep about somebody is kept as long as that person, and goes with them.
    of_person = {Handover, Note}

    # Events are forgotten by themselves, by their age or with their person.
    # What other systems are told is forgotten by its age, and with its person; whom they tell is for who set it up.
    of_webhooks = {Webhook, WebhookDelivery, Inlet}
    assert hanging == {Message, Posting, Correction, Entry, Event, *of_task, *of_person, *of_webhooks}


async def test_nothing_is_forgotten_unless_the_config_says_so() -> None:
    store = MemoryStore()
    task = await whole_task(store, 1)
    await sweep(store).sweep()

    assert await store.task(task.id) == task


async def test_what_is_open_young_waits_or_comes_again_stays() -> None:
    store = MemoryStore()
    open_ = await whole_task(store, 1, "input-required")
    daily = await whole_task(store, 2, "failed", schedule=Schedule(cron="0 8 * * *"))
    waits = await whole_task(store, 3)
    message = a_message(task=waits.id, state="stopped", created_at=LONG_AGO)
    await store.commit(Add(message), Add(an_entry(message)))
    young = a_task(number=4, state="completed", updated_at=NOON - timedelta(days=29))
    await store.commit(Add(young))
    gone = await whole_task(store, 5)
    await sweep(store, keep_messages_days=30).sweep()

    kept = {task.id for task in await store.tasks(HOME, OWNER)}
    assert kept == {open_.id, daily.id, waits.id, young.id}
    assert gone.id not in kept
    assert len(await store.all_messages_of_task(open_.id, limit=10)) == 3


async def test_a_labelled_example_stays_unless_it_is_not_wished() -> None:
    store = MemoryStore()
    task = await whole_task(store, 1)
    (message, *_) = await store.all_messages_of_task(task.id, limit=10)
    await store.commit(Add(a_correction(message, a_task(), task)))
    await sweep(store, keep_messages_days=30).sweep()
    assert await store.task(task.id)
    await sweep(store, keep_messages_days=30, keep_corrections=False).sweep()

    assert await store.task(task.id) is None
    assert await store.corrections(HOME, 10) == ()


async def test_messages_of_no_task_are_forgotten_once_they_are_over() -> None:
    store = MemoryStore()
    command = a_message("/status", state="answered", created_at=LONG_AGO)
    told = a_reply(command, role="notice", created_at=LONG_AGO)
    asking = a_message(state="asking", created_at=LONG_AGO)
    await store.commit(Add(command), Add(told), Add(asking), Add(a_message(state="answered")))
    await sweep(store, keep_messages_days=30).sweep()

    assert await store.message(command.id) is None
    assert await store.message(told.id) is None
    assert await store.message(asking.id) == asking


async def test_settled_entries_do_not_grow_for_ever() -> None:
    async with Day(ScriptedLLM("One.", "Two.")) as day:
        first = await day.says("Hello")
        await day.clock.advance(8 * 86_400)
        second = await day.says("/new Hello again")
        await sweep(day.store, day.clock.now()).sweep()  # type: ignore[arg-type]  # a day's store is in memory

        assert await day.store.entries_of(first.id) == ()
        assert len(await day.store.entries_of(second.id)) == 1
        assert await day.replies(first) == ["One."]


async def test_a_message_without_its_old_entry_is_still_moved_and_answered_again() -> None:
    async with Day(ScriptedLLM("One.", "Two.", "Three.")) as day:
        first = await day.says("Hello")
        await day.clock.advance(8 * 86_400)
        await day.store.forget_entries(day.clock.now())
        await day.hub.corrections.move(first, "new")
        await day.quiet()

        assert await day.replies(first) == ["Two."]


async def test_files_that_no_message_names_are_removed_when_they_are_old() -> None:
    store, files = MemoryStore(), MemoryFiles()
    named, _ = await files.put(b"named", limit=100)
    orphan, _ = await files.put(b"orphan", limit=100)
    await store.commit(Add(_with_file(named)))
    clock = FakeClock()
    clock.put(datetime.now(NOON.tzinfo))
    litter = Litter(store, files, clock)
    await litter.sweep()
    assert await files.exists(orphan), "its message may still come"
    await clock.advance(YOUNG.total_seconds() + 60)
    await litter.sweep()

    assert not await files.exists(orphan)
    assert await files.exists(named)


def _with_file(sha256: str) -> Message:
    return a_message(parts=(File(name="a.txt", media_type="text/plain", size=5, sha256=sha256),))
