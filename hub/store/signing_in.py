"""What the store tells of how people sign in, over SQL: see SigningIn."""

from datetime import datetime

from hub.records import Invitation, InvitationId, KeyId, Login, Passport, PersonId, Session, TenantId
from hub.store import login_queries as queries
from hub.store.queries import by
from hub.store.upkeep import CHUNK, UpkeepAnswers


class SigningInAnswers(UpkeepAnswers):
    """The queries of SigningIn."""

    async def login(self, tenant: TenantId, person: PersonId) -> Login | None:
        return next(iter(await self._all(Login, by(Login, tenant=tenant, person=person))), None)

    async def logins_by_email(self, email: str, *, limit: int) -> tuple[Login, ...]:
        return await self._all(Login, queries.logins_by_email(email, limit))

    async def passport(self, tenant: TenantId, issuer: str, subject: str) -> Passport | None:
        found = await self._all(Passport, by(Passport, tenant=tenant, issuer=issuer, subject=subject))
        return next(iter(found), None)

    async def passports(self, tenant: TenantId, person: PersonId) -> tuple[Passport, ...]:
        return await self._all(Passport, queries.passports_of(tenant, person))

    async def session(self, id: KeyId) -> Session | None:
        return next(iter(await self._all(Session, by(Session, id=id))), None)

    async def sessions(self, tenant: TenantId, person: PersonId) -> tuple[Session, ...]:
        return await self._all(Session, queries.sessions_of(tenant, person))

    async def invitation(self, tenant: TenantId, id: InvitationId) -> Invitation | None:
        return next(iter(await self._all(Invitation, by(Invitation, tenant=tenant, id=id))), None)

    async def invitation_by_hash(self, hash: str) -> Invitation | None:
        return next(iter(await self._all(Invitation, by(Invitation, hash=hash))), None)

    async def invitations(self, tenant: TenantId, *, limit: int) -> tuple[Invitation, ...]:
        return await self._all(Invitation, queries.newest_invitations(tenant, limit))

    async def forget_invitations(self, before: datetime) -> int:
        return await self._forget(Invitation, queries.old_invitations(before, CHUNK))
