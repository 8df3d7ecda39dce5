"""A lent folder holds: no path, no link and no swap leads out of it, and what's likely a secret isn't shown."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import ToolError
from hub.local.folders import BYTES, Folder, Refused
from hub.local.searching import search

SECRET = b"the secret outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(SECRET)
    root = tmp_path / "notes"
    (root / "trips").mkdir(parents=True)
    (root / "todo.md").write_text("milk\nVienna in May\n", encoding="utf-8")
    (root / "trips" / "vienna.md").write_text("Take the night train.", encoding="utf-8")
    return root


@pytest.fixture
def folder(root: Path) -> Iterator[Folder]:
    with Folder(root) as folder:
        yield folder


def test_what_is_in_it_can_be_listed_and_read(folder: Folder) -> None:
    assert folder.entries() == ["todo.md (19 bytes)", "trips/"]
    assert folder.entries("trips") == folder.entries("./trips/") == ["vienna.md (21 bytes)"]
    assert folder.read("trips/vienna.md") == b"Take the night train."
    with pytest.raises(ToolError, match=r"There's no gone\.md"):
        folder.read("gone.md")


ESCAPES = (
    "../outside/secret.txt", "trips/../../outside/secret.txt", "..", "trips/..", "/etc/passwd", "//etc/passwd",
    "trips//vienna.md", "./../outside/secret.txt", "trips/./vienna.md", "todo.md\0.txt", "to\ndo.md", "..\\outside",
    "C:\\secret.txt", "todo.md:stream", "~/secret.txt/..", "\u202etodo.md", "\u200b.ssh", "a/" * 20 + "b",
)  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES, ids=repr)
def test_no_path_leads_out(folder: Folder, path: str) -> None:
    for use in (folder.read, folder.entries, folder.now, lambda path: folder.write(path, b"mine", instead=None)):
        with pytest.raises(Refused):
            use(path)


SECRETS = (
    ".ssh/id_rsa", ".SSH/config", ".env", ".Env", "trips/.env.local", "prod.env", "PROD.ENV", "id_rsa", "ID_RSA.old",
    "server.pem", "server.KEY", "Passwords.kdbx", "credentials.json", "Secrets.toml", "\uff0eenv", "\uff49\uff44_rsa",
)  # fmt: skip


@pytest.mark.parametrize("path", SECRETS, ids=repr)
def test_what_is_hidden_or_likely_a_secret_is_neither_shown_nor_opened(root: Path, folder: Folder, path: str) -> None:
    """Whatever its letters' case or width."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(SECRET)

    assert place.name not in str(folder.entries()) + str(folder.entries("trips"))
    with pytest.raises(Refused, match="hidden, odd, or likely"):
        folder.read(path)
    with pytest.raises(Refused, match="hidden, odd, or likely"):
        folder.write(path, b"mine", instead=SECRET)
    assert not any(data == SECRET for _, data in folder.files(100))


def test_a_link_is_not_followed_wherever_it_stands(root: Path, folder: Folder) -> None:
    (root / "link.txt").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "outside").symlink_to(root.parent / "outside")
    (root / "inside.txt").symlink_to(root / "todo.md")

    for path in ("link.txt", "outside/secret.txt", "inside.txt"):
        with pytest.raises(Refused, match="link"):
            folder.read(path)
    with pytest.raises(Refused):
        folder.entries("outside")
    with pytest.raises(Refused):
        folder.write("link.txt", b"mine", instead=SECRET)
    with pytest.raises(Refused):
        folder.write("outside/new.txt", b"mine", instead=None)
    assert "link.txt (a link, which isn't followed)" in folder.entries()
    assert not any(data == SECRET for _, data in folder.files(100))
    assert (root.parent / "outside" / "secret.txt").read_bytes() == SECRET
    assert not (root.parent / "outside" / "new.txt").exists()


def test_a_hard_link_to_a_file_elsewhere_is_not_read(root: Path, folder: Folder) -> None:
    os.link(root.parent / "outside" / "secret.txt", root / "mine.txt")

    with pytest.raises(Refused, match="hard link"):
        folder.read("mine.txt")
    with pytest.raises(Refused, match="hard link"):
        folder.write("mine.txt", b"mine", instead=SECRET)
    assert (root.parent / "outside" / "secret.txt").read_bytes() == SECRET


def test_what_is_no_plain_file_is_not_opened_and_nobody_waits_for_it(root: Path, folder: Folder) -> None:
    os.mkfifo(root / "pipe")

    with pytest.raises(Refused, match="no plain file"):
        folder.read("pipe")
    with pytest.raises(Refused):
        folder.read("trips")
    assert "pipe (no plain file)" in folder.entries()
    assert "no plain" not in search(folder, "no plain").replace("'no plain'", "")


def test_a_folder_swapped_for_a_link_again_and_again_never_leads_out(root: Path, folder: Folder) -> None:
    """2,000 reads and writes race with somebody who swaps the folder, and then the file, for links to the outside."""
    (root / "trips" / "secret.txt").write_bytes(b"harmless")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (root / "trips").rename(root / "kept")
            (root / "trips").symlink_to(root.parent / "outside")
            (root / "trips").unlink()
            (root / "kept").rename(root / "trips")
            (root / "trips" / "secret.txt").unlink()
            (root / "trips" / "secret.txt").symlink_to(root.parent / "outside" / "secret.txt")
            (root / "trips" / "secret.txt").unlink()
            (root / "trips" / "secret.txt").write_bytes(b"harmless")

    swapping = threading.Thread(target=swap)
    swapping.start()
    found: set[bytes] = set()
    refused = 0
    try:
        for _ in range(2_000):
            try:
                found.add(folder.read("trips/secret.txt"))
                folder.write("trips/secret.txt", b"harmless", instead=b"harmless")
            except ToolError:
                refused += 1
    finally:
        stop.set()
        swapping.join()

    assert found <= {b"harmless", b""}
    assert refused
    assert (root.parent / "outside" / "secret.txt").read_bytes() == SECRET


def test_a_folder_that_is_moved_away_is_still_the_one_that_was_lent(root: Path, folder: Folder) -> None:
    root.rename(root.parent / "elsewhere")
    (root.parent / "outside").rename(root)

    assert folder.read("todo.md").startswith(b"milk")
    with pytest.raises(ToolError):
        folder.read("secret.txt")


def test_a_write_is_whole_keeps_the_rights_and_leaves_nothing_behind(root: Path, folder: Folder) -> None:
    (root / "todo.md").chmod(0o640)
    before = folder.now("todo.md")
    folder.write("todo.md", b"bread", instead=before)
    folder.write("trips/graz.md", b"By bus.", instead=None)

    assert ((root / "todo.md").read_bytes(), stat.S_IMODE((root / "todo.md").stat().st_mode)) == (b"bread", 0o640)
    assert stat.S_IMODE((root / "trips" / "graz.md").stat().st_mode) == 0o600
    assert sorted(os.listdir(root / "trips")) == ["graz.md", "vienna.md"]
    assert folder.now("gone.md") is None


def test_a_file_that_was_changed_since_leave_was_given_is_not_written(root: Path, folder: Folder) -> None:
    before = folder.now("todo.md")
    (root / "todo.md").write_text("somebody else's", encoding="utf-8")

    with pytest.raises(Refused, match="changed since"):
        folder.write("todo.md", b"bread", instead=before)
    with pytest.raises(Refused, match="changed since"):
        folder.write("todo.md", b"bread", instead=None)
    assert (root / "todo.md").read_text(encoding="utf-8") == "somebody else's"


def test_long_files_and_long_lists_are_bounded(root: Path, folder: Folder) -> None:
    (root / "long.txt").write_bytes(b"x" * (BYTES + 1))
    (root / "many").mkdir()
    for n in range(510):
        (root / "many" / f"{n:03}.txt").touch()

    with pytest.raises(Refused, match="at most"):
        folder.read("long.txt")
    assert folder.entries("many")[-1] == "... and 10 more"
    assert len(list(folder.files(100))) <= 100


def test_a_search_finds_words_in_texts_and_names(root: Path, folder: Folder) -> None:
    (root / "picture.png").write_bytes(b"\0Vienna")

    assert search(folder, "VIENNA").splitlines() == ["todo.md:2: Vienna in May", "trips/vienna.md"]
    assert search(folder, "Graz") == "'Graz' stands in none of 3 files."
    assert "stopped after 1 files" in search(folder, "Graz", seconds=-1.0)
