"""What a store tells of how people sign in."""

from datetime import datetime
from typing import Protocol

from hub.records import Invitation, InvitationId, KeyId, Login, Passport, PersonId, Session, TenantId


class SigningIn(Protocol):
    """The queries of logins, passports, sessions and invitations. Of one tenant, but where it says so."""

    async def login(self, tenant: TenantId, person: PersonId) -> Login | None:
        """Return how a person signs in, if they do."""

    async def logins_by_email(self, email: str, *, limit: int) -> tuple[Login, ...]:
        """Return the logins with this address, of all tenants, by tenant."""

    async def passport(self, tenant: TenantId, issuer: str, subject: str) -> Passport | None:
        """Return whom an identity provider's subject is in a tenant."""

    async def passports(self, tenant: TenantId, person: PersonId) -> tuple[Passport, ...]:
        """Return who vouches for a person, by issuer and subject."""

    async def session(self, id: KeyId) -> Session | None:
        """Return where the session with this key is."""

    async def sessions(self, tenant: TenantId, person: PersonId) -> tuple[Session, ...]:
        """Return where a person is signed in, the oldest session first; some of them may be over."""

    async def invitation(self, tenant: TenantId, id: InvitationId) -> Invitation | None:
        """Return an invitation of this tenant."""

    async def invitation_by_hash(self, hash: str) -> Invitation | None:
        """Return the invitation whose code has this hash, whichever tenant's it is."""

    async def invitations(self, tenant: TenantId, *, limit: int) -> tuple[Invitation, ...]:
        """Return a tenant's invitations, newest first."""

    async def forget_invitations(self, before: datetime) -> int:
        """Remove invitations that were over before a time; return how many."""
