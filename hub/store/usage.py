"""What the store tells of what was taken, over SQL: see Takings."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row

from hub.ports.usage import By, Most
from hub.records import KeyId, PersonId, Taken, Tenant, TenantId
from hub.records.usage import NUMBERS
from hub.store import usage_queries as queries
from hub.store.upkeep import UpkeepAnswers


class TakingsAnswers(UpkeepAnswers):
    """The queries of Takings, answered as those of Upkeep are."""

    async def taken(self, tenant: TenantId, since: str, until: str) -> Taken:
        [row] = await self._rows(queries.total(tenant, since, until))
        return _taken(tenant, row, day=since)

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
        rows = await self._rows(queries.grouped(tenant, by, since, until, person, limit, after, most))
        return tuple(_taken(tenant, row, **{by: row.name}) for row in rows)

    async def last_used(self, tenant: TenantId) -> Mapping[KeyId, str]:
        return {row.id: row.day for row in await self._rows(queries.last_used(tenant)) if row.day is not None}

    async def taken_by_person(self, tenant: TenantId, person: PersonId, limit: int) -> tuple[Taken, ...]:
        return await self._all(Taken, queries.of_person(tenant, person, limit))

    async def leaving_tenants(self) -> tuple[Tenant, ...]:
        return await self._all(Tenant, queries.leaving())


def _taken(tenant: TenantId, row: Row[Any], **names: str) -> Taken:
    numbers = {name: int(row._mapping[name]) for name in NUMBERS}
    return msgspec.convert({"tenant": tenant, "day": "", **names, **numbers}, Taken)
