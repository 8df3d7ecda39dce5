"""What somebody changes about how they sign in themselves: password and address, authenticator app, recovery codes."""

import re
from datetime import timedelta

from msgspec.structs import replace

from hub.errors import BadRequest, Conflict, Decided, Duplicate, NotAllowed, NotFound
from hub.flow import one_time
from hub.flow.logins import TENANTS, Logins, plain_email
from hub.flow.password_rules import checked
from hub.flow.sessions import Sessions
from hub.flow.steps import SPAN
from hub.passwords import Hashing
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import Key, Login, Person
from hub.vault import Vault

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
YOUNG = timedelta(minutes=15)
"""So soon after signing in a first password may be set: a browser that's left open later isn't enough."""
SETTING_UP = "an app that's being set up"


class Credentials:
    """Changes how people sign in."""

    def __init__(
        self, store: Store, clock: Clock, hashing: Hashing, vault: Vault, logins: Logins, sessions: Sessions
    ) -> None:
        self._store = store
        self._clock = clock
        self._hashing = hashing
        self._vault = vault
        self._logins = logins
        self._sessions = sessions

    async def of(self, person: Person) -> Login | None:
        """Return how somebody signs in by password, if they do."""
        return await self._store.login(person.tenant, person.id)

    async def change_password(self, person: Person, session: Key, *, old: str, new: str, email: str = "") -> Login:
        """Set a password, the first one or another; all sessions but this one end.

        Raises NotAllowed for a wrong old one, BadRequest for a new one or an address that won't do.
        """
        login = await self.of(person)
        if login is not None and login.password:
            await self._logins.check_password(login, old)
        elif self._clock.now() - session.created_at > YOUNG:
            raise NotAllowed("sign in once more to set a first password: you did that too long ago")
        changes = await self.set_password(person, login, email, new)
        try:
            await self._store.commit(*changes)
        except Conflict:
            raise Decided("it was changed from elsewhere just now; look, and try again") from None
        except Duplicate:
            raise BadRequest("email", "somebody here signs in by it already; give another") from None
        await self._sessions.end_others(person.tenant, person.id, session.id)
        return await self._own(person)

    async def set_password(self, person: Person, login: Login | None, email: str, new: str) -> list[Change]:
        """Return what's to be kept so that somebody signs in by this; raises BadRequest."""
        address = plain_email(email) if email else (login.email if login else "")
        if not EMAIL.fullmatch(address):
            raise BadRequest("email", "is needed to sign in by; write it as ann@example.org")
        password = checked(new, address, person.name)
        # With one salt for one address, looking it up takes as long in however many tenants it's known.
        beside = await self._store.logins_by_email(address, limit=TENANTS)
        if len(beside) >= TENANTS:
            raise BadRequest("email", f"is used in {TENANTS} tenants already; give another")
        hash = await self._hashing.hashed(password, [each.password for each in beside])
        now = self._clock.now()
        if login is None:
            fresh = Login(tenant=person.tenant, person=person.id, email=address, password=hash, changed_at=now)
            return [Add(fresh)]
        return [Save(replace(login, email=address, password=hash, changed_at=now))]

    async def begin_totp(self, person: Person) -> tuple[str, str, str]:
        """Return a secret for an app, the same for its camera, and what's to be sent back with a code of it."""
        login = await self._own(person)
        secret, uri = self._logins.fresh_secret(login.email)
        until = self._clock.now() + SPAN
        return secret, uri, self._vault.seal(f"{until.timestamp()} {secret}".encode(), about=_about(login))

    async def confirm_totp(self, person: Person, setting_up: str, code: str, password: str) -> tuple[str, ...]:
        """Have an app's codes be asked for from now on; return fresh recovery codes, which are shown once.

        Raises Decided, NotAllowed and TooMany.
        """
        login = await self._own(person)
        data = self._vault.open(setting_up, about=_about(login))
        until, _, secret = data.decode().partition(" ") if data else ("0", "", "")
        if float(until) <= self._clock.now().timestamp():
            raise Decided("setting up took too long; begin again")
        await self._logins.check_password(login, password)
        return await self._logins.set_up(await self._own(person), secret, code)

    async def end_totp(self, person: Person, password: str) -> None:
        """Have no code be asked for any more; raises NotAllowed where a role needs one, or for a wrong password."""
        if self._logins.needs_totp(person.role):
            raise NotAllowed(f"an app is needed for {person.role}s here; set up another one in its place")
        login = await self._own(person)
        await self._logins.check_password(login, password)
        await self._save(replace(login, totp="", totp_at=None, totp_step=0, recovery=()))

    async def renew_recovery(self, person: Person, password: str) -> tuple[str, ...]:
        """Return fresh recovery codes in the place of all earlier ones; raises NotAllowed."""
        login = await self._own(person)
        if login.totp_at is None:
            raise NotAllowed("recovery codes stand in for an app's; set one up first")
        await self._logins.check_password(login, password)
        codes = one_time.new_recovery_codes()
        await self._save(replace(login, recovery=tuple(map(one_time.hash_of, codes))))
        return codes

    async def _own(self, person: Person) -> Login:
        login = await self.of(person)
        if login is None:
            raise NotFound("password: you have none yet; set one first")
        return login

    async def _save(self, login: Login) -> None:
        try:
            await self._store.commit(Save(login))
        except Conflict:
            raise Decided("it was changed from elsewhere just now; look, and try again") from None


def _about(login: Login) -> str:
    return f"{SETTING_UP}: {login.tenant}/{login.person}"
