"""Inviting people: a link with a code, good once and for a week, by which somebody gets a way to sign in."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Decided, Duplicate, NotAllowed, NotFound
from hub.flow.credentials import EMAIL, Credentials
from hub.flow.logins import Logins, Outcome, plain_email
from hub.flow.sessions import Sessions
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import (
    OWNER,
    Invitation,
    InvitationId,
    Login,
    Passport,
    Person,
    PersonId,
    Role,
    Tenant,
    TenantId,
    new_id,
)

SPAN = timedelta(days=7)
KEPT = timedelta(days=30)
"""So long after its end it's still seen who accepted one."""
OPEN = 200
"""Open invitations of one tenant."""
LISTED = 500
INVITED: tuple[Role, ...] = ("admin", "operator", "member")
ONLY_BY_ADMINS: Collection[Role] = ("admin", "operator")
GONE = "this invitation is unknown, was used or withdrawn, or is older than a week; ask for another"


class Wish(Struct, frozen=True, kw_only=True):
    """Who shall be invited: somebody new in a role, or a person who's known."""

    role: Role = "member"
    email: str = ""
    name: str = ""
    person: PersonId | None = None


class Invitations:
    """Makes invitations, and has them accepted."""

    def __init__(
        self, store: Store, clock: Clock, credentials: Credentials, logins: Logins, sessions: Sessions
    ) -> None:
        self._store = store
        self._clock = clock
        self._credentials = credentials
        self._logins = logins
        self._sessions = sessions

    async def invite(self, tenant: TenantId, by: PersonId, wish: Wish, *, admin: bool) -> tuple[Invitation, str]:
        """Keep an invitation; return it with its code, which nobody can be told again.

        `admin`: whoever invites has an admin's rights, without which nobody invites admins and operators. Raises
        BadRequest, NotAllowed and NotFound.
        """
        if wish.person is not None:
            wish = await self._again(tenant, by, wish, admin=admin)
        elif wish.role not in INVITED:
            raise BadRequest("role", f"{wish.role!r} isn't one to invite somebody as; choose from {', '.join(INVITED)}")
        if wish.role in ONLY_BY_ADMINS and not admin:
            raise NotAllowed(f"role: only an admin invites somebody as {wish.role}; invite a member, or ask an admin")
        return await self._keep(tenant, by, wish)

    async def invite_owner(self, tenant: Tenant, by: PersonId) -> tuple[Invitation, str]:
        """Keep an invitation by which the owner of a tenant signs in, the first time or again."""
        return await self._keep(tenant.id, by, Wish(role="owner", person=OWNER))

    async def listed(self, tenant: TenantId) -> tuple[Invitation, ...]:
        """Return a tenant's invitations, newest first: open ones, and for a month those that were accepted or ended."""
        await self._store.forget_invitations(self._clock.now() - KEPT)
        return await self._store.invitations(tenant, limit=LISTED)

    async def withdraw(self, tenant: TenantId, id: str) -> None:
        """Have an invitation be of no use any more; raises NotFound, and Decided if it was accepted."""
        invitation = await self._store.invitation(tenant, InvitationId(id))
        if invitation is None:
            raise NotFound(f"invitation: there's no {id[:80]!r}; GET /v1/invitations lists them")
        if invitation.state == "accepted":
            raise Decided("this invitation was accepted; DELETE /v1/people/{id} erases a person")
        if self._is_open(invitation):
            await self._settle(invitation, Save(replace(invitation, expires_at=self._clock.now())))

    async def look(self, code: str) -> tuple[Invitation, Tenant]:
        """Return what a code invites to; raises NotFound, whatever's wrong with it."""
        invitation = await self._store.invitation_by_hash(_hash(code))
        tenant = await self._store.tenant(invitation.tenant) if invitation and self._is_open(invitation) else None
        if invitation is None or tenant is None or tenant.suspended_at is not None:
            raise NotFound(GONE)
        return invitation, tenant

    async def is_back(self, invitation: Invitation) -> bool:
        """Say whether it's for somebody who has signed in before, and not their first way in."""
        who = invitation.person
        return who is not None and await self._store.login(invitation.tenant, who) is not None

    async def accept(self, code: str, *, email: str, name: str, password: str) -> Outcome:
        """Make a person, or give one their way in back: an address and a password. It's done once, whoever comes first.

        Who's known and never signed in before may say what they're called.

        Returns what's wanted besides, as after a password. Raises NotFound, BadRequest and Decided.
        """
        invitation, _ = await self.look(code)
        person, changes = await self.person_of(invitation, name)
        login = await self._store.login(person.tenant, person.id)
        if invitation.person is not None and login is None and name.strip():
            person = replace(person, name=name.strip())
            changes = [Save(person)]
        address = invitation.email or email
        kept = await self._credentials.set_password(person, login and _bare(login), address, password)
        await self._settle(invitation, *changes, *kept, self.accepted(invitation, person))
        if login is not None:
            await self._sessions.end_others(person.tenant, person.id)
        fresh = await self._store.login(person.tenant, person.id)
        if fresh is None:
            raise NotFound(GONE)
        return self._logins.proceed(person, fresh)

    async def accept_by(self, invitation: Invitation, passport: Passport, name: str) -> Person:
        """Make a person who signs in by an identity provider, or link one; raises Decided."""
        person, changes = await self.person_of(invitation, name)
        passport = replace(passport, person=person.id)
        await self._settle(invitation, *changes, Add(passport), self.accepted(invitation, person))
        return person

    async def person_of(self, invitation: Invitation, name: str) -> tuple[Person, list[Change]]:
        """Return who an invitation is for, and what makes them be there; raises NotFound, BadRequest."""
        if invitation.person is not None:
            person = await self._store.person(invitation.tenant, invitation.person)
            if person is None or person.leaving_at is not None:
                raise NotFound(GONE)
            return person, []
        name = (name or invitation.name).strip()
        if not name:
            raise BadRequest("name", "is needed; it's how others here see you")
        now = self._clock.now()
        person = Person(
            id=PersonId(new_id()), tenant=invitation.tenant, name=name, role=invitation.role, created_at=now
        )
        return person, [Add(person)]

    def accepted(self, invitation: Invitation, person: Person) -> Change:
        """Return what makes an invitation be used."""
        return Save(replace(invitation, state="accepted", accepted_by=person.id, accepted_at=self._clock.now()))

    async def _again(self, tenant: TenantId, by: PersonId, wish: Wish, *, admin: bool) -> Wish:
        person = await self._store.person(tenant, wish.person) if wish.person else None
        if person is None or person.leaving_at is not None:
            raise NotFound(f"person: there's no {wish.person!r}; GET /v1/people lists them")
        if person.role in {"service", "group"}:
            raise BadRequest("person", f"nobody signs in as a {person.role}; make a key")
        if person.role == "owner" and person.id != by:
            raise NotAllowed("person: the owner's way in is the owner's; whoever runs the hub can make them a link")
        if not admin and person.role != "member":
            raise NotAllowed(f"person: only an admin gives an {person.role} another way in")
        login = await self._store.login(tenant, person.id)
        return Wish(role=person.role, person=person.id, name=person.name, email=login.email if login else wish.email)

    async def _keep(self, tenant: TenantId, by: PersonId, wish: Wish) -> tuple[Invitation, str]:
        email = plain_email(wish.email)
        if email and not EMAIL.fullmatch(email):
            raise BadRequest("email", f"{email[:80]!r} is none; write it as ann@example.org, or leave it out")
        now, code = self._clock.now(), secrets.token_urlsafe(32)
        open = [each for each in await self._store.invitations(tenant, limit=LISTED) if self._is_open(each)]
        if len(open) >= OPEN:
            raise BadRequest("email", f"{OPEN} invitations are open; withdraw some, or wait until they're accepted")
        invitation = Invitation(
            id=InvitationId(new_id()),
            tenant=tenant,
            hash=_hash(code),
            role=wish.role,
            email=email,
            name=wish.name.strip(),
            person=wish.person,
            invited_by=by,
            created_at=now,
            expires_at=now + SPAN,
        )
        # A fresh link for the same person voids the one before: only one is about at a time.
        earlier = [each for each in open if wish.person is not None and each.person == wish.person]
        await self._store.commit(Add(invitation), *(Save(replace(each, expires_at=now)) for each in earlier))
        return invitation, code

    async def _settle(self, invitation: Invitation, *changes: Change) -> None:
        try:
            await self._store.commit(*changes)
        except Conflict:
            raise Decided(GONE) from None
        except Duplicate:
            raise BadRequest("email", "somebody here signs in that way already; sign in, or take another") from None

    def _is_open(self, invitation: Invitation) -> bool:
        return invitation.state == "open" and invitation.expires_at > self._clock.now()


def _bare(login: Login) -> Login:
    """Return a login without its app: whoever invites anew answers for who it is."""
    return replace(login, totp="", totp_at=None, totp_step=0, recovery=())


def _hash(code: str) -> str:
    return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
