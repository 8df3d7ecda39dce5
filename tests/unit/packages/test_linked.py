"""A folder that's linked: taken anew after each change, by the same way as any package."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.errors import BadRequest, ManifestError, NotAllowed
from hub.packages.installer import Installed, Installer
from hub.packages.linked import SECONDS
from hub.packages.plugins import InstalledTool, Plugins
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, settle
from tests.unit.packages.zipping import DATA, PLUGIN, PROGRAM
from tests.unit.tools.calls import use


@dataclass
class World:
    """An author's folder and a hub that it's linked to."""

    folder: Path
    installer: Installer
    clock: FakeClock
    installed: Installed

    def write(self, version: str = "1.0.0", more: str = "", program: str = PROGRAM) -> None:
        told = {"name": "echo", "version": version, "tool": "echo", "more": more}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "plugin.toml").write_text(PLUGIN.format(**told), encoding="utf-8")
        (self.folder / "plugin.py").write_text(program.format(**told), encoding="utf-8")

    def changed(self, installed: Installed) -> None:
        self.installed = installed

    async def said(self) -> list[str]:
        return [await use(tool) for tool in self.installed.tools]

    async def later(self, version: str) -> str:
        """Let the hub look until a version's tools are in use, or it waits; return which is used."""
        for _ in range(200):
            await self.clock.advance(SECONDS)
            await settle()
            (package,) = await self.installer.packages()
            # The store knows of a version before its tools are handed out.
            (used,) = {tool.version for tool in self.installed.tools if isinstance(tool, InstalledTool)}
            if version in {used, package.next.version if package.next else ""}:
                return used
            await asyncio.sleep(0.01)
        raise TimeoutError(version)


async def opened(tmp_path: Path, scripts: Scripts, *, dev: bool) -> World:
    clock = FakeClock()
    kinds = [Plugins(scripts, MemoryDocuments())]
    installer = Installer(MemoryStore(), tmp_path / "packages", kinds, clock, tools=[], agents=[], dev=dev)
    world = World(tmp_path / "mine", installer, clock, Installed())
    installer.watch(world.changed)
    await installer.open()
    return world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    scripts = Scripts()
    opened_world = await opened(tmp_path, scripts, dev=True)
    running = asyncio.ensure_future(opened_world.installer.run())
    yield opened_world
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await opened_world.installer.close()
    await scripts.close()


async def test_a_linked_folder_is_taken_anew_after_a_change(world: World) -> None:
    world.write()
    package = await world.installer.link(str(world.folder), [])
    assert (package.state, package.now.source) == ("enabled", f"dev: {world.folder}")

    world.write("1.0.1")

    assert await world.later("1.0.1") == "1.0.1"
    assert await world.said() == ["echo 1.0.1"]


async def test_a_faulty_change_leaves_what_was_there(world: World) -> None:
    world.write()
    await world.installer.link(str(world.folder), [])

    world.write("2.0.0", program="def echo() -> str:\n    return 1\n")
    for _ in range(100):
        await world.clock.advance(SECONDS)
        await asyncio.sleep(0.01)
        if any(each.state == "failed" for each in await world.installer.installations()):
            break
    assert await world.said() == ["echo 1.0.0"]
    # It's told once, not at every look.
    assert len([each for each in await world.installer.installations() if each.state == "failed"]) == 1

    world.write("2.0.1")
    assert await world.later("2.0.1") == "2.0.1"


async def test_a_change_that_asks_for_more_waits(world: World) -> None:
    world.write()
    await world.installer.link(str(world.folder), [])

    world.write("2.0.0", more=DATA)

    assert await world.later("2.0.0") == "1.0.0"
    assert await world.said() == ["echo 1.0.0"]


async def test_links_within_a_linked_folder_are_not_followed(world: World, tmp_path: Path) -> None:
    world.write()
    (tmp_path / "secret").write_text("s3cret", encoding="utf-8")
    (world.folder / "note.txt").symlink_to(tmp_path / "secret")

    with pytest.raises(ManifestError, match="is a link"):
        await world.installer.link(str(world.folder), [])


async def test_what_is_no_folder_is_not_linked(world: World) -> None:
    for odd in ("mine", "/nonexistent/mine", ""):
        with pytest.raises(BadRequest, match="is no folder"):
            await world.installer.link(odd, [])


async def test_unless_the_config_file_says_so_no_folder_is_linked(tmp_path: Path) -> None:
    scripts = Scripts()
    world = await opened(tmp_path, scripts, dev=False)
    world.write()

    with pytest.raises(NotAllowed, match=r"packages.dev: is false"):
        await world.installer.link(str(world.folder), [])
    await scripts.close()
