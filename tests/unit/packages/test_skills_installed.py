"""Skills are installed as they were published, and an agent gets at them line by line."""

import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from hub.errors import ManifestError, ToolError
from hub.packages.installer import Installed, Installer
from hub.packages.skills import Skills
from hub.ports import Findable, Foreign, Lengthy, Packaged, Tool
from hub.store.memory import MemoryStore
from hub.testing import FakeClock
from tests.unit.packages.zipping import zipped
from tests.unit.test_skills import FOLDERS
from tests.unit.tools.calls import use

PDF = """---
name: pdf-forms
description: Fills PDF forms. Use it when somebody sends a form.
license: MIT
allowed-tools: Bash(pdftk:*) Read
metadata:
  version: "2.1"
---
Read the form first. {more}
"""


@pytest.fixture
async def installer(tmp_path: Path) -> AsyncIterator[Installer]:
    installer = Installer(MemoryStore(), tmp_path, [Skills()], FakeClock(), tools=[], agents=[])
    await installer.open()
    yield installer
    await installer.close()


def a_skill(top: str = "", more: str = "") -> bytes:
    return zipped(
        {
            f"{top}SKILL.md": PDF.format(more=more),
            f"{top}references/fields.md": "Fields: name, date.",
            f"{top}scripts/fill.py": "print('filled')",
            f"{top}assets/logo.png": "\x89PNG",
        }
    )


async def tool_of(installer: Installer, archive: bytes) -> Tool:
    found: list[Tool] = []

    def changed(installed: Installed) -> None:
        found[:] = installed.tools

    installer.watch(changed)
    await installer.install(archive, (), "upload")
    return found[0]


@pytest.mark.parametrize("top", ["", "pdf-forms/", "pdf-forms-main/"])
async def test_a_skill_is_installed_from_its_folder_or_what_s_in_it(installer: Installer, top: str) -> None:
    package = await installer.install(a_skill(top), (), "upload")

    sheet = await installer.sheet(package)
    assert (package.id, package.kind, package.state, package.now.version) == ("pdf-forms", "skill", "enabled", "2.1.0")
    assert sheet.tools == ("skill.pdf-forms",)
    assert sheet.asks == ()


async def test_what_it_wishes_is_shown_and_granted_nothing(installer: Installer) -> None:
    package = await installer.install(a_skill(), (), "upload")

    notes = "\n".join((await installer.sheet(package)).notes)
    assert "Would like to use, without being given it: Bash(pdftk:*), Read" in notes
    assert "Brings programs that aren't run here: scripts/fill.py" in notes
    assert "Licence: MIT" in notes


async def test_called_it_gives_its_instructions_and_names_its_files(installer: Installer) -> None:
    tool = await tool_of(installer, a_skill())

    result = await use(tool)
    assert "Read the form first." in result
    assert "references/fields.md" in result
    assert "description:" not in result


async def test_a_file_is_read_by_its_name(installer: Installer) -> None:
    tool = await tool_of(installer, a_skill())

    assert await use(tool, file="references/fields.md") == "Fields: name, date."


@pytest.mark.parametrize("file", ["../../../hub.db", "/etc/passwd", "SKILL.md", "references/../SKILL.md", "nothing.md"])
async def test_no_other_file_is_read(installer: Installer, file: str) -> None:
    tool = await tool_of(installer, a_skill())

    with pytest.raises(ToolError):
        await use(tool, file=file)


async def test_a_file_that_is_no_text_is_refused_in_words(installer: Installer) -> None:
    out = BytesIO(a_skill())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("assets/data.bin", b"\xff\xfe\x00")
    tool = await tool_of(installer, out.getvalue())

    with pytest.raises(ToolError, match="isn't a text"):
        await use(tool, file="assets/data.bin")


async def test_its_words_are_a_stranger_s(installer: Installer) -> None:
    tool = await tool_of(installer, a_skill())

    assert isinstance(tool, Foreign)
    assert tool.outside
    assert isinstance(tool, Packaged)
    assert isinstance(tool, Findable)
    assert isinstance(tool, Lengthy)


async def test_a_skill_without_a_description_is_refused(installer: Installer) -> None:
    with pytest.raises(ManifestError, match="description: must be set"):
        await installer.install(zipped({"SKILL.md": "---\nname: x\n---\nHi"}), (), "upload")


async def test_published_skills_install_unchanged(installer: Installer, tmp_path: Path) -> None:
    if not FOLDERS:
        pytest.skip("they weren't fetched: make test does")
    # Every one is loaded in test_skills.py; here some go the whole way.
    for folder in FOLDERS[::12]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")

        package = await installer.install(out.getvalue(), (), "upload")

        [place] = tmp_path.glob(f"{package.id}/{package.now.version}-*/*/SKILL.md")
        assert place.read_bytes() == (folder / "SKILL.md").read_bytes()
