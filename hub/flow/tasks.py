"""The task's states: founded, taken up again, stopped, canceled, done; each change kept and told."""

from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.ports import Clock, Store
from hub.records import (
    Limits,
    Message,
    Task,
    TaskId,
    new_id,
)

TITLE = 60
TRIES = 5


class Stops(Protocol):
    """Who can cut off a turn that's being taken."""

    async def stop(self, task: TaskId) -> bool:
        """Stop a task's running turn and wait until that's kept; return False if none was running."""


class Tasks:
    """Changes tasks at a person's word."""

    def __init__(
        self, store: Store, journal: Journal, inbox: Inbox, clock: Clock, limits: LimitsConfig, zone: ZoneInfo
    ) -> None:
        self._store = store
        self._journal = journal
        self._inbox = inbox
        self._clock = clock
        self._limits = limits
        self._zone = zone

    async def found(self, message: Message, agent: str, **wishes: object) -> Task:
        """Return a new task for a message, not kept yet: it's committed with the message's route."""
        number = await self._store.last_number(message.tenant, message.person) + 1
        now = self._clock.now()
        task = Task(
            id=TaskId(new_id()),
            tenant=message.tenant,
            person=message.person,
            number=number,
            origin=message.address,
            title=title_of(message.text),
            goal=message.text,
            agent=agent,
            state="submitted",
            created_at=now,
            updated_at=now,
            limits=Limits(turns=self._limits.turns, tokens=self._limits.tokens, minutes=self._limits.minutes),
        )
        return replace(task, **wishes)
