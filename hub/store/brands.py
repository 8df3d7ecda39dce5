"""What stores tell of how tenants' pages look, over SQL and in memory: see ports.BrandStore."""

from hub.records import Brand, HostName, TenantId
from hub.store.kept import Kept
from hub.store.people_queries import host_names_of
from hub.store.queries import by
from hub.store.upkeep import UpkeepAnswers


class BrandAnswers(UpkeepAnswers):
    """The queries of BrandStore; the database answers `_rows` and does `commit`."""

    async def brand(self, tenant: TenantId) -> Brand | None:
        return next(iter(await self._all(Brand, by(Brand, tenant=tenant))), None)

    async def host_name(self, name: str) -> HostName | None:
        return next(iter(await self._all(HostName, by(HostName, name=name))), None)

    async def host_names(self, tenant: TenantId) -> tuple[HostName, ...]:
        return await self._all(HostName, host_names_of(tenant))


class BrandsInMemory(Kept):
    """The same, as plainly as it reads."""

    async def brand(self, tenant: TenantId) -> Brand | None:
        return self._one(Brand, tenant)

    async def host_name(self, name: str) -> HostName | None:
        return self._one(HostName, name)

    async def host_names(self, tenant: TenantId) -> tuple[HostName, ...]:
        return tuple(each for each in self._by_id(HostName) if each.tenant == tenant)
