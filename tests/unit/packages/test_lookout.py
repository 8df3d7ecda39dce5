"""What's installed is looked after: taken back, taken away, and what's newer, by itself and when asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import BadRequest, EgressError, ManifestError
from hub.packages.installer import Installer
from hub.packages.lookout import Rules
from hub.packages.standings import standings
from hub.records import OWNER, Package
from tests.unit.packages.shelving import LONG_AGO, URL
from tests.unit.packages.world import World
from tests.unit.packages.zipping import DATA, a_plugin

AUTO = Rules(updates="auto")
HOUR = timedelta(hours=1).total_seconds()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path / "packages")
    opened.registry.publish("ann/echo", "1.0.0", a_plugin())
    await opened.fetch("ann/echo")
    yield opened
    await opened.scripts.close()


async def echo(world: World) -> Package:
    (package,) = [each for each in await world.opened().packages() if each.id == "echo"]
    return package


async def later(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so: what's kept is written in a thread."""
    async with asyncio.timeout(10):
        while not await look():
            await asyncio.sleep(0.01)


async def passed(world: World, installer: Installer, hours: float) -> Package:
    """Let so much time pass, and have the lookout do all of its work."""
    world.clock.put(world.clock.now() + timedelta(hours=hours))
    await installer.lookout.look()
    await installer.lookout.update()
    return await installer.package("echo")


async def test_what_was_revoked_after_it_was_installed_is_switched_off_and_stays_off(world: World) -> None:
    world.registry.revoke("ann/echo", "1.0.0", "It stole\nkeys.")

    async with world.running() as installer:
        (standing,) = await installer.lookout.look()
        assert (standing.package, standing.revoked) == ("echo", "It stole keys.")
        assert (await installer.package("echo")).state == "disabled"
        with pytest.raises(ManifestError, match="its registry took it away, so it isn't used: It stole keys"):
            await installer.enable("echo")
        # Nor by another way in.
        with pytest.raises(ManifestError, match="its registry took it away"):
            await installer.install(a_plugin(), [], "uploaded: echo.zip")
        # Nor by going forth and back.
        await installer.install(a_plugin(version="2.0.0"), [], "uploaded: echo.zip")
        with pytest.raises(ManifestError, match="its registry took it away"):
            await installer.roll_back("echo")
    assert await standings(world.store, world.documents) == ()


async def test_what_was_yanked_goes_on_and_is_told(world: World) -> None:
    world.registry.yank("ann/echo", "1.0.0", "It forgets.")

    async with world.running() as installer:
        await installer.lookout.look()
        assert (await installer.package("echo")).state == "enabled"

    (standing,) = await standings(world.store, world.documents)
    assert (standing.yanked, standing.revoked, standing.registry) == ("It forgets.", "", URL)


async def test_what_is_no_longer_listed_is_told(world: World) -> None:
    del world.registry.packages["ann/echo"]
    world.registry.serial += 1

    async with world.running() as installer:
        (standing,) = await installer.lookout.look()
    assert standing.yanked == "its registry doesn't list it any more"


async def test_it_is_looked_for_by_itself_after_some_minutes_and_every_few_hours(world: World) -> None:
    async def told() -> bool:
        return any(standing.yanked for standing in await standings(world.store, world.documents))

    async def off() -> bool:
        return (await echo(world)).state == "disabled"

    async with world.running():
        world.registry.yank("ann/echo", "1.0.0", "It forgets.")
        await world.clock.advance(160)
        await later(told)

        world.registry.revoke("ann/echo", "1.0.0", "It steals.")
        await world.clock.advance(5.1 * HOUR)
        await later(off)


async def test_a_registry_that_is_away_leaves_what_was_known(world: World) -> None:
    world.registry.yank("ann/echo", "1.0.0", "It forgets.")
    async with world.running() as installer:
        await installer.lookout.look()
        world.egress.answers = {f"{URL}/registry/v1/index": EgressError("gave no answer")}
        await world.clock.advance(60)
        (standing,) = await installer.lookout.look()

    assert (standing.yanked, standing.fault, standing.doubtful) == ("It forgets.", "gave no answer", False)
    assert standing.looked_at < world.clock.now()


async def test_an_index_that_cannot_be_believed_is_told_as_doubtful_and_takes_nothing_back(world: World) -> None:
    old = world.registry.index()
    world.registry.revoke("ann/echo", "1.0.0", "It steals.")
    async with world.running() as installer:
        await installer.lookout.look()
        world.registry.frozen = old
        (standing,) = await installer.lookout.look()

        assert standing.doubtful
        assert "was rolled back" in standing.fault
        assert standing.revoked == "It steals."
        with pytest.raises(ManifestError, match="took it away"):
            await installer.enable("echo")


async def test_what_is_newer_is_shown_and_not_taken_unless_the_config_says_so(world: World) -> None:
    world.registry.publish("ann/echo", "1.2.0", a_plugin(version="1.2.0"))
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))
    world.registry.publish("ann/echo", "2.0.0-rc.1", a_plugin(version="2.0.0-rc.1"))
    world.registry.publish("ann/echo", "3.0.0", a_plugin(version="3.0.0"))
    world.registry.yank("ann/echo", "3.0.0", "Too early.")

    async with world.running() as installer:
        (standing,) = await installer.lookout.look()
        await installer.lookout.update()

    assert [each.version for each in standing.newer] == ["1.2.0", "1.1.0"]
    assert (await echo(world)).now.version == "1.0.0"


async def test_a_version_younger_than_the_cooldown_is_not_taken_by_itself(world: World) -> None:
    world.rules = AUTO
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"), listed_at=LONG_AGO)
    world.registry.publish("ann/echo", "1.2.0", a_plugin(version="1.2.0"), listed_at=world.clock.now())

    async with world.running() as installer:
        assert (await passed(world, installer, 10)).now.version == "1.1.0", "the newest that's old enough"
        assert (await passed(world, installer, 61)).now.version == "1.1.0"
        assert (await passed(world, installer, 2)).now.version == "1.2.0"


async def test_where_the_index_tells_no_time_a_version_is_as_old_as_this_hub_knows_it(world: World) -> None:
    world.rules = AUTO
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"), listed_at=None)

    async with world.running() as installer:
        assert (await passed(world, installer, 100)).now.version == "1.0.0"
        assert (await passed(world, installer, 71)).now.version == "1.0.0"
        assert (await passed(world, installer, 2)).now.version == "1.1.0"


async def test_an_update_that_asks_for_more_waits_also_when_it_comes_by_itself(world: World) -> None:
    world.rules = AUTO
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0", more=DATA), ["fs:data"])

    async with world.running() as installer:
        package = await passed(world, installer, 6)
        assert (package.now.version, package.next and package.next.version) == ("1.0.0", "1.1.0")

        await installer.roll_back("echo")
        assert (await passed(world, installer, 24)).next is None, "who has forgotten it isn't asked again"


async def test_what_was_asked_for_by_its_version_and_what_was_rolled_back_stay_as_they_are(world: World) -> None:
    world.rules = AUTO
    await world.fetch("ann/echo@1.0.0")
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))
    async with world.running() as installer:
        assert (await passed(world, installer, 6)).now.version == "1.0.0"

        requested = await installer.update("echo", OWNER)
        assert await installer.wait(requested.id, 10)
        await installer.roll_back("echo")
        assert (await passed(world, installer, 24)).now.version == "1.0.0"


async def test_an_update_by_itself_from_a_key_that_is_not_pinned_is_refused(world: World) -> None:
    world.rules = AUTO
    world.registry.rotate("ann", stated=False)
    world.registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0"))

    async with world.running() as installer:
        assert (await passed(world, installer, 6)).now.version == "1.0.0"
        newest = (await installer.installations(1))[0]
        assert "packages trust ann" in newest.error


async def test_what_is_removed_stands_nowhere_any_more(world: World) -> None:
    async with world.running() as installer:
        await installer.lookout.look()
        await installer.remove("echo")
        assert await installer.lookout.look() == ()

    assert await standings(world.store, world.documents) == ()


async def test_a_registry_that_the_config_names_no_more_is_not_asked(world: World) -> None:
    world.config = type(world.config)(url="https://other.example.org")

    async with world.running() as installer:
        (standing,) = await installer.lookout.look()
    assert "isn't under [[registries]] any more" in standing.fault


async def test_only_what_was_uploaded_asks_nobody(world: World) -> None:
    async with world.running() as installer:
        await installer.remove("echo")
        await installer.install(a_plugin(), [], "uploaded: echo.zip")
        world.egress.asked.clear()
        assert await installer.lookout.look() == ()
        with pytest.raises(BadRequest, match="it was uploaded"):
            await installer.update("echo", OWNER)
    assert world.egress.asked == []
