"""What the reference store tells of how people sign in: see SigningIn."""

from datetime import datetime

from hub.ports import Remove
from hub.records import Invitation, InvitationId, KeyId, Login, Passport, PersonId, Session, TenantId
from hub.store.kept import Kept


class SigningInInMemory(Kept):
    """The queries of SigningIn, as plainly as they read."""

    async def login(self, tenant: TenantId, person: PersonId) -> Login | None:
        return self._one(Login, tenant, person)

    async def logins_by_email(self, email: str, *, limit: int) -> tuple[Login, ...]:
        return tuple([login for login in self._by_id(Login) if login.email == email][:limit])

    async def passport(self, tenant: TenantId, issuer: str, subject: str) -> Passport | None:
        return self._one(Passport, tenant, issuer, subject)

    async def passports(self, tenant: TenantId, person: PersonId) -> tuple[Passport, ...]:
        return tuple(each for each in self._by_id(Passport) if (each.tenant, each.person) == (tenant, person))

    async def session(self, id: KeyId) -> Session | None:
        return self._one(Session, id)

    async def sessions(self, tenant: TenantId, person: PersonId) -> tuple[Session, ...]:
        return tuple(each for each in self._by_id(Session) if (each.tenant, each.person) == (tenant, person))

    async def invitation(self, tenant: TenantId, id: InvitationId) -> Invitation | None:
        found = self._one(Invitation, id)
        return found if found and found.tenant == tenant else None

    async def invitation_by_hash(self, hash: str) -> Invitation | None:
        return self._by_name(Invitation, hash)

    async def invitations(self, tenant: TenantId, *, limit: int) -> tuple[Invitation, ...]:
        found = [each for each in self._by_id(Invitation) if each.tenant == tenant]
        return tuple(found[::-1][:limit])

    async def forget_invitations(self, before: datetime) -> int:
        old = [each for each in self._all(Invitation) if each.expires_at < before]
        await self.commit(*map(Remove, old))
        return len(old)
