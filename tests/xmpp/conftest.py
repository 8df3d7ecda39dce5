"""Prosody, once for all tests in here; each test has accounts of its own on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.xmpp.server import Prosody, needed


@pytest.fixture(scope="session")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Debian's prosody, running."""
    needed("prosody", "openssl")
    server = Prosody(tmp_path_factory.mktemp("prosody"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a name of the test's own, for accounts and rooms."""
    return f"t{abs(hash(request.node.nodeid)) % 10**10}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the bridge's folder."""
    return tmp_path
