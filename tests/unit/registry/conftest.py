"""A registry on a clock of its own, asked as its clients ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from hub.packages.scanning import Scanner
from hub.registry.parts import Parts, opened
from hub.shelves import ShelfConfig
from hub.testing import FakeClock
from tests.apps import registry_over
from tests.unit.registry.shelves import Shelved

Client = httpx.AsyncClient
PASSWORD = "correct horse battery"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def config() -> ShelfConfig:
    """Of a registry that lists and lets rate at once; tests of the waiting times have their own."""
    return ShelfConfig(listed_after_days=0, rate_after_days=0, admins=("root-admin",))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Return what `registry.database` is: all that's asked over `parts` is asked over both.

    A test that's about a file has itself parametrized with ON_SQLITE.
    """
    return str(request.getfixturevalue("registry_database")) if request.param == "postgresql" else ""


@pytest.fixture
async def parts(config: ShelfConfig, clock: FakeClock, tmp_path: Path, database: str) -> AsyncIterator[Parts]:
    shared = replace(config, database=database)
    async with opened(shared, tmp_path, "http://registry.test", clock, memory=64) as found:
        yield found


@pytest.fixture
def shelved(parts: Parts, clock: FakeClock) -> Shelved:
    """A shelf with nothing on it, for what nobody has to upload."""
    return Shelved(parts.shelf, clock)


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[Client]:
    async with client_of(parts) as found:
        yield found


@pytest.fixture
async def scanning(parts: Parts) -> AsyncIterator[None]:
    """Have what's published looked into, as where a registry is served."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(parts.scans.run())
        yield
        running.cancel()


@asynccontextmanager
async def opened_at_work(config: ShelfConfig, folder: Path, clock: FakeClock, scanner: Scanner) -> AsyncIterator[Parts]:
    """A registry that looks into what's published by a scanner."""
    opening = opened(config, folder, "http://registry.test", clock, memory=64, scanner=scanner)
    async with opening as parts, asyncio.TaskGroup() as group:
        running = group.create_task(parts.scans.run())
        yield parts
        running.cancel()


def client_of(parts: Parts) -> Client:
    """Return who asks a registry."""
    # Not Litestar's own client, which has answers given in another event loop than the registry works in.
    transport = httpx.ASGITransport(app=registry_over(parts))  # type: ignore[arg-type]  # it's an ASGI application
    return httpx.AsyncClient(transport=transport, base_url="http://registry.test")


async def signed_up(client: Client, name: str, publisher: str = "") -> dict[str, str]:
    """Open an account; return the headers that it's asked with."""
    body = {"name": name, "publisher": publisher or name, "password": PASSWORD}
    answer = await client.post("/registry/v1/accounts", json=body)
    assert answer.status_code == 201, answer.text
    client.cookies.clear()
    return {"Authorization": f"Bearer {answer.json()['token']}"}
