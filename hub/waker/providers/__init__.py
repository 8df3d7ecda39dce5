"""What starts and stops the machine, or just the process, that a hub runs on."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

State = Literal["running", "starting", "stopping", "stopped", "missing"]
"""missing: there's no such machine, so that it has to be made, or started from nothing."""


class Described(Struct, frozen=True, kw_only=True):
    """How a hub's machine is, by its provider's own account."""

    state: State
    url: str = ""
    """Where the hub answers there; empty: where the config says."""
    detail: str = ""
    billed: bool = True
    """Its provider wants money for this moment, if it isn't stopped or missing."""


class Tag(Struct, frozen=True, kw_only=True):
    """What a machine carries so that it's known again, whatever became of the answer to its making."""

    waker: str
    hub: str


class Found(Struct, frozen=True, kw_only=True):
    """A machine that carries a waker's tag."""

    id: str
    hub: str
    state: State
    born: float
    """When it was made, in seconds since 1970."""


class File(Struct, frozen=True, kw_only=True):
    """A file that a machine is made with; only its owner there may read it."""

    path: str
    content: bytes


class Host(Struct, frozen=True, kw_only=True):
    """What a machine is made with, so that a hub runs on it."""

    files: Sequence[File]
    setup: Sequence[str] = ()
    """Lines for the machine's shell, once, before the hub is started."""
    command: Sequence[str] = ()
    """What runs the hub."""


class ProviderFault(Exception):
    """A provider didn't do what it was asked, or can't be asked; the text says why."""


class Uncertain(ProviderFault):
    """A provider's answer was lost: perhaps it did what it was asked, and `describe` will say so."""


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


@runtime_checkable
class Creating(Protocol):
    """A provider that makes machines."""

    async def create(self, host: Host) -> None:
        """Have a machine made and started, unless there's one with the hub's tag. Raises ProviderFault.

        Asked again, whatever became of the first answer, there's still one machine.
        """

    async def destroy(self) -> None:
        """Have every machine with the hub's tag destroyed; none is no error. Raises ProviderFault."""


@runtime_checkable
class Forgetting(Protocol):
    """A provider that keeps what a machine was made with, its secrets too, until it's told not to."""

    async def forget(self) -> None:
        """Have it forgotten; the machine must be stopped. Done twice it's as done once. Raises ProviderFault."""


@runtime_checkable
class Priced(Protocol):
    """A provider that may know what its machine costs."""

    async def price(self) -> float | None:
        """Return what an hour costs; None: it doesn't say. Raises ProviderFault."""


@runtime_checkable
class Tagged(Protocol):
    """A provider whose machines carry tags, so that one that nobody owns is found."""

    place: str
    """Names the account or region that's looked at: the same for all hubs whose machines are found together."""

    async def found(self) -> tuple[Found, ...]:
        """Return every machine in that place with this waker's tag, whichever hub it's of. Raises ProviderFault."""

    async def discard(self, id: str) -> None:
        """Have a machine that was found destroyed; one that's gone is no error. Raises ProviderFault."""


def chosen(found: Sequence[Found], hub: str) -> Found | None:
    """Return which of several machines is a hub's own: the oldest. What's left over is nobody's."""
    own = sorted((each for each in found if each.hub == hub), key=lambda each: (each.born, each.id))
    return own[0] if own else None
