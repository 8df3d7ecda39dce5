"""What the reference store tells of what was done: see Deeds."""

from datetime import datetime

from hub.records import Chain, Checkpoint, Deed, PersonId, TenantId
from hub.store.kept import Kept


class DeedsInMemory(Kept):
    """The queries of Deeds, as plainly as they read."""

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
        found = [
            deed
            for deed in self._by_id(Deed)
            if deed.tenant == tenant
            and (before is None or deed.seq < before)
            and (after is None or deed.seq > after)
            and (who is None or deed.who == who)
            and (action is None or deed.action == action)
            and (object is None or deed.object == object)
        ]
        return tuple((found if after is not None else found[::-1])[:limit])

    async def last_deed(self, tenant: TenantId, before: datetime) -> int:
        return max((deed.seq for deed in self._all(Deed) if deed.tenant == tenant and deed.at < before), default=0)

    async def chain(self, tenant: TenantId) -> Chain:
        return self._one(Chain, tenant) or Chain(tenant=tenant)

    async def checkpoint(self, tenant: TenantId) -> Checkpoint | None:
        return self._one(Checkpoint, tenant)
