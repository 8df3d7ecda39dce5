"""What the tests of packages share."""

from collections.abc import AsyncIterator

import pytest

from hub.packages.scripts import Scripts


@pytest.fixture
async def scripts() -> AsyncIterator[Scripts]:
    """Programs' workers, stopped afterwards."""
    made = Scripts()
    yield made
    await made.close()
