"""[store]: a URL is read as it's meant, faults are told with the way out, and a password is never shown."""

from pathlib import Path

import pytest

from hub.cli.check import summary
from hub.config import Config, load
from hub.databases import Server, database_of, shown
from hub.errors import ConfigError

HUSH = "hush%40hush"
PLAIN = "hush@hush"


def config(folder: Path, store: str, **environ: str) -> Config:
    path = folder / "config.toml"
    path.write_text(f"[store]\n{store}\n", encoding="utf-8")
    return load(path, environ)


def server(config: Config) -> Server:
    place = database_of(config.store, config.data)
    assert isinstance(place, Server)
    return place


def test_a_url_of_postgresql_names_a_server_and_a_database(tmp_path: Path) -> None:
    found = server(config(tmp_path, f'url = "postgresql://ann:{HUSH}@db.example:5433/hub?sslmode=require"'))
    assert (found.host, found.port, found.user, found.name) == ("db.example", 5433, "ann", "hub")
    assert str.__str__(found.password) == PLAIN
    assert found.options == (("sslmode", "require"),)


def test_a_socket_of_this_machine_needs_neither_host_nor_password(tmp_path: Path) -> None:
    found = server(config(tmp_path, 'url = "postgresql:///hub?host=/run/postgresql"'))
    assert (found.host, found.user, found.password, found.name) == ("", "", "", "hub")
    assert str(found) == "PostgreSQL hub at /run/postgresql:5432"


def test_a_password_may_lie_in_a_file_or_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PLAIN}\n")
    url = 'url = "postgresql://ann@db/hub"'
    assert server(config(tmp_path, f'{url}\npassword_file = "{tmp_path}/password"')).password == PLAIN
    assert server(config(tmp_path, url, AGENTHOST__STORE__PASSWORD=PLAIN)).password == PLAIN


def test_no_url_is_sqlite_in_the_data_folder_and_a_path_is_sqlite_there(tmp_path: Path) -> None:
    found = load(None, {})
    assert database_of(found.store, found.data) == found.data / "hub.db"
    elsewhere = config(tmp_path, 'url = "sqlite:////var/lib/agenthost/hub.db"')
    assert database_of(elsewhere.store, elsewhere.data) == Path("/var/lib/agenthost/hub.db")
    assert shown(elsewhere.store, elsewhere.data) == "SQLite in /var/lib/agenthost/hub.db"


def test_the_password_is_in_nothing_that_is_shown(tmp_path: Path) -> None:
    found = config(tmp_path, f'url = "postgresql://ann:{HUSH}@db/hub"')
    everything = [repr(found), repr(found.store), str(server(found)), shown(found.store, found.data)]
    everything += summary(found, None).values()
    assert not [text for text in everything if HUSH in text or PLAIN in text]
    assert shown(found.store, found.data) == "PostgreSQL hub at ann@db:5432"


@pytest.mark.parametrize(
    ("store", "fault"),
    [
        ('url = "mysql://ann:hush@db/hub"', "store.url: must begin with sqlite:/// or postgresql://"),
        ('url = "postgresql://ann:hush@db"', "store.url: names no database"),
        ('url = "postgresql://ann:hu/sh@db/hub"', "store.url: isn't"),
        ('url = "postgresql://ann:hu#sh@db/hub"', "store.url: isn't"),
        ('url = "postgresql://ann:hush@db:port/hub"', "store.url: isn't a URL"),
        ('url = "postgresql://db/hub?password=hush"', "store.url: 'password' isn't known behind the ?"),
        ('url = "postgresql://ann:hush@db/hub"\npassword = "b"', "store.url: has a password besides"),
        ('url = "postgresql://ann@db/hub"\npassword_file = "/none"', "store.password_file: '/none' can't be read"),
        (
            'url = "postgresql://ann@db/hub"\npassword = "a"\npassword_file = "b"',
            "store.password_file: set besides store.password",
        ),
        ('password = "hush"', "store.password: is for PostgreSQL alone"),
    ],
)
def test_a_fault_is_told_without_the_password(tmp_path: Path, store: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, store)
    [told] = caught.value.faults
    assert told.startswith(fault)
    assert "hush" not in told
    assert "hu/sh" not in told
