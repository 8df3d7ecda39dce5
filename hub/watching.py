"""Builds what keeps watch over a hub: what's wrong now, whom it's told, and what's measured."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector

import hub
from hub.config import Config
from hub.databases import database_of
from hub.flow.health import Health, Herald
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.packages.standings import standings
from hub.ports import LLM, Bridge, Change, Clock, Documents, Store, Witness
from hub.records import TaskId
from hub.store.backups import damage, last
from hub.telemetry.gauges import Facts, gauges
from hub.telemetry.meters import Meters

if TYPE_CHECKING:
    from hub.telemetry.traces import Traces

GRACE = 5.0
"""Seconds for the last traces at the end."""


class Watch:
    """What an operator's own tools ask, and what looks by itself."""

    health: Health
    """What's wrong now; there from `open` on, as the next."""
    herald: Herald

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
        self._traces = _traces(config, clock)
        self.witness: Witness = Witnesses(self.meters, self._traces) if self._traces else self.meters

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
            standings=partial(standings, store, documents),
        )
        # What was taken away is told in any case: it's off, and nobody was asked.
        look = None if config.alerts.tell_owner else self.health.taken_back
        self.herald = Herald(self.health, store, journal, outbox, clock, documents, bridges, look=look)

    async def close(self) -> None:
        """Tell what isn't told yet."""
        if self._traces is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await asyncio.to_thread(self._traces.close)

    @property
    def _path(self) -> Path | None:
        return database(self._config)

    async def metrics(self) -> Sequence[Collector]:
        """Return what Prometheus reads; raises StoreUnavailable."""
        answers, decides = self._models
        facts = Facts(
            version=hub.__version__,
            answers=answers.info,
            decides=decides.info,
            bridges=tuple(bridge.info for bridge in self._bridges.values()),
            alerts=tuple(sorted({(alert.name, alert.level) for alert in await self.health.look()})),
            data=self._config.data,
            database=await self._store.size(),
        )
        return self.meters.registry, await gauges(self._store, facts, self._clock.now())


class Witnesses:
    """A Witness that's several."""

    def __init__(self, *witnesses: Witness) -> None:
        self._witnesses = witnesses

    def committed(self, changes: Sequence[Change], seconds: float) -> None:
        """See Witness."""
        for witness in self._witnesses:
            witness.committed(changes, seconds)


def _traces(config: Config, clock: Clock) -> "Traces | None":
    if not config.telemetry.otlp_url:
        return None
    # Loaded only where it's asked for: it's an extra, and takes a second.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from hub.telemetry.traces import Traces  # noqa: PLC0415

    exporter = OTLPSpanExporter(endpoint=config.telemetry.otlp_url)
    return Traces(BatchSpanProcessor(exporter), clock, hub.__version__, config.telemetry.sample)


def database(config: Config) -> Path | None:
    """Return where a config's database lies; None if that's on a server."""
    place = database_of(config.store, config.data)
    return place if isinstance(place, Path) else None
