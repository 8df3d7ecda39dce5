"""What a task waits for: looked at when due, without a turn and without a model, until it comes or its time is over."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from hub.flow.work import Work
from hub.ports import Checking, Clock
from hub.records import Again, ForFile, ForMessage, ForTasks, ForUrl, Signal, Step, Task, Verdict, Wait

FIRST, LAST = timedelta(seconds=30), timedelta(minutes=15)
"""Between two looks: the longer it has waited already, the seldomer."""
SHARE = 4
MINUTE = timedelta(minutes=1)
SHOWN = 120


class Watching:
    """Looks whether it has come."""

    def __init__(self, checking: Checking | None, clock: Clock, zone: str) -> None:
        self._checking = checking
        self._clock = clock
        self._zone = ZoneInfo(zone)

    async def begin(self, task: Task, until: datetime, on: Signal | None) -> Wait:
        """Return what a task waits for from now on: what's there now isn't what it waits for."""
        if isinstance(on, ForFile | ForUrl) and self._checking is not None:
            on = replace(on, seen=await self._checking.seen(task, on) or "")
        time = self.told(until)
        why = f"until {time}" if on is None else f"for {_what(on)}, until {time} at the latest"
        return Wait(until=until, why=why, on=on)

    def look_at(self, wait: Wait, since: datetime) -> datetime:
        """Return when a task that has waited since a time is to be looked at next."""
        if wait.on is None or isinstance(wait.on, ForMessage | ForTasks):
            return wait.until
        now = self._clock.now()
        return min(wait.until, now + min(max((now - since) / SHARE, FIRST), LAST))

    async def came(self, task: Task, wait: Wait) -> str:
        """Return what has come, as it's told to the agent; "" if nothing has, and its time isn't over."""
        if wait.on is not None and (came := await self._there(task, wait.on)):
            return came
        if self._clock.now() < wait.until:
            return ""
        return f"It's {self.told(wait.until)} now" + (
            "." if wait.on is None else f", and nothing came of {_what(wait.on)}."
        )

    async def _there(self, task: Task, on: Signal) -> str:
        match on:
            case ForMessage() | ForTasks():
                return ""  # those who bring them see to it
            case ForFile() | ForUrl():
                seen = await self._checking.seen(task, on) if self._checking is not None else None
                return "" if seen is None or seen == on.seen else f"This has come: {_what(on)}."
            case _:
                assert_never(on)

    def waits_on(self, work: Work, calls: Sequence[Step], verdict: Verdict) -> Verdict:
        """Return how a waiting task goes on after its person has spoken: what it waits for hasn't come by that."""
        before = work.task.verdict
        asked = work.messages and not calls and isinstance(verdict, Again) and not verdict.failed
        if not asked or not isinstance(before, Wait) or isinstance(before.on, ForTasks):
            return verdict
        return before if self._clock.now() < before.until else verdict

    def told(self, at: datetime) -> str:
        """Return a time in the hub's own zone."""
        return f"{at.astimezone(self._zone):%a %Y-%m-%d %H:%M} {self._zone.key}"


def _what(on: Signal) -> str:
    match on:
        case ForMessage():
            return "a word of the person"
        case ForTasks(tasks=tasks):
            return f"{len(tasks)} other tasks"
        case ForFile(path=path):
            return f"a change of the file {path[:SHOWN]}"
        case ForUrl(url=url):
            return f"a change of {url[:SHOWN]}"
        case _:
            assert_never(on)
