"""Notices that the time of day was set, and has what waits wait as long as it was meant to.

`due_at` on rows is a time of day. Where a person named it, it stays: "at eight" is at eight, whatever the clock said
before. Where the hub meant a span ("again in five seconds", "for ten minutes"), a clock that's set back would make it
hours; so such times are set back with it.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from hub.errors import Conflict, StoreUnavailable
from hub.ports import Clock, Documents, Save, Store
from hub.records import Again, Entry, Pause, Task

log = logging.getLogger(__name__)

LOOK = 1.0
NOTED = 15.0
"""Seconds between notes of what time it was, for the next start."""
STEP = timedelta(seconds=2)
"""Less is the clock being kept right, not set."""
FRESH = timedelta(seconds=5)
"""What began so lately began after the clock was set: its time is right as it is."""
MANY = 100_000
FAR = datetime(9999, 1, 1, tzinfo=UTC)
OWNER, DOCUMENT = "hub", "clock"


class ClockWatch:
    """Holds the time of day against the seconds that have passed; a machine that slept has a clock that jumped, too."""

    def __init__(self, store: Store, clock: Clock, documents: Documents, jumped: Callable[[], None]) -> None:
        """`jumped` is told of every jump: what ticks by the time of day must begin to tick anew."""
        self._store = store
        self._clock = clock
        self._documents = documents
        self._jumped = jumped
        self._now, self._passed = clock.now(), clock.monotonic()
        self._noted_at: float | None = None

    async def run(self) -> None:
        """Look each second, until cancelled; first, whether the clock was set back since the hub ran last."""
        await self.begin()
        while True:
            await self._clock.sleep(LOOK)
            await self.look()

    async def begin(self) -> None:
        """Take up from the last run: what time it was when the hub ran last."""
        last = _time_in(await self._documents.get(OWNER, DOCUMENT))
        if last is not None and last - self._clock.now() > STEP:
            await self._set_back(last - self._clock.now())
        await self._note()

    async def look(self) -> None:
        """Look whether the clock was set since the last look."""
        now, passed = self._clock.now(), self._clock.monotonic()
        moved = now - self._now - timedelta(seconds=passed - self._passed)
        self._now, self._passed = now, passed
        if abs(moved) >= STEP:
            log.warning("the clock was set %s by %s", "forward" if moved > timedelta() else "back", abs(moved))
            self._jumped()
            if moved < timedelta():
                await self._set_back(-moved)
            await self._note()
        elif self._noted_at is None or passed - self._noted_at >= NOTED:
            await self._note()

    async def _note(self) -> None:
        self._noted_at = self._clock.monotonic()
        try:
            await self._documents.put(OWNER, DOCUMENT, {"now": self._clock.now().isoformat()})
        except StoreUnavailable as error:
            log.debug("what time it is isn't noted: %s", error)

    # --- what was meant as a span

    async def _set_back(self, by: timedelta) -> None:
        """Have everything that waits for a span wait no longer than it would have."""
        now, moved = self._clock.now(), 0
        try:
            async for record in self._spans(now):
                moved += await self._save(record, now, by)
        except StoreUnavailable as error:
            log.warning("what waits may wait longer by %s: %s", by, error)
        log.info("%d times of what waits were set back by %s", moved, by)

    async def _spans(self, now: datetime) -> AsyncIterator[Entry | Pause | Task]:
        for entry in await self._store.held(FAR, MANY):
            yield entry
        for lane in await self._store.lanes(FAR, MANY):
            for entry in await self._store.entries(lane, FAR, 1):
                yield entry
        asked = await self._store.expired_pauses(FAR, MANY)
        until = {(pause.task, pause.expires_at) for pause in asked}
        for task in await self._store.due_tasks(FAR, MANY):
            if isinstance(task.verdict, Again) or (task.id, task.due_at) in until:
                yield task
        for pause in asked:
            yield pause

    async def _save(self, record: Entry | Pause | Task, now: datetime, by: timedelta) -> bool:
        """Set a record's time back, but not into the past; return whether it was."""
        ends, changed = (record.expires_at, "expires_at") if isinstance(record, Pause) else (record.due_at, "due_at")
        began = (
            None if isinstance(record, Entry) else record.created_at if isinstance(record, Pause) else record.updated_at
        )
        if ends is None or ends <= now or (began is not None and timedelta() <= now - began < FRESH):
            return False
        try:
            await self._store.commit(Save(replace(record, **{changed: max(now, ends - by)})))
        except Conflict:
            return False  # it's being worked on, by the clock as it is now
        return True


def _time_in(document: Mapping[str, object] | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(document["now"])) if document else None
    except (KeyError, ValueError):
        return None
    return found if found and found.tzinfo else None
