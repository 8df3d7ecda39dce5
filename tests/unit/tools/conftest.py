"""The world that the tools of this folder's tests work on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.tools.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as made:
        yield made
