"""What the store tells of hand-overs, over SQL: see Handovers."""

from datetime import datetime

from hub.records import (
    DeskRules,
    Draft,
    DraftId,
    Handover,
    HandoverId,
    Message,
    MessageId,
    Note,
    NoteId,
    Person,
    PersonId,
    Task,
    TaskId,
    TenantId,
)
from hub.store import handover_queries as queries
from hub.store.upkeep import UpkeepAnswers


class HandoverAnswers(UpkeepAnswers):
    """The queries of Handovers."""

    async def handover(self, tenant: TenantId, id: HandoverId) -> Handover | None:
        return next(iter(await self._all(Handover, queries.handover(tenant, id))), None)

    async def handover_of(self, tenant: TenantId, person: PersonId) -> Handover | None:
        return next(iter(await self._asked(Handover, queries.handover_of, tenant, person)), None)

    async def open_handovers(self, tenant: TenantId, *, limit: int) -> tuple[Handover, ...]:
        return await self._all(Handover, queries.open_handovers(tenant, limit))

    async def handovers(
        self, tenant: TenantId, *, limit: int, before: HandoverId | None = None, person: PersonId | None = None
    ) -> tuple[Handover, ...]:
        return await self._all(Handover, queries.newest_handovers(tenant, limit, before, person))

    async def due_handovers(self, now: datetime, limit: int) -> tuple[Handover, ...]:
        return await self._all(Handover, queries.due_handovers(now, limit))

    async def draft(self, tenant: TenantId, id: DraftId) -> Draft | None:
        return next(iter(await self._all(Draft, queries.draft(tenant, id))), None)

    async def drafts(self, handover: HandoverId, *, limit: int, after: DraftId | None = None) -> tuple[Draft, ...]:
        return await self._all(Draft, queries.drafts_of(handover, limit, after))

    async def drafts_of_task(self, task: TaskId, *, limit: int) -> tuple[Draft, ...]:
        return await self._all(Draft, queries.drafts_of_task(task, limit))

    async def notes(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: NoteId | None = None
    ) -> tuple[Note, ...]:
        return await self._all(Note, queries.notes_of(tenant, person, limit, before))

    async def talk(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        return tuple(reversed(await self._all(Message, queries.talk(tenant, person, limit, before))))

    async def asking_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        return await self._all(Task, queries.asking_tasks(before, limit, after))

    async def operators(self, tenant: TenantId, limit: int) -> tuple[Person, ...]:
        return await self._all(Person, queries.operators(tenant, limit))

    async def desk_rules(self, tenant: TenantId) -> DeskRules | None:
        return next(iter(await self._all(DeskRules, queries.desk_rules_of(tenant))), None)
