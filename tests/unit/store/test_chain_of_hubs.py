"""Hubs that share a database keep one chain for each tenant, whoever writes when."""

import asyncio

import pytest
from sqlalchemy import make_url

from hub.flow.auditing import Audit
from hub.ports import Add
from hub.records import HOME, PersonId, TenantId
from hub.store.postgres import PostgresStore
from hub.testing import FakeClock, a_deed, a_person, an_event
from tests.contracts.people import OTHERS

EACH = 60


@pytest.mark.parametrize("tenants", [(HOME,), (HOME, OTHERS)])
async def test_two_hubs_writing_at_once_make_one_chain(hub_database: str, tenants: tuple[TenantId, ...]) -> None:
    url = make_url(hub_database)
    hubs = [PostgresStore(url) for _ in range(2)]
    for hub in hubs:
        await hub.open()

    async def work(hub: PostgresStore, name: int) -> None:
        for number in range(EACH):
            person = a_person(id=PersonId(f"{name}-{number}"))
            # Each hub names the tenants the other way round: the store sees to the order of its locks.
            deeds = [a_deed(tenant=tenant) for tenant in (tenants if name else tenants[::-1])]
            await hub.commit(Add(person), *map(Add, deeds), Add(an_event()))

    await asyncio.gather(*(work(hub, name) for name, hub in enumerate(hubs)))
    for tenant in tenants:
        proof = await Audit(hubs[0], FakeClock()).verify(tenant)
        assert (proof.whole, proof.last) == (True, EACH * 2)
    for hub in hubs:
        await hub.close()
