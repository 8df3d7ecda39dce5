"""What the store tells of what waits and of routes, over SQL: see Overviews."""

from collections.abc import Sequence
from datetime import datetime

from hub.records import Correction, Entry, Message, MessageId, Pause, PersonId, Task, TenantId
from hub.store import overview_queries as queries
from hub.store.upkeep import UpkeepAnswers

AT_ONCE = 500
"""Ids in one statement."""


class OverviewAnswers(UpkeepAnswers):
    """The queries of Overviews."""

    async def asked_pauses(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Pause, ...]:
        return await self._all(Pause, queries.asked_pauses(tenant, person, limit))

    async def decided_pauses(self, tenant: TenantId, limit: int) -> tuple[Pause, ...]:
        return await self._all(Pause, queries.decided_pauses(tenant, limit))

    async def held_entries(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Entry, ...]:
        return await self._all(Entry, queries.held_entries(tenant, person, limit))

    async def proposing_tasks(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Task, ...]:
        return await self._all(Task, queries.proposing_tasks(tenant, person, limit))

    async def routed_messages(
        self,
        tenant: TenantId,
        person: PersonId | None,
        *,
        limit: int,
        before: MessageId | None = None,
        since: datetime | None = None,
    ) -> tuple[Message, ...]:
        return await self._all(Message, queries.routed_messages(tenant, person, limit, before, since))

    async def corrections_among(self, messages: Sequence[MessageId]) -> tuple[Correction, ...]:
        found: list[Correction] = []
        each_once = sorted(set(messages))
        for at in range(0, len(each_once), AT_ONCE):
            found += await self._all(Correction, queries.corrections_among(each_once[at : at + AT_ONCE]))
        return tuple(sorted(found, key=lambda each: each.id))
