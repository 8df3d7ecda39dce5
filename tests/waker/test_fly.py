"""Fly's own ways: what its states mean, what it refuses and how often it may be asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from hub.waker.providers import File, Host, ProviderFault, Tag
from hub.waker.providers.cloudinit import HOME
from hub.waker.providers.fly import FlyProvider
from tests.waker.flyio import BURST, Fly

HOST = Host(files=[File(path="/etc/agenthost/waker.token", content=b"s3cret")], command=["agenthost", "run"])
OURS = {"agenthost_waker": "w", "agenthost_hub": "hub"}


class World:
    """A provider over Fly's stand-in, and its time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.fly = Fly()
        self.fly.now = lambda: self.time
        self.fly.start()
        self.provider = self.of()

    def of(self, **changes: Any) -> FlyProvider:
        return FlyProvider(replace(self.fly.config, **changes), Tag(waker="w", hub="hub"), lambda: self.time)

    def machine(self, state: str) -> dict[str, Any]:
        return self.fly.machines[self.fly.put("agenthost-w-hub", OURS, state)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.provider.close()
    world.fly.stop()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("started", "running"),
        ("suspended", "stopped"),
        ("failed", "stopped"),
        ("suspending", "stopping"),
        ("replacing", "starting"),
        ("launch_failed", "stopping"),
        ("migrated", "missing"),
    ],
)
async def test_its_words_are_understood(world: World, word: str, state: str) -> None:
    world.machine(word)
    assert (await world.provider.describe()).state == state


async def test_a_word_that_is_new_is_a_fault_that_names_it(world: World) -> None:
    world.machine("hibernating")
    with pytest.raises(ProviderFault, match="'hibernating', a state that isn't known here"):
        await world.provider.describe()


async def test_a_machine_that_is_just_made_is_starting_and_not_started_again(world: World) -> None:
    await world.provider.create(HOST)
    assert (await world.provider.describe()).state == "starting"
    await world.provider.start()
    assert "start" not in world.fly.asked, "Fly refuses that with 412"
    world.time += 2
    assert (await world.provider.describe()).state == "running"


async def test_a_start_while_it_stops_is_refused_in_flys_words(world: World) -> None:
    world.machine("stopping")
    world.fly.ends = 100.0
    with pytest.raises(ProviderFault, match="unable to start machine from current state: 'stopping'"):
        await world.provider.start()


async def test_a_lease_that_somebody_else_holds_is_told_of(world: World) -> None:
    world.machine("stopped")
    world.fly.leased = True
    with pytest.raises(ProviderFault, match="lease currently held by"):
        await world.provider.start()


async def test_a_machine_whose_host_cannot_be_reached_is_still_known_as_ours(world: World) -> None:
    machine = world.machine("started")
    machine["incomplete_config"] = machine["config"]
    machine["config"], machine["host_status"] = None, "unreachable"
    assert (await world.provider.describe()).state == "running"


async def test_asked_too_often_it_is_asked_once_more_a_second_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = world.machine("stopped")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.time += seconds

    monkeypatch.setattr("hub.waker.providers.fly.asyncio.sleep", sleep)
    for _ in range(BURST + 1):
        # Several wakers' worth of haste: one alone asks for the same every few seconds.
        machine["state"] = "stopped"
        hasty = world.of()
        await hasty.start()
        await hasty.close()
    assert slept == [1.0]
    assert machine["state"] == "starting"


async def test_a_machine_is_made_as_the_config_says_with_its_data_on_the_volume(world: World) -> None:
    await world.provider.create(HOST)
    [machine] = world.fly.machines.values()
    assert machine["name"] == "agenthost-w-hub"
    config = machine["config"]
    assert config["mounts"] == [{"volume": "vol_1", "path": HOME}]
    assert config["metadata"] == OURS
    assert "services" not in config, "Fly's own proxy would start it for strangers"
    assert config["files"][0]["mode"] == 0o600
    assert (await world.provider.describe()).url == f"http://[{machine['private_ip']}]:8080"


@pytest.mark.parametrize(("key", "why"), [("image", "hubs.fly.image: missing"), ("volume", "hubs.fly.volume: missing")])
async def test_what_a_machine_cannot_do_without_is_asked_for_before_one_is_made(
    world: World, key: str, why: str
) -> None:
    provider = world.of(**{key: ""})
    with pytest.raises(ProviderFault, match=why):
        await provider.create(HOST)
    with pytest.raises(ProviderFault, match=r"hubs\.deploy\.setup"):
        await world.provider.create(Host(files=[], setup=["apt-get install x"]))
    await provider.close()
    assert world.fly.asked == []


async def test_a_wrong_token_is_a_fault_that_does_not_show_it(world: World) -> None:
    provider = world.of(token="FlyV1 wrong")
    with pytest.raises(ProviderFault, match="answered with 401") as fault:
        await provider.describe()
    assert "wrong" not in str(fault.value)
    await provider.close()
