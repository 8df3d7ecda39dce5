"""The counterparts that the tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.telegram.botapi import BotApi
from tests.telegram.description import described
from tests.telegram.emulator import TOKEN, Emulator, Served, served
from tests.telegram.proxy import Proxy
from tests.telegram.world import World, an_account


@pytest.fixture(scope="module")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("emulator")) as process:
        yield process


@pytest.fixture
async def emulator(emulator_process: Served) -> AsyncIterator[Emulator]:
    async with Emulator(emulator_process) as emulator:
        yield emulator


@pytest.fixture
async def proxy(emulator: Emulator) -> AsyncIterator[Proxy]:
    async with Proxy(emulator.url) as proxy:
        yield proxy


@pytest.fixture
def world(proxy: Proxy, tmp_path: Path) -> World:
    return World(an_account(proxy.url, TOKEN), tmp_path / "files")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(described()) as api:
        yield api
        assert api.faults == []


@pytest.fixture
async def topical() -> AsyncIterator[BotApi]:
    """A bot with topics switched on."""
    async with BotApi(described(), topics=True) as api:
        yield api
        assert api.faults == []


@pytest.fixture
async def way(api: BotApi) -> AsyncIterator[Proxy]:
    async with Proxy(api.url) as way:
        yield way
