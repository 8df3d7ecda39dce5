"""The counterparts on both platforms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.served import Model
from tests.telegram.conftest import api
from tests.xmpp.conftest import name, prosody

__all__ = ["api", "model", "name", "prosody"]


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[str]:
    """A model that answers with the marks of what was said."""
    async with Model(tmp_path) as config:
        yield config
