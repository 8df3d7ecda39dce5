"""What a store tells of hand-overs."""

from datetime import datetime
from typing import Protocol

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


class Handovers(Protocol):
    """The queries of chats that people take over from agents. Cursors exclude themselves."""

    async def handover(self, tenant: TenantId, id: HandoverId) -> Handover | None: ...
    async def handover_of(self, tenant: TenantId, person: PersonId) -> Handover | None:
        """Return a person's handover that isn't resolved: there's one at most."""

    async def open_handovers(self, tenant: TenantId, *, limit: int) -> tuple[Handover, ...]:
        """Return those that aren't resolved, oldest first."""

    async def handovers(
        self, tenant: TenantId, *, limit: int, before: HandoverId | None = None, person: PersonId | None = None
    ) -> tuple[Handover, ...]:
        """Return a tenant's, or of it a person's, resolved ones too, newest first."""

    async def due_handovers(self, now: datetime, limit: int) -> tuple[Handover, ...]:
        """Return those of all tenants whose `due_at` has come, the longest due first."""

    async def draft(self, tenant: TenantId, id: DraftId) -> Draft | None: ...
    async def drafts(self, handover: HandoverId, *, limit: int, after: DraftId | None = None) -> tuple[Draft, ...]:
        """Return a handover's drafts, sent and discarded ones too, oldest first."""

    async def drafts_of_task(self, task: TaskId, *, limit: int) -> tuple[Draft, ...]:
        """Return a task's drafts, oldest first."""

    async def notes(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: NoteId | None = None
    ) -> tuple[Note, ...]:
        """Return what's noted about a person, newest first."""

    async def talk(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return the newest messages that a person said or was told, in all of their chats, oldest first; retracted
        ones (`moved`) and copies are left out.
        """

    async def asking_tasks(self, before: datetime, *, limit: int, after: Task | None = None) -> tuple[Task, ...]:
        """Return tasks of all tenants in the state input-required that weren't changed since a time, the longest
        unchanged first.
        """

    async def operators(self, tenant: TenantId, limit: int) -> tuple[Person, ...]:
        """Return who may operate a tenant's chats by their role (owner, admin, operator), by id."""

    async def desk_rules(self, tenant: TenantId) -> DeskRules | None: ...
