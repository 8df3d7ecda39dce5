"""Builds what keeps watch over a hub: what's wrong now, whom it's told, and what's measured."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from prometheus_client.registry import Collector

import hub
from hub.config import Config
from hub.flow.health import Health, Herald
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.ports import LLM, Bridge, Clock, Documents, Store
from hub.records import TaskId
from hub.store.backups import damage, last
from hub.telemetry.gauges import Facts, gauges
from hub.telemetry.meters import Meters

SQLITE = "sqlite:///"


class Watch:
    """What an operator's own tools ask, and what looks by itself."""

    health: Health
    """What's wrong now; there from `open` on."""

    def __init__(
        self, config: Config, store: Store, clock: Clock, models: tuple[LLM, LLM], bridges: Mapping[str, Bridge]
    ) -> None:
        answers, decides = models
        self._config = config
        self._store = store
        self._clock = clock
        self._models = models
        self._bridges = bridges
        self.meters = Meters(clock, lambda: (answers.info.model, decides.info.model))
        self.herald: Herald | None = None

    def open(
        self, journal: Journal, outbox: Outbox, documents: Documents, running: Callable[[], frozenset[TaskId]]
    ) -> None:
        """Take what the hub was built of meanwhile; `running` are the tasks that are worked on."""
        config, store, clock, bridges, path = self._config, self._store, self._clock, self._bridges, self._path
        self.health = Health(
            store,
            clock,
            self._models,
            bridges,
            config.alerts,
            data=config.data,
            money_per_day=config.limits.money_per_day,
            running=running,
            backed_up_at=partial(last, config.data),
            damage=partial(asyncio.to_thread, damage, path) if path else None,
        )
        if config.alerts.tell_owner:
            self.herald = Herald(self.health, store, journal, outbox, clock, documents, bridges)

    @property
    def _path(self) -> Path | None:
        return database(self._config)

    async def metrics(self) -> Sequence[Collector]:
        """Return what Prometheus reads; raises StoreUnavailable."""
        answers, decides = self._models
        path = self._path
        facts = Facts(
            version=hub.__version__,
            answers=answers.info,
            decides=decides.info,
            bridges=tuple(bridge.info for bridge in self._bridges.values()),
            alerts=tuple(sorted({(alert.name, alert.level) for alert in await self.health.look()})),
            data=self._config.data,
            database=path.stat().st_size if path and path.exists() else 0,
        )
        return self.meters.registry, await gauges(self._store, facts, self._clock.now())


def database(config: Config) -> Path | None:
    """Return where a config's database lies; None if that's on a server."""
    url = config.store.url
    if url and not url.startswith(SQLITE):
        return None
    return Path(url.removeprefix(SQLITE)).expanduser().absolute() if url else config.data / "hub.db"
