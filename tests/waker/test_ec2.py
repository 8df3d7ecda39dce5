"""Hubs on EC2, over the real boto3 and moto's server: slow, failed and lost starts, orphans, and what it all costs."""

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import StartError
from hub.waker.config import HubConfig
from hub.waker.ledger import HOUR
from hub.waker.orphans import EVERY, Orphans
from hub.waker.peer import Report
from hub.waker.power import Power
from hub.waker.providers import File, Host, ProviderFault, Tag
from hub.waker.providers.ec2 import HUB, LARGEST, MADE, WAKER, Ec2Config, Ec2Provider
from hub.waker.spool import Spool
from hub.waker.telling import Telling
from tests.waker.amazon import IMAGE, KEYS, Amazon

HOST = Host(files=[File(path="/etc/agenthost/waker.token", content=b"s3cret")], command=["agenthost", "run"])
CYCLES = int(os.environ.get("AGENTHOST_WAKER_CYCLES", "8"))
"""200 in `make faults WAKER_CYCLES=200`."""
PRICE = 0.0208


class Hasty:
    """A clock on which the hub's power has slept at once; only what's really asked takes real time, and none of its.

    Who tells people goes by that time, and doesn't drive it.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self._following: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        if task is not None and getattr(task.get_coro(), "__qualname__", "") == Telling.run.__qualname__:
            woken = asyncio.get_running_loop().create_future()
            self._following.append((self.time + seconds, woken))
            await woken
            return
        self.time += seconds
        due = [woken for at, woken in self._following if at <= self.time]
        self._following = [(at, woken) for at, woken in self._following if at > self.time]
        for woken in due:
            if not woken.done():
                woken.set_result(None)
        await asyncio.sleep(0)


class Word:
    """A hub that answers some seconds after its machine runs, and idles from some moment on."""

    def __init__(self, amazon: Amazon, clock: Hasty) -> None:
        self._amazon, self._clock = amazon, clock
        self.idles_at = 0.0
        self.dead = False

    async def report(self) -> Report | None:
        if self.dead or not self._amazon.runs():
            return None
        idle = max(0.0, self._clock.time - self.idles_at)
        return Report(boot="b", ready=True, idle_seconds=idle, guests=(("key", "hash"),))

    async def drain(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(scope="module")
def amazon_server() -> Iterator[Amazon]:
    with Amazon() as amazon:
        yield amazon


@pytest.fixture
def amazon(amazon_server: Amazon, monkeypatch: pytest.MonkeyPatch) -> Amazon:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    amazon_server.reset()
    return amazon_server


class World:
    """A hub on EC2 with its power, all on a clock that runs ahead."""

    def __init__(self, amazon: Amazon, folder: Path, waker: str) -> None:
        self.amazon = amazon
        self.clock = Hasty()
        amazon.now = self.clock.monotonic
        self.word = Word(amazon, self.clock)
        self.provider = Ec2Provider(amazon.config, Tag(waker=waker, hub="hub"), self.clock.monotonic)
        self.spool = Spool(folder / "waker.db")
        self.spool.open()
        self.told: list[str] = []
        hub = HubConfig(name="hub", token="t" * 32, provider="ec2", price_per_hour=PRICE, starts_per_hour=1000)
        self.power = Power(
            hub,
            provider=self.provider,
            peer=self.word,  # type: ignore[arg-type] # it answers as a peer does
            spool=self.spool,
            clock=self.clock,
            failed=self._told,
        )

    async def _told(self, text: str, first: bool) -> None:
        self.told += [text] if first else []

    async def be(self, state: str, *, within: float = 3600.0) -> None:
        """Wait until the hub is so, at most so long by its clock."""
        until = self.clock.time + within
        while self.power.state != state:
            assert self.clock.time < until, f"{self.power.state} ({self.power.detail}), not {state}"
            await asyncio.sleep(0.005)

    async def cycle(self, seconds: float) -> None:
        """Wake it, have it work for a while, and let it fall asleep."""
        self.word.idles_at = self.clock.time + 1e9
        self.power.wake()
        await self.be("ready")
        self.word.idles_at = self.clock.time + seconds
        await self.be("stopped")


@asynccontextmanager
async def at_work(amazon: Amazon, folder: Path, waker: str) -> AsyncIterator[World]:
    world = World(amazon, folder, waker)
    await world.provider.create(HOST)
    await world.provider.stop()
    amazon.reset()
    amazon.now = world.clock.monotonic
    await world.spool.mark("met:hub", "b")
    owner = asyncio.create_task(world.power.run())
    try:
        await world.be("stopped")
        yield world
    finally:
        owner.cancel()
        await asyncio.gather(owner, return_exceptions=True)
        amazon.reset()
        await world.provider.destroy()
        await world.provider.close()
        await world.spool.close()


async def test_a_slow_boot_is_waited_for_and_asked_for_once(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "slow") as world:
        amazon.boots = 40.0
        await world.cycle(60)
        assert amazon.asked.count("StartInstances") == 1
        assert world.told == []


async def test_a_start_whose_answer_is_lost_is_no_failed_start(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "lost") as world:
        amazon.lost = ["StartInstances"]
        await world.cycle(60)
        assert (world.power.failures, amazon.asked.count("StartInstances")) == (0, 1)


async def test_a_start_that_never_arrived_is_made_again(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "dropped") as world:
        amazon.dropped = ["StartInstances"]
        await world.cycle(60)
        assert amazon.asked.count("StartInstances") == 2


async def test_a_machine_that_fails_to_boot_is_a_failed_start_and_told_of(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "failing") as world:
        amazon.fails = ["StartInstances"]
        world.power.wake()
        while not world.told:
            world.power.wake()
            await asyncio.sleep(0.01)
        amazon.fails = []
        await world.cycle(60)
        assert len(world.told) == 1
        assert "it ended while it started" in world.told[0]


async def test_no_capacity_is_a_failed_start_with_amazons_words(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "full") as world:
        amazon.refused["StartInstances"] = (400, "InsufficientInstanceCapacity", "There is no Spot capacity available")
        world.power.wake()
        await world.be("failed")
        assert "InsufficientInstanceCapacity" in world.power.detail


async def test_a_stop_that_is_never_done_goes_on_costing(amazon: Amazon, tmp_path: Path) -> None:
    async with at_work(amazon, tmp_path, "stubborn") as world:
        world.power.wake()
        await world.be("ready")
        amazon.lies = {"StopInstances"}
        world.word.idles_at = world.clock.time - 1000
        await world.be("stopping")
        began = world.clock.time
        while world.clock.time < began + 60:
            await asyncio.sleep(0.01)
        assert world.power.state == "stopping"
        spent = await world.power.ledger.spent_this_month(world.clock.now().timestamp())
        assert spent >= PRICE * 60 / HOUR
        amazon.lies = set()
        await world.be("stopped")


async def test_a_machine_that_somebody_else_started_is_found_costs_and_is_put_to_sleep(
    amazon: Amazon, tmp_path: Path
) -> None:
    async with at_work(amazon, tmp_path, "foreign") as world:
        world.word.idles_at = 0.0
        other = Ec2Provider(amazon.config, Tag(waker="foreign", hub="hub"))
        await other.start()
        await other.close()
        while not (runs := await world.power.ledger.last(1)):
            await asyncio.sleep(0.01)
        assert runs[0].price == PRICE
        await world.be("stopped")
        assert amazon.machines("foreign")[0]["State"]["Name"] == "stopped"


async def test_the_ledger_is_within_a_hundredth_of_amazons_bill(amazon: Amazon, tmp_path: Path) -> None:
    """Boots of 12 s, stops of 15 s; every third stop's answer is lost, every fifth start's; some stops never come."""
    async with at_work(amazon, tmp_path, "ledger") as world:
        amazon.boots, amazon.ends = 12.0, 15.0
        for cycle in range(CYCLES):
            amazon.lost = ["StopInstances"] if cycle % 3 == 0 else []
            amazon.lost += ["StartInstances"] if cycle % 5 == 0 else []
            amazon.dropped = ["StopInstances"] if cycle % 7 == 0 else []
            await world.cycle(120 + 37 * (cycle % 11))
        billed = amazon.billed / HOUR * PRICE
        runs = await world.power.ledger.last(CYCLES + 1)
        counted = sum(run.cost(world.clock.now().timestamp()) for run in runs)
        assert len(runs) == CYCLES
        assert await world.power.ledger.running() is None
        print(f"{CYCLES} cycles: billed {billed:.6f}, counted {counted:.6f}, {counted / billed - 1:+.4%}")
        assert counted == pytest.approx(billed, rel=0.01)


# --- orphans


async def test_machines_that_are_nobodys_are_told_of_and_destroyed_at_the_second_look(amazon: Amazon) -> None:
    clock = Hasty()
    mine = Ec2Provider(amazon.config, Tag(waker="orphans", hub="hub"), clock.monotonic)
    gone = Ec2Provider(amazon.config, Tag(waker="orphans", hub="removed-from-the-config"), clock.monotonic)
    foreign = Ec2Provider(amazon.config, Tag(waker="somebody-elses", hub="hub"), clock.monotonic)
    for each in (mine, gone, foreign):
        await each.create(HOST)
    [own] = [each.id for each in await mine.found() if each.hub == "hub"]
    double = second_machine(amazon)
    orphans = Orphans({"hub": mine}, clock, destroy=True)

    await orphans.look()
    assert {each.hub for each in orphans.seen} == {"hub", "removed-from-the-config"}
    assert own not in {each.id for each in orphans.seen}
    assert double in {each.id for each in orphans.seen}
    assert len(amazon.machines("orphans")) == 3, "seen once, a machine may be just being made"

    await clock.sleep(EVERY)
    await orphans.look()
    assert [each["InstanceId"] for each in amazon.machines("orphans")] == [own]
    await orphans.look()
    assert orphans.seen == ()
    assert len(amazon.machines("somebody-elses")) == 1
    for each in (mine, foreign):
        await each.destroy()
    for each in (mine, gone, foreign):
        await each.close()


async def test_orphans_are_only_told_of_unless_they_may_be_destroyed(amazon: Amazon) -> None:
    clock = Hasty()
    mine = Ec2Provider(amazon.config, Tag(waker="kept", hub="hub"), clock.monotonic)
    gone = Ec2Provider(amazon.config, Tag(waker="kept", hub="gone"), clock.monotonic)
    await gone.create(HOST)
    orphans = Orphans({"hub": mine}, clock, destroy=False)
    for _ in range(3):
        await orphans.look()
        await clock.sleep(EVERY)
    assert [(each.hub, each.state) for each in orphans.seen] == [("gone", "running")]
    assert orphans.seen[0].seen_at == datetime(2026, 3, 1, tzinfo=UTC).timestamp()

    amazon.refused["DescribeInstances"] = (503, "Unavailable", "down")
    await orphans.look()
    assert len(orphans.seen) == 1, "what can't be seen now stays as it was seen last"
    amazon.reset()
    await gone.destroy()
    for each in (mine, gone):
        await each.close()


def second_machine(amazon: Amazon) -> str:
    """Have a machine made past our own checks, as when an answer was lost and a token not kept; return its id."""
    client = amazon.client()
    pairs = {WAKER: "orphans", HUB: "hub", MADE: "9999999999.0"}
    tags = [{"Key": key, "Value": value} for key, value in pairs.items()]
    made = client.run_instances(
        ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    client.close()
    return str(made["Instances"][0]["InstanceId"])


# --- what a machine is made with


async def test_a_machine_is_made_as_the_config_says(amazon: Amazon) -> None:
    client = amazon.client()
    subnet = client.describe_subnets()["Subnets"][0]
    group = client.create_security_group(GroupName="hubs", Description="hubs", VpcId=subnet["VpcId"])["GroupId"]
    client.close()
    config = Ec2Config(
        region="eu-central-1",
        endpoint_url=amazon.url,
        image=IMAGE,
        type="t3.medium",
        subnet=subnet["SubnetId"],
        security_groups=(group,),
        address="public",
        port=9000,
    )
    provider = Ec2Provider(config, Tag(waker="made", hub="hub"))
    await provider.create(HOST)
    [machine] = amazon.machines("made")
    assert (machine["InstanceType"], machine["SubnetId"]) == ("t3.medium", subnet["SubnetId"])
    assert [each["GroupId"] for each in machine["SecurityGroups"]] == [group]
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    tags = {pair["Key"]: pair["Value"] for pair in machine["Tags"]}
    assert (tags[WAKER], tags[HUB], tags["Name"]) == ("made", "hub", "agenthost-hub")
    described = await provider.describe()
    assert described.url == f"http://{machine['PublicIpAddress']}:9000"
    await provider.destroy()
    await provider.close()


async def test_more_than_amazon_takes_is_refused_before_it_is_asked(amazon: Amazon) -> None:
    provider = Ec2Provider(amazon.config, Tag(waker="large", hub="hub"))
    large = Host(files=[File(path="/etc/agenthost/model", content=os.urandom(LARGEST))])
    with pytest.raises(ProviderFault, match="put large files into the image"):
        await provider.create(large)
    assert "RunInstances" not in amazon.asked
    await provider.close()


def test_without_amazons_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartError, match=r"pip install 'agenthost\[ec2\]'"):
        Ec2Provider(Ec2Config(region="eu-central-1"), Tag(waker="w", hub="hub"))


async def test_without_keys_it_is_said_so(amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    provider = Ec2Provider(amazon.config, Tag(waker="w", hub="hub"))
    with pytest.raises(ProviderFault, match="Unable to locate credentials"):
        await provider.describe()
    await provider.close()
