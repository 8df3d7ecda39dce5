"""The provider that a hub's section names; its libraries are loaded only for it."""

from pathlib import Path

from hub.waker.config import HubConfig
from hub.waker.providers import Provider, Tag
from hub.waker.providers.command import CommandProvider
from hub.waker.providers.docker import DockerProvider
from hub.waker.providers.ec2 import Ec2Provider
from hub.waker.providers.fly import FlyProvider
from hub.waker.providers.http import HttpProvider
from hub.waker.providers.process import ProcessProvider
from hub.waker.providers.qemu import QemuProvider
from hub.waker.providers.systemd import SystemdProvider


def provider_of(hub: HubConfig, data: Path, waker: str) -> Provider:
    """Return a hub's provider; `data` is the waker's folder, `waker` its name. Raises StartError."""
    match hub.provider:
        case "process":
            return ProcessProvider(hub.command, data / f"{hub.name}.process")
        case "command":
            return CommandProvider(start=hub.start, stop=hub.stop, state=hub.state)
        case "systemd":
            return SystemdProvider(hub.systemd)
        case "docker":
            return DockerProvider(hub.docker, hub.name)
        case "qemu":
            return QemuProvider(hub.qemu, hub.name, data)
        case "ec2":
            return Ec2Provider(hub.ec2, Tag(waker=waker, hub=hub.name))
        case "fly":
            return FlyProvider(hub.fly, Tag(waker=waker, hub=hub.name))
        case "http":
            return HttpProvider(hub.http)
