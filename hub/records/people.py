"""Who speaks, and where."""

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from hub.records.ids import KeyId, PersonId, TenantId


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who may speak to the hub. The owner may also change it."""

    id: PersonId
    tenant: TenantId
    name: str
    role: Literal["owner", "member"] = "member"
    created_at: datetime


class Link(Struct, frozen=True, kw_only=True):
    """One of a person's accounts: who `sender` on `bridge` is."""

    tenant: TenantId
    bridge: str
    sender: str
    person: PersonId
    created_at: datetime


Scope = Literal[
    "messages:read",
    "messages:write",
    "tasks:read",
    "tasks:write",
    "status:read",
    "keys:write",
    "people:write",
    "admin",
]
"""What a key may be allowed; admin is all of it."""

SCOPES: tuple[Scope, ...] = get_args(Scope)


class Key(Struct, frozen=True, kw_only=True):
    """A bearer key or a browser's session. Only the SHA-256 of the secret is kept: it has 256 random bits."""

    id: KeyId
    tenant: TenantId
    person: PersonId
    name: str
    kind: Literal["api", "session"] = "api"
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Address(Struct, frozen=True, kw_only=True):
    """Where a message came from or goes to: a chat on a bridge, and a thread of it if the platform has threads."""

    bridge: str
    chat: str
    thread: str | None = None
