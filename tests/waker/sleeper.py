"""A hub that sleeps, its provider and its word, all on a clock that a test moves."""

from collections.abc import Sequence
from pathlib import Path

from hub.testing import FakeClock, settle
from hub.waker.config import HubConfig
from hub.waker.peer import Report
from hub.waker.power import Power
from hub.waker.providers import Described, ProviderFault, State
from hub.waker.spool import Heard, Spool

TOKEN = "t" * 32


class Machine:
    """A provider's machine: it does what it's asked after a while, or doesn't."""

    def __init__(self, clock: FakeClock, *, boots: float = 1.0) -> None:
        self._clock = clock
        self.boots = boots
        """Seconds from the asking to the answering."""
        self.state: State = "stopped"
        self.starts = 0
        self.started_at: list[float] = []
        self.stops = 0
        self.lies = False
        """It says yes and does nothing."""
        self.fault = ""
        self.dies = False
        """Whatever it starts ends at once."""
        self.costs: float | None = None
        """What an hour costs by its provider; None: it doesn't say."""
        self.loses = False
        """It does what it's asked, and its answer is lost."""
        self.free: tuple[State, ...] = ()
        """States that its provider takes nothing for."""
        self._up_at = 0.0

    async def describe(self) -> Described:
        if self.fault:
            raise ProviderFault(self.fault)
        detail = "it ended with 1" if self.dies and self.state == "stopped" else ""
        return Described(state=self.state, detail=detail, billed=self.state not in self.free)

    async def start(self) -> None:
        if self.fault:
            raise ProviderFault(self.fault)
        self.starts += 1
        self.started_at.append(self._clock.monotonic())
        if not self.lies and not self.dies and self.state != "running":
            self.state = "running"
            self._up_at = self._clock.monotonic() + self.boots
        if self.loses:
            raise ProviderFault("its answer was lost")

    async def price(self) -> float | None:
        return self.costs

    async def stop(self) -> None:
        if self.fault:
            raise ProviderFault(self.fault)
        self.stops += 1
        if not self.lies:
            self.state = "stopped"

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def answers(self) -> bool:
        return self.state == "running" and self._clock.monotonic() >= self._up_at


class Word:
    """What the hub says of itself."""

    def __init__(self, machine: Machine, clock: FakeClock) -> None:
        self._machine = machine
        self._clock = clock
        self.busy: tuple[str, ...] = ()
        self.idle = 0.0
        self.next_due: float | None = None
        self.guests: tuple[tuple[str, str], ...] | None = (("key", "hash"),)
        self.silent = False
        self.drains = 0
        self.taken: list[int] = []
        self.refuses = False
        self.ponders = False
        """It doesn't say yet whether it may be stopped."""

    async def report(self) -> Report | None:
        if self.silent or not self._machine.answers:
            return None
        return Report(
            boot="b", ready=True, busy=self.busy, idle_seconds=self.idle, next_due=self.next_due, guests=self.guests
        )

    async def drain(self) -> bool:
        self.drains += 1
        while self.ponders:
            await self._clock.sleep(0.5)
        return not self.busy

    async def take(self, heard: Sequence[Heard]) -> tuple[int, ...] | None:
        if self.refuses or not self._machine.answers:
            return None
        self.taken += [int(each.key) for each in heard]
        return tuple(each.id for each in heard)

    async def close(self) -> None:
        """Nothing is held."""


class Sleeper:
    """A hub's power with all around it."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.clock = FakeClock()
        self.machine = Machine(self.clock)
        self.word = Word(self.machine, self.clock)
        self.spool = Spool(folder / "waker.db")
        self.spool.open()
        self.told: list[str] = []
        self.people = 1
        """Who waits and hasn't been told yet."""
        self.heard_of_it = 0
        self._hub = HubConfig(name="hub", token=TOKEN, command=("hub",), **config)  # type: ignore[arg-type]
        self.power = self.new_power()

    def new_power(self) -> Power:
        """Return a power over the same machine that knows of it only what's kept."""
        return Power(
            self._hub,
            provider=self.machine,
            peer=self.word,  # type: ignore[arg-type] # it answers as a peer does
            spool=self.spool,
            clock=self.clock,
            failed=self._told,
        )

    @property
    def state(self) -> str:
        """The power's, as it is now."""
        return self.power.state

    async def _told(self, text: str, first: bool) -> None:
        self.heard_of_it += first
        if self.people:
            self.told += [text] * self.people
            self.people = 0

    async def met(self) -> None:
        """Have the waker know the hub, so that it needn't be woken to be met."""
        await self.spool.meet("hub", [("key", "hash")])
        await self.spool.mark("met:hub", "b")

    async def hears(self, key: str) -> None:
        """Have somebody known say something that the spool keeps."""
        heard = Heard(hub="hub", account="a", key=key, lane="l", body=b"{}", wakes=True, at=0.0)
        await self.spool.put(heard)

    async def passes(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass, a little at a time, and everything that's due in it happen."""
        left = seconds
        while left > 0:
            await self.quiet()
            await self.clock.advance(min(step, left))
            left -= step
        await self.quiet()

    async def quiet(self) -> None:
        """Let the spool's thread answer, and what waits for it go on."""
        for _ in range(12):
            await self.spool.marked("")
            await settle()
