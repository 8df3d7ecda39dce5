"""Answers under idempotency keys, kept for a day: a request that comes again is answered as the first one was."""

from datetime import timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from hub.errors import Duplicate, TooMany
from hub.ports import Clock
from hub.registry.shelf import Shelf
from hub.registry.tables import replays
from hub.web.problems import Busy
from hub.web.replaying import AT_WORK, HEADER, used_otherwise

KEPT = timedelta(hours=24)
MANY = 5_000
"""Keys of one account, or address, that are kept at a time."""
LONGEST = 256 * 1024
"""Characters of an answer that's kept."""


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered."""

    status: int
    body: str


class Replays:
    """Keeps what was answered under which key."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._began_at = clock.now()

    async def claim(self, account: str, name: str, fingerprint: str) -> Answer | None:
        """Say that a request is at work under a key; return what was answered to an earlier one like it.

        Raises AlreadyUsed for another body's fingerprint, Busy while the first one is at work, TooMany.
        """
        try:
            return await self._shelf.write(lambda connection: self._claim(connection, account, name, fingerprint))
        except Duplicate:
            raise _busy() from None

    async def keep(self, account: str, name: str, answer: Answer) -> None:
        """Keep what was answered."""
        if len(answer.body) > LONGEST:
            await self.forget(account, name)
            return
        query = update(replays).where(_named(account, name)).values(status=answer.status, body=answer.body)
        await self._shelf.write(lambda connection: connection.execute(query) and None)

    async def forget(self, account: str, name: str) -> None:
        """Free a key again: nothing was done under it."""
        query = delete(replays).where(_named(account, name))
        await self._shelf.write(lambda connection: connection.execute(query) and None)

    def _claim(self, connection: Connection, account: str, name: str, fingerprint: str) -> Answer | None:
        now = self._clock.now()
        connection.execute(delete(replays).where(replays.c.created_at < now - KEPT))
        kept = connection.execute(select(replays).where(_named(account, name))).first()
        if kept is None:
            mine = select(func.count()).select_from(replays).where(replays.c.account == account)
            if connection.execute(mine).scalar_one() >= MANY:
                raise TooMany(f"{HEADER}: {MANY:,} keys of yours are kept; come again later, or leave it out", 3_600)
            fresh = {"account": account, "name": name, "fingerprint": fingerprint, "created_at": now}
            connection.execute(insert(replays).values(**fresh, status=0, body=""))
            return None
        if kept.fingerprint != fingerprint:
            raise used_otherwise()
        if kept.status:
            return Answer(status=kept.status, body=kept.body)
        # Of a process that's gone. Whether another's is, nobody knows but by the time.
        died = kept.created_at < self._began_at and not self._shelf.is_shared
        if not died and now - kept.created_at < AT_WORK:
            raise _busy()
        same = and_(_named(account, name), replays.c.created_at == kept.created_at)
        if not connection.execute(update(replays).where(same).values(created_at=now)).rowcount:
            raise _busy()
        return None


def _named(account: str, name: str) -> ColumnElement[bool]:
    return and_(replays.c.account == account, replays.c.name == name)


def _busy() -> Busy:
    return Busy(f"{HEADER}: its first request is still at work; come again for the answer")
