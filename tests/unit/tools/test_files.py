"""A task's files: what was written, and what its person sent, which can be read and never changed."""

import pytest

from hub.errors import ToolError
from hub.ports import Add, Reading
from hub.records import HOME, TaskId, TenantId
from hub.testing import a_task
from tests.unit.tools.calls import use
from tests.unit.tools.test_extract import a_pdf
from tests.unit.tools.world import TASK, World


async def test_what_is_written_is_listed_and_read(world: World) -> None:
    assert await use(world.tools["list_files"]) == "There are no files."
    assert await use(world.tools["write_file"], path="notes/a.txt", text="Köln") == (
        "I have written notes/a.txt (5 bytes)."
    )

    assert await use(world.tools["list_files"]) == "notes/a.txt (5 bytes)"
    assert await use(world.tools["read_file"], path="notes/a.txt") == "notes/a.txt:\nKöln"
    assert await world.workspaces.read(HOME, TASK, "notes/a.txt") == "Köln".encode()


async def test_what_the_person_sent_in_the_task_is_read_by_its_name(world: World) -> None:
    report = await world.send("report.pdf", a_pdf("It cost a lot."), "application/pdf")
    await world.send("plan.txt", b"first")
    await world.send("plan.txt", b"second")
    await world.send("../../etc/pass\x00wd", b"odd")

    assert (await use(world.tools["list_files"])).splitlines() == [
        "attachments/_.._etc_pass_wd (3 bytes)",
        "attachments/plan (2).txt (6 bytes)",
        "attachments/plan.txt (5 bytes)",
        f"attachments/report.pdf ({report.size} bytes)",
    ]
    assert "It cost a lot." in await use(world.tools["read_file"], path="attachments/report.pdf")
    assert "It cost a lot." in await use(world.tools["read_file"], path="What does report.pdf say about costs?")
    assert "second" in await use(world.tools["read_file"], path="attachments/plan (2).txt")


async def test_nobody_reads_what_another_sent_or_what_was_sent_in_another_task(world: World) -> None:
    await world.send("secret.txt", b"secret", task=TaskId("other"))
    await world.send("mine.txt", b"mine")
    assert await use(world.tools["list_files"], tenant=TenantId("acme")) == "There are no files."
    assert "secret.txt" not in await use(world.tools["list_files"])
    with pytest.raises(ToolError, match=r"no such file. There are: attachments/mine.txt\."):
        await use(world.tools["read_file"], path="attachments/secret.txt")


async def test_what_was_sent_is_not_changed(world: World) -> None:
    await world.send("plan.txt", b"first")

    with pytest.raises(ToolError, match="can't be changed"):
        await use(world.tools["write_file"], path="attachments/plan.txt", text="mine")
    assert "first" in await use(world.tools["read_file"], path="attachments/plan.txt")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", ".ssh/key", ""])
async def test_no_path_leads_out(world: World, path: str) -> None:
    with pytest.raises(ToolError):
        await use(world.tools["write_file"], path=path, text="x")
    with pytest.raises(ToolError):
        await use(world.tools["read_file"], path=path)


async def test_a_long_file_is_read_in_parts_and_what_is_no_text_is_refused(world: World) -> None:
    await world.workspaces.write(HOME, TASK, "long.txt", b"line\n" * 2_000)
    await world.workspaces.write(HOME, TASK, "image.bin", b"\x89PNG\0\0")

    assert (await use(world.tools["read_file"], path="long.txt")).endswith("[Part 1 of 7. Read on with part=2.]")
    assert (await use(world.tools["read_file"], path="long.txt", part=7)).endswith("[Part 7 of 7.]")
    with pytest.raises(ToolError, match="only pages, PDF and text"):
        await use(world.tools["read_file"], path="image.bin")


async def test_the_source_of_a_page_in_the_workspace_stays_as_it_is(world: World) -> None:
    await use(world.tools["write_file"], path="index.html", text="<p>Hello</p>")

    assert "<p>Hello</p>" in await use(world.tools["read_file"], path="index.html")


@pytest.mark.parametrize(
    ("tool", "message", "arguments"),
    [
        ("list_files", "Which files do you have?", {}),
        ("list_files", "please list the files", {}),
        ("list_files", "How do I list files in Linux?", None),
        ("read_file", "show me notes.txt", {"path": "notes.txt"}),
        ("read_file", "Open the file a/b.md please", {"path": "a/b.md"}),
        ("read_file", "Summarise notes.txt", None),
        ("write_file", 'Save "call Ann" as todo.md', {"path": "todo.md", "text": "call Ann"}),
        ("write_file", "write milk and bread into the file list.txt", {"path": "list.txt", "text": "milk and bread"}),
        ("write_file", "save that to notes.txt", None),
        ("write_file", "Write a poem about spring into poem.txt", None),
        ("write_file", "Write the numbers from 1 to 20, one on each line, into numbers.txt.", None),
    ],
)
def test_what_leaves_no_doubt_is_read(
    world: World, tool: str, message: str, arguments: dict[str, object] | None
) -> None:
    found = world.tools[tool]
    assert isinstance(found, Reading)
    assert found.read(message) == arguments


async def test_programs_see_what_was_sent_too_and_nothing_planted_stands_in_its_place(world: World) -> None:
    await world.send("plan.txt", b"sent")
    folder = await world.workspaces.folder(HOME, TASK)
    (folder / "attachments").mkdir()
    (folder / "attachments" / "plan.txt").write_text("planted")
    (folder / "attachments" / "other.txt").write_text("planted")
    seen = world.attached

    assert [file.path for file in await seen.list(HOME, TASK)] == ["attachments/plan.txt"]
    assert await seen.read(HOME, TASK, "attachments/plan.txt") == b"sent"
    for call in (
        seen.read(HOME, TASK, "attachments/other.txt"),
        seen.write(HOME, TASK, "attachments/x.txt", b"x"),
        seen.write(HOME, TASK, "attachments", b"x"),
        seen.remove(HOME, TASK, "attachments/plan.txt"),
    ):
        with pytest.raises(ToolError):
            await call


async def test_what_subtasks_made_is_read_by_their_numbers_and_cant_be_changed(world: World) -> None:
    child = a_task(number=2, parent=TASK, depth=1)
    grandchild = a_task(number=3, parent=child.id, depth=2)
    stranger = a_task(number=4)
    await world.store.commit(Add(child), Add(grandchild), Add(stranger))
    for task, path in ((child, "a.txt"), (child, "subtasks/9/x.txt"), (grandchild, "b/c.txt"), (stranger, "s.txt")):
        await world.workspaces.write(HOME, task.id, path, path.encode())

    listed = (await use(world.tools["list_files"])).splitlines()
    assert listed == ["subtasks/2/a.txt (5 bytes)", "subtasks/2/subtasks/3/b/c.txt (7 bytes)"]
    assert "b/c.txt" in await use(world.tools["read_file"], path="subtasks/2/subtasks/3/b/c.txt")
    for path in ("subtasks/4/s.txt", "subtasks/2", "subtasks/2/none.txt", "subtasks/2/subtasks/9/x.txt"):
        with pytest.raises(ToolError):
            await world.attached.read(HOME, TASK, path)
    with pytest.raises(ToolError, match="subtask made"):
        await use(world.tools["write_file"], path="subtasks/2/a.txt", text="mine")
