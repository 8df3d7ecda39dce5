"""A process that erases a tenant and is killed on the way: run with the folder, and a failpoint in the environment."""

import asyncio
import sys
from pathlib import Path

from hub.clock import SystemClock
from hub.flow.clearing import Clearing
from hub.flow.forgetting import Forgetting
from hub.flow.people import People
from hub.flow.tenancy import Tenancy
from hub.records import TenantId
from tests.faults.erasing import opened

BEAS = TenantId("beas-0193")


async def main(folder: Path) -> None:
    """Erase Bea's tenant, unless that was done."""
    store, _, documents, workspaces, leaving = await opened(folder)
    clock = SystemClock()
    people, tenancy = People(store, clock), Tenancy(store, clock)
    clearing = Clearing(store, documents, clock, people, tenancy, leaving, Forgetting(store, workspaces))
    known = await store.tenant(BEAS)
    for tenant in await store.leaving_tenants() or ([await clearing.begin(BEAS)] if known else []):
        await clearing.finish(tenant)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
