"""Signing in by e-mail and password, and a code where one is wanted.

What's answered, and how long it takes, tells a stranger nothing: neither who is known here, nor in which tenant.
"""

import logging
import unicodedata
from collections.abc import Collection
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Decided, NotAllowed
from hub.flow import one_time
from hub.flow.guesses import Guesses
from hub.flow.password_rules import LONGEST
from hub.flow.steps import Ask, Proved, Step, Steps
from hub.passwords import Hashing, prepared
from hub.ports import Clock, Save, Store
from hub.records import Login, Person, PersonId, Role, Tenant, TenantId
from hub.vault import Vault

log = logging.getLogger(__name__)

TENANTS = 50
"""Tenants that one address may be in."""
DEVICE = "a browser that's known"
WRONG = "e-mail or password is wrong"


class WrongPassword(NotAllowed):
    """Nobody has both this address and this password, or whoever has may not sign in now."""


class WrongCode(NotAllowed):
    """A code that isn't the app's now, was used before, or is no recovery code that's left."""


class Asked(Struct, frozen=True, kw_only=True):
    """One more thing is wanted."""

    ask: Ask
    step: str
    """Goes back with the answer."""
    tenants: tuple[Tenant, ...] = ()
    """Of "choose"."""
    secret: str = ""
    """Of "enrol": for the app."""
    uri: str = ""


class Proven(Struct, frozen=True, kw_only=True):
    """Somebody is who they say."""

    person: Person
    email: str
    recovery: tuple[str, ...] = ()
    """Fresh recovery codes, which nobody can be told again."""


Outcome = Asked | Proven


class Logins:
    """Finds out who signs in."""

    def __init__(
        self, store: Store, clock: Clock, hashing: Hashing, vault: Vault, totp: Collection[Role], hub: str
    ) -> None:
        """`totp` are the roles that need an authenticator app, `hub` is what apps call this hub."""
        self._store = store
        self._clock = clock
        self._hashing = hashing
        self._vault = vault
        self._steps = Steps(vault, clock)
        self._guesses = Guesses(clock)
        self._totp = frozenset(totp)
        self._hub = hub

    async def by_password(self, email: str, password: str, device: str = "") -> Outcome:
        """Go by an address and a password; raises WrongPassword and TooMany.

        `device` is what `device_of` gave to this browser earlier: strangers' wrong tries don't have it wait.
        """
        email = plain_email(email)
        at = self._known(device, email) or f"email {email}"
        self._guesses.begin(at)
        logins = await self._store.logins_by_email(email, limit=TENANTS) if email else ()
        kept = [login.password for login in logins]
        fitting = await self._hashing.fitting(prepared(password[: 2 * LONGEST]), kept)
        fine = [login for login, fits in zip(logins, fitting, strict=True) if fits and len(password) <= 2 * LONGEST]
        proved = [found for login in fine if (found := await self._found(login.tenant, login.person))]
        if not proved:
            raise WrongPassword(WRONG)
        self._guesses.right(at)
        if len(proved) > 1:
            whose = [_proved(login) for _, _, login in proved]
            step = self._steps.sealed("choose", *whose, email=email)
            return Asked(ask="choose", step=step, tenants=tuple(tenant for tenant, _, _ in proved))
        return self._next(proved[0][1], proved[0][2])

    async def choose(self, step: str, tenant: str) -> Outcome:
        """Go on as the person of one of several tenants; raises Decided and BadRequest."""
        opened = self._steps.opened(step, "choose")
        for proved in opened.proved:
            if proved.tenant == tenant:
                return self._next(*await self._still(proved))
        raise BadRequest("tenant", "is none of those to choose from")

    async def by_code(self, step: str, code: str) -> Outcome:
        """Go by a code of the app, or a recovery code; raises Decided, WrongCode and TooMany."""
        [proved] = self._steps.opened(step, "code").proved
        person, login = await self._still(proved)
        await self._take_code(login, code)
        return Proven(person=person, email=login.email)

    async def enrol(self, step: str, code: str) -> Outcome:
        """Set up an app that's needed, by a code that it shows; raises Decided, WrongCode and TooMany."""
        opened = self._steps.opened(step, "enrol")
        [proved] = opened.proved
        person, login = await self._still(proved)
        if login.totp_at is not None:
            raise Decided("an app is set up already; begin again with your password")
        recovery = await self.set_up(login, opened.secret, code)
        return Proven(person=person, email=login.email, recovery=recovery)

    def proceed(self, person: Person, login: Login) -> Outcome:
        """Return what's wanted beside the password of somebody who just set it."""
        return self._next(person, login)

    async def resumed(self, step: str) -> Asked:
        """Return what's asked in a step, for a page that was loaded again; raises Decided."""
        opened = self._steps.opened(step, "choose", "code", "enrol")
        tenants = (
            [await self._store.tenant(proved.tenant) for proved in opened.proved] if opened.ask == "choose" else ()
        )
        return self._asked(opened, step, tuple(tenant for tenant in tenants if tenant))

    def device_of(self, email: str) -> str:
        """Return what a browser keeps, from which somebody signed in, to be known by the next time."""
        return self._vault.seal(msgspec.json.encode((email, one_time.new_secret())), about=DEVICE)

    # --- codes, also for who's signed in already

    def fresh_secret(self, email: str) -> tuple[str, str]:
        """Return a secret for an app, and the same as the app reads it from a picture."""
        secret = one_time.new_secret()
        return secret, one_time.uri_of(secret, email, self._hub)

    async def set_up(self, login: Login, secret: str, code: str) -> tuple[str, ...]:
        """Have an app's codes be asked for from now on, once it shows one; return fresh recovery codes.

        Raises WrongCode, TooMany and Decided.
        """
        self._guesses.begin(at := f"code {login.tenant}/{login.person}")
        step = one_time.step_of(secret, code, self._clock.now(), 0)
        if step is None:
            raise WrongCode("the code is wrong; take the one that the app shows now, and see that its clock is right")
        self._guesses.right(at)
        codes = one_time.new_recovery_codes()
        sealed = self._vault.seal(secret.encode(), about=_about(login))
        hashes, now = tuple(map(one_time.hash_of, codes)), self._clock.now()
        await self._save(replace(login, totp=sealed, totp_at=now, totp_step=step, recovery=hashes))
        return codes

    async def check_password(self, login: Login, password: str) -> None:
        """Raise NotAllowed unless it's this login's password; TooMany after wrong ones."""
        self._guesses.begin(at := f"own {login.tenant}/{login.person}")
        [fits] = await self._hashing.fitting(prepared(password[: 2 * LONGEST]), [login.password])
        if not fits:
            raise WrongPassword("that isn't your password")
        self._guesses.right(at)

    def needs_totp(self, role: Role) -> bool:
        """Say whether a role needs an authenticator app."""
        return role in self._totp

    # --- below

    async def _take_code(self, login: Login, code: str) -> None:
        self._guesses.begin(at := f"code {login.tenant}/{login.person}")
        secret = self._vault.open(login.totp, about=_about(login))
        if secret is None:
            log.warning(
                "person %s: their app's secret can't be opened: sign-in.key isn't the one of then", login.person
            )
        step = one_time.step_of(secret.decode(), code, self._clock.now(), login.totp_step) if secret else None
        hash = one_time.hash_of(code)
        if step is not None:
            used = replace(login, totp_step=step)
        elif hash in login.recovery:
            used = replace(login, recovery=tuple(each for each in login.recovery if each != hash))
        else:
            raise WrongCode("the code is wrong, or was used; wait for the app's next one")
        await self._save(used)
        self._guesses.right(at)

    async def _save(self, login: Login) -> None:
        try:
            await self._store.commit(Save(login))
        except Conflict:
            # Two at once with the same code: one of them was a copy.
            raise Decided("this code was used just now; wait for the next one") from None

    async def _found(self, tenant: TenantId, person: PersonId) -> tuple[Tenant, Person, Login] | None:
        wall, who = await self._store.tenant(tenant), await self._store.person(tenant, person)
        login = await self._store.login(tenant, person)
        if wall is None or who is None or login is None or wall.suspended_at or not who.is_heard:
            return None
        return wall, who, login

    async def _still(self, proved: Proved) -> tuple[Person, Login]:
        found = await self._found(proved.tenant, proved.person)
        if found is None or found[2].changed_at != proved.changed_at:
            raise Decided("this sign-in is over; begin again with your password")
        return found[1], found[2]

    def _next(self, person: Person, login: Login) -> Outcome:
        if login.totp_at is not None:
            return Asked(ask="code", step=self._steps.sealed("code", _proved(login), email=login.email))
        if self.needs_totp(person.role):
            secret, uri = self.fresh_secret(login.email)
            step = self._steps.sealed("enrol", _proved(login), email=login.email, secret=secret)
            return Asked(ask="enrol", step=step, secret=secret, uri=uri)
        return Proven(person=person, email=login.email)

    def _asked(self, step: Step, sealed: str, tenants: tuple[Tenant, ...]) -> Asked:
        uri = one_time.uri_of(step.secret, step.email, self._hub) if step.secret else ""
        return Asked(ask=step.ask, step=sealed, tenants=tenants, secret=step.secret, uri=uri)

    def _known(self, device: str, email: str) -> str | None:
        """Return what a known browser's tries at this address are counted by."""
        data = self._vault.open(device, about=DEVICE) if device else None
        if data is None or msgspec.json.decode(data, type=tuple[str, str])[0] != email:
            return None
        return f"device {sha256(data).hexdigest()}"


def plain_email(email: str) -> str:
    """Return an address as it's kept and found: in NFKC and small letters."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def _proved(login: Login) -> Proved:
    return Proved(tenant=login.tenant, person=login.person, changed_at=login.changed_at)


def _about(login: Login) -> str:
    return f"totp {login.tenant}/{login.person}"
