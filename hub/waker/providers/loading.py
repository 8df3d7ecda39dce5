"""The provider that a hub's section names; its libraries are loaded only for it."""

from pathlib import Path

from hub.waker.config import HubConfig
from hub.waker.providers import Provider
from hub.waker.providers.command import CommandProvider
from hub.waker.providers.process import ProcessProvider


def provider_of(hub: HubConfig, data: Path) -> Provider:
    """Return a hub's provider; `data` is the waker's folder."""
    if hub.provider == "process":
        return ProcessProvider(hub.command, data / f"{hub.name}.process")
    return CommandProvider(start=hub.start, stop=hub.stop, state=hub.state)
