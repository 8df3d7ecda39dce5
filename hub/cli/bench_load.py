"""Measures a hub under load: 1,000 people whose clients watch, 100 messages a second, each answered.

Hub, model, clients and sender are processes of their own, on one machine, as long as AGENTHOST_LOAD_MINUTES says. Every
message has a mark, and its person's client must see it answered, once.
"""

import asyncio
import os
import random
import time
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hub.cli.bench_figures import Figure, at, cpu_seconds, line_of, p50_and, process, resident_mb
from hub.cli.bench_load_readers import Told
from hub.cli.bench_served import CONFIG, served
from hub.clock import SystemClock
from hub.flow.people import People
from hub.ports import Add
from hub.records import Person, PersonId, Tenant, TenantId
from hub.store.sql import SqlStore

TENANTS, PEOPLE, RATE = 20, 1_000, 100
CONNECTIONS = 64
LATENCY = 0.05
"""Seconds that the model takes for anything."""
SLOTS = 32
AIM = 50.0
LONG = 4.0
"""Minutes from which on memory tells something."""
GROWTH = 5.0
STILL = 30.0
"""Seconds without one more answer: what isn't answered by then is lost."""
BARE = 5.0


class Speaker(Struct, frozen=True):
    """Somebody who speaks."""

    person: PersonId
    key: str


class Sample(Struct, frozen=True):
    """What the hub had at a moment."""

    at: float
    resident: float
    cpu: float


class Connections:
    """Connections that stay open, each for one request at a time."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        for _ in range(CONNECTIONS):
            reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
            self._writers.append(writer)
            self._free.put_nowait((reader, writer))
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.close()

    async def say(self, text: str, key: str) -> int:
        """Say something; return the status."""
        # An errand of its own: which task it is about would else be asked now and then, and nobody here answers.
        body = msgspec.json.encode({"text": text, "task": "new"})
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: {self._address.netloc}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await self._free.get()
        if reader.at_eof():  # a server lets go of those that nobody uses for a while
            writer.close()
            reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
            self._writers.append(writer)
        writer.write(head.encode() + body)
        # A client of a few lines: a whole one would take a good part of a processor.
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line.partition(":")[2] for line in told.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length))
        self._free.put_nowait((reader, writer))
        return int(told.split(" ", 2)[1])


class Load:
    """Says things at an even pace, whether or not earlier ones are answered."""

    def __init__(self, url: str, speakers: Sequence[Speaker], seconds: float) -> None:
        self._url = url
        self._speakers = speakers
        self._count = int(RATE * seconds)
        self._dice = random.Random(1)  # noqa: S311 - no secret
        self.took: list[float] = []
        """Seconds until each message was accepted, from when it was due: late with one is late with those behind it."""
        self.said: dict[str, tuple[PersonId, float]] = {}
        """By its mark: who said an accepted message, and when it was due."""
        self.refused = 0

    async def say(self) -> None:
        """Say everything."""
        began = time.monotonic() + 0.1
        async with Connections(self._url) as connections, asyncio.TaskGroup() as group:
            for number, (mark, speaker) in enumerate(self._order()):
                due = began + number / RATE
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._say(connections, mark, speaker, due))

    def _order(self) -> Iterator[tuple[str, Speaker]]:
        # Each speaks as often as any other, in an order that's another one each time.
        speakers = list(enumerate(self._speakers))
        for number in range(self._count):
            if number % len(speakers) == 0:
                self._dice.shuffle(speakers)
            which, speaker = speakers[number % len(speakers)]
            yield f"w{which}z{number}", speaker

    async def _say(self, connections: Connections, mark: str, speaker: Speaker, due: float) -> None:
        status = await connections.say(f"Hello, this is {mark}", speaker.key)
        self.took.append(time.monotonic() - due)
        if status == 202:
            self.said[mark] = (speaker.person, due)
        else:
            self.refused += 1


async def loading(folder: Path, *, minutes: float) -> list[Figure]:
    """Have 1,000 people watch and speak, and hold what they were told against what they said."""
    minutes = float(os.environ.get("AGENTHOST_LOAD_MINUTES", minutes))
    bare = await _bare(folder / "bare")
    folder = folder / "hub"
    speakers = await _settled_in(folder)
    keys, report = folder / "keys", folder / "report"
    keys.write_text("".join(f"{each.person} {each.key}\n" for each in speakers), encoding="utf-8")
    async with process("-m", "hub.testing.server", "--latency", str(LATENCY)) as model:
        config = CONFIG.format(url=await line_of(model)).replace("[limits]", f"[limits]\ntasks_at_once = {SLOTS}")
        async with (
            served(folder, config) as (hub, client),
            process("-m", "hub.cli.bench_load_readers", str(client.base_url), str(keys), str(report)) as readers,
        ):
            await line_of(readers)
            load, samples = Load(str(client.base_url), speakers, minutes * 60), list[Sample]()
            watching = asyncio.create_task(_watch(hub, samples))
            await load.say()
            behind = await _answered(readers, len(load.said))
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            dead = (await client.get("/v1/status")).json()["queues"].get("inbox.dead", 0)
            told = await _told(readers, report)
    return [*_accepted(load, bare, minutes), *_answers(load, told, behind, dead), *_hub(samples, len(load.said))]


async def _bare(folder: Path) -> Load:
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    async with process("-m", "hub.cli.bench_load_bare", str(folder), log=folder / "bare.log") as started:
        load = Load(await line_of(started), [Speaker(person=PersonId("nobody"), key="none")], BARE)
        await load.say()
    return load


async def _settled_in(folder: Path) -> list[Speaker]:
    """Keep tenants with their people and keys, before the hub is up."""
    folder.mkdir(parents=True, mode=0o700)  # noqa: ASYNC240 - nothing is measured yet
    store = SqlStore.in_folder(folder)
    await store.open()
    people, now, speakers = People(store, SystemClock()), datetime.now(UTC), list[Speaker]()
    for number in range(TENANTS):
        tenant = Tenant(id=TenantId(f"t{number}"), name=f"Tenant {number}", created_at=now)
        changes = [Add(tenant)]
        for which in range(PEOPLE // TENANTS):
            person = Person(id=PersonId(f"p{number}-{which}"), tenant=tenant.id, name=f"P {which}", created_at=now)
            key, secret = people.fresh_key(tenant.id, person.id, "bench", ("messages:read", "messages:write"))
            changes += [Add(person), Add(key)]
            speakers.append(Speaker(person=person.id, key=secret))
        await store.commit(*changes)
    await store.close()
    return speakers


async def _watch(hub: Process, samples: list[Sample]) -> None:
    began = time.monotonic()
    while True:
        samples.append(Sample(time.monotonic() - began, resident_mb(hub.pid), cpu_seconds(hub.pid)))
        await asyncio.sleep(1)


async def _answered(readers: Process, wanted: int) -> float:
    """Return how many seconds it took from now until everything was answered, or nothing more came."""
    began = last = time.monotonic()
    count = -1
    while (found := await _count(readers)) < wanted and time.monotonic() - last < STILL:
        if found > count:
            count, last = found, time.monotonic()
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def _count(readers: Process) -> int:
    assert readers.stdin is not None  # noqa: S101 - it's piped
    readers.stdin.write(b"\n")
    return int(await line_of(readers))


async def _told(readers: Process, report: Path) -> dict[str, Told]:
    assert readers.stdin is not None  # noqa: S101 - it's piped
    readers.stdin.close()
    await line_of(readers)
    return msgspec.json.decode(report.read_bytes(), type=dict[str, Told])  # noqa: ASYNC240 - all is measured


def _accepted(load: Load, bare: Load, minutes: float) -> list[Figure]:
    ratio = at(load.took, 99) / at(bare.took, 99)
    name = f"accepted, {PEOPLE:,} streams, {RATE} messages/s, {minutes:g} min"
    return [
        *p50_and(99, name, load.took, (None, AIM)),
        *p50_and(99, "the same rows by a bare Litestar endpoint", bare.took, (None, None)),
        Figure(name="p99 accepted, to the bare endpoint's", value=ratio, unit="x"),
    ]


def _answers(load: Load, told: dict[str, Told], behind: float, dead: int) -> list[Figure]:
    waits, lost, doubled = list[float](), 0, 0
    for mark, (person, due) in load.said.items():
        seen = told[person].replies.get(mark, [])
        lost += not seen
        doubled += len(seen) > 1
        waits += [seen[0] - due] if seen else []
    disorder = sum(each.disorder for each in told.values())
    ended = sum(each.ended for each in told.values())
    note = f"{len(load.said):,} accepted, {load.refused:,} refused, {dead} dead letters, {ended} streams broke off"
    return [
        Figure(
            name="accepted and not seen answered by its client", value=lost + dead + ended, unit="", aim=0, note=note
        ),
        Figure(name="seen twice, or out of order", value=doubled + disorder, unit="", aim=0),
        *p50_and(99, "said until its client sees the answer", waits, (None, None)),
        Figure(name="the last message said, until all are answered", value=behind, unit="s"),
    ]


def _hub(samples: Sequence[Sample], count: int) -> list[Figure]:
    end = samples[-1].at
    spent = (samples[-1].cpu - samples[0].cpu) / max(1, count) * 1000
    found = [Figure(name="the hub's processor time for a message, with its answer", value=spent, unit="ms")]
    last = median(each.resident for each in samples if each.at >= end - 60)
    if end < LONG * 60:
        return [*found, Figure(name="memory of the hub under load", value=last, unit="MB")]
    second = median(each.resident for each in samples if 60 <= each.at < 120)
    return [
        *found,
        Figure(name="memory of the hub under load, second minute", value=second, unit="MB"),
        Figure(name="grown by in the last minute", value=(last / second - 1) * 100, unit="%", aim=GROWTH),
    ]
