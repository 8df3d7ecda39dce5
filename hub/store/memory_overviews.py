"""What the reference store tells of what waits and of routes: see Overviews."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.records import OPEN, Correction, Entry, Message, MessageId, Pause, PersonId, Task, TenantId
from hub.store.kept import Kept

BEGINNING = datetime.min.replace(tzinfo=UTC)


class OverviewsInMemory(Kept):
    """The queries of Overviews, as plainly as they read."""

    async def asked_pauses(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Pause, ...]:
        found = [
            each
            for each in self._all(Pause)
            if each.tenant == tenant and person in (None, each.person) and each.state == "asked"
        ]
        return tuple(sorted(found, key=lambda each: (each.person, each.id))[:limit])

    async def decided_pauses(self, tenant: TenantId, limit: int) -> tuple[Pause, ...]:
        found = [each for each in self._all(Pause) if each.tenant == tenant and each.decided_at is not None]
        return tuple(sorted(found, key=lambda each: (each.decided_at or BEGINNING, each.id), reverse=True)[:limit])

    async def held_entries(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Entry, ...]:
        found = [
            (message.person, entry.id, entry)
            for entry in self._all(Entry)
            if entry.tenant == tenant and entry.state == "held" and (message := self._one(Message, entry.message))
        ]
        return tuple([entry for whose, _, entry in sorted(found) if person in (None, whose)][:limit])

    async def proposing_tasks(self, tenant: TenantId, person: PersonId | None, limit: int) -> tuple[Task, ...]:
        found = [
            task
            for task in self._all(Task)
            if task.tenant == tenant and person in (None, task.person) and task.proposed and task.state in OPEN
        ]
        return tuple(sorted(found, key=lambda task: (task.person, task.id))[:limit])

    async def routed_messages(
        self,
        tenant: TenantId,
        person: PersonId | None,
        *,
        limit: int,
        before: MessageId | None = None,
        since: datetime | None = None,
    ) -> tuple[Message, ...]:
        found = [
            message
            for message in reversed(self._by_id(Message))
            if message.tenant == tenant
            and person in (None, message.person)
            and message.role == "user"
            and message.route is not None
            and (before is None or message.id < before)
            and (since is None or message.created_at >= since)
        ]
        return tuple(found[:limit])

    async def corrections_among(self, messages: Sequence[MessageId]) -> tuple[Correction, ...]:
        return tuple(each for each in self._by_id(Correction) if each.message in set(messages))
