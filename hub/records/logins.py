"""How people sign in: by e-mail and password, by somebody who vouches for them, and by invitation the first time."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import InvitationId, KeyId, PersonId, TenantId
from hub.records.people import Role


class Login(Struct, frozen=True, kw_only=True):
    """By what somebody signs in as themselves. None of it is of use to who steals it from the database."""

    tenant: TenantId
    person: PersonId
    email: str
    """In small letters; one person of a tenant by each. In another tenant it's another login."""
    password: str = ""
    """Argon2id, as its PHC string; empty: they've none."""
    changed_at: datetime
    """When the password was set."""
    totp: str = ""
    """The secret that their authenticator app has too, sealed by a key that isn't in the database; empty: none."""
    totp_at: datetime | None = None
    """Since when its codes are asked for; None: they haven't shown yet that their app has it."""
    totp_step: int = 0
    """The time step of the newest code that was used: neither it nor an older one is taken again."""
    recovery: tuple[str, ...] = ()
    """SHA-256 of each code that's left for when the app is lost: 79 random bits need no slow hash."""
    revision: int = 0


class Passport(Struct, frozen=True, kw_only=True):
    """Who somebody is to an identity provider."""

    tenant: TenantId
    issuer: str
    subject: str
    """The provider's own name for them, which it never gives to anybody else."""
    person: PersonId
    email: str
    """What the provider called their address when they were linked, for them to read; nobody is found by it."""
    created_at: datetime
    used_at: datetime | None = None


class Invitation(Struct, frozen=True, kw_only=True):
    """A code by which somebody gets a way in, once: a new person, or one who's known and has lost theirs."""

    id: InvitationId
    tenant: TenantId
    hash: str
    """SHA-256 of the code, which has 256 random bits."""
    role: Role
    """Of a new person."""
    email: str = ""
    """What they sign in by; empty: they choose."""
    name: str = ""
    """Empty: they choose."""
    person: PersonId | None = None
    """Whose way in it is; None: a new person's."""
    invited_by: PersonId
    state: Literal["open", "accepted"] = "open"
    created_at: datetime
    expires_at: datetime
    accepted_by: PersonId | None = None
    accepted_at: datetime | None = None
    revision: int = 0


class Session(Struct, frozen=True, kw_only=True):
    """Where somebody is signed in; what they're signed in by is the key with this id."""

    id: KeyId
    tenant: TenantId
    person: PersonId
    device: str
    """As "Firefox on Linux"."""
    seen_at: datetime
    """When it was used last, some minutes more or less."""
