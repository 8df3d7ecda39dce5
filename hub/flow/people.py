"""Who may speak to the hub: its owner, keys and sessions, and the codes that sign a browser in.

Secrets have 256 random bits and are shown once; what's kept is their SHA-256.
"""

import hmac
import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import BadRequest, NotFound, StartError
from hub.ports import Add, Clock, Save, Store
from hub.records import HOME, OWNER, SCOPES, Key, KeyId, Person, PersonId, TenantId, new_id

OWNER_KEY = KeyId("owner")
SESSION_SPAN = timedelta(days=30)
CODE_SPAN = timedelta(hours=1)
CODES_AT_ONCE = 100
KNOWN_FOR = 5.0
"""Seconds that a key is believed without asking the store; this process forgets a revoked one at once."""
KNOWN_AT_ONCE = 1000


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

    async def ensure_owner(self, secret: str) -> Person:
        """See to it that the owner exists and that this secret, and no earlier one, is the owner's key."""
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
    ) -> tuple[Key, str]:
        """Keep a new API key; return it with its secret, which nobody can be told again.

        Raises BadRequest for an unknown scope, no scope, or an end in the past; NotFound for an unknown person.
        """
        for scope in scopes:
            if scope not in SCOPES:
                raise BadRequest("scopes", f"{scope!r} is unknown; choose from {', '.join(SCOPES)}")
        if not scopes:
            raise BadRequest("scopes", f"is empty, so the key could do nothing; choose from {', '.join(SCOPES)}")
        if expires_at is not None and expires_at <= self._clock.now():
            raise BadRequest("expires_at", f"{expires_at.isoformat()} is past; give a later time or leave it out")
        if await self._store.person(tenant, person) is None:
            raise NotFound(f"person: there's no {person!r}")
        id, secret = new_secret()
        key = self._key(id, tenant, person, name, secret, tuple(dict.fromkeys(scopes)), expires_at)
        await self._store.commit(Add(key))
        return key, secret

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
            await self._store.commit(Save(key))
        self._known.pop(key.hash, None)
        return key

    def forget(self) -> None:
        """Ask the store about every key the next time: somebody's are gone."""
        self._known.clear()
        self._codes.clear()

    async def whose(self, secret: str) -> Key | None:
        """Return the key with this secret if it's good now, else None."""
        hash = _hash(secret)
        since, key = self._known.get(hash, (0.0, None))
        if key is None or self._clock.monotonic() - since > KNOWN_FOR:
            key = await self._store.key_by_hash(hash)
            if key is None or not hmac.compare_digest(key.hash, hash):
                self._known.pop(hash, None)
                return None
            if len(self._known) >= KNOWN_AT_ONCE:
                self._known.clear()
            self._known[hash] = (self._clock.monotonic(), key)
        return key if self._good(key) else None

    async def still_good(self, key: Key) -> bool:
        """Say whether a key that was good is so still, for connections that last."""
        kept = await self._store.key(key.tenant, key.id)
        return kept is not None and hmac.compare_digest(kept.hash, key.hash) and self._good(kept)

    def new_code(self, tenant: TenantId = HOME, person: PersonId = OWNER) -> str:
        """Return a code that signs a browser in as this person, within the hour and until the hub stops."""
        now = self._clock.now()
        self._codes = {hash: code for hash, code in self._codes.items() if code.expires_at > now}
        while len(self._codes) >= CODES_AT_ONCE:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(32)
        self._codes[_hash(code)] = Code(person=person, tenant=tenant, expires_at=now + CODE_SPAN)
        return code

    async def sign_in(self, code: str) -> tuple[Key, str] | None:
        """Open a session for a good code or the owner's key: return its key and secret; None for any other code."""
        found = self._codes.get(_hash(code))
        if found is None and (key := await self.whose(code)) is not None and key.id == OWNER_KEY:
            found = Code(person=key.person, tenant=key.tenant, expires_at=self._clock.now() + CODE_SPAN)
        if found is None or found.expires_at <= self._clock.now():
            return None
        person = await self._store.person(found.tenant, found.person)
        if person is None:
            return None
        scopes = (
            ("admin",) if person.role == "owner" else ("messages:read", "messages:write", "tasks:read", "tasks:write")
        )
        id, secret = new_secret()
        until = self._clock.now() + SESSION_SPAN
        key = replace(self._key(id, person.tenant, person.id, "browser", secret, scopes, until), kind="session")
        await self._store.commit(Add(key))
        return key, secret

    def _good(self, key: Key) -> bool:
        return key.revoked_at is None and (key.expires_at is None or key.expires_at > self._clock.now())

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
