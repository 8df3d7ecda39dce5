"""Quiet hours: what nobody waits for isn't said in them, and is said after them, in its order."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.flow.hours import quiet_until
from hub.flow.preferences import Preferences
from hub.ports import Clock, Store
from hub.records import Message, Task

REMINDER = "Reminder:"
"""Begins the goal of what somebody is to be reminded of: they named the time themselves."""
DIGEST = "digest:"
"""Begins the external id of a digest."""
AWAKE = timedelta(minutes=15)
"""So long after they wrote in a chat, somebody is taken to be awake there."""
GRACE = timedelta(seconds=5)
"""After their end, until what waited has gone first."""
RECENT = 20


class Quiet:
    """Says until when a message waits."""

    def __init__(self, store: Store, preferences: Preferences, clock: Clock) -> None:
        self._store = store
        self._preferences = preferences
        self._clock = clock

    async def until(self, message: Message) -> datetime | None:
        """Return until when a message of the hub waits for the end of its person's quiet hours; None: it needn't."""
        if not _is_unasked(message):
            return None
        hours = await self._preferences.quiet(message.tenant, message.person)
        if hours is None:
            return None
        now = self._clock.now()
        chosen = await self._preferences.zone(message.tenant, message.person)
        zone = ZoneInfo(hours.zone) if hours.zone else chosen
        until = quiet_until(hours, now, zone)
        if until is None and (just := quiet_until(hours, now - GRACE, zone)):
            until = just + GRACE
        if until is None or await self._is_urgent(message) or await self._is_awake(message, now):
            return None
        return until

    async def _is_urgent(self, message: Message) -> bool:
        task = await self._store.task(message.task) if message.task else None
        return task is not None and (task.goal.startswith(REMINDER) or _is_asked(message, task))

    async def _is_awake(self, message: Message, now: datetime) -> bool:
        latest = await self._store.messages_of_chat(message.tenant, message.address, limit=RECENT)
        return any(said.role == "user" and now - said.created_at < AWAKE for said in latest)


def _is_unasked(message: Message) -> bool:
    """Say whether nobody waits for it: it answers nothing, asks nothing, and is about a task, or a digest."""
    about = message.task is not None or message.external_id.startswith(DIGEST)
    return about and message.answers is None and not message.choices


def _is_asked(message: Message, task: Task) -> bool:
    """Say whether a task can't go on until its person has answered this."""
    return task.state == "input-required" and message.turn is not None
