"""Servers that others published are installed, listed, called, killed, called again and removed."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.packages.installer import Installed, Installer
from hub.packages.sandbox import Sandbox
from hub.packages.servers import Servers
from hub.ports import Tool, ToolCall
from hub.records import HOME, OWNER, Package, TaskId
from hub.store.memory import MemoryStore
from tests.servers.bundles import MODULES, from_npm, from_pypi
from tests.unit.packages.confining import needs_sandbox
from tests.unit.packages.test_sandbox import wait_for

pytestmark = needs_sandbox
EVERYTHING, FILESYSTEM = "@modelcontextprotocol/server-everything", "@modelcontextprotocol/server-filesystem"
CI = os.environ.get("CI") == "true"
needs_npm = pytest.mark.skipif(
    not CI and not (MODULES.is_dir() and shutil.which("node")), reason="no node here, or nothing from npm: make test"
)


class World:
    """An installer with servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = Installed()
        kind = Servers(Sandbox(), SystemClock(), folder / "servers")
        self.installer = Installer(MemoryStore(), folder / "packages", [kind], SystemClock(), tools=[], agents=[])
        self.installer.watch(self._changed)

    def _changed(self, installed: Installed) -> None:
        self.installed = installed

    def tool(self, name: str) -> Tool:
        return next(tool for tool in self.installed.tools if tool.name == name)

    async def install(self, archive: bytes, *grants: str) -> Package:
        """Install and enable a package: a scan finds this and that in so many files, which somebody looks at first."""
        package = await self.installer.install(archive, grants, "a registry")
        return await self.installer.enable(package.id)

    async def said(self, name: str, **arguments: object) -> str:
        call = ToolCall(
            tool=name, arguments=arguments, key="k", tenant=HOME, person=OWNER, agent="default", task=TaskId("t")
        )
        return await self.tool(name).call(call)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.installer.open()
    yield made
    await made.installer.close()


def programs(word: str) -> list[int]:
    """Return the processes, but for the tests' own, that have a word in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes()
            if word.encode() in words and b"pytest" not in words:
                found.append(int(path.parent.name))
    return found


async def the_whole_life(world: World, id: str, word: str, ask: Callable[[], object]) -> None:
    """Kill it, call it, remove it: nothing is left. How fast it comes back, `agenthost bench --only tools` measures."""
    assert programs(word)
    for pid in programs(word):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    answer = ask()
    assert asyncio.iscoroutine(answer)
    await answer
    assert time.monotonic() - began < 30

    await world.installer.remove(id)

    assert world.installed.tools == ()
    assert wait_for(lambda: not programs(word))
    assert [path for path in (world.folder / "packages").rglob("*") if path.is_file()] == []


@needs_npm
async def test_everything_from_npm(world: World) -> None:
    package = await world.install(from_npm(EVERYTHING, "dist/index.js", "stdio"))
    sheet = await world.installer.sheet(package)
    name = "modelcontextprotocol-server-everything"

    assert package.state == "enabled"
    assert f"{name}.echo" in sheet.tools
    assert len(sheet.tools) >= 8
    assert "hello" in await world.said(f"{name}.echo", message="hello")
    assert "5" in await world.said(f"{name}.get-sum", a=2, b=3)
    assert "image/png" in await world.said(f"{name}.get-tiny-image")
    slow = await world.said(f"{name}.trigger-long-running-operation", duration=1, steps=4)
    assert "completed" in slow.lower()
    env = await world.said(f"{name}.get-env")
    assert "AGENTHOST" not in env
    await the_whole_life(world, name, "server-everything", lambda: world.said(f"{name}.echo", message="again"))


@needs_npm
async def test_filesystem_from_npm(world: World) -> None:
    config: dict[str, object] = {
        "folders": {
            "type": "directory",
            "title": "Folders",
            "description": "What it may see",
            "multiple": True,
            "required": True,
        }
    }
    archive = from_npm(FILESYSTEM, "dist/index.js", "${user_config.folders}", config=config)
    package = await world.install(archive, "fs:data")
    name = "modelcontextprotocol-server-filesystem"

    assert package.state == "enabled"
    await world.said(f"{name}.write_file", path="/data/note.txt", content="remember")
    assert "remember" in await world.said(f"{name}.read_text_file", path="/data/note.txt")
    assert (world.folder / "servers" / name / "note.txt").read_text() == "remember"
    for path in ("/etc/passwd", "/data/../package/manifest.json", "/tmp/x"):
        with pytest.raises(Exception, match=r"denied|outside"):
            await world.said(f"{name}.read_text_file", path=path)
    await the_whole_life(
        world, name, "server-filesystem", lambda: world.said(f"{name}.read_text_file", path="/data/note.txt")
    )


async def test_time_from_pypi(world: World) -> None:
    package = await world.install(from_pypi("mcp-server-time", "mcp_server_time", "--local-timezone", "UTC"))

    assert package.state == "enabled"
    assert "2" in await world.said("mcp-server-time.get_current_time", timezone="Europe/Berlin")
    await the_whole_life(
        world,
        "mcp-server-time",
        "mcp_server_time",
        lambda: world.said("mcp-server-time.get_current_time", timezone="UTC"),
    )
