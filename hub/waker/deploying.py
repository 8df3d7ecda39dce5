"""Makes a hub's machine, waits until the hub on it answers signed, and has its provider forget the secrets."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from hub.errors import StartError
from hub.ports.time import Clock
from hub.waker.config import HubConfig
from hub.waker.peer import Report
from hub.waker.providers import Creating, Described, Forgetting, Host, Provider, ProviderFault

LOOK = 2.0
STOPPING = 300.0
"""Seconds that a machine is given to stop, or to go."""


class Answering(Protocol):
    """A hub that may be up."""

    async def report(self) -> Report | None:
        """Return how it is; None: it can't be asked."""


def creating(hub: HubConfig, provider: Provider) -> Creating:
    """Return a hub's provider as one that makes machines; raises StartError."""
    if not isinstance(provider, Creating):
        raise StartError(f"hubs.provider: {hub.provider!r} makes no machines; ec2 and fly do")
    return provider


class Deployment:
    """One hub's machine, as `agenthost deploy` makes and destroys it."""

    def __init__(self, hub: HubConfig, provider: Provider, clock: Clock, say: Callable[[str], None]) -> None:
        """`say` tells who waits."""
        self._hub = hub
        self._provider = provider
        self._clock = clock
        self._say = say
        self.url = hub.url
        """Where the hub answers, by what's known of it now."""

    async def make(self, host: Host, peer: Answering, seconds: float) -> None:
        """Have the machine made and the hub up within so long, then asleep; raises StartError, ProviderFault.

        `peer` asks the hub at `url`.
        """
        provider = creating(self._hub, self._provider)
        before = await self._provider.describe()
        if before.state == "missing":
            self._say("Making the machine ...")
            await provider.create(host)
        else:
            self._say(f"There's a machine already ({before.detail or before.state}): its config stays as it is.")
            if before.state == "stopped":
                await self._provider.start()
        await self._answering(peer, seconds)
        self._say(f"The hub answers at {self.url}")
        if isinstance(self._provider, Forgetting):
            await self._forgetting(self._provider)

    async def destroy(self) -> None:
        """Have the machine destroyed, with all that's on it; raises StartError, ProviderFault."""
        await creating(self._hub, self._provider).destroy()
        if await self._until(lambda found: found.state == "missing", STOPPING, self._nothing) is None:
            raise StartError(
                f"hub {self._hub.name}: its provider still has a machine after {STOPPING:.0f} s; try it again"
            )

    async def _answering(self, peer: Answering, seconds: float) -> None:
        async def up() -> bool:
            report = await peer.report()
            return report is not None and report.ready

        self._say(f"Waiting for the hub, {seconds:.0f} s at most ...")
        ends = {"stopped", "missing"}
        found = await self._until(lambda found: found.state in ends, seconds, up)
        if found is None or found.state in ends:
            how = "it didn't answer" if found is None else f"its machine is {found.state} ({found.detail})"
            raise StartError(
                f"hub {self._hub.name}: {how}; a machine that runs costs money: look at its console, or destroy it "
                f"with: agenthost deploy --destroy {self._hub.name}"
            )

    async def _forgetting(self, provider: Forgetting) -> None:
        """What a machine was made with can be read by whoever may look at it: it's stopped, and that's taken back."""
        self._say("Stopping it once, so that its provider forgets the secrets ...")

        async def asked() -> bool:
            await self._provider.stop()
            return False

        if await self._until(lambda found: found.state == "stopped", STOPPING, asked) is None:
            raise StartError(
                f"hub {self._hub.name}: it didn't stop, so its provider still keeps what it was made with; "
                "do it again with: agenthost deploy"
            )
        await provider.forget()

    async def _until(
        self, so: Callable[[Described], bool], seconds: float, or_else: Callable[[], Awaitable[bool]]
    ) -> Described | None:
        """Look until a machine is so, or something else is true; None: neither within so long."""
        until = self._clock.monotonic() + seconds
        fault = ""
        while self._clock.monotonic() < until:
            try:
                found = await self._provider.describe()
                self.url = found.url or self._hub.url
                if so(found) or await or_else():
                    return found
            except ProviderFault as error:
                if str(error) != fault:
                    fault = str(error)
                    self._say(fault)
            await self._clock.sleep(LOOK)
        return None

    async def _nothing(self) -> bool:
        return False
