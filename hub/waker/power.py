"""One hub's power: a single task owns it, everybody else asks and waits.

Started once however many want it, stopped only at its own word that it's idle, and never believed to be what a provider
was asked to make it: the provider is asked again, and the hub itself, with its signature.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator
from typing import Any, Literal

from hub.ports.time import Clock
from hub.waker.config import HubConfig
from hub.waker.ledger import HOUR, Ledger
from hub.waker.peer import Peer, Report
from hub.waker.providers import Described, Priced, Provider, ProviderFault
from hub.waker.spool import Spool
from hub.waker.telling import Tell, Telling

log = logging.getLogger(__name__)

State = Literal["stopped", "starting", "ready", "draining", "stopping", "failed", "unknown"]
LOOK = 5.0
"""Seconds between two looks at a hub that's up."""
PROBE, LONGEST_PROBE = 0.05, 0.5
"""Seconds between two questions to a hub that starts, whether it's up: a twentieth of what it has taken so far."""
FIRST_DESCRIPTION, LONGEST_DESCRIPTION = 0.1, 0.5
"""Likewise to its provider, whether it's still starting."""
LOST = 30.0
"""Seconds that a hub may be silent while its machine runs, before it's started anew."""
EARLY = 30.0
"""Seconds before the next due time that a hub is up."""
TELLING = "telling"
"""The name of the task that tells people, beside the one that owns the power."""
RECENT = 5
"""Starts that say how long the next may take."""
FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 900.0
RECONCILE = 60.0
"""Seconds between two looks at a machine that should be stopped."""
LEFT_OVER = 10.0
"""Likewise, where a start failed and the machine isn't known to have ended."""
STUBBORN = 30.0
"""Seconds that a failed start's machine is given to end before the next start."""


class Power:
    """Wakes a hub and puts it to sleep."""

    def __init__(
        self,
        hub: HubConfig,
        *,
        provider: Provider,
        peer: Peer,
        spool: Spool,
        clock: Clock,
        failed: Tell,
    ) -> None:
        """`failed` is told, in words for people, that the hub can't be had."""
        self.hub = hub
        self.state: State = "unknown"
        self.detail = ""
        self.url = hub.url
        self.report: Report | None = None
        self.next_due: float | None = None
        """When the hub must be up next by its last word, in seconds since 1970."""
        self.ledger = Ledger(spool, hub.name)
        self._provider = provider
        self._peer = peer
        self._spool = spool
        self._clock = clock
        self._telling = Telling(clock, failed)
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._held = 0
        self._retry_at = 0.0
        self._silent_since: float | None = None
        self._described_at = 0.0
        self._looked_at = 0.0
        self._took = 0.0
        """Seconds that starts have taken lately, the slowest."""

    def wake(self) -> None:
        """Have the hub up soon, if it isn't."""
        self._wanted.set()
        if self.state != "ready":
            self._telling.waits()

    @property
    def failures(self) -> int:
        """How many starts in a row have failed."""
        return self._telling.failures

    async def up(self, seconds: float) -> bool:
        """Have the hub up, and wait for that at most so long; return whether it is."""
        self.wake()
        return await self.seen_up(seconds)

    async def seen_up(self, seconds: float) -> bool:
        """Wait at most so long for the hub to be up, without waking it; return whether it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.state == "ready")
        return self.state == "ready"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Not have the hub stopped within: somebody is asking it something."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def answers(self) -> bool:
        """Ask the hub itself whether it's up."""
        return await self._answers()

    async def run(self) -> None:
        """Own the hub's power until cancelled; the hub stays as it is then."""
        due = await self._spool.marked(f"due:{self.hub.name}")
        self.next_due = float(due) if due else None
        took = max([run.ready - run.began for run in await self.ledger.last(RECENT) if run.ready], default=0.0)
        self._took = min(took, self.hub.start_seconds)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._telling.run(), name=TELLING)
            await self._own()

    async def _own(self) -> None:
        while True:
            match self.state:
                case "unknown":
                    await self._find_out()
                case "stopped" | "failed":
                    await self._rest()
                case "starting":
                    await self._start()
                case "ready":
                    await self._watch()
                case "draining":
                    await self._drain()
                case "stopping":
                    await self._stop()

    # --- one state each

    async def _find_out(self) -> None:
        found = await self._described()
        if found is None or found.state == "stopping":
            await self._clock.sleep(1.0)
        elif found.state in {"stopped", "missing"}:
            await self.ledger.ended(self._clock.now().timestamp())
            await self._be("stopped", found.detail)
        else:
            if await self.ledger.running() is None:
                # Somebody else started it: it costs as much as if we had.
                await self.ledger.began(self._clock.now().timestamp(), await self._price())
            # Else it was being started when the last waker ended: that start is gone on with.
            await self._be("ready" if await self._answers() else "starting")

    async def _rest(self) -> None:
        now = self._clock.now().timestamp()
        if await self._runs_after_all():
            await self._be("unknown")
            return
        _, waking = await self._spool.waiting(self.hub.name)
        due = self.next_due is not None and now >= self.next_due - self._early
        # Who has never met the hub doesn't know whom it knows, and so could never be asked to wake it.
        strange = not await self._spool.marked(f"met:{self.hub.name}")
        if (self._wanted.is_set() or waking or due or strange) and now >= self._retry_at:
            self._telling.waits()
            if why := await self._refused(now):
                self._telling.refused, self._telling.why = True, why
                self._retry_at = now + 60.0
                await self._be("failed", why)
            else:
                self._telling.refused = False
                await self._be("starting")
            return
        wanted = self._wanted.is_set()
        await self._nap(min(1.0, max(0.05, self._retry_at - now)) if wanted else 1.0, awake=wanted)

    async def _runs_after_all(self) -> bool:
        """Look now and then at a machine that should be stopped: one that runs costs money, whoever started it."""
        left_over = await self.ledger.running() is not None
        now = self._clock.monotonic()
        if now - self._looked_at < (LEFT_OVER if left_over else RECONCILE):
            return False
        self._looked_at = now
        found = await self._described()
        if found is None or found.state in {"stopped", "missing"}:
            if found is not None and left_over:
                await self.ledger.ended(self._clock.now().timestamp())
            return False
        if left_over:
            with contextlib.suppress(ProviderFault):
                await self._provider.stop()
            return False
        log.warning("hub %s: its machine is %s, though nobody started it from here", self.hub.name, found.state)
        return found.state != "stopping"

    async def _nap(self, seconds: float, *, awake: bool) -> None:
        """Sleep, unless somebody wants the hub who didn't before."""
        naps: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._clock.sleep(seconds))]
        naps += [] if awake else [asyncio.ensure_future(self._wanted.wait())]
        try:
            await asyncio.wait(naps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for nap in naps:
                nap.cancel()

    async def _start(self) -> None:
        began = self._clock.monotonic()
        run = await self.ledger.running()
        number = run.id if run else await self.ledger.began(self._clock.now().timestamp(), await self._price())
        why = await self._asked_to_start()
        pause, look_at = FIRST_DESCRIPTION, 0.0
        while not why:
            if await self._answers():
                self._took = max(self._took, self._clock.monotonic() - began)
                await self.ledger.ready(number, self._clock.now().timestamp())
                await self._be("ready")
                return
            if (now := self._clock.monotonic()) >= look_at:
                look_at, pause = now + pause, min(pause * 1.3, LONGEST_DESCRIPTION)
                why = await self._ended_early()
            if not why and now - began > self.hub.start_seconds:
                why = f"it didn't answer within {self.hub.start_seconds:.0f} s"
            elif not why:
                await self._clock.sleep(min(max(PROBE, (now - began) / 20), LONGEST_PROBE))
        await self._start_failed(why)

    async def _ended_early(self) -> str:
        """Say that what was just started has ended already, if it's so."""
        found = await self._described()
        if found is None or found.state not in {"stopped", "missing"}:
            return ""
        return f"it ended while it started ({found.detail})" if found.detail else "it ended while it started"

    async def _asked_to_start(self) -> str:
        """Ask for a start, and say why there'll be none: a provider's no is believed as little as its yes."""
        try:
            await self._provider.start()
        except ProviderFault as fault:
            found = await self._described()
            if found is None or found.state not in {"starting", "running"}:
                return str(fault)
            log.warning("hub %s: it starts, though its provider said: %s", self.hub.name, fault)
        return ""

    async def _price(self) -> float:
        """Return what an hour costs, by its provider if it knows."""
        if isinstance(self._provider, Priced):
            with contextlib.suppress(ProviderFault):
                if (price := await self._provider.price()) is not None:
                    return price
        return self.hub.price_per_hour

    async def _start_failed(self, why: str) -> None:
        self._telling.failures, self._telling.why = self.failures + 1, why
        log.warning("hub %s: start %d failed: %s", self.hub.name, self.failures, why)
        # What may be half up costs money, and is in the way of the next start.
        await self._end(why)
        backoff = min(FIRST_BACKOFF * 2 ** (self.failures - 1), LONGEST_BACKOFF)
        self._retry_at = self._clock.now().timestamp() + backoff * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        await self._be("failed", why)

    async def _end(self, why: str) -> None:
        """Have a machine stopped, and its run with it; it goes on costing while nobody says that it has ended."""
        until = self._clock.monotonic() + STUBBORN
        while True:
            with contextlib.suppress(ProviderFault):
                await self._provider.stop()
            found = await self._described()
            if found is not None and found.state in {"stopped", "missing"}:
                await self.ledger.ended(self._clock.now().timestamp(), why)
                return
            if found is None or self._clock.monotonic() >= until:
                return
            await self._clock.sleep(1.0)

    async def _watch(self) -> None:
        _, waking = await self._spool.waiting(self.hub.name)
        self._wanted.clear()
        if not await self._answers():
            await self._miss()
            return
        self._silent_since = None
        now = self._clock.now().timestamp()
        run = await self.ledger.running()
        old = bool(self.hub.lifetime_hours) and run and now - run.began > self.hub.lifetime_hours * HOUR
        if old or (self._idle(now) and not self._held and not waking):
            await self._be("draining", "it has run for so long as it may" if old else "")
            return
        await self._clock.sleep(LOOK)

    def _idle(self, now: float) -> bool:
        """Say whether the hub is idle by its own word, and needn't be up again at once."""
        if self.report is None or self.report.busy or self.report.idle_seconds < self.hub.idle_minutes * 60:
            return False
        return self.report.next_due is None or self.report.next_due - now >= EARLY + self._early

    async def _miss(self) -> None:
        """See what has become of a hub that doesn't answer."""
        found = await self._described()
        now = self._clock.monotonic()
        if found is not None and found.state in {"stopped", "missing"}:
            await self.ledger.ended(self._clock.now().timestamp(), "it ended by itself")
            await self._be("stopped", found.detail)
            return
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since > LOST:
            self._silent_since = None
            log.warning("hub %s: silent for %.0f s, stopped and started anew", self.hub.name, LOST)
            self.wake()
            await self._be("stopping", "it was silent")
            return
        await self._clock.sleep(1.0)

    async def _drain(self) -> None:
        forced = bool(self.detail)
        if await self._peer.drain() or forced:
            await self._be("stopping", self.detail)
        else:
            await self._be("ready")

    async def _stop(self) -> None:
        while True:
            found = await self._described()
            if found is not None and found.state in {"stopped", "missing"}:
                await self.ledger.ended(self._clock.now().timestamp())
                await self._be("stopped")
                return
            try:
                await self._provider.stop()
            except ProviderFault as fault:
                self.detail = str(fault)
                log.warning("hub %s: can't be stopped: %s", self.hub.name, fault)
            await self._clock.sleep(0.2 if found is not None else 2.0)

    # --- below

    @property
    def _early(self) -> float:
        """Seconds before the next due time that a start is begun."""
        return EARLY + self._took

    async def _refused(self, now: float) -> str:
        """Say why it may not be started now; nothing if it may."""
        starts = await self.ledger.starts_since(now - HOUR)
        if starts >= self.hub.starts_per_hour:
            return f"it was started {starts} times within an hour, and may be {self.hub.starts_per_hour} times"
        if self.hub.money_per_month:
            spent = await self.ledger.spent_this_month(now)
            if spent >= self.hub.money_per_month:
                return f"this month's {self.hub.money_per_month:g} are spent ({spent:.2f})"
        return ""

    async def _answers(self) -> bool:
        self.report = await self._peer.report()
        if self.report is None or not self.report.ready:
            return False
        if self.report.guests is not None:
            await self._spool.meet(self.hub.name, self.report.guests)
            await self._spool.mark(f"met:{self.hub.name}", self.report.boot)
        if self.report.next_due != self.next_due:
            self.next_due = self.report.next_due
            due = "" if self.next_due is None else repr(self.next_due)
            await self._spool.mark(f"due:{self.hub.name}", due)
        return True

    async def _described(self) -> Described | None:
        try:
            found = await self._provider.describe()
        except ProviderFault as fault:
            self.detail = self._telling.why = str(fault)
            log.warning("hub %s: its provider can't say how it is: %s", self.hub.name, fault)
            return None
        self.url = found.url or self.hub.url
        now = self._clock.now().timestamp()
        if not found.billed and found.state in {"starting", "stopping"}:
            # What was before the last look, or long ago, isn't known to have been so.
            await self.ledger.free(min(now - self._described_at, LOOK))
        self._described_at = now
        return found

    async def _be(self, state: State, detail: str = "") -> None:
        if state != self.state:
            log.info("hub %s: %s%s", self.hub.name, state, f" ({detail})" if detail else "")
            # From here on it's known what a description in the new state is of.
            self._described_at = self._clock.now().timestamp()
        if state == "ready":
            self._telling.up()
            self._retry_at = 0.0
        async with self._changed:
            self.state, self.detail = state, detail
            self._changed.notify_all()
