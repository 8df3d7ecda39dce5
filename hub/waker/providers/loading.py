"""The provider that a hub's section names; its libraries are loaded only for it."""

from pathlib import Path

from hub.waker.config import HubConfig
from hub.waker.providers import Provider
from hub.waker.providers.command import CommandProvider
from hub.waker.providers.docker import DockerProvider
from hub.waker.providers.process import ProcessProvider
from hub.waker.providers.qemu import QemuProvider
from hub.waker.providers.systemd import SystemdProvider


def provider_of(hub: HubConfig, data: Path) -> Provider:
    """Return a hub's provider; `data` is the waker's folder."""
    if hub.provider == "process":
        return ProcessProvider(hub.command, data / f"{hub.name}.process")
    if hub.provider == "docker":
        return DockerProvider(hub.docker, hub.name)
    if hub.provider == "systemd":
        return SystemdProvider(hub.systemd)
    if hub.provider == "qemu":
        return QemuProvider(hub.qemu, hub.name, data)
    return CommandProvider(start=hub.start, stop=hub.stop, state=hub.state)
