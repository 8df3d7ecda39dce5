"""Measures what needs no model and no network: accepting, and finding a message's task however long the history is."""

import time
from asyncio import TaskGroup
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, cast

from sqlalchemy import make_url

from hub.app import Hub
from hub.cli.bench_figures import Figure, p50_and
from hub.clock import SystemClock
from hub.config import Config, HubConfig, LimitsConfig
from hub.errors import Duplicate
from hub.loading import SHIPPED_AGENTS
from hub.manifests import load_agents
from hub.ports import LLM, Add, Change, Store
from hub.records import (
    HOME,
    OWNER,
    Address,
    Entry,
    EntryId,
    Event,
    Incoming,
    Message,
    MessageId,
    Person,
    Task,
    TaskId,
    Text,
    new_id,
)
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore
from hub.testing import ScriptedLLM

CALLERS = 64
CHAT = Address(bridge="http", chat=f"{OWNER}/main")
A_TASK = 10
"""Messages of a task in a history; its newest task has a fifth of them all."""
SEEDED = 2_000
ROUTED, WARM = 50, 10
"""Messages that are routed and timed, after some that aren't timed."""


class Counted:
    """A store that counts what's asked of it; each call is one query."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.queries = 0

    def __getattr__(self, name: str) -> Any:
        """Pass a call on, counted."""
        self.queries += 1
        return getattr(self._store, name)


def a_hub(folder: Path, store: Store, llm: LLM) -> Hub:
    """Return a hub over a store, to be worked by hand."""
    return Hub(
        Config(
            hub=HubConfig(data=str(folder)),
            limits=LimitsConfig(waiting_per_person=10**9, ask_below=0.0),
        ),
        store=store,
        llm=llm,
        decider=llm,
        documents=FileDocuments(folder / "documents"),
        files=FileStore(folder / "files"),
        clock=SystemClock(),
        agents=load_agents([SHIPPED_AGENTS]),
        bridges={},
    )


async def accepting(folder: Path, *, messages: int, url: str = "") -> list[Figure]:
    """Accept with 64 callers at a time, each message on disk before its caller goes on; over PostgreSQL with a URL.

    What's accepted there stays in that database.
    """
    store = PostgresStore(make_url(url)) if url else SqlStore.in_folder(folder)
    await store.open()
    # In a database that was measured before, the owner is there.
    with suppress(Duplicate):
        await store.commit(Add(_owner()))
    inbox = a_hub(folder, store, ScriptedLLM()).inbox
    seconds: list[float] = []
    numbers = iter(range(messages))

    async def call(chat: int) -> None:
        for number in numbers:
            began = time.perf_counter()
            await inbox.accept(said(f"Message {number}", chat=f"{OWNER}/{chat}"))
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with TaskGroup() as group:
        for chat in range(CALLERS):
            group.create_task(call(chat))
    took = time.perf_counter() - began
    await store.close()
    where = ", PostgreSQL" if url else ""
    rate = Figure(
        name=f"durable accepts{where}, 64 callers",
        value=messages / took,
        unit="/s",
        aim=None if url else 1000,
        better="more",
        note="in process",
    )
    return [rate, *p50_and(99, f"durable accept{where}, 64 callers", seconds, (None, None))]


async def routing(folder: Path, *, history: int) -> list[Figure]:
    """Route messages of a person who has said so much before; the model's time is nil."""
    store = SqlStore.in_folder(folder)
    await store.open()
    await store.commit(Add(_owner()))
    changes = list(_history(history))
    for start in range(0, len(changes), SEEDED):
        await store.commit(*changes[start : start + SEEDED])
    counted = Counted(store)
    hub = a_hub(folder, cast("Store", counted), ScriptedLLM())
    seconds, queries = [], []
    for number in range(WARM + ROUTED):
        message, _ = await hub.inbox.keep(said(f"And what about number {number}?"))
        lane = f"chat:{HOME}:{CHAT.bridge}:{CHAT.chat}"
        counted.queries, began = 0, time.perf_counter()
        await hub.work(lane)
        seconds.append(time.perf_counter() - began)
        queries.append(counted.queries)
        routed = await store.message(message.id)
        if routed is None or routed.state != "routed":
            raise RuntimeError("a message wasn't routed")
    await store.close()
    seconds, queries = seconds[WARM:], queries[WARM:]
    note = f"{median(queries):.0f} queries and commits"
    return [Figure(name=f"routing with {history:,} messages, p50", value=median(seconds) * 1000, unit="ms", note=note)]


def flatness(figures: list[Figure]) -> Figure:
    """Return how many times longer routing takes with the longest history than with the shortest."""
    return Figure(
        name="routing, longest history to shortest", value=figures[-1].value / figures[0].value, unit="×", aim=2.0
    )


def said(text: str, *, chat: str = CHAT.chat, wish: str | None = None) -> Incoming:
    """Return what the owner says over HTTP."""
    return Incoming(
        address=Address(bridge="http", chat=chat),
        external_id=new_id(),
        sender=OWNER,
        parts=(Text(text),),
        sent_at=datetime.now(UTC),
        wish=wish,
    )


def _owner() -> Person:
    return Person(id=OWNER, tenant=HOME, name="Owner", role="owner", created_at=datetime.now(UTC))


def _history(messages: int) -> Iterator[Change]:
    """Return tasks with their messages, settled entries and events, the newest an hour ago."""
    now = datetime.now(UTC)
    sizes = [A_TASK] * (messages * 4 // 5 // A_TASK) + [messages // 5]
    for number, size in enumerate(sizes, 1):
        at = now - timedelta(hours=len(sizes) - number + 1)
        task = Task(
            id=TaskId(new_id()),
            tenant=HOME,
            person=OWNER,
            number=number,
            origin=CHAT,
            title=f"Errand {number}",
            goal=f"Do errand {number}",
            agent="default",
            state="submitted" if number > len(sizes) - 3 else "completed",
            created_at=at,
            updated_at=at,
        )
        yield Add(task)
        for _ in range(size // 2):
            yield from _exchange(task, at)


def _exchange(task: Task, at: datetime) -> Iterator[Change]:
    asked = _message(task, at, "user", f"Please look at {task.title}", None)
    yield Add(asked)
    entry = Entry(
        id=EntryId(new_id()),
        tenant=HOME,
        queue="inbox",
        lane=f"task:{task.id}",
        message=asked.id,
        state="done",
        created_at=at,
    )
    yield Add(entry)
    yield Add(_message(task, at, "agent", f"{task.title} is looked at", asked))
    yield Add(Event(tenant=HOME, person=OWNER, kind="reply", created_at=at, message=asked.id, task=task.id))


def _message(task: Task, at: datetime, role: str, text: str, answers: Message | None) -> Message:
    id = MessageId(new_id())
    return Message(
        id=id,
        tenant=HOME,
        address=CHAT,
        external_id=id,
        role="user" if role == "user" else "agent",
        person=OWNER,
        parts=(Text(text),),
        state="answered" if role == "user" else "sent",
        created_at=at,
        answers=answers.id if answers else None,
        task=task.id,
    )
