"""What a store tells of what was done."""

from datetime import datetime
from typing import Protocol

from hub.records import Chain, Checkpoint, Deed, PersonId, TenantId


class Deeds(Protocol):
    """The audit log's queries. Within a tenant deeds are numbered from 1 without a gap, and each has the hash of the
    one before; the store sees to that in the commit that adds them, however many hubs write at the same time.
    """

    async def deeds(
        self,
        tenant: TenantId,
        *,
        limit: int,
        before: int | None = None,
        after: int | None = None,
        who: PersonId | None = None,
        action: str | None = None,
        object: str | None = None,
    ) -> tuple[Deed, ...]:
        """Return a tenant's deeds, newest first, or with `after` oldest first; `before` and `after` are a deed's
        `seq` and exclude it. `who`, `action` and `object` must be equal where they're given.
        """

    async def last_deed(self, tenant: TenantId, before: datetime) -> int:
        """Return the highest `seq` of a deed that was done before a time, 0 if there's none."""

    async def chain(self, tenant: TenantId) -> Chain:
        """Return where a tenant's chain ends; one without deeds ends where it begins."""

    async def checkpoint(self, tenant: TenantId) -> Checkpoint | None:
        """Return how far a tenant's chain was pruned; None if it's whole."""
