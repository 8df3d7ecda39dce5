"""What a store tells of all that waits for people, and of how their messages were routed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.records import Correction, Entry, Message, MessageId, Pause, PersonId, Task, TenantId


class Overviews(Protocol):
    """The queries of overviews. Without a person they're about everybody of a tenant; cursors exclude themselves."""

    async def asked_pauses(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Pause, ...]:
        """Return the tool calls that wait for their person, by person, oldest first."""

    async def decided_pauses(self, tenant: TenantId, limit: int) -> tuple[Pause, ...]:
        """Return a tenant's tool calls that waited and were decided about, the last decided first."""

    async def held_entries(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Entry, ...]:
        """Return the entries of messages whose person is asked which task they're about, by person, oldest first."""

    async def proposing_tasks(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Task, ...]:
        """Return open tasks with checks that their person hasn't agreed to yet, by person, oldest first."""

    async def routed_messages(
        self,
        tenant: TenantId,
        person: PersonId | None,
        *,
        limit: int,
        before: MessageId | None = None,
        since: datetime | None = None,
    ) -> tuple[Message, ...]:
        """Return what people said that has a route, newest first; with `since`, what was said then or later."""

    async def corrections_among(self, messages: Sequence[MessageId]) -> tuple[Correction, ...]:
        """Return the corrections of some messages, oldest first."""
