"""Backups: one zip with a snapshot of the database, documents, files and workspaces, and a manifest with their hashes.

Neither the owner's key nor the config is in it; of other keys the database has only the hashes.
"""

import io
import os
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from hub import __version__
from hub.cli.folder import DATABASE, DOCUMENTS, FILES, KEPT, WORKSPACES, lock_of, locked, opened
from hub.databases import Server
from hub.errors import AgentHostError, StartError, StoreError
from hub.store.backups import damage, note
from hub.store.postgres_server import url_of
from hub.store.transfer import fill_server, read_server
from hub.store.workspaces import everything

MANIFEST = "manifest.json"
FORMAT = 1
COMING = "coming"
"""The folder in `files` where those lie that are being written."""
CHUNK = 1 << 20
MANIFEST_LIMIT = 64 << 20


class BackupError(AgentHostError):
    """A backup can't be made or brought back; nothing was changed. The text has the way out."""


class Kept(Struct, frozen=True, kw_only=True):
    """A file in a backup."""

    sha256: str
    size: int


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    format: int
    version: str
    """Of the AgentHost that made it."""
    made_at: datetime
    schema: str
    """The database's revision."""
    counts: dict[str, int]
    """Rows by table."""
    files: dict[str, Kept]


# --- making one


def back_up(database: Path | Server, data: Path, target: Path) -> Manifest:
    """Write a backup, while a hub works if there's one; `target` appears whole or not at all. Raises BackupError."""
    if isinstance(database, Path) and not database.is_file():
        raise BackupError(f"{database}: there's no database; name the data folder with --data")
    if target.exists():
        raise BackupError(f"{target}: exists already; name another file")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            copy = Path(folder) / DATABASE
            copy_records(database, copy)
            manifest = _write(part, copy, data, data if isinstance(database, Path) else copy.parent)
        part.replace(target)
        _sync(target.parent)
        with suppress(OSError):
            # It's made; that the hub doesn't know of it is no reason to call it failed.
            note(data, manifest.made_at)
    except (OSError, sqlite3.Error, StoreError, StartError) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"{target}: not written: {error}") from error
    return manifest


def copy_records(source: Path | Server, target: Path) -> None:
    """Write a SQLite copy of a hub's records as they are at one moment; documents of a server come beside it.

    Raises sqlite3.Error, OSError, StoreError, StartError.
    """
    if isinstance(source, Path):
        snapshot(source, target)
    else:
        read_server(url_of(source), target, target.parent / DOCUMENTS)


def snapshot(database: Path, target: Path) -> None:
    """Copy a database as it is at one moment; a hub may write to it meanwhile."""
    target.touch(mode=0o600)
    with opened(database) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # One file, not three: what's in the log goes into the database.
        copy.execute("PRAGMA journal_mode = DELETE")


def _write(target: Path, copy: Path, data: Path, documents: Path) -> Manifest:
    schema, counts = _describe(copy)
    kept: dict[str, Kept] = {}
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            # The database first: a file is put before the record that names it, so all that the copy names are there.
            for name, path in ((DATABASE, copy), *_in(documents, DOCUMENTS), *_in(data, FILES)):
                # What's gone since it was listed was forgotten by the hub, or has been given its name.
                with suppress(FileNotFoundError), path.open("rb") as source:
                    kept[name] = _add(archive, name, source)
            for name, content in everything(data / WORKSPACES):
                kept[f"{WORKSPACES}/{name}"] = _add(archive, f"{WORKSPACES}/{name}", io.BytesIO(content))
            manifest = Manifest(
                format=FORMAT,
                version=__version__,
                made_at=datetime.now(UTC),
                schema=schema,
                counts=counts,
                files=kept,
            )
            archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _describe(copy: Path) -> tuple[str, dict[str, int]]:
    """Return a database's revision, and how many rows each table has."""
    with opened(copy) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if not name.startswith(("sqlite_", "alembic_"))]
        counts = {name: _count(connection, name) for name in sorted(tables)}
        rows = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in names else ()
        return ", ".join(str(row[0]) for row in rows), counts


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608  (a name from sqlite_master)


def _in(data: Path, folder: str) -> Iterator[tuple[str, Path]]:
    # Not for workspaces, into which strangers' programs write: what's there is found in another way.
    for path in sorted((data / folder).rglob("*")):
        # Half written: it gets its name once it's whole.
        if path.suffix == ".part" or path.parent == data / "files" / COMING:
            continue
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(data).as_posix(), path


def _add(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> Kept:
    with archive.open(name, "w", force_zip64=True) as target:
        return _copy(source, target)


def _copy(source: IO[bytes], target: IO[bytes]) -> Kept:
    digest, size = sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        target.write(chunk)
    return Kept(sha256=digest.hexdigest(), size=size)


# --- bringing one back


def bring_back(source: Path, data: Path, *, force: bool, server: Server | None = None) -> tuple[Manifest, Path | None]:
    """Put a backup's content in place of a data folder, all of it or nothing; return where the old one went.

    Everything is unpacked beside it and checked before anything is moved. With a `server`, records and documents go
    into its database, which must be empty. Raises BackupError.
    """
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        with locked(data), tempfile.TemporaryDirectory(dir=data.parent, prefix=f".{data.name}-restore-") as folder:
            if _content(data) and not force:
                raise BackupError(f"{data}: isn't empty; name another --data, or --force to move what's there aside")
            fresh = Path(folder) / "data"
            fresh.mkdir(mode=0o700)
            manifest = _unpack(source, fresh)
            return manifest, _into(server, fresh, data) if server else _swap(fresh, data)
    except BlockingIOError:
        raise BackupError(f"{data}: a hub is at work here; stop it, then restore") from None
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, msgspec.MsgspecError) as error:
        raise BackupError(f"{source}: not restored: {error}") from error


def _into(server: Server, fresh: Path, data: Path) -> Path | None:
    """Fill a database, and put the rest in a folder's place before that counts: either both are there, or neither."""
    aside: list[Path | None] = []
    database, documents = Path(shutil.move(fresh / DATABASE, fresh.parent)), fresh.parent / DOCUMENTS
    if (fresh / DOCUMENTS).exists():
        (fresh / DOCUMENTS).rename(documents)
    try:
        fill_server(url_of(server), database, documents, copied=lambda: aside.append(_swap(fresh, data)))
    except (StoreError, StartError) as error:
        for old in aside:
            data.rename(fresh)
            if old:
                old.rename(data)
        raise BackupError(f"not restored: {error}") from error
    return aside[0]


def _content(data: Path) -> list[str]:
    return [path.name for path in data.iterdir() if path != lock_of(data / DATABASE)] if data.is_dir() else []


def _unpack(source: Path, fresh: Path) -> Manifest:
    with zipfile.ZipFile(source) as archive:
        manifest = _manifest(archive, source)
        for name, kept in manifest.files.items():
            _check_name(name, source)
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _extract(archive, name, target, kept)
    if wrong := damage(fresh / DATABASE):
        raise BackupError(f"{source}: its database is damaged ({wrong}); take another backup")
    return manifest


def _manifest(archive: zipfile.ZipFile, source: Path) -> Manifest:
    names = archive.namelist()
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > MANIFEST_LIMIT:
        raise BackupError(f"{source}: isn't a backup: it has no {MANIFEST}")
    manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    if manifest.format != FORMAT:
        raise BackupError(f"{source}: has format {manifest.format}, this AgentHost reads {FORMAT}; use a newer one")
    if DATABASE not in manifest.files:
        raise BackupError(f"{source}: isn't a backup: it has no {DATABASE}")
    if missing := set(manifest.files) - set(names):
        raise BackupError(f"{source}: lacks {min(missing)}; take another backup")
    return manifest


def _check_name(name: str, source: Path) -> None:
    """Refuse what could land outside the folder, or pose as a file of the hub's own."""
    first, *rest = name.split("/")
    fits = name == DATABASE or (first in KEPT and rest and not {"", ".", ".."} & set(rest))
    if not fits or "\\" in name or "\0" in name:
        raise BackupError(f"{source}: has a file {name!r} that no backup has; nothing was restored")


def _extract(archive: zipfile.ZipFile, name: str, target: Path, kept: Kept) -> None:
    # The size is told beforehand, so a bomb is seen before it's unpacked.
    if archive.getinfo(name).file_size != kept.size:
        raise BackupError(f"{name}: isn't as big as the manifest says; take another backup")
    with (
        archive.open(name) as packed,
        os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
    ):
        found = _copy(packed, file)
        file.flush()
        os.fsync(file.fileno())
    if found != kept:
        raise BackupError(f"{name}: its hash isn't the manifest's; take another backup")


def _swap(fresh: Path, data: Path) -> Path | None:
    """Put a folder in another's place; what was there gets a name with the time, and comes back if that fails."""
    aside = None
    if data.exists():
        aside = data.with_name(f"{data.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
        data.rename(aside)
    try:
        fresh.rename(data)
    except OSError:
        if aside:
            aside.rename(data)
        raise
    _sync(data.parent)
    if aside and not _content(aside):
        lock_of(aside / DATABASE).unlink(missing_ok=True)
        aside.rmdir()
        return None
    return aside


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
