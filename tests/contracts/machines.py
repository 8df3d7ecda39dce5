"""Providers as their contract sees them, each with a machine, and a world around it that can be made to misbehave."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from hub.testing import FakeClock
from hub.waker.providers import File, Host, Provider, ProviderFault, State, Tag
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
from tests.waker.engine import Engine
from tests.waker.flyio import TOKEN, Fly
from tests.waker.runpod import KEY, RunPod
from tests.waker.sleeper import Machine
from tests.waker.units import Units

HOST = Host(files=[File(path="/etc/agenthost/waker.token", content=b"s3cret-of-the-hub")], command=["agenthost", "run"])
WITHIN = 10.0
FAR = ("ec2", "fly", "http")
"""Between these and their machines answers can be lost."""
DOUBTFUL = ("command", "systemd", "docker", "fake", *FAR)
"""These may say what isn't so."""
KINDS = ("process", "qemu", *DOUBTFUL)


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
        return counted(self._count)

    async def reaped(self) -> None:
        """Wait until Python has noticed that it has ended, too: it warns of a process that's forgotten before."""
        await ended(self.provider)


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
        return counted(self._count)

    async def reaped(self) -> None:
        """Wait until Python has noticed that it has ended."""
        await ended(self.provider._process)

    async def passes(self, seconds: float) -> None:
        """Ask again for a stop that takes its time, as the waker does."""
        if (await self.provider.describe()).state == "stopping":
            await self.provider.stop()


def counted(file: Path) -> int:
    """Return how many processes have begun, once the first has said so."""
    until = time.monotonic() + WITHIN
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    return len(file.read_text())


async def ended(provider: ProcessProvider) -> None:
    """Wait for a provider's process, which is ending."""
    if provider._process is not None:
        await provider._process.wait()


NEAR: dict[str, Callable[[Path], Any]] = {
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
            await stage.reaped()
        await stage.provider.close()
        await world.aclose()
        if served:
            served.stop()


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
