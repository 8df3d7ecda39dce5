"""The queries of how people sign in as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime

from hub.records import Invitation, Login, Passport, Session
from hub.store.login_tables import invitations, logins, passports, sessions
from hub.store.queries import Query, by, of


def logins_by_email(email: str, limit: int) -> Query:
    return by(Login, email=email).order_by(logins.c.tenant).limit(limit)


def passports_of(tenant: str, person: str) -> Query:
    return by(Passport, tenant=tenant, person=person).order_by(passports.c.issuer, passports.c.subject)


def sessions_of(tenant: str, person: str) -> Query:
    return by(Session, tenant=tenant, person=person).order_by(sessions.c.id)


def newest_invitations(tenant: str, limit: int) -> Query:
    return by(Invitation, tenant=tenant).order_by(invitations.c.id.desc()).limit(limit)


def old_invitations(before: datetime, limit: int) -> Query:
    return of(Invitation).where(invitations.c.expires_at < before).order_by(invitations.c.expires_at).limit(limit)
