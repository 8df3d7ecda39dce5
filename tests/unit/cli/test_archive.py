"""Backup and restore: whole or not at all, with every hash checked, and no secret in it."""

import fcntl
import json
import os
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.__main__ import load
from hub.cli.archive import BackupError, back_up, bring_back


def a_folder(data: Path, messages: int = 3) -> Path:
    """Make a data folder with a database, a document, a file and a key."""
    (data / "documents" / "owner").mkdir(parents=True)
    (data / "files" / "ab").mkdir(parents=True)
    (data / "documents" / "owner" / "memory.json").write_text('{"likes": "tea"}', encoding="utf-8")
    (data / "files" / "ab" / "abcd").write_bytes(b"\x00photo" * 1000)
    (data / "owner.key").write_text("ah_secret", encoding="utf-8")
    with closing(sqlite3.connect(data / "hub.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE messages (id TEXT)")
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
        database.executemany("INSERT INTO messages VALUES (?)", [(str(number),) for number in range(messages)])
        database.commit()
    return data


def count(data: Path) -> int:
    with closing(sqlite3.connect(data / "hub.db")) as database:
        return int(database.execute("SELECT count(*) FROM messages").fetchone()[0])


def backed_up(tmp_path: Path) -> Path:
    data = a_folder(tmp_path / "data")
    back_up(data / "hub.db", data, tmp_path / "backup.zip")
    return tmp_path / "backup.zip"


def rewritten(source: Path, name: str, content: bytes | None, manifest: object = None) -> Path:
    """Return a backup in which one file is another, or missing."""
    target = source.with_name("tampered.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        if content is not None:
            new.writestr(name, content)
    return target


def test_a_backup_brings_everything_back(tmp_path: Path) -> None:
    source = backed_up(tmp_path)
    manifest, aside = bring_back(source, tmp_path / "new", force=False)

    assert count(tmp_path / "new") == 3
    assert (tmp_path / "new/documents/owner/memory.json").read_text(encoding="utf-8") == '{"likes": "tea"}'
    assert (tmp_path / "new/files/ab/abcd").read_bytes() == b"\x00photo" * 1000
    assert stat.S_IMODE((tmp_path / "new/hub.db").stat().st_mode) == 0o600
    assert (manifest.counts, manifest.schema, aside) == ({"messages": 3}, "0001", None)


def test_workspaces_come_along_but_nothing_that_a_program_planted_there(tmp_path: Path) -> None:
    data = a_folder(tmp_path / "data")
    task = data / "workspaces" / "home" / "t1"
    (task / "notes").mkdir(parents=True)
    (task / "notes" / "a.txt").write_text("kept", encoding="utf-8")
    (task / "link").symlink_to(data / "owner.key")
    (task / "folder").symlink_to(data)
    os.link(data / "owner.key", task / "key")
    os.mkfifo(task / "pipe")
    (data / "workspaces" / ".coming").mkdir()
    (data / "workspaces" / ".coming" / "half").write_text("half", encoding="utf-8")
    back_up(data / "hub.db", data, tmp_path / "backup.zip")
    bring_back(tmp_path / "backup.zip", tmp_path / "new", force=False)

    kept = [path for path in (tmp_path / "new" / "workspaces").rglob("*") if path.is_file()]
    assert [path.relative_to(tmp_path / "new").as_posix() for path in kept] == ["workspaces/home/t1/notes/a.txt"]
    assert kept[0].read_text(encoding="utf-8") == "kept"


def test_no_secret_is_in_it_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    source = backed_up(tmp_path)

    with zipfile.ZipFile(source) as archive:
        assert set(archive.namelist()) == {
            "hub.db",
            "documents/owner/memory.json",
            "files/ab/abcd",
            "manifest.json",
        }
    assert stat.S_IMODE(source.stat().st_mode) == 0o600


def test_a_backup_is_made_while_somebody_writes(tmp_path: Path) -> None:
    data = a_folder(tmp_path / "data")
    with closing(sqlite3.connect(data / "hub.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO messages VALUES ('not committed')")
        back_up(data / "hub.db", data, tmp_path / "backup.zip")
        writer.commit()
    bring_back(tmp_path / "backup.zip", tmp_path / "new", force=False)

    assert count(tmp_path / "new") == 3


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    source = backed_up(tmp_path)

    with pytest.raises(BackupError, match="exists already"):
        back_up(tmp_path / "data/hub.db", tmp_path / "data", source)


def test_a_failed_backup_leaves_nothing_behind(tmp_path: Path) -> None:
    data = a_folder(tmp_path / "data")
    (data / "hub.db").write_bytes(b"not a database" * 100)
    (tmp_path / "out").mkdir()

    with pytest.raises(BackupError):
        back_up(data / "hub.db", data, tmp_path / "out/backup.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    source = backed_up(tmp_path)

    with pytest.raises(BackupError, match="--force"):
        bring_back(source, tmp_path / "data", force=False)


def test_with_force_what_was_there_is_kept_beside(tmp_path: Path) -> None:
    source = backed_up(tmp_path)
    a_folder(tmp_path / "other", messages=7)
    _, aside = bring_back(source, tmp_path / "other", force=True)

    assert count(tmp_path / "other") == 3
    assert aside is not None
    assert count(aside) == 7


def test_a_folder_in_which_a_hub_works_is_refused_even_with_force(tmp_path: Path) -> None:
    source = backed_up(tmp_path)
    with (tmp_path / "data/hub.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="a hub is at work"):
            bring_back(source, tmp_path / "data", force=True)

    assert count(tmp_path / "data") == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("files/ab/abcd", b"\x00photo" * 999 + b"\x00phota", "hash"),
        ("files/ab/abcd", b"x", "isn't as big"),
        ("files/ab/abcd", None, "lacks"),
        ("hub.db", None, "lacks"),
        ("manifest.json", None, "isn't a backup"),
        ("manifest.json", b"{}", "not restored"),
    ],
)
def test_a_backup_that_is_not_what_was_made_changes_nothing(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    source = rewritten(backed_up(tmp_path), name, content)
    before = sorted(tmp_path.iterdir())

    with pytest.raises(BackupError, match=told):
        bring_back(source, tmp_path / "new", force=False)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "files/../../evil", "owner.key", "files", "documents//x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    source = backed_up(tmp_path)
    with zipfile.ZipFile(source) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["files"][name] = {"sha256": "0" * 64, "size": 4}
    evil = rewritten(source, "manifest.json", json.dumps(manifest).encode())
    with zipfile.ZipFile(evil, "a") as archive:
        archive.writestr(name, b"evil")

    with pytest.raises(BackupError, match="no backup has"):
        bring_back(evil, tmp_path / "new", force=False)
    assert not (tmp_path / "new").exists()


def test_a_cut_off_file_is_no_backup(tmp_path: Path) -> None:
    source = backed_up(tmp_path)
    source.write_bytes(source.read_bytes()[:-100])

    with pytest.raises(BackupError, match="not restored"):
        bring_back(source, tmp_path / "new", force=False)


def test_the_commands_do_it(tmp_path: Path) -> None:
    data = a_folder(tmp_path / "data")
    runner = CliRunner()
    made = runner.invoke(load("backup"), [str(tmp_path / "b.zip"), "--data", str(data)])
    back = runner.invoke(load("restore"), [str(tmp_path / "b.zip"), "--data", str(tmp_path / "x")])
    again = runner.invoke(load("restore"), [str(tmp_path / "b.zip"), "--data", str(tmp_path / "x")])

    assert "3 messages, 0 tasks, 2 documents and files" in made.stdout
    assert "as it was on" in back.stdout
    assert again.exit_code == 1
    assert "--force" in again.stderr
