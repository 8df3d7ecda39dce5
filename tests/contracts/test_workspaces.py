"""Every sentence that ports.Workspaces promises, over every implementation."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import ToolError
from hub.ports import Workspaces
from hub.records import HOME, TaskId, TenantId
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.store.workspaces import FolderWorkspaces
from hub.testing import MemoryWorkspaces
from hub.tools.attached import Attached

TASK = TaskId("t1")
HOSTILE = (
    *("", ".", "..", "/", "/etc/passwd", "../x", "a/../x", "a/..", "./a", "a/./b", "a//b", "a/", ".hidden", "a/.git/x"),
    *("a\\b", "..\\x", "a\0b", "a\nb", "\x1b[2J", "a\u202egnp.exe", "a\u200bb", "e\u0301.txt", " a", "a ", "\ud800"),
    *("a/" * 9 + "b", "x" * 121, "/".join(["x" * 100] * 5), "~/../x/..", "//host/share"),
)


@pytest.fixture(params=["folder", "memory", "attached"])
async def workspaces(request: pytest.FixtureRequest, tmp_path: Path) -> Workspaces:
    if request.param == "memory":
        return MemoryWorkspaces(files=5, size=1000)
    if request.param == "attached":
        return Attached(MemoryWorkspaces(files=5, size=1000), MemoryStore(), MemoryFiles())
    kept = FolderWorkspaces(tmp_path / "workspaces", files=5, size=1000)
    await kept.open()
    return kept


async def test_a_file_is_read_as_it_was_written_and_listed_by_its_path(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "b/notes.txt", b"one")
    await workspaces.write(HOME, TASK, "a.txt", b"two")
    await workspaces.write(HOME, TASK, "b/notes.txt", b"three")

    assert await workspaces.read(HOME, TASK, "b/notes.txt") == b"three"
    assert [(file.path, file.size) for file in await workspaces.list(HOME, TASK)] == [("a.txt", 3), ("b/notes.txt", 5)]


async def test_a_file_says_when_it_was_last_written(workspaces: Workspaces) -> None:
    began = datetime.now(UTC)
    await workspaces.write(HOME, TASK, "a.txt", b"two")
    [file] = await workspaces.list(HOME, TASK)

    assert abs(file.changed_at - began) < timedelta(minutes=5), "a disk's clock may differ a little"
    assert await workspaces.list(HOME, TASK) == (file,)


async def test_an_empty_workspace_has_no_files_and_its_folder_is_made(workspaces: Workspaces) -> None:
    assert await workspaces.list(HOME, TASK) == ()
    assert (await workspaces.folder(HOME, TASK)).is_dir()
    assert await workspaces.list(HOME, TASK) == ()


async def test_what_a_program_wrote_into_the_folder_is_read(workspaces: Workspaces) -> None:
    ((await workspaces.folder(HOME, TASK)) / "made.txt").write_bytes(b"by a program")

    assert await workspaces.read(HOME, TASK, "made.txt") == b"by a program"


async def test_tasks_and_tenants_never_see_each_others_files(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "a.txt", b"x")

    for tenant, task in ((HOME, TaskId("t2")), (TenantId("acme"), TASK)):
        assert await workspaces.list(tenant, task) == ()
        with pytest.raises(ToolError):
            await workspaces.read(tenant, task, "a.txt")


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: ascii(path)[:24])
async def test_an_odd_path_is_refused_in_words(workspaces: Workspaces, path: str) -> None:
    for call in (
        workspaces.read(HOME, TASK, path),
        workspaces.write(HOME, TASK, path, b"x"),
        workspaces.remove(HOME, TASK, path),
    ):
        with pytest.raises(ToolError, match=r"\.$"):
            await call
    assert await workspaces.list(HOME, TASK) == ()


async def test_what_is_not_there_and_a_folder_are_said(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "a/b.txt", b"x")

    with pytest.raises(ToolError):
        await workspaces.read(HOME, TASK, "c.txt")
    with pytest.raises(ToolError):
        await workspaces.read(HOME, TASK, "a")
    with pytest.raises(ToolError):
        await workspaces.write(HOME, TASK, "a", b"x")
    with pytest.raises(ToolError):
        await workspaces.write(HOME, TASK, "a/b.txt/c", b"x")
    assert await workspaces.read(HOME, TASK, "a/b.txt") == b"x"


async def test_above_the_quota_nothing_changes(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "a.txt", b"x" * 900)
    with pytest.raises(ToolError):
        await workspaces.write(HOME, TASK, "b.txt", b"x" * 200)
    await workspaces.write(HOME, TASK, "a.txt", b"x" * 1000)
    await workspaces.write(HOME, TASK, "a.txt", b"")
    for number in range(4):
        await workspaces.write(HOME, TASK, f"{number}.txt", b"")
    with pytest.raises(ToolError):
        await workspaces.write(HOME, TASK, "more.txt", b"")
    assert len(await workspaces.list(HOME, TASK)) == 5


async def test_a_removed_file_is_gone(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "a.txt", b"x")

    assert await workspaces.remove(HOME, TASK, "a.txt") is True
    assert await workspaces.remove(HOME, TASK, "a.txt") is False
    assert await workspaces.list(HOME, TASK) == ()


async def test_a_cleared_workspace_is_gone_and_may_begin_again(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TASK, "a/b.txt", b"x")
    await workspaces.write(HOME, TaskId("t2"), "a.txt", b"y")
    await workspaces.clear(HOME, TASK)
    await workspaces.clear(HOME, TASK)

    assert await workspaces.list(HOME, TASK) == ()
    assert await workspaces.read(HOME, TaskId("t2"), "a.txt") == b"y"
    await workspaces.write(HOME, TASK, "a.txt", b"z")


async def test_it_is_told_whose_workspaces_there_are(workspaces: Workspaces) -> None:
    await workspaces.write(HOME, TaskId("t2"), "a.txt", b"x")
    await workspaces.folder(TenantId("acme"), TASK)
    await workspaces.write(HOME, TASK, "a.txt", b"x")
    await workspaces.clear(HOME, TASK)

    assert await workspaces.kept() == ((TenantId("acme"), TASK), (HOME, TaskId("t2")))
