"""A hub's records and documents, from SQLite into PostgreSQL and back: all of them, proved the same, or nothing."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from hub.errors import StartError, StoreError
from hub.store import postgres_server, sqlite
from hub.store.columns import keepable
from hub.store.copying import BATCH, PLAIN, Copied, copy_rows, records_in, write_sqlite
from hub.store.disk import draft, make_folder
from hub.store.documents import owner_in, whole
from hub.store.postgres_documents import TABLE
from hub.store.postgres_schema import hold, make_or_upgrade, revision_of
from hub.store.schema import SCHEMA, bring_up_to_date
from hub.store.tables import documents

Tables = Mapping[str, Copied]
Row = tuple[str, str, str, int, str]
"""An owner's file and own name ("" where the file is too old to have it), a document's id, its place, and itself."""
COLUMNS = ("owner", "name", "id", "position", "document")
SUFFIX = ".json"


def fill_server(url: URL, database: Path, folder: Path, *, copied: Callable[[], None] = lambda: None) -> Tables:
    """Copy a SQLite database and a folder of documents into an empty database, in one transaction.

    The source isn't touched: an older version's is brought up to date in a copy of it. `copied` is called when all is
    there, before it's kept. Raises StoreError if the target isn't empty or something didn't arrive as it was,
    StartError if the target won't do or can't be reached.
    """
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=".transfer-") as place:
        source = Path(place) / database.name
        sqlite.copy(database, source)
        bring_up_to_date(source)
        origin, target = sqlite.reading(source), postgres_server.writing(url)
        try:
            with target.connect() as connection:
                postgres_server.look_at(connection)
            with origin.connect() as sent, target.begin() as connection:
                found = _fill(sent, connection, folder)
                copied()
        except SQLAlchemyError as error:
            raise _failed(url, error) from None
        finally:
            origin.dispose()
            target.dispose()
    return found


def read_server(url: URL, database: Path, folder: Path) -> Tables:
    """Write a SQLite copy of a database as it is at one moment, and its documents into a folder that's empty.

    Raises StoreError, StartError, OSError; then the target isn't there.
    """
    engine = postgres_server.writing(url)
    try:
        with postgres_server.snapshot(engine) as seen:
            _check_schema(seen)
            written = _write_documents(seen, folder)
            return {**write_sqlite(seen, database), documents.name: written}
    except SQLAlchemyError as error:
        raise _failed(url, error) from None
    finally:
        engine.dispose()


def others(url: URL) -> int:
    """Return how many connections hubs have to a database; raises StartError."""
    engine = postgres_server.writing(url)
    try:
        with engine.connect() as connection:
            asked = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = :name AND pid <> pg_backend_pid()"
            )
            name = postgres_server.CONNECTING["application_name"]
            return int(connection.execute(asked, {"name": name}).scalar_one())
    except SQLAlchemyError as error:
        raise _failed(url, error) from None
    finally:
        engine.dispose()


def _fill(sent: Connection, target: Connection, folder: Path) -> Tables:
    hold(target)
    make_or_upgrade(target, SCHEMA)
    names = ", ".join([*PLAIN, documents.name])
    target.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    if kept := records_in(target):
        raise StoreError(f"the target isn't empty: its table {kept} has rows; make a fresh database")
    return {**copy_rows(sent, target), documents.name: _fill_documents(target, folder)}


def _fill_documents(target: Connection, folder: Path) -> Copied:
    rows = list(_in_files(folder))
    for first in range(0, len(rows), BATCH):
        batch = [dict(zip(COLUMNS, row, strict=True)) for row in rows[first:][:BATCH]]
        target.execute(insert(documents), batch)
    return _same(_digest(rows), _digest(_in_table(target)))


def _write_documents(seen: Connection, folder: Path) -> Copied:
    make_folder(folder)
    rows = list(_in_table(seen))
    owners: dict[str, dict[str, Any]] = {}
    names = {owner: name for owner, name, *_ in rows}
    for owner, _, id, position, document in rows:
        owners.setdefault(owner, {})[str(position)] = {"id": id, "document": json.loads(document)}
    for owner, kept in owners.items():
        path = folder / owner
        if path.parent != folder:
            raise StoreError(f"documents: {owner!r} is no owner's file")
        with draft(path.with_suffix(".part")) as new:
            new.file.write(whole(names[owner], {TABLE: kept}))
            new.keep_as(path)
    return _same(_digest(rows), _digest(_in_files(folder)))


def _in_files(folder: Path) -> Iterator[Row]:
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        try:
            kept, name = json.loads(path.read_bytes()).get(TABLE, {}), keepable(owner_in(path))
            for position, each in sorted(kept.items(), key=lambda item: int(item[0])):
                yield path.name, name, keepable(each["id"]), int(position), _packed(each["document"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{path}: isn't readable ({error}); mend it by hand, or move it away") from None


def _in_table(connection: Connection) -> Iterator[Row]:
    asked = select(*(documents.c[name] for name in COLUMNS))
    found = connection.execute(asked.order_by(documents.c.owner, documents.c.position)).all()
    # A row that came from a file without a name has none, though its owner was heard of since.
    names = {row.owner: row.name for row in sorted(found, key=lambda row: row.name)}
    for row in found:
        yield row.owner, names[row.owner], row.id, row.position, _packed(json.loads(row.document))


def _packed(document: object) -> str:
    return keepable(json.dumps(document, ensure_ascii=False))


def _digest(rows: Iterator[Row] | list[Row]) -> Copied:
    count, digest = 0, sha256()
    for row in rows:
        count += 1
        digest.update(json.dumps(row).encode())
    return Copied(count, digest.hexdigest())


def _same(sent: Copied, arrived: Copied) -> Copied:
    if sent != arrived:
        raise StoreError(f"documents: {sent.rows} were sent and {arrived.rows} arrived, or not as they were")
    return sent


def _check_schema(connection: Connection) -> None:
    revision = revision_of(connection)
    if revision is None:
        raise StoreError("the database has no hub's tables; name another")
    if revision != SCHEMA.head:
        raise StoreError(
            f"the database has schema {revision}, this AgentHost {SCHEMA.head}; start a hub of this version over it"
        )


def _failed(url: URL, error: SQLAlchemyError) -> StartError | StoreError:
    original = getattr(error, "orig", None)
    if original is not None and getattr(original, "sqlstate", None) in (None, "42501"):
        return postgres_server.unreachable(url, error)  # type: ignore[arg-type]
    return StoreError(f"the copy failed: {str(original or error).partition(chr(10))[0]}")
