"""Which changes the audit log tells of: read from what's committed, so that no way of doing them goes round it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from hub.chains import digest
from hub.flow.doing import Doer
from hub.ports import Add, Change, Remove, Save
from hub.records import (
    HOME,
    Brand,
    Deed,
    HostName,
    Invitation,
    Key,
    Link,
    Login,
    Package,
    Pairing,
    Passport,
    Pause,
    Person,
    Tenant,
)

Told = tuple[str, str, str]
"""What was done, to what, and more of it in the hub's own words."""
OUTSIDE: dict[type, frozenset[str]] = {
    Person: frozenset({"name", "external"}),
    Link: frozenset({"sender", "chat"}),
    Pairing: frozenset({"name", "sender", "chat", "hash"}),
    Key: frozenset({"name", "hash"}),
    Tenant: frozenset({"name"}),
    Brand: frozenset({"name", "logo"}),
    Login: frozenset({"email", "password", "totp", "totp_step", "recovery", "revision"}),
    Passport: frozenset({"subject", "email"}),
    Invitation: frozenset({"hash", "email", "name"}),
}
"""Fields that no digest is made of: a name could be guessed from it, and an erased one must be gone."""


def deed(
    action: str,
    object: str,
    *,
    tenant: Any,
    by: Doer,
    at: datetime,
    detail: str = "",
    of: object = None,
) -> Add:
    """Return what keeps that something was done; commit it with what it tells of. `of` is all there's to know."""
    return Add(
        Deed(
            tenant=tenant,
            at=at,
            who=by.person,
            way=by.way,
            key=by.key,
            action=action,
            object=object,
            detail=detail,
            digest="" if of is None else digest(of),
        )
    )


def deeds_of(changes: tuple[Change, ...], by: Doer, at: datetime) -> Iterator[Add]:
    """Yield what the audit log is told of changes that are about to be committed."""
    for change in changes:
        tell = _TELLS.get(type(change.record))
        told = tell(change) if tell is not None else None
        if told is None:
            continue
        record: Any = change.record
        action, object, detail = told
        who = by
        if isinstance(record, Pause) and record.decided_by is not None:
            who = Doer(person=record.decided_by, way=by.way, key=by.key)
        if isinstance(record, Key) and record.kind == "session" and by.person is None:
            who = Doer(person=record.person, way="session", key=record.id)
        for tenant in _chains(change):
            yield deed(action, object, tenant=tenant, by=who, at=at, detail=detail, of=_essence(record))


def _chains(change: Change) -> tuple[Any, ...]:
    """Return whose logs tell of it: what becomes of a customer, its own and that of whoever runs the hub.

    Once it's erased, so is its log.
    """
    record: Any = change.record
    if not isinstance(record, Tenant):
        return (record.tenant,)
    return (record.id,) if record.id == HOME else (HOME,) if isinstance(change, Remove) else (record.id, HOME)


def _essence(record: Any) -> object:
    hidden = OUTSIDE.get(type(record), frozenset())
    return {name: value for name, value in msgspec.to_builtins(record).items() if name not in hidden}


def _key(change: Change) -> Told | None:
    key: Any = change.record
    object, session = f"key/{key.id}", key.kind == "session"
    match change:
        case Add():
            return ("session.opened" if session else "key.made", object, f"person/{key.person} {','.join(key.scopes)}")
        case Save():
            what = "revoked" if key.revoked_at else "changed"
            return (f"{'session' if session else 'key'}.{what}", object, f"person/{key.person}")
        case _:
            return None  # it goes with its person, and that's told of


def _person(change: Change) -> Told | None:
    person: Any = change.record
    object = f"person/{person.id}"
    match change:
        case Add():
            return ("person.added", object, person.role)
        case Save():
            if person.leaving_at:
                return ("person.leaving", object, "")
            return ("person.changed", object, "suspended" if person.suspended_at else person.role)
        case _:
            return ("person.erased", object, "")


def _tenant(change: Change) -> Told | None:
    tenant: Any = change.record
    match change:
        case Add():
            return ("tenant.made", f"tenant/{tenant.id}", "")
        case Save():
            what = "leaving" if tenant.leaving_at else "changed"
            return (f"tenant.{what}", f"tenant/{tenant.id}", "suspended" if tenant.suspended_at else "")
        case _:
            return ("tenant.erased", f"tenant/{tenant.id}", "")


def _link(change: Change) -> Told | None:
    link: Any = change.record
    match change:
        case Add():
            return ("account.linked", f"person/{link.person}", link.bridge)
        case Remove():
            return ("account.unlinked", f"person/{link.person}", link.bridge)
        case _:
            return None


def _pairing(change: Change) -> Told | None:
    pairing: Any = change.record
    if isinstance(change, Remove) or pairing.state == "open":
        return None
    return (f"pairing.{pairing.state}", f"pairing/{pairing.id}", pairing.bridge)


def _package(change: Change) -> Told | None:
    package: Any = change.record
    object, now = f"package/{package.id}", package.now
    match change:
        case Add():
            return ("package.added", object, f"{now.version} {','.join(now.grants)}".strip())
        case Save():
            return (f"package.{package.state}", object, f"{now.version} {','.join(now.grants)}".strip())
        case _:
            return ("package.removed", object, now.version)


def _pause(change: Change) -> Told | None:
    pause: Any = change.record
    if pause.kind != "leave" or pause.state not in ("approved", "denied", "expired") or not isinstance(change, Save):
        return None
    return (f"leave.{pause.state}", f"approval/{pause.id}", pause.tool)


def _login(change: Change) -> Told | None:
    login: Any = change.record
    if isinstance(change, Remove):
        return None
    asks = " ".join(word for word, has in (("password", login.password), ("totp", login.totp_at)) if has)
    return ("login.saved", f"person/{login.person}", asks)


def _passport(change: Change) -> Told | None:
    passport: Any = change.record
    match change:
        case Add():
            return ("passport.linked", f"person/{passport.person}", passport.issuer)
        case Remove():
            return ("passport.unlinked", f"person/{passport.person}", passport.issuer)
        case _:
            return None  # that it was used is told by the session


def _invitation(change: Change) -> Told | None:
    invitation: Any = change.record
    object = f"invitation/{invitation.id}"
    match change:
        case Add():
            return ("invitation.made", object, invitation.role)
        case Save():
            return (f"invitation.{invitation.state}", object, f"person/{invitation.accepted_by or ''}")
        case _:
            return ("invitation.removed", object, "")


def _brand(change: Change) -> Told | None:
    brand: Any = change.record
    return ("brand.removed" if isinstance(change, Remove) else "brand.changed", f"tenant/{brand.tenant}", "")


def _host_name(change: Change) -> Told | None:
    name: Any = change.record
    return (f"host.{'taken' if isinstance(change, Remove) else 'given'}", f"tenant/{name.tenant}", name.name)


_TELLS: dict[type, Callable[[Change], Told | None]] = {
    Key: _key,
    Person: _person,
    Tenant: _tenant,
    Link: _link,
    Pairing: _pairing,
    Package: _package,
    Pause: _pause,
    Login: _login,
    Passport: _passport,
    Invitation: _invitation,
    Brand: _brand,
    HostName: _host_name,
}
