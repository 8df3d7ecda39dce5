"""What the store tells of what was done, over SQL: see Deeds."""

from datetime import datetime

from hub.records import Chain, Checkpoint, Deed, PersonId, TenantId
from hub.store import deed_queries as queries
from hub.store.upkeep import UpkeepAnswers


class DeedAnswers(UpkeepAnswers):
    """The queries of Deeds."""

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
        asked = {"who": who, "action": action, "object": object}
        equal = {name: str(value) for name, value in asked.items() if value is not None}
        return await self._all(Deed, queries.deeds_of(tenant, limit, before, after, equal))

    async def last_deed(self, tenant: TenantId, before: datetime) -> int:
        rows = await self._rows(queries.last_deed(tenant, before))
        return int(rows[0].seq) if rows else 0

    async def chain(self, tenant: TenantId) -> Chain:
        found = await self._all(Chain, queries.chain_of(tenant))
        return found[0] if found else Chain(tenant=tenant)

    async def checkpoint(self, tenant: TenantId) -> Checkpoint | None:
        found = await self._all(Checkpoint, queries.checkpoint_of(tenant))
        return found[0] if found else None
