"""How the hub is at the moment of a scrape: computed then, from queries that read what waits and not the history."""

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.ports import BridgeInfo, LLMInfo, Store

MODELS = ("absent", "loading", "ready", "restarting", "broken")


class Facts(Struct, frozen=True, kw_only=True):
    """What can be said of a hub without asking its store."""

    version: str
    answers: LLMInfo
    decides: LLMInfo
    bridges: tuple[BridgeInfo, ...] = ()
    alerts: tuple[tuple[str, str], ...] = ()
    """Names and levels."""
    data: Path | None = None
    database: int = 0
    """Bytes."""


class Gauges(Collector):
    """Metrics that are handed over as they are."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        return self._metrics


async def gauges(store: Store, facts: Facts, now: datetime) -> Gauges:
    """Return how the hub is; raises StoreUnavailable."""
    counts, oldest = await store.counts(), await store.oldest(now)
    tasks = await store.open_tasks()
    entries = _gauge("entries", "Entries that aren't settled.", "queue", "state")
    for name, count in sorted(counts.items()):
        entries.add_metric(name.split("."), count)
    waiting = _gauge("oldest_waiting_seconds", "How long what's ready waits that waits longest.", "queue")
    for queue in ("inbox", "outbox"):
        waiting.add_metric([queue], max(0.0, (now - oldest[queue]).total_seconds()) if queue in oldest else 0.0)
    open_tasks = _gauge("tasks", "Open tasks.", "state")
    for state in ("submitted", "working", "input-required"):
        open_tasks.add_metric([state], tasks.get(state, 0))
    return Gauges([entries, waiting, open_tasks, *_models(facts), *_bridges(facts), *_rest(facts)])


def _models(facts: Facts) -> Iterable[Metric]:
    state = _gauge("model_state", "1 for the state that a model is in.", "role", "model", "state")
    pace = _gauge("model_tokens_per_second", "How fast a model writes, as far as that's known.", "role")
    restarts = _gauge("model_restarts", "How often a model's process was started again.", "role")
    memory = _gauge("model_memory_bytes", "What a model's process takes.", "role")
    for role, info in (("answers", facts.answers), ("decides", facts.decides)):
        for each in MODELS:
            state.add_metric([role, info.model, each], float(info.state == each))
        pace.add_metric([role], info.tokens_per_second)
        restarts.add_metric([role], info.restarts)
        memory.add_metric([role], info.memory_mb * 1e6)
    money = _gauge("money_today", "What remote models have cost since midnight, in the unit of their prices.")
    money.add_metric([], facts.answers.money_today)
    return state, pace, restarts, memory, money


def _bridges(facts: Facts) -> Iterable[Metric]:
    up = _gauge("bridge_up", "1 if a bridge is connected.", "bridge", "kind")
    lag = _gauge("bridge_lag_seconds", "From a message's being sent to its being kept, of the last one.", "bridge")
    for info in facts.bridges:
        up.add_metric([info.name, info.kind], float(info.state == "running"))
        lag.add_metric([info.name], info.lag)
    return up, lag


def _rest(facts: Facts) -> Iterable[Metric]:
    alerts = _gauge("alerts", "1 for each alert, as `agenthost doctor` tells them.", "name", "level")
    for name, level in facts.alerts:
        alerts.add_metric([name, level], 1.0)
    built = _gauge("build_info", "The version, as a label.", "version")
    built.add_metric([facts.version], 1.0)
    database = _gauge("database_bytes", "The database's file.")
    database.add_metric([], facts.database)
    if facts.data is None or not facts.data.is_dir():
        return alerts, built, database
    free = _gauge("disk_free_bytes", "Room where the data folder lies.")
    free.add_metric([], shutil.disk_usage(facts.data).free)
    return alerts, built, database, free


def _gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"agenthost_{name}", told, labels=labels)
