"""What the reference store tells of hand-overs: see Handovers."""

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
from hub.store.kept import Kept

AT_DESK = ("owner", "admin", "operator")


class HandoversInMemory(Kept):
    """The queries of Handovers, as plainly as they read."""

    async def handover(self, tenant: TenantId, id: HandoverId) -> Handover | None:
        found = self._one(Handover, id)
        return found if found and found.tenant == tenant else None

    async def handover_of(self, tenant: TenantId, person: PersonId) -> Handover | None:
        return self._by_name(Handover, tenant, person)

    async def open_handovers(self, tenant: TenantId, *, limit: int) -> tuple[Handover, ...]:
        found = [each for each in self._by_id(Handover) if each.tenant == tenant and each.holds is not None]
        return tuple(found[:limit])

    async def handovers(
        self, tenant: TenantId, *, limit: int, before: HandoverId | None = None, person: PersonId | None = None
    ) -> tuple[Handover, ...]:
        found = [
            each
            for each in reversed(self._by_id(Handover))
            if each.tenant == tenant and person in (None, each.person) and (before is None or each.id < before)
        ]
        return tuple(found[:limit])

    async def due_handovers(self, now: datetime, limit: int) -> tuple[Handover, ...]:
        found = [(each.due_at, each.id, each) for each in self._all(Handover) if each.due_at and each.due_at <= now]
        return tuple(each for _, _, each in sorted(found)[:limit])

    async def draft(self, tenant: TenantId, id: DraftId) -> Draft | None:
        found = self._one(Draft, id)
        return found if found and found.tenant == tenant else None

    async def drafts(self, handover: HandoverId, *, limit: int, after: DraftId | None = None) -> tuple[Draft, ...]:
        found = [each for each in self._by_id(Draft) if each.handover == handover and (not after or each.id > after)]
        return tuple(found[:limit])

    async def drafts_of_task(self, task: TaskId, *, limit: int) -> tuple[Draft, ...]:
        return tuple([each for each in self._by_id(Draft) if each.task == task][:limit])

    async def notes(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: NoteId | None = None
    ) -> tuple[Note, ...]:
        theirs = [each for each in reversed(self._by_id(Note)) if (each.tenant, each.person) == (tenant, person)]
        return tuple([note for note in theirs if before is None or note.id < before][:limit])

    async def talk(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        found = [
            each
            for each in self._by_id(Message)
            if (each.tenant, each.person) == (tenant, person)
            and each.state != "moved"
            and each.copy_of is None
            and (before is None or each.id < before)
        ]
        return tuple(found[-limit:])

    async def asking_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        found = [task for task in self._all(Task) if task.state == "input-required" and task.updated_at < before]
        found.sort(key=_changed)
        return tuple([task for task in found if after is None or _changed(task) > _changed(after)][:limit])

    async def operators(self, tenant: TenantId, limit: int) -> tuple[Person, ...]:
        found = [each for each in self._by_id(Person) if each.tenant == tenant and each.role in AT_DESK]
        return tuple(found[:limit])

    async def desk_rules(self, tenant: TenantId) -> DeskRules | None:
        return self._one(DeskRules, tenant)


def _changed(task: Task) -> tuple[datetime, str]:
    return task.updated_at, task.id
