"""How often somebody may ask over HTTP: by their key, as a person, and as one of a tenant."""

from hub.buckets import Buckets, Quota, Standing
from hub.config import LimitsConfig
from hub.flow.tenancy import Tenancy
from hub.ports import Clock
from hub.records import HOME, Key, PersonId, TenantId

MINUTE = 60.0
KEY, PERSON, TENANT = "key", "person", "tenant"


class Rates:
    """Counts requests; each hub counts those that come to itself."""

    def __init__(self, clock: Clock, limits: LimitsConfig, tenancy: Tenancy) -> None:
        self._limits = limits
        self._tenancy = tenancy
        self._buckets = Buckets(clock)

    async def take(self, key: Key) -> tuple[Standing, ...]:
        """Count a request by a key, and return how it stands; the last one may not be allowed.

        A key with a pace of its own is held to that, and isn't counted for its person.
        """
        runs = key.tenant == HOME and "admin" in key.scopes
        standings = list[Standing]()
        for name, most, who in (
            (KEY, key.requests or (0 if runs else self._limits.requests_per_key), key.id),
            (PERSON, 0 if runs or key.requests else self._limits.requests_per_person, f"{key.tenant}/{key.person}"),
            (TENANT, await self._of_tenant(key.tenant), key.tenant),
        ):
            if most and not (standings and not standings[-1].allowed):
                standings.append(self._take(name, most, who))
        return tuple(standings)

    def speaks(self, tenant: TenantId, person: PersonId) -> Standing | None:
        """Count that somebody speaks through a key of another, and return how they stand; None: they may always."""
        most = self._limits.requests_per_person
        return self._take(PERSON, most, f"{tenant}/{person}") if most else None

    @property
    def most_per_key(self) -> int:
        """How many requests a minute a key may make that has no pace of its own; 0 is no limit."""
        return self._limits.requests_per_key

    def _take(self, name: str, most: int, who: str) -> Standing:
        return self._buckets.take(Quota(name=name, most=most, seconds=MINUTE), who)

    async def _of_tenant(self, id: TenantId) -> int:
        tenant = await self._tenancy.of(id)
        quota = tenant.quotas.requests if tenant else None
        return quota or (0 if id == HOME else self._limits.requests_per_tenant)
