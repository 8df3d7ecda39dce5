"""What a store tells of how tenants' pages look."""

from typing import Protocol

from hub.records import Brand, HostName, TenantId


class BrandStore(Protocol):
    """The queries that pages need before anybody has signed in."""

    async def brand(self, tenant: TenantId) -> Brand | None: ...
    async def host_name(self, name: str) -> HostName | None:
        """Return whose a host name is; no two tenants have the same."""

    async def host_names(self, tenant: TenantId) -> tuple[HostName, ...]:
        """Return a tenant's host names, by name."""
