"""The queries of hand-overs as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime

from hub.records import DeskRules, Draft, Handover, Message, Note, Person, Task
from hub.store.handover_tables import DUE, NOT_OVER, drafts, handovers, notes
from hub.store.people_tables import AT_DESK, persons
from hub.store.queries import Query, by, of
from hub.store.tables import ASKING, messages, tasks


def handover(tenant: str, id: str) -> Query:
    return by(Handover, tenant=tenant, id=id)


def handover_of(tenant: str, person: str) -> Query:
    return by(Handover, tenant=tenant, holds=person)


def open_handovers(tenant: str, limit: int) -> Query:
    return by(Handover, tenant=tenant).where(NOT_OVER).order_by(handovers.c.id).limit(limit)


def newest_handovers(tenant: str, limit: int, before: str | None, person: str | None) -> Query:
    found = by(Handover, tenant=tenant) if person is None else by(Handover, tenant=tenant, person=person)
    if before is not None:
        found = found.where(handovers.c.id < before)
    return found.order_by(handovers.c.id.desc()).limit(limit)


def due_handovers(now: datetime, limit: int) -> Query:
    due = of(Handover).where(DUE, handovers.c.due_at <= now)
    return due.order_by(handovers.c.due_at, handovers.c.id).limit(limit)


def draft(tenant: str, id: str) -> Query:
    return by(Draft, tenant=tenant, id=id)


def drafts_of(handover: str, limit: int, after: str | None) -> Query:
    found = by(Draft, handover=handover)
    if after is not None:
        found = found.where(drafts.c.id > after)
    return found.order_by(drafts.c.id).limit(limit)


def drafts_of_task(task: str, limit: int) -> Query:
    return by(Draft, task=task).order_by(drafts.c.id).limit(limit)


def notes_of(tenant: str, person: str, limit: int, before: str | None) -> Query:
    found = by(Note, tenant=tenant, person=person)
    if before is not None:
        found = found.where(notes.c.id < before)
    return found.order_by(notes.c.id.desc()).limit(limit)


def talk(tenant: str, person: str, limit: int, before: str | None) -> Query:
    found = by(Message, tenant=tenant, person=person).where(messages.c.state != "moved", messages.c.copy_of.is_(None))
    if before is not None:
        found = found.where(messages.c.id < before)
    return found.order_by(messages.c.id.desc()).limit(limit)


def asking_tasks(before: datetime, limit: int, after: Task | None) -> Query:
    found = of(Task).where(ASKING, tasks.c.updated_at < before)
    if after is not None:
        at, later = after.updated_at, tasks.c.updated_at > after.updated_at
        found = found.where(tasks.c.updated_at >= at, later | (tasks.c.id > after.id))
    return found.order_by(tasks.c.updated_at, tasks.c.id).limit(limit)


def operators(tenant: str, limit: int) -> Query:
    return by(Person, tenant=tenant).where(AT_DESK).order_by(persons.c.id).limit(limit)


def desk_rules_of(tenant: str) -> Query:
    return by(DeskRules, tenant=tenant)
