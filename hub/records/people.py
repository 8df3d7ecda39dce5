"""Who speaks, and where."""

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from hub.records.ids import KeyId, MessageId, PairingId, PersonId, TaskId, TenantId

Role = Literal["owner", "admin", "operator", "member", "service", "group"]
"""owner: whose tenant it is; there's always one. admin: does all that the owner may, but can't take the owner's place.
operator: takes chats over from agents. member: has chats and tasks of their own. service: a program that speaks for
others, by keys alone. group: a chat of several people; nobody signs in as one."""


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who may speak to the hub."""

    id: PersonId
    tenant: TenantId
    name: str
    role: Role = "member"
    created_at: datetime
    leaving_at: datetime | None = None
    """Since when all that's theirs is being erased: nobody speaks for them any more, and at the end they're gone."""
    external: str | None = None
    """What a business that builds on the hub calls its end user; one person of a tenant by each such name."""
    suspended_at: datetime | None = None
    """Since when they're locked out: nobody speaks for them until they're let in again. What they have is kept."""

    @property
    def is_heard(self) -> bool:
        """Whether anybody may speak for them."""
        return self.leaving_at is None and self.suspended_at is None


class Link(Struct, frozen=True, kw_only=True):
    """One of a person's accounts: who `sender` on `bridge` is."""

    tenant: TenantId
    bridge: str
    sender: str
    """The platform's id; of a group, `group:` and its chat, which no sender can be called."""
    person: PersonId
    created_at: datetime
    chat: str = ""
    """Their own chat with the hub, once they have written there: where they can be told something."""


class Pairing(Struct, frozen=True, kw_only=True):
    """A code that lets somebody in: a stranger's request, which the owner approves, or a person's link to one more
    account of theirs.
    """

    id: PairingId
    tenant: TenantId
    kind: Literal["request", "link"]
    hash: str
    """Of the code, which nobody can be told again."""
    state: Literal["open", "approved", "denied", "redeemed"]
    created_at: datetime
    expires_at: datetime
    bridge: str = ""
    """Of a request: who asks, and where they're told. Of a link: who redeemed it."""
    sender: str = ""
    chat: str = ""
    name: str = ""
    person: PersonId | None = None
    """Whom the account belongs to; of a request, once it's approved."""


def preferences_of(tenant: TenantId, person: PersonId) -> str:
    """Return the owner of a person's preferences among the documents."""
    return f"preferences/{tenant}/{person}"


Scope = Literal[
    "messages:read",
    "messages:write",
    "tasks:read",
    "tasks:write",
    "status:read",
    "metrics:read",
    "keys:write",
    "people:write",
    "chats:operate",
    "webhooks:write",
    "usage:read",
    "audit:read",
    "embed:write",
    "local:lend",
    "admin",
]
"""What a key may be allowed; admin is all of it, within its tenant."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
_SPEAKING: frozenset[str] = frozenset({"messages:read", "messages:write", "tasks:read", "tasks:write"})
MAY: dict[Role, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "admin": frozenset(SCOPES),
    "operator": _SPEAKING | {"keys:write", "local:lend", "chats:operate", "usage:read", "status:read"},
    "member": _SPEAKING | {"keys:write", "local:lend"},
    "service": frozenset(SCOPES) - {"admin"},
    "group": frozenset(),
}
"""What somebody's keys may at most, by their role: a key is never more than who holds it."""


class Key(Struct, frozen=True, kw_only=True):
    """A bearer key or a browser's session. Only the SHA-256 of the secret is kept: it has 256 random bits."""

    id: KeyId
    tenant: TenantId
    person: PersonId
    name: str
    kind: Literal["api", "session", "former"] = "api"
    """former: the old secret of a key that was given a fresh one."""
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    agents: tuple[str, ...] = ()
    """Which agents may be wished for with it; none named: all that its tenant may."""
    requests: int | None = None
    """How many it may make a minute; None: as many as the config lets each key."""
    stands_for: KeyId | None = None
    """Of an old secret that was rotated out: the key that it opens until its own end."""


PROGRAM = "program:"
"""What the name of a chat begins with in which programs speak in a person's name."""


class Address(Struct, frozen=True, kw_only=True):
    """Where a message came from or goes to: a chat on a bridge, and a thread of it if the platform has threads."""

    bridge: str
    chat: str
    thread: str | None = None

    @property
    def is_programs(self) -> bool:
        """Whether programs speak there in a person's name: words are no leave in such a chat, whatever they say."""
        return self.chat.rpartition("/")[2].startswith(PROGRAM)


class Thread(Struct, frozen=True, kw_only=True):
    """A thread of a chat that's a task's own: what's said there is about that task."""

    tenant: TenantId
    bridge: str
    chat: str
    thread: str
    task: TaskId


class Posting(Struct, frozen=True, kw_only=True):
    """What a platform calls a message of the hub, or a part of it; a reply to any part is a reply to the message."""

    tenant: TenantId
    bridge: str
    chat: str
    external_id: str
    message: MessageId
    number: int
    """Counts the parts."""


class Follow(Struct, frozen=True, kw_only=True):
    """A chat that's told what becomes of a task, besides the one where it began."""

    task: TaskId
    bridge: str
    chat: str
    tenant: TenantId
    person: PersonId
    created_at: datetime
