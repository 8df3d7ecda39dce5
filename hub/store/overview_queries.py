"""The queries of overviews as SQL, each answered from an index as those of queries.py are."""

from collections.abc import Sequence
from datetime import datetime

from hub.records import Correction, Entry, Message, Pause, Task
from hub.store.package_tables import ASKED, DECIDED, pauses
from hub.store.queries import Query, by, of
from hub.store.tables import HELD, OPEN_TASK, PROPOSING, ROUTED, corrections, entries, messages, tasks


def asked_pauses(tenant: str, person: str | None, limit: int) -> Query:
    found = by(Pause, tenant=tenant).where(ASKED)
    if person is not None:
        found = found.where(pauses.c.person == person)
    return found.order_by(pauses.c.person, pauses.c.id).limit(limit)


def decided_pauses(tenant: str, limit: int) -> Query:
    decided = by(Pause, tenant=tenant).where(DECIDED)
    return decided.order_by(pauses.c.decided_at.desc(), pauses.c.id.desc()).limit(limit)


def held_entries(tenant: str, person: str | None, limit: int) -> Query:
    found = by(Entry, tenant=tenant).where(HELD)
    if person is not None:
        found = found.where(entries.c.person == person)
    return found.order_by(entries.c.person, entries.c.id).limit(limit)


def proposing_tasks(tenant: str, person: str | None, limit: int) -> Query:
    found = by(Task, tenant=tenant).where(PROPOSING, OPEN_TASK)
    if person is not None:
        found = found.where(tasks.c.person == person)
    return found.order_by(tasks.c.person, tasks.c.id).limit(limit)


def routed_messages(tenant: str, person: str | None, limit: int, before: str | None, since: datetime | None) -> Query:
    found = by(Message, tenant=tenant).where(ROUTED, messages.c.role == "user")
    if person is not None:
        found = found.where(messages.c.person == person)
    if before is not None:
        found = found.where(messages.c.id < before)
    if since is not None:
        found = found.where(messages.c.created_at >= since)
    return found.order_by(messages.c.id.desc()).limit(limit)


def corrections_among(chosen: Sequence[str]) -> Query:
    """In no order: each message has a few at most."""
    return of(Correction).where(corrections.c.message.in_(chosen))
