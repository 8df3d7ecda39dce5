"""Who may speak to the hub: its owner, keys and sessions, and the codes that sign a browser in.

Secrets have 256 random bits and are shown once; what's kept is their SHA-256.
"""

import hmac
import logging
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import (
    BadRequest,
    Conflict,
    Decided,
    Duplicate,
    NotAllowed,
    NotFound,
    StartError,
    StoreError,
    StoreUnavailable,
)
from hub.flow import accounting
from hub.ports import Add, Clock, Save, Store
from hub.records import HOME, MAY, OWNER, SCOPES, Key, KeyId, Person, PersonId, Session, Tenant, TenantId, new_id

log = logging.getLogger(__name__)

OWNER_KEY = KeyId("owner")
SESSION_SPAN = timedelta(days=30)
CODE_SPAN = timedelta(hours=1)
CODES_AT_ONCE = 100
KNOWN_FOR = 5.0
"""Seconds that a key is believed without asking the store; this process forgets a revoked one at once."""
KNOWN_AT_ONCE = 1000
SEEN_EVERY = 300.0
"""Seconds after which it's kept anew that a session is used."""


class Code(Struct, frozen=True, kw_only=True):
    """A sign-in code, by its hash."""

    person: PersonId
    tenant: TenantId
    expires_at: datetime


class People:
    """Keeps the owner, makes keys and sessions, and says whose a secret is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, Key]] = {}
        self._codes: dict[str, Code] = {}
        self._used: dict[KeyId, date] = {}
        self._seen: dict[KeyId, float] = {}

    async def ensure_owner(self, secret: str) -> Person:
        """See to it that the owner exists and that this secret, and no earlier one, is the owner's key."""
        if await self._store.tenant(HOME) is None:
            await self._store.commit(Add(Tenant(id=HOME, name="Home", created_at=self._clock.now())))
        owner = await self._store.person(HOME, OWNER)
        if owner is None:
            owner = Person(id=OWNER, tenant=HOME, name="Owner", role="owner", created_at=self._clock.now())
            await self._store.commit(Add(owner))
        key = await self._store.key(HOME, OWNER_KEY)
        if key is None:
            await self._store.commit(Add(self._key(OWNER_KEY, HOME, OWNER, "owner", secret, ("admin",), None)))
        elif not hmac.compare_digest(key.hash, _hash(secret)):
            await self._store.commit(Save(replace(key, hash=_hash(secret), revoked_at=None)))
            self._known.clear()
        return owner

    async def create_key(
        self,
        tenant: TenantId,
        person: PersonId,
        name: str,
        scopes: Sequence[str],
        expires_at: datetime | None = None,
        agents: Sequence[str] = (),
        requests: int | None = None,
    ) -> tuple[Key, str]:
        """Keep a new API key; return it with its secret, which nobody can be told again.

        Raises BadRequest for an unknown scope, no scope, one that the person's role hasn't, or an end in the past;
        NotFound for an unknown person.
        """
        for scope in scopes:
            if scope not in SCOPES:
                raise BadRequest("scopes", f"{scope!r} is unknown; choose from {', '.join(SCOPES)}")
        if not scopes:
            raise BadRequest("scopes", f"is empty, so the key could do nothing; choose from {', '.join(SCOPES)}")
        if expires_at is not None and expires_at <= self._clock.now():
            raise BadRequest("expires_at", f"{expires_at.isoformat()} is past; give a later time or leave it out")
        holder = await self._store.person(tenant, person)
        if holder is None:
            raise NotFound(f"person: there's no {person!r}")
        if beyond := set(scopes) - MAY[holder.role]:
            may = ", ".join(scope for scope in SCOPES if scope in MAY[holder.role]) or "nothing"
            raise BadRequest("scopes", f"{', '.join(sorted(beyond))}: more than {holder.role} may; choose from {may}")
        key, secret = self.fresh_key(tenant, person, name, tuple(dict.fromkeys(scopes)), expires_at)
        key = replace(key, agents=tuple(dict.fromkeys(agents)), requests=requests)
        await self._store.commit(Add(key))
        return key, secret

    def fresh_key(
        self,
        tenant: TenantId,
        person: PersonId,
        name: str,
        scopes: tuple[str, ...],
        expires_at: datetime | None = None,
    ) -> tuple[Key, str]:
        """Return an API key that's still to be kept, with its secret."""
        id, secret = new_secret()
        return self._key(id, tenant, person, name, secret, scopes, expires_at), secret

    async def revoke(self, tenant: TenantId, id: KeyId) -> Key:
        """End a key or session; from now on this process refuses it.

        Raises NotFound, and BadRequest for the owner's key, which is renewed in another way.
        """
        if id == OWNER_KEY:
            raise BadRequest("id", "the owner's key isn't revoked; delete owner.key in the data folder and start again")
        key = await self._store.key(tenant, id)
        if key is None:
            raise NotFound(f"key: there's no {id!r}; GET /v1/keys lists them")
        if key.revoked_at is None:
            key = replace(key, revoked_at=self._clock.now())
            former = await self._former(key)
            await self._store.commit(Save(key), *(Save(replace(each, revoked_at=key.revoked_at)) for each in former))
        self._forget_key(key.id)
        return key

    async def rotate(self, tenant: TenantId, id: KeyId, overlap: timedelta) -> tuple[Key, str]:
        """Give a key a fresh secret, and return both; the old secret is good for the overlap, all else stays.

        Raises NotFound, BadRequest for the owner's key and for one that's no good, Decided if it's just been rotated.
        """
        if id == OWNER_KEY:
            raise BadRequest("id", "the owner's key is renewed otherwise: delete owner.key and start again")
        key = await self._store.key(tenant, id)
        if key is None or key.kind != "api":
            raise NotFound(f"key: there's no {id!r}; GET /v1/keys lists them")
        if not self._good(key):
            raise BadRequest("id", "that key was revoked or is past its end; make a new one")
        _, secret = new_secret(id)
        fresh, end = replace(key, hash=_hash(secret)), self._clock.now() + overlap
        former = replace(
            key,
            id=KeyId(new_id()),
            kind="former",
            stands_for=id,
            created_at=self._clock.now(),
            expires_at=min(end, key.expires_at or end),
        )
        try:
            await self._store.commit(Save(fresh), *([Add(former)] if overlap else []))
        except Duplicate:
            raise Decided(f"key: {id} was rotated at this very moment; do it again if that wasn't you") from None
        self._forget_key(id)
        return fresh, secret

    async def _former(self, key: Key) -> list[Key]:
        """Return the old secrets that still open a key."""
        theirs = await self._store.keys_of(key.tenant, key.person)
        return [each for each in theirs if each.stands_for == key.id and each.revoked_at is None]

    def _forget_key(self, id: KeyId) -> None:
        self._known = {hash: known for hash, known in self._known.items() if known[1].id != id}

    def forget(self) -> None:
        """Ask the store about every key the next time: somebody's are gone."""
        self._known.clear()
        self._codes.clear()

    def forget_keys(self, keys: Iterable[Key]) -> None:
        """Ask the store about these keys the next time: they're over."""
        for key in keys:
            self._known.pop(key.hash, None)
            self._seen.pop(key.id, None)

    async def whose(self, secret: str) -> Key | None:
        """Return the key with this secret if it's good now, else None; its scopes are what its person may, at most.

        No key is good of a tenant that's suspended, nor of a person who's gone, leaving or suspended.
        """
        hash = _hash(secret)
        since, key = self._known.get(hash, (0.0, None))
        if key is None or self._clock.monotonic() - since > KNOWN_FOR:
            key = await self._store.key_by_hash(hash)
            if key is None or not hmac.compare_digest(key.hash, hash) or (key := await self._opened(key)) is None:
                self._known.pop(hash, None)
                return None
            key = replace(key, scopes=await self._effective(key))
            if self._good(key):
                await self._note(key)
            if len(self._known) >= KNOWN_AT_ONCE:
                self._known.clear()
            self._known[hash] = (self._clock.monotonic(), key)
            if key.kind == "session" and self._good(key):
                await self._note_seen(key)
        return key if self._good(key) else None

    async def still_good(self, key: Key) -> bool:
        """Say whether a key that was good is so still, for connections that last."""
        found = await self._store.key_by_hash(key.hash)
        kept = await self._opened(found) if found else None
        if kept is None or kept.id != key.id or not self._good(kept):
            return False
        return set(key.scopes) <= set(await self._effective(kept))

    async def _opened(self, key: Key) -> Key | None:
        """Return the key that a secret opens: of an old one, what took its place, until the old one's end."""
        if key.stands_for is None:
            return key
        fresh = await self._store.key(key.tenant, key.stands_for)
        if fresh is None or fresh.revoked_at is not None or not self._good(key):
            return None
        return replace(fresh, hash=key.hash, expires_at=key.expires_at)

    async def _note(self, key: Key) -> None:
        """Take note once a day that a key is used."""
        today = self._clock.now().date()
        if key.kind != "api" or self._used.get(key.id) == today:
            return
        if len(self._used) >= KNOWN_AT_ONCE:
            self._used.clear()
        self._used[key.id] = today
        try:
            await self._store.commit(accounting.seen(key, self._clock.now()))
        except StoreError as error:
            log.warning("that key %s was used today isn't noted: %s", key.id, error)

    def new_code(self, tenant: TenantId = HOME, person: PersonId = OWNER) -> str:
        """Return a code that signs a browser in as this person, within the hour and until the hub stops."""
        now = self._clock.now()
        self._codes = {hash: code for hash, code in self._codes.items() if code.expires_at > now}
        while len(self._codes) >= CODES_AT_ONCE:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(32)
        self._codes[_hash(code)] = Code(person=person, tenant=tenant, expires_at=now + CODE_SPAN)
        return code

    async def sign_in(self, code: str) -> Person | None:
        """Return who signs in by a good code or by the owner's key; None for any other code."""
        found = self._codes.get(_hash(code))
        if found is None and (key := await self.whose(code)) is not None and key.id == OWNER_KEY:
            found = Code(person=key.person, tenant=key.tenant, expires_at=self._clock.now() + CODE_SPAN)
        if found is None or found.expires_at <= self._clock.now():
            return None
        return await self._store.person(found.tenant, found.person)

    async def open_session(self, person: Person, device: str) -> tuple[Key, str]:
        """Open a browser's session for somebody who has proved who they are: return its key and secret.

        Raises NotAllowed for a role that nobody signs in as, and for who isn't to be heard.
        """
        tenant = await self._store.tenant(person.tenant)
        if tenant is None or tenant.suspended_at is not None or not person.is_heard:
            raise NotAllowed("you can't sign in here now; ask whoever runs this hub")
        may = MAY[person.role]
        if not may or person.role == "service":
            raise NotAllowed(f"person: nobody signs in as a {person.role}; use a key of theirs")
        scopes = ("admin",) if "admin" in may else tuple(scope for scope in SCOPES if scope in may)
        id, secret = new_secret()
        until = self._clock.now() + SESSION_SPAN
        key = replace(self._key(id, person.tenant, person.id, "browser", secret, scopes, until), kind="session")
        now = self._clock.now()
        session = Session(id=key.id, tenant=person.tenant, person=person.id, device=device, seen_at=now)
        await self._store.commit(Add(key), Add(session))
        return key, secret

    async def _note_seen(self, key: Key) -> None:
        """Keep that a session is used, now and then; nobody waits for a store that can't just now."""
        now = self._clock.monotonic()
        if now - self._seen.get(key.id, now - 2 * SEEN_EVERY) < SEEN_EVERY:
            return
        if len(self._seen) >= KNOWN_AT_ONCE:
            self._seen.clear()
        self._seen[key.id] = now
        session = await self._store.session(key.id)
        if session is None:
            return
        try:
            await self._store.commit(Save(replace(session, seen_at=self._clock.now())))
        except (Conflict, StoreUnavailable):
            return

    async def _effective(self, key: Key) -> tuple[str, ...]:
        """Return what a key may now: nothing if its tenant or its person isn't to be heard."""
        tenant, person = await self._store.tenant(key.tenant), await self._store.person(key.tenant, key.person)
        if tenant is None or tenant.suspended_at is not None or person is None or not person.is_heard:
            return ()
        may = MAY[person.role]
        asked = SCOPES if "admin" in key.scopes and "admin" not in may else key.scopes
        return tuple(scope for scope in asked if scope in may)

    def _good(self, key: Key) -> bool:
        return (
            bool(key.scopes)
            and key.revoked_at is None
            and (key.expires_at is None or key.expires_at > self._clock.now())
        )

    def _key(
        self,
        id: KeyId,
        tenant: TenantId,
        person: PersonId,
        name: str,
        secret: str,
        scopes: tuple[str, ...],
        expires_at: datetime | None,
    ) -> Key:
        return Key(
            id=id,
            tenant=tenant,
            person=person,
            name=name,
            hash=_hash(secret),
            scopes=scopes,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )


def new_secret(id: KeyId | None = None) -> tuple[KeyId, str]:
    """Return a key's id and its secret, `ah_<id>_<43 characters>`."""
    id = id or KeyId(new_id())
    return id, f"ah_{id}_{secrets.token_urlsafe(32)}"


def owner_secret(path: Path, preset: str | None = None) -> str:
    """Return the owner's key: the preset one if given, else the file's, else a fresh one; the file holds it afterwards.

    Raises StartError if others may read the file, if it can't be used, or if the preset is too easy to guess.
    """
    if preset is not None and not re.fullmatch(r"[!-~]{32,200}", preset):
        raise StartError(
            "AGENTHOST_OWNER_KEY: must have 32 to 200 printable characters and no space; "
            "unset it to have one made, or take the output of: openssl rand -hex 32"
        )
    kept = _read_owner_key(path)
    secret = preset or kept or new_secret(OWNER_KEY)[1]
    if secret != kept:
        _write_owner_key(path, secret)
    return secret


def _read_owner_key(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: can't be read ({error}); delete it to have a new key made") from None
    if mode & 0o077:
        raise StartError(f"{path}: others may read the owner's key (mode {mode & 0o777:04o}); run: chmod 600 {path}")
    if len(text) < 32:
        raise StartError(f"{path}: holds no key; delete it to have a new one made")
    return text


def _write_owner_key(path: Path, secret: str) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, secret.encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        fresh.replace(path)
    except OSError as error:
        raise StartError(f"{path}: can't be written ({error.strerror}); make the data folder writable") from None


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
