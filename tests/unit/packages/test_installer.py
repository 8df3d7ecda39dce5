"""Packages are installed, switched, rolled back and removed: each wholly or not at all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.errors import BadRequest, ManifestError, NotFound, StoreUnavailable
from hub.packages.agents import Agents
from hub.packages.installer import Installed, Installer
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock
from tests.unit.packages.zipping import DATA, a_plugin, an_agent, zipped
from tests.unit.tools.calls import use


@dataclass
class World:
    """An installer with what it tells."""

    folder: Path
    scripts: Scripts
    store: MemoryStore
    installed: Installed

    async def open(self) -> Installer:
        installer = Installer(
            self.store,
            self.folder,
            [Plugins(self.scripts, MemoryDocuments()), Agents()],
            FakeClock(),
            tools=["clock"],
            agents=["default"],
        )
        installer.watch(self._changed)
        await installer.open()
        return installer

    def _changed(self, installed: Installed) -> None:
        self.installed = installed

    async def said(self) -> list[str]:
        return [await use(tool) for tool in self.installed.tools]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    scripts = Scripts()
    yield World(tmp_path / "packages", scripts, MemoryStore(), Installed())
    await scripts.close()


async def test_a_plugin_is_installed_and_its_tool_can_be_called(world: World) -> None:
    installer = await world.open()

    package = await installer.install(a_plugin(), [], "by hand")

    assert (package.id, package.kind, package.state, package.now.version) == ("echo", "plugin", "enabled", "1.0.0")
    assert await world.said() == ["echo 1.0.0"]
    assert [path.rpartition("/")[2] for path in world.files()] == ["README.md", "plugin.py", "plugin.toml"]


async def test_an_agent_is_installed(world: World) -> None:
    installer = await world.open()

    await installer.install(an_agent(), [], "by hand")

    assert world.installed.agents["cook"].prompt == "You cook."


async def test_what_is_installed_is_there_after_a_restart(world: World) -> None:
    await (await world.open()).install(a_plugin(), [], "by hand")
    world.installed = Installed()

    await world.open()

    assert await world.said() == ["echo 1.0.0"]


async def test_an_update_can_be_rolled_back_and_forth(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    await installer.install(a_plugin(version="2.0.0"), [], "two")
    assert await world.said() == ["echo 2.0.0"]

    await installer.roll_back("echo")
    assert await world.said() == ["echo 1.0.0"]
    await installer.roll_back("echo")
    assert await world.said() == ["echo 2.0.0"]


async def test_only_the_last_edition_but_one_is_kept(world: World) -> None:
    installer = await world.open()
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        await installer.install(a_plugin(version=version), [], version)

    assert sorted({path.split("/")[1].partition("-")[0] for path in world.files()}) == ["2.0.0", "3.0.0"]


async def test_the_same_files_again_change_nothing(world: World) -> None:
    installer = await world.open()
    first = await installer.install(a_plugin(), [], "one")
    again = await installer.install(a_plugin(), [], "one")

    assert (again.now, again.before, again.created_at) == (first.now, None, first.created_at)


async def test_without_the_permission_it_asks_for_a_plugin_is_not_used(world: World) -> None:
    installer = await world.open()

    package = await installer.install(a_plugin(more=DATA), [], "by hand")
    assert package.state == "disabled"
    assert world.installed.tools == ()
    with pytest.raises(BadRequest, match="echo needs fs:data; grant it first"):
        await installer.enable("echo")

    await installer.grant("echo", ["fs:data"])
    await installer.enable("echo")
    assert await world.said() == ["echo 1.0.0"]
    await installer.grant("echo", [])
    assert world.installed.tools == ()


async def test_an_update_that_asks_for_more_waits_and_the_old_one_goes_on(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")

    package = await installer.install(a_plugin(version="2.0.0", more=DATA), [], "two")

    assert (package.state, package.now.version, package.next and package.next.version) == ("enabled", "1.0.0", "2.0.0")
    assert await world.said() == ["echo 1.0.0"]
    with pytest.raises(BadRequest, match=r"version 2.0.0 needs fs:data; grant it first"):
        await installer.enable("echo")
    package = await installer.grant("echo", ["fs:data"])
    assert (package.now.version, package.next, package.now.grants) == ("2.0.0", None, ("fs:data",))
    assert await world.said() == ["echo 2.0.0"]
    assert (await installer.roll_back("echo")).now.grants == ()
    assert await world.said() == ["echo 1.0.0"]


async def test_an_update_that_waits_can_be_forgotten(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    await installer.install(a_plugin(version="2.0.0", more=DATA), [], "two")

    package = await installer.roll_back("echo")

    assert (package.now.version, package.next, package.before) == ("1.0.0", None, None)
    assert {path.split("/")[1].partition("-")[0] for path in world.files()} == {"1.0.0"}


async def test_an_update_that_waits_is_there_after_a_restart(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    await installer.install(a_plugin(version="2.0.0", more=DATA), [], "two")

    installer = await world.open()

    assert await world.said() == ["echo 1.0.0"]
    await installer.grant("echo", ["fs:data"])
    assert await world.said() == ["echo 2.0.0"]


async def test_an_update_keeps_the_permissions_that_were_granted(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(more=DATA), ["fs:data"], "one")

    package = await installer.install(a_plugin(version="2.0.0", more=DATA), [], "two")

    assert (package.state, package.now.version, package.now.grants) == ("enabled", "2.0.0", ("fs:data",))


async def test_an_update_of_what_is_disabled_takes_its_place(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    await installer.disable("echo")

    package = await installer.install(a_plugin(version="2.0.0", more=DATA), [], "two")

    assert (package.state, package.now.version, package.next) == ("disabled", "2.0.0", None)


async def test_what_nobody_asked_for_is_not_granted(world: World) -> None:
    installer = await world.open()

    with pytest.raises(BadRequest, match="'fs:data' isn't asked for; echo asks for nothing"):
        await installer.install(a_plugin(), ["fs:data"], "by hand")
    assert world.files() == []


async def test_removed_it_leaves_nothing(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    await installer.install(a_plugin(version="2.0.0"), [], "two")

    await installer.remove("echo")

    assert world.installed.tools == ()
    assert await installer.packages() == ()
    assert list(world.folder.rglob("*")) == []
    with pytest.raises(NotFound, match="there's no 'echo'"):
        await installer.remove("echo")


async def test_disabled_it_stays(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")

    await installer.disable("echo")

    assert world.installed.tools == ()
    assert (await installer.package("echo")).state == "disabled"
    assert (await installer.sheet(await installer.package("echo"))).tools == ("echo",)


@pytest.mark.parametrize(
    ("archive", "fault"),
    [
        (b"hello", "archive: doesn't begin as a zip file"),
        (zipped({"README.md": "Hi"}), "has no agent.toml or plugin.toml"),
        (zipped({"plugin.toml": "", "agent.toml": ""}), "has agent.toml and plugin.toml"),
        (zipped({"plugin.toml": "name = "}), "plugin.toml: isn't TOML"),
        (zipped({"plugin.toml": 'name = "../../x"'}), "plugin.toml: "),
        (zipped({"agent.toml": 'name = "x"\nversion = "1.0.0"\ndescription = "X."'}), "prompt.md: missing"),
        (a_plugin(program="def echo() -> str:\n    return 1"), "echo/plugin.py: "),
        (a_plugin(program="def other() -> str:\n    return ''"), "echo: no such function"),
        (a_plugin(tool="clock"), "clock: the hub itself has a tool of that name"),
        (a_plugin(program="while True: pass"), "time limit|TimeoutError|no such function"),
        (an_agent("default"), "default: there's an agent of that name"),
    ],
)
async def test_a_faulty_package_is_refused_and_leaves_nothing(world: World, archive: bytes, fault: str) -> None:
    installer = await world.open()

    with pytest.raises(ManifestError, match=fault) as caught:
        await installer.install(archive, [], "by hand")

    assert str(world.folder) not in str(caught.value)
    assert world.files() == []
    assert await installer.packages() == ()


async def test_two_plugins_cannot_have_a_tool_of_one_name(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin("one", tool="say"), [], "one")

    with pytest.raises(ManifestError, match="say: package one has a tool of that name"):
        await installer.install(a_plugin("two", tool="say"), [], "two")

    await installer.disable("one")
    await installer.install(a_plugin("two", tool="say"), [], "two")
    with pytest.raises(ManifestError, match="package two has a tool of that name"):
        await installer.enable("one")


async def test_a_name_stays_with_its_kind(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin("cook"), [], "one")

    with pytest.raises(ManifestError, match="there's a package of that name, of kind plugin"):
        await installer.install(an_agent("cook"), [], "two")


async def test_a_failed_update_leaves_the_old_version_at_work(world: World) -> None:
    installer = await world.open()
    await installer.install(a_plugin(), [], "one")
    world.store.full = True

    with pytest.raises(StoreUnavailable):
        await installer.install(a_plugin(version="2.0.0"), [], "two")

    assert await world.said() == ["echo 1.0.0"]
    world.store.full = False
    await world.open()
    assert await world.said() == ["echo 1.0.0"]
    assert {path.split("/")[1].partition("-")[0] for path in world.files()} == {"1.0.0"}


async def test_files_that_somebody_meddled_with_do_not_keep_the_hub_from_starting(world: World) -> None:
    await (await world.open()).install(a_plugin(), [], "one")
    (world.folder / world.files()[1]).unlink()

    installer = await world.open()

    assert world.installed.tools == ()
    assert (await installer.package("echo")).id == "echo"
