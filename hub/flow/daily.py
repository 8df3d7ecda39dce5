"""A digest of somebody's tasks, every day at a time they named: what ended, waits and is planned, and what it cost."""

import logging
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from hub.errors import Duplicate, StoreError
from hub.flow.hours import next_time, on_day
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.flow.preferences import Preferences, Wish
from hub.flow.quiet import DIGEST
from hub.flow.said import short, tag
from hub.flow.standing import ENDS, is_over, span, waiting_for
from hub.ports import Clock, Store
from hub.records import OPEN, Address, PersonId, Task, TenantId

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two looks at whose time has come."""
DAY = timedelta(days=1)
LISTED = 10
MANY = 200
WHY = 100


class Daily:
    """Makes digests from what's kept, and says one a day to who wants it."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, preferences: Preferences) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._preferences = preferences

    async def run(self) -> None:
        """Say what's due until cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("digests wait: %s", error)
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Say the digests whose time of day has come and that weren't said today."""
        now = self._clock.now()
        for wish in await self._preferences.wishes():
            zone = await self._preferences.zone(wish.tenant, wish.person)
            today = now.astimezone(zone).date()
            if wish.last < today and now >= on_day(today, wish.at, zone):
                await self._say(wish, now, zone)
                await self._preferences.keep_wish(replace(wish, last=today))

    async def begin(self, tenant: TenantId, person: PersonId, at: time, to: Address) -> datetime:
        """Have somebody told every day from now on; return when the first time is."""
        now, zone = self._clock.now(), await self._preferences.zone(tenant, person)
        first = next_time(at, now, zone)
        last = first.astimezone(zone).date() - DAY
        await self._preferences.keep_wish(
            Wish(tenant=tenant, person=person, at=at, bridge=to.bridge, chat=to.chat, last=last)
        )
        return first

    async def text(self, tenant: TenantId, person: PersonId) -> str:
        """Return how somebody's tasks are: what became of them within a day, and what comes until this one ends."""
        now, zone = self._clock.now(), await self._preferences.zone(tenant, person)
        changed = await self._store.tasks(tenant, person, updated_since=now - DAY, limit=MANY, by="updated_at")
        still_open = await self._store.tasks(tenant, person, states=OPEN, limit=MANY, by="updated_at")
        tonight = on_day(now.astimezone(zone).date() + DAY, time(0), zone)
        ended = [task for task in changed if is_over(task)]
        asking = [task for task in still_open if task.state == "input-required"]
        planned = [
            task
            for task in still_open
            if task not in asking and task.due_at is not None and now < task.due_at < tonight
        ]
        at_work = [task for task in still_open if task.state == "working" and task not in planned]
        sections = [
            *_listed("Ended", [f"{tag(task)}: {_end(task)}" for task in ended]),
            *_listed("Waits for you", [f"{tag(task)}: {waiting_for(task, now, zone)}" for task in asking]),
            *_listed("At work", [tag(task) for task in at_work]),
            *_listed("Planned today", [f"{tag(task)}: {waiting_for(task, now, zone)}" for task in planned]),
        ]
        cost = await self._cost(changed, now - DAY)
        day = f"{now.astimezone(zone):%A, %Y-%m-%d}"
        return "\n".join([f"**{day}**", *(sections or ["Nothing ended, nothing waits, nothing is planned."]), cost])

    async def _say(self, wish: Wish, now: datetime, zone: ZoneInfo) -> None:
        text = await self.text(wish.tenant, wish.person)
        said = notice(text, tenant=wish.tenant, to=wish.address, person=wish.person, now=now)
        # One a day, whoever says it and however often: the second can't be kept.
        said = replace(said, external_id=f"{DIGEST}{wish.person}:{now.astimezone(zone):%Y-%m-%d}")
        try:
            await self._journal.commit(*self._outbox.say(said), wake=(self._outbox.lane(said),))
        except Duplicate:
            log.info("today's digest of %s is said already", wish.person)

    async def _cost(self, changed: Sequence[Task], since: datetime) -> str:
        turns = [
            turn
            for task in changed
            for turn in await self._store.turns(task.id, limit=MANY)
            if turn.started_at >= since
        ]
        tokens = sum(turn.tokens_in + turn.tokens_out for turn in turns)
        lasted = span(timedelta(milliseconds=sum(turn.ms for turn in turns)))
        money = sum(task.used.money for task in changed)
        words = f"In a day: {len(turns)} {'turn' if len(turns) == 1 else 'turns'}, {tokens:,} tokens, {lasted} of work"
        return f"{words}, {money:.2f} money" if money else words


def _listed(name: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"- and {len(lines) - LISTED} more: /tasks"] if len(lines) > LISTED else []
    return [f"{name}:", *(f"- {line}" for line in lines[:LISTED]), *more]


def _end(task: Task) -> str:
    summary = getattr(task.verdict, "summary", "")
    return short(summary, WHY) if task.state not in ("failed", "canceled") and summary else ENDS.get(task.state, "Done")
