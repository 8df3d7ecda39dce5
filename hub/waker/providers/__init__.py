"""What starts and stops the machine, or just the process, that a hub runs on."""

from typing import Literal, Protocol

from msgspec import Struct

State = Literal["running", "starting", "stopping", "stopped", "missing"]
"""missing: there's no such machine, so that it has to be made, or started from nothing."""


class Described(Struct, frozen=True, kw_only=True):
    """How a hub's machine is, by its provider's own account."""

    state: State
    url: str = ""
    """Where the hub answers there; empty: where the config says."""
    detail: str = ""


class ProviderFault(Exception):
    """A provider didn't do what it was asked, or can't be asked; the text says why."""


class Provider(Protocol):
    """Starts and stops one hub's machine. What it answers isn't believed: it's asked by `describe` what came of it."""

    async def describe(self) -> Described:
        """Say how the machine is; raises ProviderFault."""

    async def start(self) -> None:
        """Have it started. Asked again while it starts, or runs, it's no error. Raises ProviderFault."""

    async def stop(self) -> None:
        """Have it stopped. Asked again while it stops, or is stopped, it's no error. Raises ProviderFault."""

    async def close(self) -> None:
        """Let go of connections; the machine stays as it is."""
