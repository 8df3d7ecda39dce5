"""`agenthost doctor` about backups, schemas, and what a running hub says of itself."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.cli import examine, interview
from hub.cli.client import Client
from hub.config import Config, HubConfig
from hub.ports import Add
from hub.store.backups import note
from hub.testing import a_message, an_entry
from tests.unit.cli.conftest import Running


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(hub=HubConfig(data=str(tmp_path)))


def test_a_backup_that_is_too_old_or_was_never_made_is_told(config: Config) -> None:
    key = config.data / "owner.key"
    key.touch(mode=0o600)
    assert examine.backup(config, {}).state == "ok", "there's nothing old to lose"
    long_ago = time.time() - 30 * 86_400
    os.utime(key, (long_ago, long_ago))
    never = examine.backup(config, {})
    note(config.data, datetime.now(UTC) - timedelta(days=9))
    old = examine.backup(config, {})
    note(config.data, datetime.now(UTC))

    assert (never.state, "no backup yet" in never.text) == ("warn", True)
    assert (old.state, "9 days" in old.text) == ("warn", True)
    assert examine.backup(config, {}).state == "ok"


def test_a_database_of_a_newer_version_is_found(config: Config) -> None:
    with closing(sqlite3.connect(config.data / "hub.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
        database.commit()
        assert examine.stored(config, {}).state == "ok"
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
        found = examine.stored(config, {})

    assert (found.state, "newer" in found.text) == ("fault", True)


async def test_what_a_hub_says_of_itself_is_told(hub: Running) -> None:
    hub.do(hub.hub.store.commit(Add(letter := a_message()), Add(an_entry(letter, state="dead", queue="outbox"))))
    hub.hub.watch.health.clock_set()
    async with Client(hub.place) as client:
        found = {finding.check: finding.state for finding in await interview.inside(client)}

    assert found["clock"] == "warn"
    assert found["dead letters"] == "warn"
    assert found["model answers"] == "ok"
