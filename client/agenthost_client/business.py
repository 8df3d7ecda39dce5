"""What the API answers about people, keys, tenants and packages. Fields that a newer hub adds are passed over."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field


class Who(Struct, frozen=True, kw_only=True):
    """A person in few words."""

    id: str
    name: str
    role: str


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Whose a key is, and what it may."""

    person: Who
    tenant: str
    scopes: tuple[str, ...]
    timezone: str


class ChosenZone(Struct, frozen=True, kw_only=True):
    """A person's time zone."""

    timezone: str


class Key(Struct, frozen=True, kw_only=True):
    """An API key, but for its secret."""

    id: str
    name: str
    person: str
    scopes: tuple[str, ...]
    agents: tuple[str, ...]
    """Which agents may be wished for with it; none named: all that its tenant may."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    requests: int | None
    """A minute; None: as many as the tenant may."""
    last_used: str | None


class FreshKey(Struct, frozen=True, kw_only=True):
    """A key that was just made; `key` is its secret, told this once."""

    id: str
    key: str
    name: str
    person: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None


class Quotas(Struct, frozen=True, kw_only=True):
    """What a tenant may use; None: as much as it likes."""

    messages: int | None = None
    tokens: int | None = None
    money: float | None = None
    storage_mb: int | None = None
    requests: int | None = None


class Tenant(Struct, frozen=True, kw_only=True):
    """A customer of the hub."""

    id: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    leaving_at: datetime | None
    quotas: Quotas
    agents: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    """By which host names its people reach their pages."""


class FreshTenant(Struct, frozen=True, kw_only=True):
    """A tenant that was just made; `key` is its owner's, told this once."""

    id: str
    key: str
    key_id: str
    name: str
    created_at: datetime


class Account(Struct, frozen=True, kw_only=True):
    """One of a person's accounts on a bridge."""

    bridge: str
    kind: str
    sender: str
    created_at: datetime


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who's known, or a group that is."""

    id: str
    name: str
    role: str
    created_at: datetime
    accounts: tuple[Account, ...]
    leaving_at: datetime | None = None
    suspended_at: datetime | None = None
    external: str | None = None
    """What your own system calls them."""


class Invitation(Struct, frozen=True, kw_only=True):
    """An invitation, and what became of it."""

    id: str
    state: str
    role: str
    email: str
    name: str
    person: str | None
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class FreshInvitation(Struct, frozen=True, kw_only=True):
    """An invitation that was just made; its `url` is told this once."""

    id: str
    url: str
    role: str
    email: str
    name: str
    expires_at: datetime


class Taken(Struct, frozen=True, kw_only=True):
    """What was taken: on a day, by a person, a key or an agent, as it was asked for."""

    messages: int
    turns: int
    tokens_in: int
    tokens_out: int
    money: float
    bytes: int
    day: str = ""
    person: str = ""
    key: str = ""
    agent: str = ""
    name: str = ""
    """What the person or the key is called, as far as that's told."""


class Share(Struct, frozen=True, kw_only=True):
    """How much of something may be taken, and was."""

    quota: str
    limit: float | None
    """None: there's none."""
    used: float
    renews_at: datetime | None
    """When it begins anew; None: it counts what's kept."""


class Knock(Struct, frozen=True, kw_only=True):
    """A stranger who asks to be let in."""

    id: str
    bridge: str
    kind: str
    sender: str
    name: str
    created_at: datetime
    expires_at: datetime


class Way(Struct, frozen=True, kw_only=True):
    """How to link an account on one bridge."""

    bridge: str
    kind: str
    account: str
    link: str
    qr: str


class PairingCode(Struct, frozen=True, kw_only=True):
    """A code that links an account to who asked for it."""

    code: str
    say: str
    expires_at: datetime
    ways: tuple[Way, ...]


class Preferences(Struct, frozen=True, kw_only=True):
    """When a person wants to be told of things."""

    quiet: str
    zone: str
    digest: str
    language: str = ""


class Permission(Struct, frozen=True, kw_only=True):
    """Something that a package asks for."""

    id: str
    meaning: str
    granted: bool


class Provenance(Struct, frozen=True, kw_only=True):
    """Which registry a package is from, and by whose key."""

    registry: str
    name: str
    sha256: str
    key: str


class Edition(Struct, frozen=True, kw_only=True):
    """A version of a package as it was installed."""

    version: str
    digest: str
    grants: tuple[str, ...]
    source: str
    found: tuple[str, ...]
    origin: Provenance | None


class Newer(Struct, frozen=True, kw_only=True):
    """A newer version that there is."""

    version: str
    since: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """How an installed version stands where it's from."""

    yanked: str
    revoked: str
    newer: Newer | None
    fault: str
    looked_at: datetime


class Package(Struct, frozen=True, kw_only=True):
    """An installed package."""

    id: str
    kind: str
    state: str
    description: str
    tools: tuple[str, ...]
    asks: tuple[str, ...]
    permissions: tuple[Permission, ...]
    what: str
    notes: tuple[str, ...]
    found: tuple[str, ...]
    now: Edition
    before: Edition | None
    next: Edition | None
    standing: Standing | None
    created_at: datetime
    updated_at: datetime


class Agent(Struct, frozen=True, kw_only=True):
    """An agent that can be wished for."""

    name: str
    version: str
    description: str
    model: str
    tools: tuple[str, ...]
    origin: str


class Tool(Struct, frozen=True, kw_only=True):
    """A tool; `schema` is the JSON schema of its arguments."""

    id: str
    description: str
    effect: str
    origin: str
    package: str | None
    version: str | None
    outside: bool
    outward: bool
    for_assignments: bool
    schema: dict[str, Any] = field(default_factory=dict)


class LentFolder(Struct, frozen=True, kw_only=True):
    """A folder that a person lends of their own computer."""

    name: str
    writable: bool


class LentCommand(Struct, frozen=True, kw_only=True):
    """A command that a person lends of their own computer."""

    name: str
    words: str


class Computer(Struct, frozen=True, kw_only=True):
    """A computer of the key's person that's connected now, and what it lends."""

    name: str
    folders: tuple[LentFolder, ...]
    commands: tuple[LentCommand, ...]
    since: datetime
    hub: str


class Embed(Struct, frozen=True, kw_only=True):
    """A chat for other sites' pages; `script` is the line of HTML that puts it there."""

    id: str
    name: str
    origins: tuple[str, ...]
    agent: str
    title: str
    greeting: str
    colour: str
    visitors: bool
    created_at: datetime
    script: str


class Pass(Struct, frozen=True, kw_only=True):
    """Lets one person of another site into an embedded chat, for a while."""

    token: str
    expires_at: datetime


class Tried(Struct, frozen=True, kw_only=True):
    """What came of a tool that was tried by hand."""

    result: str
    failed: bool
