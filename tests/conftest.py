"""What tests of any folder may ask for: a real PostgreSQL, and a database of their own on it."""

from collections.abc import Iterator

import pytest

from tests.postgres.server import Server, a_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL, once for all tests."""
    with a_server() as server:
        yield server


@pytest.fixture
def empty_database(postgres: Server) -> Iterator[str]:
    """The URL of a database with nothing in it, for one test."""
    with postgres.database() as url:
        yield url
