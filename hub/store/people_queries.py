"""The queries of tenants, people, accounts and keys as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime

from sqlalchemy import select

from hub.records import Embed, HostName, Key, Link, Pairing, Person, Tenant
from hub.store.brand_tables import host_names
from hub.store.embed_tables import embeds
from hub.store.people_tables import keys, links, pairings, persons, tenants
from hub.store.queries import Query, by, of


def tenants_after(after: str | None, limit: int) -> Query:
    found = of(Tenant) if after is None else of(Tenant).where(tenants.c.id > after)
    return found.order_by(tenants.c.id).limit(limit)


def embeds_of(tenant: str, after: str | None, limit: int) -> Query:
    found = by(Embed, tenant=tenant)
    found = found if after is None else found.where(embeds.c.id > after)
    return found.order_by(embeds.c.id).limit(limit)


def host_names_of(tenant: str) -> Query:
    return by(HostName, tenant=tenant).order_by(host_names.c.name)


def embeds_shown(limit: int) -> Query:
    at_work = select(tenants.c.id).where(tenants.c.suspended_at.is_(None))
    return of(Embed).where(embeds.c.tenant.in_(at_work)).order_by(embeds.c.id).limit(limit)


def people(tenant: str) -> Query:
    return by(Person, tenant=tenant).order_by(persons.c.created_at, persons.c.id)


def api_keys(tenant: str) -> Query:
    return by(Key, tenant=tenant, kind="api").order_by(keys.c.created_at, keys.c.id)


def every_key(now: datetime, limit: int) -> Query:
    good = keys.c.revoked_at.is_(None) & (keys.c.expires_at.is_(None) | (keys.c.expires_at > now))
    return of(Key).where(good).order_by(keys.c.id).limit(limit)


def every_link(limit: int) -> Query:
    return of(Link).order_by(links.c.tenant, links.c.bridge, links.c.sender).limit(limit)


def links_of(tenant: str, person: str) -> Query:
    return by(Link, tenant=tenant, person=person).order_by(links.c.created_at, links.c.bridge, links.c.sender)


def newest_pairings(tenant: str, limit: int) -> Query:
    return by(Pairing, tenant=tenant).order_by(pairings.c.id.desc()).limit(limit)


def old_pairings(before: datetime, limit: int) -> Query:
    return of(Pairing).where(pairings.c.expires_at < before).order_by(pairings.c.expires_at).limit(limit)
