"""Where people are signed in: each a browser with a session's key, to be seen and to be ended."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import NotFound
from hub.flow.people import People
from hub.ports import Change, Clock, Remove, Save, Store
from hub.records import Key, KeyId, Person, PersonId, Session, TenantId

MOST = 50
"""Sessions of one person; the one that was used least lately ends then."""


class Place(Struct, frozen=True, kw_only=True):
    """A session, and the key that it goes by."""

    session: Session
    key: Key


class Sessions:
    """Opens and ends sessions."""

    def __init__(self, store: Store, clock: Clock, people: People) -> None:
        self._store = store
        self._clock = clock
        self._people = people

    async def open(self, person: Person, device: str, instead: Key | None = None) -> tuple[Key, str]:
        """Open a session: return its key, and the secret. What this browser was signed in by before ends.

        Raises NotAllowed for who signs in nowhere.
        """
        key, secret = await self._people.open_session(person, device)
        if instead is not None and instead.kind == "session":
            await self._end([instead])
        await self._tidy(person)
        return key, secret

    async def of(self, tenant: TenantId, person: PersonId) -> list[Place]:
        """Return where somebody is signed in now, the last used first."""
        good = {key.id: key for key in await self._store.keys_of(tenant, person) if self.is_good(key)}
        places = [
            Place(session=each, key=good[each.id])
            for each in await self._store.sessions(tenant, person)
            if each.id in good
        ]
        return sorted(places, key=lambda place: place.session.seen_at, reverse=True)

    async def end(self, tenant: TenantId, person: PersonId, id: KeyId) -> None:
        """End one of somebody's sessions; raises NotFound."""
        key = await self._store.key(tenant, id)
        if key is None or key.person != person or not self.is_good(key):
            raise NotFound(f"session: you have no {id!r}; GET /v1/sessions lists them")
        await self._end([key])

    async def end_others(self, tenant: TenantId, person: PersonId, keep: KeyId | None = None) -> int:
        """End all sessions of somebody but one; return how many."""
        keys = [key for key in await self._store.keys_of(tenant, person) if self.is_good(key) and key.id != keep]
        await self._end(keys)
        return len(keys)

    async def _end(self, keys: Sequence[Key]) -> None:
        now, changes = self._clock.now(), list[Change]()
        for key in keys:
            changes.append(Save(replace(key, revoked_at=key.revoked_at or now)))
            session = await self._store.session(key.id)
            if session is not None:
                changes.append(Remove(session))
        if changes:
            await self._store.commit(*changes)
        self._people.forget_keys(keys)

    async def _tidy(self, person: Person) -> None:
        """Remove what's left of sessions that are over, and end those beyond the most that somebody may have."""
        keys = await self._store.keys_of(person.tenant, person.id)
        over = [key for key in keys if key.kind == "session" and not self.is_good(key)]
        kept = {session.id: session for session in await self._store.sessions(person.tenant, person.id)}
        changes: list[Change] = [Remove(key) for key in over]
        changes += [Remove(kept[key.id]) for key in over if key.id in kept]
        if changes:
            await self._store.commit(*changes)
        places = await self.of(person.tenant, person.id)
        await self._end([place.key for place in places[MOST:]])

    def is_good(self, key: Key) -> bool:
        """Say whether a key is a session that goes on."""
        in_time = key.expires_at is None or key.expires_at > self._clock.now()
        return key.kind == "session" and key.revoked_at is None and in_time
