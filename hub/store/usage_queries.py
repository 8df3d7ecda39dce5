"""The queries of what was taken as SQL, each answered from an index as those of queries.py are."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from hub.ports.usage import By, Most
from hub.records import Taken, Tenant
from hub.records.usage import NUMBERS
from hub.store.people_tables import keys, tenants
from hub.store.queries import Query, by, of
from hub.store.usage_tables import BY_KEY, taken

LEAVING: ColumnElement[bool] = literal_column("leaving_at IS NOT NULL")


def total(tenant: str, since: str, until: str) -> Query:
    return select(*_sums()).where(taken.c.tenant == tenant, taken.c.person == "", taken.c.day.between(since, until))


def grouped(
    tenant: str,
    what: By,
    since: str,
    until: str,
    person: str | None,
    limit: int,
    after: str | None,
    most: Most | None = None,
) -> Query:
    name = taken.c[what]
    found = select(name.label("name"), *_sums()).where(taken.c.tenant == tenant, taken.c.day.between(since, until))
    if what == "day":
        # Of everybody together there's one row for each day.
        found = found.where(taken.c.person == (person or ""))
    else:
        found = found.where(taken.c.person != "" if person is None else taken.c.person == person)
    if after is not None:
        found = found.where(name > after)
    first = (func.sum(_number(most)).desc(),) if most else ()
    return found.group_by(name).order_by(*first, name).limit(limit)


def last_used(tenant: str) -> Query:
    last = select(func.max(taken.c.day)).where(taken.c.tenant == keys.c.tenant, taken.c.key == keys.c.id, BY_KEY)
    return select(keys.c.id, last.scalar_subquery().label("day")).where(keys.c.tenant == tenant, keys.c.kind == "api")


def of_person(tenant: str, person: str, limit: int) -> Query:
    found = by(Taken, tenant=tenant, person=person)
    return found.order_by(taken.c.day, taken.c.key, taken.c.agent).limit(limit)


def leaving() -> Query:
    return of(Tenant).where(LEAVING).order_by(tenants.c.id)


def _number(most: Most) -> ColumnElement[int]:
    return taken.c.tokens_in + taken.c.tokens_out if most == "tokens" else taken.c[most]


def _sums() -> list[Any]:
    return [func.coalesce(func.sum(taken.c[name]), 0).label(name) for name in NUMBERS]
