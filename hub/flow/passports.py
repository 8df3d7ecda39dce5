"""Signing in by somebody who vouches: an identity provider's subject is a person here once they're linked.

A link is by issuer and subject alone. An address that a provider tells makes nobody somebody, unless the config says
that it does, and the provider that it's verified.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import Conflict, Decided, Duplicate, NotAllowed, NotFound
from hub.flow.invitations import Invitations
from hub.flow.logins import TENANTS, plain_email
from hub.flow.sessions import Sessions
from hub.issuers import OidcConfig
from hub.ports import Add, Clock, Remove, Save, Store, Vouched, Voucher
from hub.records import Key, KeyId, Passport, Person, PersonId, TenantId, new_id
from hub.vault import Vault

SPAN = timedelta(minutes=10)
ABOUT = "a way to an identity provider"


class Unlinked(NotAllowed):
    """The provider vouches for somebody who is nobody here."""


class Way(Struct, frozen=True, kw_only=True):
    """What's kept, sealed, by a browser that was sent to a provider."""

    provider: str
    state: str
    nonce: str
    verifier: str
    until: datetime
    invitation: str = ""
    """The code of one that's to be accepted."""
    session: KeyId | None = None
    """Of whoever wants to be linked."""
    before: tuple[TenantId, KeyId] | None = None
    """The session that this browser had when it was sent: coming back from another site, it doesn't bring it along."""


class Arrived(Struct, frozen=True, kw_only=True):
    """Who came back."""

    person: Person
    linked: bool = False
    """They were signed in already, and are linked now."""
    before: Key | None = None
    """The session that this browser had when it was sent."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An identity provider, and whom it's believed about."""

    config: OidcConfig
    voucher: Voucher

    @property
    def tenant(self) -> TenantId:
        """Whose people it vouches for."""
        return TenantId(self.config.tenant)


class Passports:
    """Sends people to identity providers, and believes these when they come back."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        providers: Mapping[str, Provider],
        invitations: Invitations,
        sessions: Sessions,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._providers = providers
        self._invitations = invitations
        self._sessions = sessions

    def providers(self, tenant: TenantId | None = None) -> Sequence[OidcConfig]:
        """Return who vouches, for one tenant's people or for anybody's."""
        return [each.config for each in self._providers.values() if tenant in (None, each.tenant)]

    async def begin(
        self,
        name: str,
        redirect: str,
        *,
        invitation: str = "",
        session: Key | None = None,
        before: Key | None = None,
    ) -> tuple[str, str]:
        """Return where to send a browser, and what it keeps meanwhile; raises NotFound and EgressError.

        With an invitation's code it's accepted that way, with a session its person is linked. `before` is the session
        that the browser has.
        """
        provider = self._provider(name, session.tenant if session else None)
        if invitation and (await self._invitations.look(invitation))[0].tenant != provider.tenant:
            raise NotFound(f"{name}: vouches for others than this invitation is for")
        way = Way(
            provider=name,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            until=self._clock.now() + SPAN,
            invitation=invitation,
            session=session.id if session else None,
            before=(before.tenant, before.id) if before else None,
        )
        url = await provider.voucher.ask(redirect=redirect, state=way.state, nonce=way.nonce, verifier=way.verifier)
        return url, self._vault.seal(msgspec.json.encode(way), about=ABOUT)

    async def finish(
        self, name: str, redirect: str, *, sealed: str, state: str, code: str, issuer: str = ""
    ) -> Arrived:
        """Return who came back.

        Raises Decided if this browser wasn't sent, Unlinked for who's nobody here, NotAllowed and EgressError as
        Voucher does.
        """
        way = self._way(name, sealed, state)
        provider = self._provider(name)
        vouched = await provider.voucher.vouch(
            code, redirect=redirect, nonce=way.nonce, verifier=way.verifier, issuer=issuer
        )
        self._check_domain(provider, vouched)
        if way.session is not None:
            return Arrived(person=await self._link(provider, vouched, way.session), linked=True)
        before = await self._store.key(*way.before) if way.before else None
        if way.invitation:
            invitation, _ = await self._invitations.look(way.invitation)
            if invitation.tenant != provider.tenant:
                raise Unlinked(f"{name}: vouches for others than this invitation is for")
            passport = self._passport(provider, vouched, PersonId(""))
            if await self._store.passport(passport.tenant, passport.issuer, passport.subject):
                raise Decided("this account is somebody's here already; sign in by it")
            person = await self._invitations.accept_by(invitation, passport, vouched.name or vouched.email)
            return Arrived(person=person, before=before)
        return Arrived(person=await self._signed_in(provider, vouched), before=before)

    async def of(self, person: Person) -> tuple[Passport, ...]:
        """Return who vouches for somebody."""
        return await self._store.passports(person.tenant, person.id)

    async def unlink(self, person: Person, issuer: str, subject: str) -> None:
        """Have a provider not vouch for somebody any more; raises NotFound, and NotAllowed for their last way in."""
        passport = await self._store.passport(person.tenant, issuer, subject)
        if passport is None or passport.person != person.id:
            raise NotFound("account: you have none of that name linked")
        login = await self._store.login(person.tenant, person.id)
        if (login is None or not login.password) and len(await self.of(person)) == 1:
            raise NotAllowed("account: it's your only way in; set a password first")
        await self._store.commit(Remove(passport))

    # --- below

    def _provider(self, name: str, tenant: TenantId | None = None) -> Provider:
        provider = self._providers.get(name)
        if provider is None or tenant not in (None, provider.tenant):
            raise NotFound(f"sign-in: there's no {name[:40]!r}; GET /v1/sign-in lists who vouches here")
        return provider

    def _way(self, name: str, sealed: str, state: str) -> Way:
        data = self._vault.open(sealed, about=ABOUT) if sealed else None
        way = msgspec.json.decode(data, type=Way) if data else None
        if (
            way is None
            or way.provider != name
            or way.until <= self._clock.now()
            or not hmac.compare_digest(way.state.encode(), state.encode("utf-8", "replace"))
        ):
            raise Decided("this sign-in wasn't begun in this browser, or is over; begin again")
        return way

    @staticmethod
    def _check_domain(provider: Provider, vouched: Vouched) -> None:
        domains = {domain.casefold() for domain in provider.config.allowed_domains}
        domain = plain_email(vouched.email).rpartition("@")[2]
        if domains and not (vouched.email_verified and domain in domains):
            raise Unlinked("your address isn't one of those that are let in this way; use another account")

    async def _signed_in(self, provider: Provider, vouched: Vouched) -> Person:
        passport = await self._store.passport(provider.tenant, provider.voucher.issuer, vouched.subject)
        if passport is None:
            return await self._first_time(provider, vouched)
        person = await self._store.person(passport.tenant, passport.person)
        if person is None:
            raise Unlinked("whoever this account was linked to is gone")
        try:
            await self._store.commit(Save(replace(passport, used_at=self._clock.now())))
        except Conflict:
            raise Unlinked("this account was unlinked just now") from None
        return person

    async def _first_time(self, provider: Provider, vouched: Vouched) -> Person:
        person = await self._by_email(provider, vouched) if provider.config.link_by_email else None
        fresh = person is None
        if person is None and provider.config.create:
            name = (vouched.name or vouched.email or "Somebody").strip()[:100]
            now = self._clock.now()
            person = Person(id=PersonId(new_id()), tenant=provider.tenant, name=name, role="member", created_at=now)
        if person is None:
            raise Unlinked("this account is nobody's here yet; open your invitation, or link it on your account's page")
        passport = Add(self._passport(provider, vouched, person.id))
        try:
            await self._store.commit(*((Add(person),) if fresh else ()), passport)
        except Duplicate:
            raise Decided("this account was linked just now; sign in again") from None
        return person

    async def _by_email(self, provider: Provider, vouched: Vouched) -> Person | None:
        if not vouched.email_verified or not vouched.email:
            return None
        for login in await self._store.logins_by_email(plain_email(vouched.email), limit=TENANTS):
            if login.tenant == provider.tenant:
                return await self._store.person(login.tenant, login.person)
        return None

    async def _link(self, provider: Provider, vouched: Vouched, session: KeyId) -> Person:
        key = await self._store.key(provider.tenant, session)
        person = await self._store.person(provider.tenant, key.person) if key else None
        if key is None or person is None or not self._sessions.is_good(key):
            raise Decided("you signed out meanwhile; sign in and begin again")
        known = await self._store.passport(provider.tenant, provider.voucher.issuer, vouched.subject)
        if known is not None and known.person != person.id:
            raise Decided("this account is somebody else's here; unlink it there first")
        if known is None:
            try:
                await self._store.commit(Add(self._passport(provider, vouched, person.id)))
            except Duplicate:
                raise Decided("this account was linked just now") from None
        return person

    def _passport(self, provider: Provider, vouched: Vouched, person: PersonId) -> Passport:
        now = self._clock.now()
        return Passport(
            tenant=provider.tenant,
            issuer=provider.voucher.issuer,
            subject=vouched.subject,
            person=person,
            email=plain_email(vouched.email),
            created_at=now,
            used_at=now,
        )
