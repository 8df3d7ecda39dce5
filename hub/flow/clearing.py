"""Erasing a tenant: nobody speaks for it any more, and then all that it has goes, one of its people after another.

That it leaves is kept first, and the tenant's own record goes last: after a crash it's known which was leaving.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote

from msgspec.structs import replace

from hub.errors import BadRequest, NotFound, StoreError
from hub.failpoints import reach
from hub.flow.forgetting import FEW, Forgetting
from hub.flow.leaving import AGAIN, MANY, Leaving
from hub.flow.people import People
from hub.flow.tenancy import Tenancy
from hub.ports import Clock, Documents, Remove, Save, Store
from hub.records import HOME, PersonId, Tenant, TenantId

log = logging.getLogger(__name__)

NOBODY = PersonId("")
"""Whose rows are those of a whole tenant."""
Eraser = Callable[[TenantId], Awaitable[None]]


class Clearing:
    """Erases tenants."""

    def __init__(
        self,
        store: Store,
        documents: Documents,
        clock: Clock,
        people: People,
        tenancy: Tenancy,
        leaving: Leaving,
        forgetting: Forgetting,
        erasers: Sequence[Eraser] = (),
    ) -> None:
        """`erasers` remove what a tenant has that isn't one of its people's; each may be called again after a crash."""
        self._store = store
        self._documents = documents
        self._clock = clock
        self._people = people
        self._tenancy = tenancy
        self._leaving = leaving
        self._forgetting = forgetting
        self._erasers = erasers
        self._begun = asyncio.Event()
        self._begun.set()

    async def begin(self, id: str) -> Tenant:
        """Have a tenant erased: its keys are no good from now on, and soon nothing of it is left.

        Once more is no error. Raises NotFound, and BadRequest for the hub's own tenant.
        """
        tenant = await self._store.tenant(TenantId(id))
        if tenant is None:
            raise NotFound(f"tenant: there's no {id!r}; GET /v1/tenants lists them")
        if tenant.id == HOME:
            raise BadRequest("id", "the hub's own tenant can't be erased; stop the hub and delete its data instead")
        if tenant.leaving_at is None:
            now = self._clock.now()
            tenant = replace(tenant, leaving_at=now, suspended_at=tenant.suspended_at or now)
            await self._store.commit(Save(tenant))
            reach("clearing.begun")
        self._people.forget()
        self._tenancy.forget(tenant.id)
        self._begun.set()
        return tenant

    async def run(self) -> None:
        """Erase the tenants that leave, those of earlier runs first, until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            try:
                for tenant in await self._store.leaving_tenants():
                    await self.finish(tenant)
            except Exception as error:
                # A full disk, a folder without rights: it's gone on with once that's mended, and the hub lives on.
                if isinstance(error, StoreError):
                    log.warning("the end of a tenant waits: %s", error)
                else:
                    log.exception("the end of a tenant waits")
                await self._clock.sleep(AGAIN)
                self._begun.set()

    async def finish(self, tenant: Tenant) -> None:
        """Erase all that a leaving tenant has; may be called again after it was cut off anywhere."""
        while people := await self._store.people(tenant.id):
            for person in people:
                await self._leaving.finish(await self._leaving.see_off(person))
                reach("clearing.person")
        await self._erase_rest(tenant.id)
        for erase in self._erasers:
            await erase(tenant.id)
        reach("clearing.last")
        await self._store.commit(Remove(tenant))
        self._tenancy.forget(tenant.id)
        log.info("tenant %s was erased", tenant.id)

    async def _erase_rest(self, tenant: TenantId) -> None:
        """Remove what's nobody's: codes, invitations, packages, chats in pages, looks, documents, what was taken."""
        await self._forgetting.records(await self._store.pairings(tenant, MANY))
        await self._forgetting.records(await self._store.invitations(tenant, limit=MANY))
        await self._forgetting.records(await self._store.packages(tenant))
        await self._forgetting.records(await self._store.installations(tenant, MANY))
        while embeds := await self._store.embeds(tenant, limit=FEW):
            await self._forgetting.records(embeds)
        await self._forgetting.records(await self._store.host_names(tenant))
        if brand := await self._store.brand(tenant):
            await self._forgetting.records([brand])
        for owner in await self._documents.owners():
            # An owner is named as in memory/TENANT/AGENT/PERSON.
            if tenant in map(unquote, owner.split("/")[1:2]):
                await self._documents.forget(owner)
        reach("clearing.rest")
        while rows := await self._store.taken_by_person(tenant, NOBODY, FEW):
            await self._forgetting.records(rows)
