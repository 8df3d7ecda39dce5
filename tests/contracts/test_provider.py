"""One suite over every provider: it isn't believed, what it's asked twice is done once, and secrets stay hidden."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from hub.testing import FakeClock
from hub.waker.providers import (
    Creating,
    File,
    Forgetting,
    Host,
    Priced,
    Provider,
    ProviderFault,
    State,
    Tag,
    Tagged,
)
from hub.waker.providers.command import CommandProvider
from hub.waker.providers.docker import DockerConfig, DockerProvider
from hub.waker.providers.ec2 import Ec2Provider
from hub.waker.providers.fly import FlyProvider
from hub.waker.providers.http import HttpProvider
from hub.waker.providers.process import ProcessProvider
from hub.waker.providers.qemu import QemuConfig, QemuProvider
from hub.waker.providers.systemd import SystemdConfig, SystemdProvider
from tests.waker import machine
from tests.waker.amazon import KEYS, Amazon
from tests.waker.cloudconfig import files_of
from tests.waker.engine import Engine
from tests.waker.flyio import TOKEN, Fly
from tests.waker.runpod import KEY, RunPod
from tests.waker.sleeper import Machine
from tests.waker.units import Units

HOST = Host(files=[File(path="/etc/agenthost/waker.token", content=b"s3cret-of-the-hub")], command=["agenthost", "run"])
WITHIN = 10.0


class Stage(Protocol):
    """A provider with a stopped machine, and a world around it that can be made to misbehave."""

    provider: Provider
    secret: str

    def starts(self) -> int:
        """Return how often the machine was really started since it was last stopped at first."""

    def lie(self) -> None:
        """From here on say yes, and do nothing."""

    def lose(self) -> None:
        """Do the next start and stop, and lose the answer."""

    def break_down(self) -> None:
        """Fail whatever is asked, with the secret in the words where there's one."""

    def vanish(self) -> None:
        """Have no machine any more."""

    async def passes(self, seconds: float) -> None:
        """Let time pass."""


class Ticking:
    """A time that tests move."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time

    async def passes(self, seconds: float) -> None:
        self.time += seconds


class OfProcess(Ticking):
    """A process that sleeps."""

    secret = ""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._count = folder / "starts"
        program = f"open({str(self._count)!r}, 'a').write('x'); import time; time.sleep(600)"
        self.provider = ProcessProvider([sys.executable, "-c", program], folder / "hub.process")

    def starts(self) -> int:
        until = time.monotonic() + WITHIN
        while not self._count.exists() and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)
        return len(self._count.read_text())


class OfCommand(Ticking):
    """Three commands over a folder: a file that says how it is."""

    secret = ""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._state, self._count, self._broken = folder / "state", folder / "starts", folder / "broken"
        self._state.write_text("stopped")
        self._lies = folder / "lies"
        shell = ["/bin/sh", "-c"]
        guard = f"[ -e {self._broken} ] && exit 3; [ -e {self._lies} ] && exit 0;"
        start = (
            f"{guard} [ $(cat {self._state}) = running ] || printf x >> {self._count}; printf running > {self._state}"
        )
        self.provider = CommandProvider(
            start=[*shell, start],
            stop=[*shell, f"{guard} printf stopped > {self._state}"],
            state=[*shell, f"[ -e {self._broken} ] && exit 3; cat {self._state}"],
        )

    def starts(self) -> int:
        return len(self._count.read_text())

    def lie(self) -> None:
        self._lies.touch()

    def break_down(self) -> None:
        self._broken.touch()

    def vanish(self) -> None:
        self._state.write_text("missing")


class OfFake(Ticking):
    """What stands for a provider in the waker's own tests."""

    secret = ""

    def __init__(self) -> None:
        super().__init__()
        self.provider = Machine(FakeClock())

    def starts(self) -> int:
        return self.provider.starts if self.provider.state == "running" else 0

    def lie(self) -> None:
        self.provider.lies = True

    def break_down(self) -> None:
        self.provider.fault = "it's down"

    def vanish(self) -> None:
        self.provider.state = "missing"


class OfAmazon(Ticking):
    """A machine of moto's, made and stopped."""

    secret = KEYS["AWS_SECRET_ACCESS_KEY"]

    def __init__(self, amazon: Amazon, waker: str) -> None:
        super().__init__()
        self.amazon, self.waker = amazon, waker
        self.provider = Ec2Provider(amazon.config, Tag(waker=waker, hub="hub"), self)

    def starts(self) -> int:
        return self.amazon.asked.count("StartInstances")

    def lie(self) -> None:
        self.amazon.lies |= {"StartInstances", "StopInstances"}

    def lose(self) -> None:
        self.amazon.lost += ["StartInstances", "StopInstances"]

    def break_down(self) -> None:
        for action in ("DescribeInstances", "StartInstances", "StopInstances"):
            self.amazon.refused[action] = (503, "Unavailable", "The service is unavailable")

    def vanish(self) -> None:
        ids = [each["InstanceId"] for each in self.amazon.machines(self.waker)]
        client = self.amazon.client()
        client.terminate_instances(InstanceIds=ids)
        client.close()


class OfFly(Ticking):
    """A machine of Fly's stand-in."""

    secret = TOKEN

    def __init__(self, fly: Fly) -> None:
        super().__init__()
        self.fly, self.waker = fly, "w"
        fly.now = self
        fly.put("agenthost-w-hub", {"agenthost_waker": "w", "agenthost_hub": "hub"}, "stopped")
        self.provider = FlyProvider(fly.config, Tag(waker="w", hub="hub"), self)

    def starts(self) -> int:
        return self.fly.asked.count("start")

    def lie(self) -> None:
        self.fly.lies |= {"start", "stop"}

    def lose(self) -> None:
        self.fly.lost += ["start", "stop"]

    def break_down(self) -> None:
        self.fly.broken = (503, f"unavailable: {TOKEN}")

    def vanish(self) -> None:
        self.fly.machines.clear()


class OfHttp(Ticking):
    """A pod of RunPod's stand-in."""

    secret = KEY

    def __init__(self, pod: RunPod) -> None:
        super().__init__()
        self.pod = pod
        self.provider = HttpProvider(pod.config, self)

    def starts(self) -> int:
        return self.pod.asked.count("start")

    def lie(self) -> None:
        self.pod.lies |= {"start", "stop"}

    def lose(self) -> None:
        self.pod.lost += ["start", "stop"]

    def break_down(self) -> None:
        self.pod.broken = (500, f"internal error at {KEY}")

    def vanish(self) -> None:
        self.pod.there = False


class OfSystemd(Ticking):
    """A unit of systemctl's stand-in."""

    secret = ""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.units = Units(folder)
        self.provider = SystemdProvider(SystemdConfig(unit="agenthost.service", systemctl=str(self.units.program)))

    def starts(self) -> int:
        return self.units.starts

    def lie(self) -> None:
        self.units.change(Lies="yes")

    def break_down(self) -> None:
        self.units.change(Broken="Failed to connect to bus: Host is down")

    def vanish(self) -> None:
        self.units.be(LoadState="not-found")


class OfDocker(Ticking):
    """A container of Docker Engine's stand-in."""

    secret = ""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.provider = DockerProvider(DockerConfig(socket=str(engine.socket), container="hub"), "hub")

    def starts(self) -> int:
        return self.engine.starts

    def lie(self) -> None:
        self.engine.lies = True

    def break_down(self) -> None:
        self.engine.broken = "driver failed"

    def vanish(self) -> None:
        self.engine.there = False


class OfQemu(Ticking):
    """A machine of QEMU's own without anything in it, which heeds no button and so is turned off."""

    secret = ""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._count = folder / "starts"
        program = folder / "qemu"
        program.write_text(f'#!/bin/sh\nprintf x >> {self._count}\nexec {machine.needed()} "$@"\n')
        program.chmod(0o700)
        config = QemuConfig(program=str(program), arguments=("-machine", "none", "-nodefaults"), stop_seconds=1)
        self.provider = QemuProvider(config, "hub", folder)

    def starts(self) -> int:
        return len(self._count.read_text())

    async def passes(self, seconds: float) -> None:
        """Ask again for a stop that takes its time, as the waker does."""
        if (await self.provider.describe()).state == "stopping":
            await self.provider.stop()


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


NEAR: dict[str, Callable[[Path], Stage]] = {
    "process": OfProcess,
    "command": OfCommand,
    "systemd": OfSystemd,
    "qemu": OfQemu,
}


@asynccontextmanager
async def on_stage(kind: str, folder: Path, amazon: Callable[[], Amazon]) -> AsyncIterator[Any]:
    served: Fly | RunPod | None = None
    world = AsyncExitStack()
    stage: Any
    match kind:
        case "process" | "command" | "systemd" | "qemu":
            stage = NEAR[kind](folder)
        case "docker":
            stage = OfDocker(await world.enter_async_context(Engine(folder)))
        case "fake":
            stage = OfFake()
        case "ec2":
            stage = OfAmazon(amazon(), folder.name.replace("_", "-")[-32:].strip("-"))
            await stage.provider.create(HOST)
            await stage.provider.stop()
            await stage.passes(60)
        case "fly":
            served = Fly()
            stage = OfFly(served)
        case _:
            served = RunPod()
            stage = OfHttp(served)
    if served:
        served.start()
    try:
        yield stage
    finally:
        with suppress(ProviderFault):
            await stage.provider.stop()
        if kind in {"process", "qemu"}:
            await becomes(stage, "stopped")
        await stage.provider.close()
        await world.aclose()
        if served:
            served.stop()


FAR = ("ec2", "fly", "http")
"""Between these and their machines answers can be lost."""
DOUBTFUL = ("command", "systemd", "docker", "fake", *FAR)
"""These may say what isn't so."""
KINDS = ("process", "qemu", *DOUBTFUL)


@pytest.fixture(params=KINDS)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with on_stage(request.param, tmp_path, lambda: request.getfixturevalue("amazon")) as stage:
        yield stage


async def becomes(stage: Stage, *states: State) -> State:
    """Wait until the provider says one of these."""
    until = time.monotonic() + WITHIN
    while True:
        found = (await stage.provider.describe()).state
        if found in states:
            return found
        assert time.monotonic() < until, f"{found}, not {states}"
        await asyncio.sleep(0.02)
        await stage.passes(1.1)


async def test_it_is_stopped_and_runs_once_started_and_is_stopped_again(stage: Stage) -> None:
    assert (await stage.provider.describe()).state == "stopped"
    await stage.provider.start()
    await becomes(stage, "running")
    await stage.provider.stop()
    await becomes(stage, "stopped")


async def test_asked_twice_it_is_started_once(stage: Stage) -> None:
    await stage.provider.start()
    await stage.provider.start()
    await becomes(stage, "running")
    await stage.passes(30)
    await stage.provider.start()
    assert await becomes(stage, "running") == "running"
    if not isinstance(stage.provider, Machine):
        assert stage.starts() == 1


async def test_a_stop_of_what_is_stopped_is_no_error(stage: Stage) -> None:
    await stage.provider.stop()
    await stage.passes(30)
    await stage.provider.stop()
    await becomes(stage, "stopped")


async def test_started_and_stopped_often_it_is_as_it_was_asked_last(stage: Stage) -> None:
    for _ in range(3):
        await stage.provider.start()
        await becomes(stage, "running")
        await stage.provider.stop()
        await becomes(stage, "stopped")


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_a_yes_that_did_nothing_is_seen_through(stage: Stage) -> None:
    stage.lie()
    await stage.provider.start()
    await stage.passes(30)
    assert (await stage.provider.describe()).state == "stopped"


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_a_stop_that_did_nothing_is_seen_through(stage: Stage) -> None:
    await stage.provider.start()
    await becomes(stage, "running")
    stage.lie()
    await stage.provider.stop()
    await stage.passes(2)
    assert (await stage.provider.describe()).state == "running"


@pytest.mark.parametrize("stage", FAR, indirect=True)
async def test_a_lost_answer_is_a_fault_and_what_was_done_is_seen(stage: Stage) -> None:
    stage.lose()
    with pytest.raises(ProviderFault):
        await stage.provider.start()
    await becomes(stage, "running")
    with pytest.raises(ProviderFault):
        await stage.provider.stop()
    await becomes(stage, "stopped")


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_what_goes_wrong_is_a_fault_in_words_without_the_secret(stage: Stage) -> None:
    stage.break_down()
    for ask in (stage.provider.describe, stage.provider.start, stage.provider.stop):
        await stage.passes(30)
        with pytest.raises(ProviderFault) as fault:
            await ask()
        assert str(fault.value)
        assert not stage.secret or stage.secret not in str(fault.value)
        assert stage.secret not in repr(fault.value.__cause__) or not stage.secret


@pytest.mark.parametrize("stage", DOUBTFUL, indirect=True)
async def test_what_is_gone_is_missing_and_its_stop_is_no_error(stage: Stage) -> None:
    stage.vanish()
    await stage.passes(30)
    await becomes(stage, "missing")
    await stage.provider.stop()
    if isinstance(stage.provider, Creating | HttpProvider):
        with pytest.raises(ProviderFault, match="there's no machine"):
            await stage.provider.start()


# --- abilities that some have


@pytest.fixture(params=("ec2", "fly"))
async def creating(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with on_stage(request.param, tmp_path, lambda: request.getfixturevalue("amazon")) as stage:
        await stage.provider.destroy()
        await stage.passes(30)
        yield stage
        await stage.provider.destroy()


async def test_made_twice_there_is_one_machine(creating: Any) -> None:
    provider = creating.provider
    assert isinstance(provider, Creating)
    assert isinstance(provider, Tagged)
    await becomes(creating, "missing")
    await provider.create(HOST)
    await provider.create(HOST)
    await becomes(creating, "running")
    assert [each.hub for each in await provider.found()] == ["hub"]
    assert (await provider.describe()).url.startswith("http://")


async def test_made_with_its_answer_lost_there_is_one_machine(creating: Any) -> None:
    lost = creating.amazon.lost if isinstance(creating, OfAmazon) else creating.fly.lost
    lost += ["RunInstances"] if isinstance(creating, OfAmazon) else ["create"]
    with suppress(ProviderFault):
        await creating.provider.create(HOST)
    await creating.provider.create(HOST)
    await becomes(creating, "running")
    assert len(await creating.provider.found()) == 1


async def test_destroyed_twice_it_is_gone(creating: Any) -> None:
    await creating.provider.create(HOST)
    await becomes(creating, "running")
    await creating.provider.destroy()
    await creating.provider.destroy()
    await becomes(creating, "missing")
    assert await creating.provider.found() == ()


async def test_what_it_is_made_with_is_in_no_fault(creating: Any) -> None:
    creating.break_down()
    if isinstance(creating, OfAmazon):
        creating.amazon.refused["RunInstances"] = (400, "InvalidParameterValue", "UserData is invalid")
    with pytest.raises(ProviderFault) as fault:
        await creating.provider.create(HOST)
    assert "s3cret" not in str(fault.value)
    creating.amazon.reset() if isinstance(creating, OfAmazon) else setattr(creating.fly, "broken", None)


async def test_machines_of_other_hubs_of_the_same_waker_are_found_and_those_of_other_wakers_are_not(
    creating: Any,
) -> None:
    others = {"other-hub": creating.waker, "hub": "other-waker"}
    made = []
    for hub, waker in others.items():
        tag = Tag(waker=waker, hub=hub)
        other: Any = (
            Ec2Provider(creating.amazon.config, tag, creating)
            if isinstance(creating, OfAmazon)
            else FlyProvider(creating.fly.config, tag, creating)
        )
        await other.create(HOST)
        made.append(other)
    await creating.passes(30)
    found = await creating.provider.found()
    assert [each.hub for each in found] == ["other-hub"]
    await becomes(creating, "missing")
    await creating.provider.discard(found[0].id)
    await creating.provider.discard(found[0].id)
    await creating.passes(30)
    assert await creating.provider.found() == ()
    for other in made:
        await other.destroy()
        await other.close()


async def test_what_a_machine_was_made_with_is_forgotten(tmp_path: Path, amazon: Amazon) -> None:
    async with on_stage("ec2", tmp_path, lambda: amazon) as stage:
        assert isinstance(stage.provider, Forgetting)
        assert HOST.files[0].content in made_with(amazon, stage.waker)
        await stage.provider.forget()
        await stage.provider.forget()
        assert made_with(amazon, stage.waker) == []
        await stage.provider.destroy()


def made_with(amazon: Amazon, waker: str) -> list[bytes]:
    """Return what files Amazon keeps of those that a machine was made with."""
    [machine] = amazon.machines(waker)
    return [file.content for file in files_of(amazon.user_data(machine["InstanceId"])).values()]


async def test_a_price_that_its_provider_says_is_known(tmp_path: Path) -> None:
    async with on_stage("http", tmp_path, Amazon) as stage:
        assert isinstance(stage.provider, Priced)
        assert await stage.provider.price() == 3.29
