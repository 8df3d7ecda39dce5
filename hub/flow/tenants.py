"""The customers of a hub: made, changed, suspended; whoever runs the hub does that."""

from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from hub.errors import BadRequest, NotFound
from hub.flow.people import People
from hub.flow.tenancy import Tenancy
from hub.ports import Add, Clock, Save, Store
from hub.records import HOME, OWNER, KeyId, Person, Quotas, Tenant, TenantId, new_id


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What of a tenant shall be otherwise; None leaves it as it is."""

    name: str | None = None
    quotas: Quotas | None = None
    agents: Collection[str] | None = None


class Tenants:
    """Keeps the customers of a hub."""

    def __init__(self, store: Store, clock: Clock, people: People, tenancy: Tenancy) -> None:
        self._store = store
        self._clock = clock
        self._people = people
        self._tenancy = tenancy

    async def create(self, name: str, quotas: Quotas, agents: Collection[str] = ()) -> tuple[Tenant, KeyId, str]:
        """Make a tenant with an owner, and return it with its owner's key: nobody can be told that again."""
        now = self._clock.now()
        tenant = Tenant(
            id=TenantId(new_id()), name=name, created_at=now, quotas=quotas, agents=tuple(dict.fromkeys(agents))
        )
        owner = Person(id=OWNER, tenant=tenant.id, name=name, role="owner", created_at=now)
        key, secret = self._people.fresh_key(tenant.id, OWNER, "owner", ("admin",))
        await self._store.commit(Add(tenant), Add(owner), Add(key))
        return tenant, key.id, secret

    async def named(self, id: str) -> Tenant:
        """Return a tenant; raises NotFound."""
        found = await self._store.tenant(TenantId(id))
        if found is None:
            raise NotFound(f"tenant: there's no {id!r}; GET /v1/tenants lists them")
        return found

    async def change(self, id: str, wish: Wish) -> Tenant:
        """Change a tenant's name, quotas or agents; raises NotFound."""
        tenant = await self.named(id)
        if wish.name is not None:
            tenant = replace(tenant, name=wish.name)
        if wish.quotas is not None:
            tenant = replace(tenant, quotas=wish.quotas)
        if wish.agents is not None:
            tenant = replace(tenant, agents=tuple(dict.fromkeys(wish.agents)))
        await self._store.commit(Save(tenant))
        self._tenancy.forget(tenant.id)
        return tenant

    async def suspend(self, id: str, *, suspended: bool) -> Tenant:
        """Have no key of a tenant be good any more, or have them be good again; once more is no error.

        Raises NotFound, and BadRequest for the hub's own tenant.
        """
        tenant = await self.named(id)
        if tenant.id == HOME:
            raise BadRequest("id", "the hub's own tenant can't be suspended; stop the hub instead")
        if not suspended and tenant.leaving_at is not None:
            raise BadRequest("id", "that tenant is being erased, so it can't be resumed; make a new one")
        if suspended != (tenant.suspended_at is not None):
            tenant = replace(tenant, suspended_at=self._clock.now() if suspended else None)
            await self._store.commit(Save(tenant))
        # Other hubs over the same store ask it again within seconds.
        self._people.forget()
        self._tenancy.forget(tenant.id)
        return tenant
