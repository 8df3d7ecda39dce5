"""Every sentence that ports.BrandStore promises, over every store."""

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.ports import Add, Remove, Save, Store
from hub.records import HOME
from hub.testing import a_brand, a_host_name
from tests.contracts.people import OTHERS, add


async def test_a_tenant_has_one_brand_which_is_its_own(store: Store) -> None:
    brand = a_brand(name="Bea’s 🌍")
    await add(store, brand)

    assert await store.brand(HOME) == brand
    assert await store.brand(OTHERS) is None
    with pytest.raises(Duplicate):
        await store.commit(Add(a_brand()))
    await store.commit(Save(replace(brand, name="Bea & Co")))
    assert await store.brand(HOME) == replace(brand, name="Bea & Co")
    await store.commit(Remove(brand))
    assert await store.brand(HOME) is None


async def test_a_host_name_is_one_tenants_and_no_two_have_it(store: Store) -> None:
    ours, more, theirs = a_host_name("b.example"), a_host_name("a.example"), a_host_name("c.example", tenant=OTHERS)
    await add(store, ours, more, theirs)

    assert await store.host_name("b.example") == ours
    assert await store.host_name("d.example") is None
    assert await store.host_names(HOME) == (more, ours)
    with pytest.raises((Duplicate, Conflict)):
        await store.commit(Remove(ours), Add(replace(theirs, tenant=HOME)))
    assert await store.host_name("b.example") == ours
