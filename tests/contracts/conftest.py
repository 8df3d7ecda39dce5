"""Every store there is, for the suites that all of them pass."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hub.ports import Store
from hub.store.memory import MemoryStore
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store: Store
    match request.param:
        case "memory":
            store = MemoryStore()
        case "sqlite":
            store = SqlStore.in_folder(tmp_path)
        case _:
            store = PostgresStore(make_url(request.getfixturevalue("hub_database")))
    await store.open()
    yield store
    await store.close()
