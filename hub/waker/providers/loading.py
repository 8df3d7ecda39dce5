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
    found: Provider
    tag = Tag(waker=waker, hub=hub.name)
    match hub.provider:
        case "process":
            found = ProcessProvider(hub.command, data / f"{hub.name}.process")
        case "command":
            found = CommandProvider(start=hub.start, stop=hub.stop, state=hub.state)
        case "systemd":
            found = SystemdProvider(hub.systemd)
        case "docker":
            found = DockerProvider(hub.docker, hub.name)
        case "qemu":
            found = QemuProvider(hub.qemu, hub.name, data)
        case "ec2":
            found = Ec2Provider(hub.ec2, tag)
        case "fly":
            found = FlyProvider(hub.fly, tag)
        case "http":
            found = HttpProvider(hub.http)
    return found
