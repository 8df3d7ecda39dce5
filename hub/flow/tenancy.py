"""What's known of tenants at each message: asked of the store every few seconds, for it rarely changes."""

from collections import OrderedDict
from collections.abc import Iterable

from hub.ports import Clock, Store
from hub.records import Tenant, TenantId

KNOWN_FOR = 5.0
"""Seconds for which what was read of a tenant is believed."""
REMEMBERED = 10_000


class Tenancy:
    """Remembers tenants for a moment."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[TenantId, tuple[float, Tenant | None]] = OrderedDict()

    async def of(self, id: TenantId) -> Tenant | None:
        """Return a tenant as it was some seconds ago, at most."""
        now = self._clock.monotonic()
        since, tenant = self._known.get(id, (0.0, None))
        if id not in self._known or now - since > KNOWN_FOR:
            tenant = await self._store.tenant(id)
            self._known[id] = (now, tenant)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return tenant

    def forget(self, id: TenantId) -> None:
        """Ask the store about a tenant the next time: it has changed."""
        self._known.pop(id, None)

    async def agents(self, id: TenantId, there: Iterable[str]) -> list[str]:
        """Return which of the agents that are there a tenant's people may have, in their order."""
        tenant = await self.of(id)
        wall = set(tenant.agents) if tenant else set()
        return [name for name in there if not wall or name in wall]
