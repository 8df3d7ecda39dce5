"""The queries of the audit log as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime

from sqlalchemy import select

from hub.records import Chain, Checkpoint, Deed
from hub.store.deed_tables import deeds
from hub.store.queries import Query, by


def deeds_of(tenant: str, limit: int, before: int | None, after: int | None, equal: dict[str, str]) -> Query:
    found = by(Deed, tenant=tenant, **equal)
    if before is not None:
        found = found.where(deeds.c.seq < before)
    if after is not None:
        found = found.where(deeds.c.seq > after)
    return found.order_by(deeds.c.seq.desc() if after is None else deeds.c.seq).limit(limit)


def last_deed(tenant: str, before: datetime) -> Query:
    found = select(deeds.c.seq).where(deeds.c.tenant == tenant, deeds.c.at < before)
    return found.order_by(deeds.c.at.desc(), deeds.c.seq.desc()).limit(1)


def chain_of(tenant: str) -> Query:
    return by(Chain, tenant=tenant)


def checkpoint_of(tenant: str) -> Query:
    return by(Checkpoint, tenant=tenant)
