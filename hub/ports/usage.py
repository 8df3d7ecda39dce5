"""What a store tells of what was taken."""

from collections.abc import Mapping
from typing import Literal, Protocol

from hub.records import KeyId, PersonId, Taken, Tenant, TenantId

By = Literal["day", "person", "key", "agent"]
Most = Literal["messages", "turns", "tokens", "money", "bytes"]
"""What rows can be ranked by; tokens are those read and those written together."""


class Takings(Protocol):
    """The queries that bills, quotas and the end of a tenant need. Days are texts as 2026-11-30, both ends included."""

    async def taken(self, tenant: TenantId, since: str, until: str) -> Taken:
        """Return what a whole tenant took on those days; its `day` is `since`.

        It costs a row for each day, however many people and keys the tenant has.
        """

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
        """Return what was taken on those days for each day, person, key or agent, by its name; `after` excludes itself.

        The other names are empty. With `person`, only what that person took. With `most`, who took most of it comes
        first, and of equals the one whose name does.
        """

    async def last_used(self, tenant: TenantId) -> Mapping[KeyId, str]:
        """Return the last day on which each API key of a tenant was used; those that never were are left out."""

    async def taken_by_person(self, tenant: TenantId, person: PersonId, limit: int) -> tuple[Taken, ...]:
        """Return rows of what a person took, by their names; those of a whole tenant are nobody's (an empty id)."""

    async def leaving_tenants(self) -> tuple[Tenant, ...]:
        """Return the tenants that are being erased, by id."""
