"""Measures what a hub costs while much is planned and little is due: 10,000 resting tasks and 1,000 schedules."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hub.app import Hub
from hub.cli.bench_figures import Figure, at, cpu_seconds, line_of, process
from hub.cli.bench_served import CONFIG, SETTLING, served
from hub.cli.bench_store import said
from hub.config import Config, HubConfig, LimitsConfig
from hub.flow.runs import planned
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.ports import Add
from hub.records import HOME, OWNER, Address, Ask, MessageId, Person, PersonId, Schedule, Task, TaskId, new_id
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.sql import SqlStore
from hub.testing import FakeClock, ScriptedLLM

RESTING, SCHEDULED, PEOPLE = 10_000, 1_000, 100
AT_ONCE = 1_000
"""Tasks that are kept in one commit."""
LEAST = 3
"""Messages and ticks, while schedules are due."""
BEGIN = datetime(2026, 11, 22, 7, 50, 30, tzinfo=UTC)


async def ticking(folder: Path, *, seconds: int, resting: int = RESTING, scheduled: int = SCHEDULED) -> list[Figure]:
    """Tick each second over schedules that come each hour, at a minute of their own: some fall due each minute."""
    clock, store = FakeClock(BEGIN), SqlStore.in_folder(folder)
    await store.open()
    await _plant(store, BEGIN, lambda number: f"{number % 60} * * * *", resting, scheduled)
    spent, begun = await _work(_a_hub(store, clock), clock, seconds)
    await store.close()
    note = f"{begun} runs fell due in {seconds} s"
    return [
        Figure(
            name=f"tick, {resting:,} resting tasks, {scheduled:,} schedules, p50", value=at(spent, 50) * 1000, unit="ms"
        ),
        Figure(name="tick, the same, p99", value=at(spent, 99) * 1000, unit="ms", aim=20.0, note=note),
    ]


async def bursting(folder: Path, *, scheduled: int = SCHEDULED) -> list[Figure]:
    """Have 1,000 schedules fall due in one minute, and say things meanwhile."""
    clock, store = FakeClock(BEGIN), SqlStore.in_folder(folder)
    await store.open()
    await _plant(store, BEGIN, lambda number: "51 * * * *", 0, scheduled)
    hub = _a_hub(store, clock)
    spoken: list[float] = []
    async with asyncio.TaskGroup() as group:
        work = group.create_task(hub.dispatcher.run(hub.work))
        await clock.advance(30)
        began = time.perf_counter()
        talking = group.create_task(_talk(hub, spoken))
        ticks: list[float] = []
        while min(len(spoken), len(ticks)) < LEAST or await store.dues(clock.now(), 1) or hub.dispatcher.busy:
            tick = time.perf_counter()
            await hub.scheduler.tick()
            ticks.append(time.perf_counter() - tick)
            await asyncio.sleep(1)
        took = time.perf_counter() - began
        talking.cancel()
        work.cancel()
    await store.close()
    return [
        Figure(name=f"{scheduled:,} schedules due at once, until all are done", value=took, unit="s"),
        Figure(name="tick meanwhile, p99", value=at(ticks, 99) * 1000, unit="ms"),
        Figure(name="a message said meanwhile, answered, p50", value=at(spoken, 50) * 1000, unit="ms"),
        Figure(name="the same, p99", value=at(spoken, 99) * 1000, unit="ms", aim=1000.0),
    ]


async def idling(folder: Path, *, seconds: float) -> list[Figure]:
    """Watch a served hub with as many tasks and schedules do nothing; its model is a server elsewhere."""
    async with process("-m", "hub.testing.server") as model:
        config = CONFIG.format(url=await line_of(model))
        async with served(folder, config):
            pass
        store = SqlStore.in_folder(folder)
        await store.open()
        now = datetime.now(UTC)
        # Once a day each, and none within the next hours: what's measured is waiting for them.
        await _plant(store, now, lambda number: f"{number % 60} {(now.hour + 6 + number % 12) % 24} * * *")
        await store.close()
        async with served(folder, config) as (started, _):
            await asyncio.sleep(SETTLING)
            before = cpu_seconds(started.pid)
            await asyncio.sleep(seconds)
            busy = (cpu_seconds(started.pid) - before) / seconds * 100
    name = "idle with 10,000 resting tasks, 1,000 schedules"
    return [Figure(name=name, value=busy, unit="%", aim=1.0, note="of one core")]


def _a_hub(store: SqlStore, clock: FakeClock) -> Hub:
    llm = ScriptedLLM(lambda _: f"Done: {new_id()}", decisions=lambda _, options: _first(options))
    return Hub(
        # The clock stands still between two ticks, and who waits is counted anew only with it.
        Config(hub=HubConfig(data="nowhere"), limits=LimitsConfig(waiting_per_person=100_000)),
        store=store,
        llm=llm,
        decider=llm,
        documents=MemoryDocuments(),
        files=MemoryFiles(),
        clock=clock,
        agents=load_agents([SHIPPED_AGENTS]),
        bridges={},
    )


def _first(options: Sequence[str]) -> list[float]:
    return [0.9, *[0.1 / max(1, len(options) - 1)] * (len(options) - 1)]


async def _work(hub: Hub, clock: FakeClock, seconds: int) -> tuple[list[float], int]:
    spent: list[float] = []
    begun = 0
    async with asyncio.TaskGroup() as group:
        work = group.create_task(hub.dispatcher.run(hub.work))
        for _ in range(seconds):
            await clock.advance(1)
            began = time.perf_counter()
            await hub.scheduler.tick()
            spent.append(time.perf_counter() - began)
            begun += len(hub.dispatcher.busy)
            await _until(lambda: not hub.dispatcher.busy)
        work.cancel()
    return spent, begun


async def _talk(hub: Hub, spoken: list[float]) -> None:
    """Say one thing after another in a chat, each once the last is answered."""
    while True:
        began = time.perf_counter()
        message, _ = await hub.inbox.keep(said(f"How is it going at {began}?", wish="new"))
        await _answered(hub, message.id)
        spoken.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)


async def _answered(hub: Hub, id: MessageId) -> None:
    for _ in range(12_000):
        now = await hub.store.message(id)
        if now is not None and now.state == "answered":
            return
        await asyncio.sleep(0.005)
    raise RuntimeError("a message wasn't answered within a minute")


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise RuntimeError("turns took more than a minute")


async def _plant(
    store: SqlStore,
    now: datetime,
    crontab: Callable[[int], str],
    resting: int = RESTING,
    scheduled: int = SCHEDULED,
) -> None:
    """Keep people, tasks that wait for them, and schedules."""
    people = [PersonId(f"p{number}") for number in range(PEOPLE)]
    if await store.person(HOME, OWNER) is None:
        people.append(OWNER)
    await store.commit(*(Add(Person(id=id, tenant=HOME, name=id, created_at=now)) for id in people))
    changes = [Add(_task(number, now, None)) for number in range(resting)]
    changes += [Add(_task(resting + number, now, crontab(number))) for number in range(scheduled)]
    for start in range(0, len(changes), AT_ONCE):
        await store.commit(*changes[start : start + AT_ONCE])


def _task(number: int, now: datetime, crontab: str | None) -> Task:
    person = PersonId(f"p{number % PEOPLE}")
    task = Task(
        id=TaskId(new_id()),
        tenant=HOME,
        person=person,
        number=number // PEOPLE + 1,
        origin=Address(bridge="http", chat=f"{person}/main"),
        title=f"Errand {number}",
        goal=f"Do errand {number}, and tell me how it went",
        agent="default",
        state="submitted" if crontab else "input-required",
        created_at=now,
        updated_at=now,
        kind="assignment",
        verdict=None if crontab else Ask(question="Shall I go on?"),
    )
    return planned(task, Schedule(cron=crontab), "UTC", now) if crontab else task
