"""The port's queries as SQL. Each is answered from an index, however long the history: a test explains them all."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Text, bindparam, func, select, type_coerce, union, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from hub.records import (
    Address,
    Correction,
    Entry,
    Event,
    Follow,
    Installation,
    Message,
    Package,
    Pause,
    PauseState,
    Pin,
    Posting,
    Record,
    Replay,
    Step,
    Taint,
    Task,
    TaskState,
    Thread,
    Transition,
    Turn,
)
from hub.store.package_tables import ASKED, installations, packages, pauses, pins, taints
from hub.store.people_tables import pairings
from hub.store.rows import columns_of
from hub.store.tables import (
    DEAD,
    HELD,
    NOT_DONE,
    OPEN_TASK,
    READY,
    WAITING,
    WITH_FILES,
    corrections,
    counters,
    entries,
    events,
    follows,
    messages,
    postings,
    replays,
    steps,
    tasks,
    threads,
    transitions,
    turns,
)
from hub.store.tabling import Position

Query = Select[Any] | CompoundSelect[Any]
STATES: tuple[TaskState, ...] = ("submitted", "working", "input-required", "completed", "failed", "canceled")


def of(kind: type[Record]) -> Select[Any]:
    """Select whole records of a kind."""
    return select(*columns_of(kind))


def by(record: type[Record], /, **values: object) -> Select[Any]:
    """Select the records of a kind whose columns have these values."""
    found = of(record)
    return found.where(*(found.selected_columns[name] == value for name, value in values.items()))


def packages_of(tenant: str) -> Query:
    return by(Package, tenant=tenant).order_by(packages.c.id)


def newest_installations(tenant: str, limit: int) -> Query:
    return by(Installation, tenant=tenant).order_by(installations.c.id.desc()).limit(limit)


def pins_of(task: str) -> Query:
    return by(Pin, task=task).order_by(pins.c.package)


def pinned(tenant: str) -> Query:
    found = by(Pin, tenant=tenant).join(tasks, tasks.c.id == pins.c.task).where(OPEN_TASK)
    return found.order_by(pins.c.task, pins.c.package)


def newest_ids() -> Query:
    """The greatest id of each kind of record whose ids tell the order; ids that aren't of `new_id` are left out."""
    ordered = (messages, entries, tasks, turns, pauses, corrections, installations, pairings)
    return union_all(*(select(func.max(table.c.id).label("id")).where(table.c.id < "1") for table in ordered))


# --- messages


def with_file(tenant: str, person: str | None, sha256: str) -> Query:
    """The newest message that has a file; `person` None: anybody's."""
    found = by(Message, tenant=tenant) if person is None else by(Message, tenant=tenant, person=person)
    names = Position(type_coerce(messages.c.parts, Text), sha256) > 0
    return found.where(WITH_FILES, names).order_by(messages.c.id.desc()).limit(1)


def with_files(tenant: str, person: str, limit: int, before: str | None) -> Query:
    """What a person sent files with."""
    found = by(Message, tenant=tenant, person=person, role="user").where(WITH_FILES)
    if before is not None:
        found = found.where(messages.c.id < before)
    return found.order_by(messages.c.id.desc()).limit(limit)


def message_by_external(tenant: str, address: Address, external_id: str) -> Query:
    """By the message's own id, else by a posting."""
    where = {"tenant": tenant, "bridge": address.bridge, "chat": address.chat, "external_id": external_id}
    posted = by(Posting, **where).with_only_columns(postings.c.message)
    own = by(Message, **where).with_only_columns(messages.c.id)
    return of(Message).where(messages.c.id.in_(union(own, posted))).order_by(messages.c.id).limit(1)


def postings_of(message: str) -> Query:
    return by(Posting, message=message).order_by(postings.c.number, postings.c.external_id)


def copies_of(message: str) -> Query:
    return by(Message, copy_of=message).order_by(messages.c.id)


def messages_of_task(task: str, limit: int, before: str | None, after: str | None) -> Query:
    """Newest first; with `after` alone, oldest first."""
    found = by(Message, task=task).where(messages.c.state != "moved", messages.c.copy_of.is_(None)).limit(limit)
    if before is not None:
        found = found.where(messages.c.id < before)
    if after is not None:
        found = found.where(messages.c.id > after)
    forward = after is not None and before is None
    return found.order_by(messages.c.id if forward else messages.c.id.desc())


def messages_of_chat(tenant: str, address: Address, limit: int, before: str | None) -> Query:
    """Newest first."""
    found = by(Message, tenant=tenant, bridge=address.bridge, chat=address.chat)
    if before is not None:
        found = found.where(messages.c.id < before)
    return found.order_by(messages.c.id.desc()).limit(limit)


def replies(message: str) -> Query:
    turn = select(messages.c.turn).where(messages.c.id == message).scalar_subquery()
    ids = union(
        select(messages.c.id).where(messages.c.answers == message),
        select(messages.c.id).where(messages.c.turn == turn),
    )
    found = of(Message).where(messages.c.id.in_(ids))
    said = (messages.c.role != "user", messages.c.state != "moved", messages.c.copy_of.is_(None))
    return found.where(*said).order_by(messages.c.id)


# --- tasks


def last_number(tenant: str, person: str) -> Query:
    return select(func.max(tasks.c.number)).where(tasks.c.tenant == tenant, tasks.c.person == person)


class Listing(Struct, frozen=True, kw_only=True):
    """Which of the ways to list tasks: what's asked for, without the values."""

    states: tuple[TaskState, ...]
    person: bool
    chat: bool
    since: bool
    before: bool
    by: Literal["id", "updated_at"]
    split: bool | None = None


@cache
def some_tasks(listing: Listing) -> Query:
    """List tasks; the values are bound by name: tenant, person, bridge, chat, since, before, limit.

    Kept for each way of listing, for making this one takes longer than answering it.
    """
    # Each state is asked for by itself and the few first of each are merged: one query over several states would sort
    # all of a person's tasks to find the newest.
    found = of(Task).where(tasks.c.tenant == bindparam("tenant"))
    if listing.person:
        found = found.where(tasks.c.person == bindparam("person"))
    if listing.chat:
        found = found.where(tasks.c.bridge == bindparam("bridge"), tasks.c.chat == bindparam("chat"))
    if listing.since:
        found = found.where(tasks.c.updated_at >= bindparam("since"))
    if listing.split is not None:
        found = found.where(tasks.c.parent.is_not(None) if listing.split else tasks.c.parent.is_(None))
    if listing.before:
        found = found.where(tasks.c.id < bindparam("before"))
    found = found.order_by(*_newest(tasks.c, listing.by)).limit(bindparam("limit"))
    parts = [found.where(tasks.c.state == state).subquery() for state in listing.states or STATES]
    merged = union_all(*(select(part) for part in parts)).subquery()
    return select(merged).order_by(*_newest(merged.c, listing.by)).limit(bindparam("limit"))


def _newest(columns: Any, by: Literal["id", "updated_at"]) -> tuple[ColumnElement[Any], ...]:
    return (columns.id.desc(),) if by == "id" else (columns.updated_at.desc(), columns.id.desc())


def told_of(limit: int) -> Query:
    return of(Task).where(tasks.c.progress.is_not(None)).order_by(tasks.c.id).limit(limit)


def split_off(task: str) -> Query:
    return by(Task, parent=task).order_by(tasks.c.id)


def transitions_of(task: str, before: str | None, limit: int, after: str | None = None) -> Query:
    """Newest first; with `after`, oldest first."""
    found = by(Transition, task=task)
    if after is not None:
        return found.where(transitions.c.id > after).order_by(transitions.c.id).limit(limit)
    if before is not None:
        found = found.where(transitions.c.id < before)
    return found.order_by(transitions.c.id.desc()).limit(limit)


def threads_of(task: str) -> Query:
    return by(Thread, task=task).order_by(threads.c.bridge, threads.c.chat, threads.c.thread)


def follows_of(task: str) -> Query:
    return by(Follow, task=task).order_by(follows.c.created_at, follows.c.bridge, follows.c.chat)


def pauses_of_person(tenant: str, person: str, states: Sequence[PauseState], limit: int) -> Query:
    found = by(Pause, tenant=tenant, person=person).where(pauses.c.state.in_(states))
    return found.order_by(pauses.c.id.desc()).limit(limit)


def pauses_of_task(task: str, states: Sequence[PauseState], limit: int) -> Query:
    return by(Pause, task=task).where(pauses.c.state.in_(states)).order_by(pauses.c.id).limit(limit)


def expired_pauses(now: datetime, limit: int) -> Query:
    found = of(Pause).where(ASKED, pauses.c.expires_at <= now)
    return found.order_by(pauses.c.expires_at, pauses.c.id).limit(limit)


def taints_of(task: str) -> Query:
    return by(Taint, task=task).order_by(taints.c.source)


def due_tasks(now: datetime, limit: int) -> Query:
    return of(Task).where(OPEN_TASK, tasks.c.due_at <= now).order_by(tasks.c.due_at, tasks.c.id).limit(limit)


def dues(now: datetime, limit: int) -> Query:
    """Of the due tasks only what the index has: who waits long for a turn is looked at each second."""
    found = select(tasks.c.id, tasks.c.due_at).where(OPEN_TASK, tasks.c.due_at <= now)
    return found.order_by(tasks.c.due_at, tasks.c.id).limit(limit)


def next_dues() -> Query:
    """The earliest of the tasks, of the ready entries and of the held ones."""
    parts = [(tasks.c.due_at, OPEN_TASK), (entries.c.due_at, READY), (entries.c.due_at, HELD)]
    first = [select(due).where(which, due.is_not(None)).order_by(due).limit(1).subquery() for due, which in parts]
    return union_all(*map(select, first))


def turns_of(task: str, before: int | None, limit: int, after: int | None = None) -> Query:
    """Newest first; with `after`, oldest first."""
    found = by(Turn, task=task)
    if after is not None:
        return found.where(turns.c.number > after).order_by(turns.c.number).limit(limit)
    if before is not None:
        found = found.where(turns.c.number < before)
    return found.order_by(turns.c.number.desc()).limit(limit)


def steps_of(turn: str) -> Query:
    return by(Step, turn=turn).order_by(steps.c.number)


# --- queues


def entry_of(queue: str, message: str) -> Query:
    return by(Entry, message=message, queue=queue).order_by(entries.c.id.desc()).limit(1)


def ready(lane: str, limit: int) -> Query:
    return by(Entry, lane=lane).where(READY).order_by(entries.c.id).limit(limit)


def held(now: datetime, limit: int) -> Query:
    return of(Entry).where(HELD, entries.c.due_at <= now).order_by(entries.c.due_at, entries.c.id).limit(limit)


def lanes(now: datetime, limit: int) -> Query:
    first = select(func.min(entries.c.id)).where(READY).group_by(entries.c.lane)
    due = (entries.c.due_at <= now) | entries.c.due_at.is_(None)
    return select(entries.c.lane).where(entries.c.id.in_(first), due).order_by(entries.c.id).limit(limit)


def begun() -> Query:
    return of(Entry).where(READY, entries.c.boot.is_not(None)).order_by(entries.c.id)


def waiting(tenant: str, person: str) -> Query:
    return select(func.count()).where(WAITING, entries.c.tenant == tenant, entries.c.person == person)


def counts() -> Query:
    return (
        select(entries.c.queue, entries.c.state, func.count().label("number"))
        .where(NOT_DONE)
        .group_by("queue", "state")
    )


def lengths(queue: str) -> Query:
    waiting = entries.c.state.in_(("ready", "held"))
    return (
        select(entries.c.lane, func.count().label("number"))
        .where(NOT_DONE, entries.c.queue == queue, waiting)
        .group_by("lane")
    )


def dead(tenant: str, limit: int) -> Query:
    return by(Entry, tenant=tenant).where(DEAD).order_by(entries.c.id.desc()).limit(limit)


# --- events and corrections


def events_after(tenant: str, person: str, after: int, limit: int) -> Query:
    found = by(Event, tenant=tenant, person=person).where(events.c.seq > after)
    return found.order_by(events.c.seq).limit(limit)


def events_since(after: int, limit: int) -> Query:
    return of(Event).where(events.c.seq > after).order_by(events.c.seq).limit(limit)


def old_events(before: datetime, limit: int) -> Query:
    return of(Event).where(events.c.created_at < before).order_by(events.c.created_at).limit(limit)


def old_replays(before: datetime, limit: int) -> Query:
    return of(Replay).where(replays.c.created_at < before).order_by(replays.c.created_at).limit(limit)


def last_seq() -> Query:
    return select(counters.c.value).where(counters.c.name == "events")


def corrections_of(tenant: str, limit: int) -> Query:
    return by(Correction, tenant=tenant).order_by(corrections.c.id.desc()).limit(limit)
