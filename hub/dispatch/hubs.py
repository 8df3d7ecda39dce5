"""Several hubs on one PostgreSQL: who lives, who has which lease, and how a dead one's work is taken over.

A hub's row says by the database's clock until when it lives. Ending one is a transaction that locks its row; every
commit of a hub looks at its own row under a lock that goes with others of its kind and not with that one. So a commit
comes wholly before the end of its hub, or not at all.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from typing import LiteralString

import psycopg
from msgspec import Struct

from hub.dispatch.database import Database
from hub.dispatch.ear import LOCK_CLASS, Ear
from hub.dispatch.jobs import Jobs
from hub.errors import HubEnded, StartError, StoreUnavailable
from hub.ports import HubInfo

log = logging.getLogger(__name__)

BEAT = 1.0
"""Seconds between two looks at the others."""
RENEWAL = 5.0
LEASE = 20.0
GONE = 4.0
"""A hub whose connection is cut for so long is dead, or soon will be: it comes back within two seconds if it can."""
UNSEEN = 8.0
"""A lease that's over by the database's clock counts only with so much silence besides: that clock may have jumped."""
CAUTION = 3.0
"""So long before its lease is over a hub begins nothing any more that can't be undone."""
OTHERS = 60.0
"""Seconds that another hub may be at what one hub does at a time."""
CHANNEL = "agenthost_hubs"
ENDED = "ended"

JOIN: LiteralString = """
INSERT INTO hubs (boot, name, worker, started_at, seen_at, until)
SELECT %(boot)s, %(name)s, %(worker)s, now, now, now + %(lease)s * interval '1 second'
FROM clock_timestamp() AS now RETURNING number
"""
RENEW: LiteralString = """
UPDATE hubs SET seen_at = clock_timestamp(), until = clock_timestamp() + %(lease)s * interval '1 second'
WHERE boot = %(boot)s AND ended_at IS NULL RETURNING boot
"""
LOOK: LiteralString = """
SELECT boot, name, worker, started_at, seen_at, until, until < clock_timestamp(), ended_at IS NOT NULL,
    EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = %(kind)s AND objid = hubs.number AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ),
    ARRAY (SELECT leases.name FROM leases WHERE leases.boot = hubs.boot ORDER BY leases.name)
FROM hubs WHERE cleared_at IS NULL ORDER BY started_at, boot
"""
# A hub that's stopped in the middle of a commit holds locks: its connections are ended first.
CUT: LiteralString = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = %(application)s AND datname = current_database()
"""
END: LiteralString = """
WITH gone AS (
    SELECT boot FROM hubs WHERE boot = %(boot)s AND ended_at IS NULL AND seen_at = %(seen)s FOR UPDATE
)
UPDATE hubs SET ended_at = clock_timestamp() FROM gone WHERE hubs.boot = gone.boot RETURNING hubs.boot
"""
LEAVE: LiteralString = """
WITH gone AS (SELECT boot FROM hubs WHERE boot = %(boot)s AND ended_at IS NULL FOR UPDATE)
UPDATE hubs SET ended_at = clock_timestamp() FROM gone WHERE hubs.boot = gone.boot
"""
CLEARED: LiteralString = "UPDATE hubs SET cleared_at = clock_timestamp() WHERE boot = %(boot)s"
TAKE: LiteralString = """
INSERT INTO leases (name, boot, taken_at)
SELECT name, %(boot)s, clock_timestamp() FROM unnest(%(names)s::text[]) AS wanted (name)
ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, taken_at = excluded.taken_at
WHERE (SELECT ended_at IS NOT NULL FROM hubs WHERE hubs.boot = leases.boot)
"""
HELD: LiteralString = "SELECT name FROM leases WHERE boot = %(boot)s"
LIVING: LiteralString = "SELECT boot FROM hubs WHERE ended_at IS NULL"
FORGET: LiteralString = "DELETE FROM hubs WHERE cleared_at < clock_timestamp() - interval '1 day'"
NOTIFY: LiteralString = "SELECT pg_notify(%(channel)s, %(text)s)"
ALONE: LiteralString = "SELECT pg_advisory_lock(%(number)s)"


class _Seen(Struct, frozen=True, kw_only=True):
    """A hub's row, as it was just read."""

    boot: str
    name: str
    worker: int
    started_at: datetime
    seen_at: datetime
    until: datetime
    over: bool
    ended: bool
    connected: bool
    leases: tuple[str, ...]


class _Silence:
    """How long this hub has seen another give no sign; time in which it didn't look itself doesn't count."""

    def __init__(self, seen_at: datetime) -> None:
        self.seen_at = seen_at
        self.quiet = 0.0
        self.cut_off = 0.0

    def go_on(self, hub: _Seen, seconds: float) -> None:
        self.quiet = self.quiet + seconds if hub.seen_at == self.seen_at else 0.0
        self.cut_off = 0.0 if hub.connected else self.cut_off + seconds
        self.seen_at = hub.seen_at

    def is_death(self, hub: _Seen) -> bool:
        return self.cut_off >= GONE or self.quiet >= LEASE or (hub.over and self.quiet >= UNSEEN)


class PostgresHubs:
    """Hubs whose rows and leases are in the store's PostgreSQL."""

    def __init__(self, database: Database, jobs: Jobs, ear: Ear, boot: str, name: str) -> None:
        self.boot = boot
        self.name = name
        self.worker = 0
        self._database = database
        self._jobs = jobs
        self._ear = ear
        self._sure_until = 0.0
        self._ended = False
        self._wanted: set[str] = set()
        self._held: frozenset[str] = frozenset()
        self._changed = asyncio.Condition()
        self._silences: dict[str, _Silence] = {}
        self._look_now = asyncio.Event()
        self._renewed = self._looked = 0.0
        self._topics: dict[str, list[Callable[[str], None]]] = {}
        ear.on(CHANNEL, self._told)

    async def open(self) -> None:
        """Join the others, and end those of this name whose process is gone; raises StartError."""
        try:
            self.worker = await self._jobs.register()
            began = _now()
            given = {"boot": self.boot, "name": self.name, "worker": self.worker, "lease": LEASE}
            [(number,)] = await self._database.rows(JOIN, given, lasting=True)
            self._sure_until, self._renewed = began + LEASE - CAUTION, began
            await self._ear.open(number)
            for other in await self._seen():
                if other.name == self.name and not other.connected and not other.ended:
                    await self._end(other)
        except (psycopg.Error, TimeoutError, StoreUnavailable) as error:
            raise StartError(f"store.url: the other hubs can't be joined there ({error})") from None
        self._looked = _now()

    async def close(self) -> None:
        """Leave the others, so that they take over at once."""
        if not self._ended:
            self._ended = True
            try:
                await self._database.rows(LEAVE, {"boot": self.boot}, lasting=True)
                await self.tell(ENDED)
            except StoreUnavailable as error:
                log.warning("the other hubs aren't told that this one ends: %s", error)
        await self._ear.close()

    def check(self) -> None:
        """See Hubs."""
        if self._ended or _now() > self._sure_until:
            raise HubEnded("this hub hasn't been able to renew its lease: others may do its work by now")

    async def living(self) -> frozenset[str]:
        """See Hubs."""
        return frozenset(boot for (boot,) in await self._database.rows(LIVING))

    async def run(self, take_over: Callable[[], Awaitable[None]]) -> None:
        """See Hubs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ear.run())
            while True:
                try:
                    await self._beat(take_over)
                except HubEnded:
                    self._ended = True
                    raise
                except StoreUnavailable as error:
                    # Without the database nobody can end anybody: what counts is what stands there afterwards.
                    log.warning("this hub's lease isn't renewed for now: %s", error)
                except Exception:
                    log.exception("the other hubs weren't looked after")
                await _set_within(self._look_now, BEAT)
                self._look_now.clear()

    async def hold(self, lease: str) -> None:
        """See Hubs."""
        self._wanted.add(lease)
        self._look_now.set()
        async with self._changed:
            await self._changed.wait_for(lambda: lease in self._held)

    def holds(self, lease: str) -> bool:
        """See Hubs."""
        return lease in self._held and not self._ended

    @asynccontextmanager
    async def alone(self, work: str) -> AsyncGenerator[None, None]:
        """See Hubs."""
        number = int.from_bytes(sha256(work.encode()).digest()[:8], signed=True)
        try:
            # A connection of its own: should this process die, the lock goes with it.
            connection = await psycopg.AsyncConnection.connect(
                self._database.url,
                autocommit=True,
                application_name=application(self.boot),
                options=f"-c lock_timeout={int(OTHERS * 1000)}",
            )
        except psycopg.Error as error:
            raise StoreUnavailable(f"the database can't be asked: {error}") from None
        try:
            try:
                await connection.execute(ALONE, {"number": number})
            except psycopg.Error as error:
                raise StoreUnavailable(f"another hub is at it, and doesn't end: {error}") from None
            yield
        finally:
            await connection.close()

    async def tell(self, topic: str, text: str = "") -> None:
        """See Hubs."""
        await self._database.rows(NOTIFY, {"channel": CHANNEL, "text": f"{self.boot} {topic} {text}"})

    def hear(self, topic: str, heard: Callable[[str], None]) -> None:
        """See Hubs."""
        self._topics.setdefault(topic, []).append(heard)

    async def listed(self) -> tuple[HubInfo, ...]:
        """See Hubs."""
        return tuple(
            HubInfo(
                boot=hub.boot,
                name=hub.name,
                state="silent" if hub.over or not hub.connected else "alive",
                started_at=hub.started_at,
                seen_at=hub.seen_at,
                until=hub.until,
                leases=hub.leases,
            )
            for hub in await self._seen()
            if not hub.ended
        )

    # --- inside

    async def _beat(self, take_over: Callable[[], Awaitable[None]]) -> None:
        if _now() - self._renewed >= RENEWAL:
            await self._renew()
        found = await self._seen()
        if not any(hub.boot == self.boot and not hub.ended for hub in found):
            raise HubEnded("this hub was silent for too long: another has taken over its work")
        await self._bury(found, take_over)
        await self._take()

    async def _renew(self) -> None:
        began = _now()
        if not await self._database.rows(RENEW, {"boot": self.boot, "lease": LEASE}):
            raise HubEnded("this hub was silent for too long: another has taken over its work")
        self._sure_until, self._renewed = began + LEASE - CAUTION, began

    async def _bury(self, found: list[_Seen], take_over: Callable[[], Awaitable[None]]) -> None:
        """End the dead, and have taken over what they had begun."""
        now = _now()
        seconds, self._looked = min(now - self._looked, 2 * BEAT), now
        others = [hub for hub in found if hub.boot != self.boot]
        self._silences = {
            hub.boot: self._silences.get(hub.boot) or _Silence(hub.seen_at) for hub in others if not hub.ended
        }
        dead = [hub for hub in others if hub.ended]
        for hub in others:
            if hub.ended:
                continue
            silence = self._silences[hub.boot]
            silence.go_on(hub, seconds)
            if silence.is_death(hub):
                log.warning("hub %s (%s) gives no sign any more: its work is taken over", hub.name, hub.boot)
                dead += [hub] if await self._end(hub) else []
        if not dead:
            return
        await take_over()
        for hub in dead:
            await self._jobs.give_back(hub.worker)
            await self._database.rows(CLEARED, {"boot": hub.boot})
        await self._database.rows(FORGET)

    async def _end(self, hub: _Seen) -> bool:
        await self._database.rows(CUT, {"application": application(hub.boot)})
        return bool(await self._database.rows(END, {"boot": hub.boot, "seen": hub.seen_at}, lasting=True))

    async def _take(self) -> None:
        missing = self._wanted - self._held
        if not missing:
            return
        await self._database.rows(TAKE, {"boot": self.boot, "names": sorted(missing)}, lasting=True)
        held = frozenset(name for (name,) in await self._database.rows(HELD, {"boot": self.boot}))
        if held != self._held:
            async with self._changed:
                self._held = held
                self._changed.notify_all()

    async def _seen(self) -> list[_Seen]:
        return [
            _Seen(
                boot=boot,
                name=name,
                worker=worker,
                started_at=started_at,
                seen_at=seen_at,
                until=until,
                over=over,
                ended=ended,
                connected=connected,
                leases=tuple(leases),
            )
            for boot, name, worker, started_at, seen_at, until, over, ended, connected, leases in (
                await self._database.rows(LOOK, {"kind": LOCK_CLASS})
            )
        ]

    def _told(self, payload: str) -> None:
        boot, topic, text = (*payload.split(" ", 2), "", "")[:3]
        if topic == ENDED:
            self._look_now.set()
        if boot != self.boot:
            for heard in self._topics.get(topic, ()):
                heard(text)


def application(boot: str) -> str:
    """Return what a hub's connections are called in the database, by which they are found once it's dead."""
    return f"agenthost {boot}"


def _now() -> float:
    # Goes on while the machine sleeps, unlike the monotonic clock.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
