"""The outside that requests go to."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.egress.outside import Outside, outside


@pytest.fixture
async def world() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened
