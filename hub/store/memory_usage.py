"""What the reference store tells of what was taken: see Takings."""

from collections.abc import Mapping
from functools import reduce

from hub.ports.usage import By, Most
from hub.records import Key, KeyId, PersonId, Taken, Tenant, TenantId
from hub.records.usage import plus, size_by
from hub.store.kept import Kept


class TakingsInMemory(Kept):
    """The queries of Takings, as plainly as they read."""

    async def taken(self, tenant: TenantId, since: str, until: str) -> Taken:
        theirs = [each for each in self._days(tenant, since, until) if not each.person]
        return reduce(plus, theirs, Taken(tenant=tenant, day=since))

    async def taken_by(
        self,
        tenant: TenantId,
        by: By,
        since: str,
        until: str,
        *,
        person: PersonId | None = None,
        limit: int,
        after: str | None = None,
        most: Most | None = None,
    ) -> tuple[Taken, ...]:
        found: dict[str, Taken] = {}
        for each in self._days(tenant, since, until):
            whose = each.person == (person or "") if by == "day" or person else bool(each.person)
            name = getattr(each, by)
            if whose and (after is None or name > after):
                empty = Taken(**{"tenant": tenant, "day": "", by: name})
                found[name] = plus(found.get(name, empty), each)
        names = sorted(found, key=lambda name: (-size_by(found[name], most) if most else 0, name))
        return tuple(found[name] for name in names[:limit])

    async def last_used(self, tenant: TenantId) -> Mapping[KeyId, str]:
        used: dict[KeyId, str] = {}
        ours = {key.id for key in self._all(Key) if key.tenant == tenant and key.kind == "api"}
        for each in self._all(Taken):
            if each.tenant == tenant and each.key in ours:
                used[KeyId(each.key)] = max(each.day, used.get(KeyId(each.key), ""))
        return used

    async def taken_by_person(self, tenant: TenantId, person: PersonId, limit: int) -> tuple[Taken, ...]:
        found = [each for each in self._by_id(Taken) if (each.tenant, each.person) == (tenant, person)]
        return tuple(found[:limit])

    async def leaving_tenants(self) -> tuple[Tenant, ...]:
        return tuple(tenant for tenant in self._by_id(Tenant) if tenant.leaving_at is not None)

    def _days(self, tenant: TenantId, since: str, until: str) -> list[Taken]:
        return [each for each in self._all(Taken) if each.tenant == tenant and since <= each.day <= until]
