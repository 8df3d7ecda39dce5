"""Databases for tests of several fleets."""

from collections.abc import Iterator

import pytest

from tests.postgres.server import Server


@pytest.fixture
def postgres_urls(postgres: Server) -> Iterator[list[str]]:
    """The URLs of two empty databases."""
    with postgres.database() as one, postgres.database() as other:
        yield [one, other]
