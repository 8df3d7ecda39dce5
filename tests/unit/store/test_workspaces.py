"""Whatever a program planted in its task's workspace: nothing is followed out, nothing blocks, all can be removed."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from hub.errors import ToolError
from hub.records import HOME, TaskId, TenantId
from hub.store.workspaces import SEEN, FolderWorkspaces

TASK = TaskId("t1")


@pytest.fixture
async def workspaces(tmp_path: Path) -> FolderWorkspaces:
    kept = FolderWorkspaces(tmp_path / "workspaces", files=50, size=10_000)
    await kept.open()
    return kept


@pytest.fixture
async def folder(workspaces: FolderWorkspaces) -> Path:
    return await workspaces.folder(HOME, TASK)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "owner.key"
    path.write_text("secret")
    return path


def planted(folder: Path, secret: Path, kind: str) -> str:
    """Plant something, and return the path by which it would be asked for."""
    path = folder / "planted"
    match kind:
        case "link to a file":
            path.symlink_to(secret)
        case "link to a folder":
            path.symlink_to(secret.parent)
            return "planted/owner.key"
        case "relative link":
            path.symlink_to("../../../owner.key")
        case "link to itself":
            path.symlink_to("planted")
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "hard link":
            os.link(secret, path)
        case "pipe":
            os.mkfifo(path)
        case "socket":
            bound = socket.socket(socket.AF_UNIX)
            # Its own path is longer than a socket's may be.
            before = Path.cwd()
            os.chdir(folder)
            bound.bind("planted")
            os.chdir(before)
            bound.close()
        case "link on the way":
            (folder / "a").mkdir()
            (folder / "a" / "b").symlink_to(secret.parent)
            return "a/b/owner.key"
    return "planted"


KINDS = (
    *("link to a file", "link to a folder", "relative link", "link to itself", "link to a device", "hard link"),
    *("pipe", "socket", "link on the way"),
)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_planted_is_read_or_listed(
    workspaces: FolderWorkspaces, folder: Path, secret: Path, kind: str
) -> None:
    path = planted(folder, secret, kind)

    with pytest.raises(ToolError):
        await workspaces.read(HOME, TASK, path)
    assert await workspaces.list(HOME, TASK) == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_writing_and_removing_never_reach_what_it_points_to(
    workspaces: FolderWorkspaces, folder: Path, secret: Path, kind: str
) -> None:
    path = planted(folder, secret, kind)

    for call in (workspaces.write(HOME, TASK, path, b"mine"), workspaces.remove(HOME, TASK, path)):
        with suppress(ToolError):
            await call
    assert secret.read_text() == "secret"
    assert sorted(path.name for path in secret.parent.iterdir()) == ["owner.key", "workspaces"]


@pytest.mark.parametrize("kind", KINDS)
async def test_all_of_it_is_cleared_and_what_it_points_to_stays(
    workspaces: FolderWorkspaces, folder: Path, secret: Path, kind: str
) -> None:
    planted(folder, secret, kind)
    await workspaces.clear(HOME, TASK)

    assert not folder.exists()
    assert secret.read_text() == "secret"


async def test_folders_without_rights_and_a_thousand_levels_are_cleared(
    workspaces: FolderWorkspaces, folder: Path
) -> None:
    deepest = os.open(folder, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=deepest)
        inner = os.open("d", os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = inner
    os.close(deepest)
    (folder / "shut").mkdir()
    (folder / "shut" / "file").touch()
    (folder / "shut").chmod(0)
    await workspaces.clear(HOME, TASK)

    assert not folder.exists()
    assert [path.name for path in (folder.parents[1] / ".gone").iterdir()] == []


async def test_more_names_than_anybody_looks_at_are_said(workspaces: FolderWorkspaces, folder: Path) -> None:
    for number in range(SEEN + 1):
        (folder / f"{number}").touch()

    with pytest.raises(ToolError, match="names"):
        await workspaces.list(HOME, TASK)


async def test_files_are_for_the_hub_alone_and_nothing_half_written_is_in_sight(
    workspaces: FolderWorkspaces, folder: Path
) -> None:
    await workspaces.write(HOME, TASK, "a/b.txt", b"x")

    assert stat.S_IMODE((folder / "a" / "b.txt").stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "a", folder.parent)} == {0o700}
    assert sorted(path.name for path in folder.rglob("*")) == ["a", "b.txt"]
    assert list((folder.parents[1] / ".coming").iterdir()) == []


async def test_what_a_killed_hub_left_is_cleared_away_at_the_next_start(tmp_path: Path) -> None:
    root = tmp_path / "workspaces"
    (root / ".coming").mkdir(parents=True)
    (root / ".coming" / "half").write_text("x")
    (root / ".gone" / "old" / "deep").mkdir(parents=True)
    await FolderWorkspaces(root).open()

    assert list((root / ".coming").iterdir()) == list((root / ".gone").iterdir()) == []


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", ".gone", "a\0b", "x" * 300])
async def test_no_tenant_or_task_is_called_so_that_it_leads_elsewhere(
    workspaces: FolderWorkspaces, tmp_path: Path, name: str
) -> None:
    folder = await workspaces.folder(TenantId(name), TaskId(name))

    assert folder.parents[1] == tmp_path / "workspaces"
    assert folder.resolve() == folder
    assert await workspaces.folder(TenantId(name), TaskId("other")) != folder
