"""Looks at the hub for what its operator should know, and tells the owner once, if they wish it."""

import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hub.config import AlertsConfig
from hub.errors import StoreError
from hub.flow.alerts import OVERDUE, Alert, Facts, alerts, of_packages
from hub.flow.journal import Journal
from hub.flow.notices import notice
from hub.flow.outbox import Outbox
from hub.ports import LLM, Bridge, Clock, Documents, Store
from hub.records import HOME, OWNER, Address, Standing, TaskId

log = logging.getLogger(__name__)

LOOK = 60.0
"""Seconds between two looks for what the owner is to be told."""
CHECKED = timedelta(days=1)
"""Between two looks through the whole database."""
MANY = 500
TOLD = "alerts"
"""Whose documents say what the owner was told."""


class Health:
    """Says what's wrong now."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        models: tuple[LLM, LLM],
        bridges: Mapping[str, Bridge],
        settings: AlertsConfig,
        *,
        data: Path,
        money_per_day: float = 0.0,
        running: Callable[[], frozenset[TaskId]] = frozenset,
        backed_up_at: Callable[[], datetime | None] = lambda: None,
        damage: Callable[[], Awaitable[str]] | None = None,
        standings: Callable[[], Awaitable[Sequence[Standing]]] | None = None,
    ) -> None:
        """`damage` looks through the database and says what's wrong with it, or nothing; None: nobody can.

        `standings` says how what's installed from registries stands there.
        """
        self._store = store
        self._clock = clock
        self._models = models
        self._bridges = bridges
        self._settings = settings
        self._data = data
        self._money_per_day = money_per_day
        self._running = running
        self._backed_up_at = backed_up_at
        self._look_through = damage
        self._standings = standings
        self._checked_at: datetime | None = None
        self._damage = ""
        self._clock_set_at: datetime | None = None

    def clock_set(self) -> None:
        """Take it that the clock was set just now."""
        self._clock_set_at = self._clock.now()

    async def check(self) -> None:
        """Look through the whole database, if that's a day ago; a sweep."""
        now = self._clock.now()
        if self._look_through is None or (self._checked_at and abs(now - self._checked_at) < CHECKED):
            return
        self._damage = await self._look_through()
        self._checked_at = now
        if self._damage:
            log.error("the database is damaged: %s", self._damage)

    async def look(self) -> tuple[Alert, ...]:
        """Return what's wrong, the worst first; raises StoreUnavailable."""
        now, store = self._clock.now(), self._store
        due = {task.id for task in await store.due_tasks(now - OVERDUE, MANY)}
        owner = await store.person(HOME, OWNER)
        answers, decides = self._models
        facts = Facts(
            now=now,
            model=answers.info,
            decisions=decides.info,
            bridges=[bridge.info for bridge in self._bridges.values()],
            free=shutil.disk_usage(self._data).free if self._data.is_dir() else None,
            oldest={str(queue): since for queue, since in (await store.oldest(now)).items()},
            counts=await store.counts(),
            overdue=len(due - self._running()),
            clock_set_at=self._clock_set_at,
            backed_up_at=self._backed_up_at(),
            kept_since=owner.created_at if owner else None,
            damage=self._damage,
            money_per_day=self._money_per_day,
            standings=await self._standings() if self._standings else (),
            webhooks=await store.webhooks(HOME),
        )
        return alerts(facts, self._settings)

    async def taken_back(self) -> tuple[Alert, ...]:
        """Return what of the installed packages was taken away or back; raises StoreUnavailable."""
        return tuple(of_packages(await self._standings())) if self._standings else ()


class Herald:
    """Tells the owner in their own chat what's wrong: each thing once, until it's over."""

    def __init__(
        self,
        health: Health,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        documents: Documents,
        bridges: Mapping[str, Bridge],
        *,
        look: Callable[[], Awaitable[Sequence[Alert]]] | None = None,
    ) -> None:
        """`look` returns what's told; None: all that's wrong."""
        self._look = look or health.look
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._documents = documents
        self._bridges = bridges
        self._seen: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            await self._clock.sleep(LOOK)
            try:
                await self.look()
            except StoreError as error:
                log.warning("the owner isn't told what's wrong for now: %s", error)
            except Exception:
                # Who looks for what's wrong mustn't be what's wrong.
                log.exception("the owner isn't told what's wrong for now")

    async def look(self) -> None:
        """Tell what was there at the last look, too, and isn't told yet: what passes within a minute isn't worth it."""
        found = {_key(alert): alert for alert in await self._look()}
        told = {key for key, _ in await self._documents.all(TOLD)}
        fresh = [alert for key, alert in found.items() if key in self._seen and key not in told]
        self._seen = frozenset(found)
        if fresh:
            await self._tell(fresh)
            for alert in fresh:
                await self._documents.put(TOLD, _key(alert), {"told_at": self._clock.now().isoformat()})
        for over in told - found.keys():
            await self._documents.remove(TOLD, over)

    async def _tell(self, fresh: Sequence[Alert]) -> None:
        text = "\n\n".join(f"{alert.text} {alert.fix}" for alert in fresh)
        told = notice(text, tenant=HOME, to=await self._where(fresh), person=OWNER, now=self._clock.now())
        await self._journal.commit(*self._outbox.say(told), wake=(self._outbox.lane(told),))

    async def _where(self, fresh: Sequence[Alert]) -> Address:
        """Return the owner's chat that was linked last, but not one that's down; else their chat on the web."""
        down = {alert.about for alert in fresh if alert.name == "bridge"}
        links = [link for link in await self._store.links(HOME, OWNER) if link.chat and link.bridge in self._bridges]
        up = [link for link in links if link.bridge not in down]
        if not (links := up or links):
            return Address(bridge="http", chat=f"{OWNER}/main")
        return Address(bridge=links[-1].bridge, chat=links[-1].chat)


def _key(alert: Alert) -> str:
    return f"{alert.name}/{alert.about}"
