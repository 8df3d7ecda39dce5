"""Every sentence that ports.Editions promises, over the one that there is: a packages' shelf, on both stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.packages.agents import Agents
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.plugins import Plugins
from hub.packages.scripts import Scripts
from hub.ports import Add, Editions, Save, Store
from hub.records import Package, Pin
from hub.store.documents import MemoryDocuments
from hub.testing import FakeClock, a_pin, a_task
from tests.unit.packages.zipping import DATA, a_plugin, an_agent
from tests.unit.tools.calls import use

PROGRAM = '''
async def echo() -> str:
    """Say whether there are documents."""
    return str(await ids())
'''


@pytest.fixture
async def installer(store: Store, tmp_path: Path) -> AsyncIterator[Installer]:
    scripts = Scripts()
    kinds: list[Kind] = [Plugins(scripts, MemoryDocuments()), Agents()]
    installer = Installer(store, tmp_path / "packages", kinds, FakeClock(), tools=[], agents=[])
    await installer.open()
    yield installer
    await installer.close()
    await scripts.close()


async def pinned(store: Store, package: Package) -> list[Pin]:
    """Have an open task go on with a package as it is now."""
    task = a_task()
    pin = a_pin(task, package=package.id, version=package.now.version, digest=package.now.digest)
    await store.commit(Add(task), Add(pin))
    return [pin]


async def said(editions: Editions, pins: list[Pin]) -> list[str]:
    return [await use(tool) for tool in await editions.tools(pins)]


async def test_a_task_goes_on_with_the_edition_that_it_began_with(store: Store, installer: Installer) -> None:
    pins = await pinned(store, await installer.install(a_plugin(), [], "one"))
    for version in ("2.0.0", "3.0.0", "4.0.0"):
        await installer.install(a_plugin(version=version), [], version)

    assert await said(installer.editions, pins) == ["echo 1.0.0"]
    assert await installer.editions.gone(pins) == ()


async def test_also_after_a_restart(store: Store, installer: Installer, tmp_path: Path) -> None:
    pins = await pinned(store, await installer.install(a_plugin(), [], "one"))
    for version in ("2.0.0", "3.0.0"):
        await installer.install(a_plugin(version=version), [], version)

    await installer.close()
    await installer.open()

    assert await said(installer.editions, pins) == ["echo 1.0.0"]


async def test_once_the_task_has_ended_nothing_is_kept_for_it(
    store: Store, installer: Installer, tmp_path: Path
) -> None:
    pins = await pinned(store, await installer.install(a_plugin(), [], "one"))
    for version in ("2.0.0", "3.0.0"):
        await installer.install(a_plugin(version=version), [], version)
    task = await store.task(pins[0].task)
    assert task
    await store.commit(Save(replace(task, state="completed")))

    await installer.open()

    assert {path.name.partition("-")[0] for path in (tmp_path / "packages/echo").iterdir()} == {"2.0.0", "3.0.0"}


async def test_tools_of_what_was_removed_or_disabled_are_gone(store: Store, installer: Installer) -> None:
    package = await installer.install(a_plugin(), [], "one")
    pins = await pinned(store, package)

    await installer.disable("echo")
    assert (await said(installer.editions, pins), await installer.editions.gone(pins)) == ([], (package.id,))
    await installer.enable("echo")
    assert await said(installer.editions, pins) == ["echo 1.0.0"]
    await installer.remove("echo")
    assert (await said(installer.editions, pins), await installer.editions.gone(pins)) == ([], (package.id,))


async def test_another_package_of_that_name_is_not_taken_for_it(store: Store, installer: Installer) -> None:
    package = await installer.install(a_plugin(), [], "one")
    pins = await pinned(store, package)
    await installer.remove("echo")

    await installer.install(a_plugin(version="9.0.0"), [], "somebody else's")

    assert (await said(installer.editions, pins), await installer.editions.gone(pins)) == ([], (package.id,))


async def test_an_old_edition_has_no_right_that_was_taken_away(store: Store, installer: Installer) -> None:
    first = await installer.install(a_plugin(more=DATA, program=PROGRAM), ["fs:data"], "one")
    pins = await pinned(store, first)
    for version in ("2.0.0", "3.0.0"):
        await installer.install(a_plugin(version=version, more=DATA, program=PROGRAM), [], version)
    assert await said(installer.editions, pins) == ["[]"]

    await installer.grant("echo", [])

    assert await installer.editions.gone(pins) == (first.id,)


async def test_an_agent_is_the_one_that_the_task_began_with(store: Store, installer: Installer) -> None:
    first = await installer.install(an_agent(), [], "one")
    pins = await pinned(store, first)
    second = await installer.install(an_agent(version="2.0.0"), [], "two")

    agent = await installer.editions.agent("cook", pins)

    assert agent
    assert agent.version == "1.0.0"
    assert await installer.editions.agent("cook", []) is None
    assert await installer.editions.edition("cook") == (second.id, "2.0.0", second.now.digest)
    assert await installer.editions.edition("default") is None
