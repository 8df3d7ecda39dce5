"""The queries of Upkeep as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from hub.records import Correction, Entry, Follow, Key, Message, Person, Replay, Task
from hub.store.people_tables import LEAVING, keys, persons
from hub.store.queries import Query, by, of
from hub.store.tables import (
    DONE,
    ENDED_TASK,
    IN_GROUP,
    LOOSE,
    OPEN_TASK,
    READY,
    WITH_FILES,
    corrections,
    entries,
    follows,
    messages,
    replays,
    tasks,
)


def oldest(now: datetime) -> Query:
    since = func.coalesce(entries.c.due_at, entries.c.created_at)
    waiting = select(entries.c.queue, func.min(since).label("since")).where(READY, since <= now)
    return waiting.group_by(entries.c.queue)


def open_tasks(tenant: str | None) -> Query:
    found = select(tasks.c.state, func.count().label("number")).where(OPEN_TASK)
    return (found if tenant is None else found.where(tasks.c.tenant == tenant)).group_by(tasks.c.state)


def done_entries(before: datetime, limit: int) -> Query:
    return of(Entry).where(DONE, entries.c.created_at < before).order_by(entries.c.created_at).limit(limit)


def ended_tasks(before: datetime, limit: int, after: Task | None) -> Query:
    found = of(Task).where(ENDED_TASK, tasks.c.updated_at < before)
    if after is not None:
        at, later = after.updated_at, tasks.c.updated_at > after.updated_at
        found = found.where(tasks.c.updated_at >= at, later | (tasks.c.id > after.id))
    return found.order_by(tasks.c.updated_at, tasks.c.id).limit(limit)


def loose_messages(before: datetime, limit: int, after: str | None) -> Query:
    found = of(Message).where(LOOSE, messages.c.created_at < before)
    return _page(found, limit, after)


def all_messages_of_task(task: str, limit: int, after: str | None) -> Query:
    return _page(by(Message, task=task), limit, after)


def messages_of_person(tenant: str, person: str, limit: int, after: str | None) -> Query:
    return _page(by(Message, tenant=tenant, person=person), limit, after)


def messages_in_groups(tenant: str, author: str, limit: int, after: str | None) -> Query:
    return _page(by(Message, tenant=tenant, author=author).where(IN_GROUP), limit, after)


def messages_with_any_file(limit: int, after: str | None) -> Query:
    return _page(of(Message).where(WITH_FILES), limit, after)


def entries_of(message: str) -> Query:
    return by(Entry, message=message).order_by(entries.c.queue, entries.c.id)


def corrections_of(message: str) -> Query:
    return by(Correction, message=message).order_by(corrections.c.id)


def keys_of(tenant: str, person: str) -> Query:
    return by(Key, tenant=tenant, person=person).order_by(keys.c.id)


def replays_of(key: str, limit: int) -> Query:
    return by(Replay, key=key).order_by(replays.c.name).limit(limit)


def followed_by(tenant: str, person: str) -> Query:
    found = by(Follow, tenant=tenant, person=person)
    return found.order_by(follows.c.task, follows.c.bridge, follows.c.chat)


def leaving() -> Query:
    return of(Person).where(LEAVING).order_by(persons.c.tenant, persons.c.id)


def _page(found: Select[Any], limit: int, after: str | None) -> Query:
    if after is not None:
        found = found.where(messages.c.id > after)
    return found.order_by(messages.c.id).limit(limit)
