"""Every store there is, for the suites that all of them pass."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.ports import Store
from hub.store.memory import MemoryStore
from hub.store.sql import SqlStore

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "sqlite": SqlStore.in_folder,
}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = STORES[request.param](tmp_path)
    await store.open()
    yield store
    await store.close()
