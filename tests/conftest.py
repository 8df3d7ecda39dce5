"""What tests of any folder may ask for: a real PostgreSQL, and a database of their own on it."""

import gc
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from hub.registry.schema import SHELF
from hub.store.postgres_schema import bring_up_to_date
from hub.store.postgres_server import writing
from tests.apps import give_back
from tests.postgres.server import Server, a_server


def pytest_collection_finish() -> None:
    """Have the collector pass over modules and tests, which stay: it would go through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _others_have_its_apps() -> Iterator[None]:
    yield
    give_back()


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


@pytest.fixture(scope="session")
def template(postgres: Server) -> Iterator[str]:
    """The URL of a database with this version's schema; nobody else connects to it."""
    with postgres.database() as url:
        engine = writing(make_url(url))
        bring_up_to_date(engine)
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def emptied(postgres: Server, template: str) -> Iterator[str]:
    """The URL of the database that `hub_database` empties."""
    with postgres.database(template) as url:
        yield url


@pytest.fixture
def hub_database(postgres: Server, emptied: str) -> str:
    """Return the URL of a database as a hub leaves it that was started once, for one test."""
    postgres.empty(emptied)
    return emptied


@pytest.fixture(scope="session")
def registry_template(postgres: Server) -> Iterator[str]:
    """The URL of a database with a registry's schema; nobody else connects to it."""
    with postgres.database() as url:
        engine = writing(make_url(url))
        bring_up_to_date(engine, SHELF)
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def emptied_registry(postgres: Server, registry_template: str) -> Iterator[str]:
    """The URL of the database that `registry_database` empties."""
    with postgres.database(registry_template) as url:
        yield url


@pytest.fixture
def registry_database(postgres: Server, emptied_registry: str) -> str:
    """Return the URL of a database as a registry leaves it that was started once, for one test."""
    postgres.empty(emptied_registry)
    return emptied_registry
