"""`agenthost migrate`: a hub's records and documents into another database, proved the same, or nothing."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import rich_click as click
from msgspec import Struct

from hub.cli.folder import DOCUMENTS
from hub.cli.place import config_options
from hub.cli.words import console, print_json, table
from hub.config import Config
from hub.databases import SQLITE, Server, database_of, faults, with_secret
from hub.errors import AgentHostError, StartError, StoreError
from hub.sections import StoreConfig
from hub.store import sqlite
from hub.store.copying import Copied
from hub.store.disk import make_folder, sync
from hub.store.postgres_server import url_of
from hub.store.transfer import fill_server, others, read_server


class Migrated(Struct, frozen=True, kw_only=True):
    """What was copied, from where and to where; on both sides it has the same digest."""

    source: str
    target: str
    tables: Mapping[str, Copied]
    url: str
    """What to set store.url to, without the password."""


@click.command(name="migrate")
@click.option(
    "--to",
    required=True,
    envvar="AGENTHOST_MIGRATE_TO",
    help="postgresql://USER:PASSWORD@HOST:PORT/NAME, or sqlite:///PATH [AGENTHOST_MIGRATE_TO]",
)
@click.option("--password-file", default="", help="The file with the target's password, if it isn't in the URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: rows and digests by table.")
@config_options
def command(config: Config, to: str, password_file: str, as_json: bool) -> None:
    """Copy a stopped hub's records and documents into an empty database: all, proved the same, or nothing.

    From SQLite to PostgreSQL, or back. The source stays as it is. Files and workspaces stay in the data folder.
    """
    try:
        found = migrate(config, StoreConfig(url=to, password_file=password_file))
    except AgentHostError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(found)
        return
    show(found)


def migrate(config: Config, to: StoreConfig) -> Migrated:
    """Copy a hub's records and documents to where a section names; raises StartError, StoreError."""
    if wrong := faults(to):
        raise StartError("\n".join(line.replace("store.url", "--to").replace("store.p", "--p") for line in wrong))
    to = with_secret(to)
    source, target = database_of(config.store, config.data), database_of(to, config.data)
    match source, target:
        case Path(), Server():
            tables = _to_server(source, target, config.data / DOCUMENTS)
        case Server(), Path():
            tables = _to_sqlite(source, target, config.data / DOCUMENTS)
        case Path(), Path():
            raise StartError("--to: the hub is on SQLite already; to copy it use `agenthost backup` and `restore`")
        case _:
            raise StartError("--to: the hub is on PostgreSQL already; to copy it use pg_dump, or go by way of SQLite")
    return Migrated(source=str(source), target=str(target), tables=tables, url=to.url)


def show(found: Migrated) -> None:
    """Print it, with what's left to do."""
    rows = table("table", "rows", "SHA-256 of the rows, on both sides")
    for name, copied in found.tables.items():
        rows.add_row(name, str(copied.rows), copied.digest[:16])
    console().print(rows)
    total = sum(copied.rows for copied in found.tables.values())
    click.echo(f"{total} rows went from {found.source} to {found.target}, and were read again there: all are the same.")
    click.echo("Now set in the config, before the hub starts:\n")
    click.echo(f'[store]\nurl = "{found.url}"')
    if found.url.startswith(SQLITE):
        return
    click.echo('password_file = "..."       # if it needs one')


def _to_server(source: Path, target: Server, documents: Path) -> Mapping[str, Copied]:
    if not source.is_file():
        raise StartError(f"{source}: there's no database; name the data folder with --data")
    held = sqlite.lock(source)
    try:
        return fill_server(url_of(target), source, documents)
    except OSError as error:
        raise StoreError(f"{source}: can't be copied ({error.strerror})") from None
    finally:
        sqlite.unlock(held)


def _to_sqlite(source: Server, target: Path, documents: Path) -> Mapping[str, Copied]:
    if target.exists() or target.with_name(target.name + "-wal").exists():
        raise StoreError(f"{target}: exists already; name another file, or move it away")
    if others(url_of(source)):
        raise StartError(f"{source}: a hub is at work there; stop it, then migrate")
    mark = secrets.token_hex(4)
    database, folder = target.with_name(f".{target.name}.{mark}"), documents.with_name(f".{documents.name}.{mark}")
    try:
        make_folder(target.parent)
        make_folder(documents.parent)
        tables = read_server(url_of(source), database, folder)
        # Last comes the database: as long as it isn't there, nothing was migrated.
        if documents.exists():
            documents.rename(documents.with_name(f"{documents.name}.before-{mark}"))
        folder.rename(documents)
        sync(documents.parent)
        database.rename(target)
        sync(target.parent)
    except OSError as error:
        raise StoreError(f"{target}: can't be written ({error.strerror})") from None
    finally:
        database.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return tables
