"""Hubs on one PostgreSQL with everything around them: the model's server, the platform, and who says things there."""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from hub.config import load
from hub.opening import store_of
from hub.ports import Add
from hub.records import HOME, Link, Person, PersonId
from hub.testing.server import MARK
from tests.faults.harness import AGENT, KEY, Child, free_port
from tests.faults.hub_under_test import NAME
from tests.faults.platform import Delivery, Platform
from tests.faults.wire import Deliver, Said

CONFIG = """\
[hub]
data = "{data}"
port = 0
log_level = "warning"

[store]
url = "{database}"

[llm]
backend = "remote"
url = "{url}"
model = "loopback"

[llm.decisions]
backend = "remote"
url = "{url}"
model = "loopback"

[agents]
folder = "{agents}"
"""


class TimedPlatform(Platform):
    """A Platform that knows when it was told what."""

    def __init__(self) -> None:
        super().__init__()
        self.answered_at: dict[str, float] = {}
        """When each mark was first answered."""

    def _record(self, deliver: Deliver) -> None:
        super()._record(deliver)
        for mark in MARK.findall(deliver.text):
            self.answered_at.setdefault(mark, time.monotonic())


class Fleet:
    """Several hubs under test; used as `async with Fleet(folder, database, hubs=2, chats=20) as fleet`."""

    def __init__(
        self, folder: Path, database: str, *, hubs: int, chats: int, latency: float = 0.05, more: str = ""
    ) -> None:
        self.folder = folder
        self.database = database
        self.effects = folder / "effects"
        self.platform = TimedPlatform()
        self.chats = [f"chat{number}" for number in range(chats)]
        self.names = [f"hub{number}" for number in range(hubs)]
        self.hubs: dict[str, Child] = {}
        self._more = more
        self._config = folder / "config.toml"
        port = free_port()
        self._url = f"http://127.0.0.1:{port}/v1"
        server = ("-m", "hub.testing.server", "--latency", str(latency), "--port", str(port))
        self.model = Child(folder / "model.log", sys.executable, *server)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.platform)
        await self.model.start()
        await self.model.line()
        self._write_config()
        await self._move_in()
        arguments = (str(self._config), str(self.platform.port), str(self.effects))
        for name in self.names:
            self.hubs[name] = Child(
                self.folder / f"{name}.log", sys.executable, "-m", "tests.hubs.hub_in_fleet", *arguments
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in (*self.hubs.values(), self.model):
            if child.alive:
                await child.end()
        await self._stack.aclose()

    async def start(self, *names: str) -> list[str]:
        """Start hubs, all of them if none is named; return where each is once it's up."""
        names = names or tuple(self.names)
        for name in names:
            await self.hubs[name].start({"AGENTHOST_OWNER_KEY": KEY, "NO_COLOR": "1", "AGENTHOST__HUB__NAME": name})
        places = []
        for name in names:
            greeting = await self.hubs[name].line()
            assert greeting, f"{name} didn't start:\n{self.logs}"
            places.append(greeting.partition(" is at ")[2].partition(" ")[0])
            await self.hubs[name].line()
        return places

    @property
    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {name}\n{child.log[-2500:]}" for name, child in self.hubs.items())

    async def rows(self, statement: str) -> Sequence[Any]:
        """Return what stands in the database."""
        async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as connection:
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall()

    def effect_keys(self) -> dict[str, list[str]]:
        """Return the keys under which each mark was written into the book."""
        keys: dict[str, list[str]] = {}
        for line in self.effects.read_text().splitlines() if self.effects.exists() else ():
            key, mark = line.split()
            keys.setdefault(mark, []).append(key)
        return keys

    def _write_config(self) -> None:
        agent = self.folder / "agents" / "default"
        agent.mkdir(parents=True)
        (agent / "agent.toml").write_text(AGENT.replace('["note", "burn", "post"]', '["note"]'))
        (agent / "prompt.md").write_text("Answer with the marks of what was said.\n")
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        words = CONFIG.format(data=data, database=self.database, url=self._url, agents=agent.parent)
        self._config.write_text(words + self._more)

    async def _move_in(self) -> None:
        """Let each chat's person be known before the first start."""
        store = store_of(load(self._config, {}))
        await store.open()
        now = datetime.now(UTC)
        for chat in self.chats:
            person = PersonId(chat)
            await store.commit(
                Add(Person(id=person, tenant=HOME, name=chat, role="member", created_at=now)),
                Add(Link(tenant=HOME, bridge=NAME, sender=chat, person=person, created_at=now)),
            )
        await store.close()


class Talk:
    """Says things in many chats: some in a thread that's a task, some errands with an effect."""

    def __init__(self, fleet: Fleet, dice: random.Random) -> None:
        self._fleet = fleet
        self._dice = dice
        self._counts: Counter[int] = Counter()
        self.said: dict[str, Said] = {}
        self.said_at: dict[str, float] = {}

    def say(self, messages: int) -> list[str]:
        """Say so many things, each in some chat; return their marks."""
        return [self._say(self._dice.randrange(len(self._fleet.chats))) for _ in range(messages)]

    def say_each(self, chats: Iterable[int]) -> list[str]:
        """Say one thing in each chat."""
        return [self._say(chat) for chat in chats]

    def missing(self) -> set[str]:
        """Return the marks that aren't answered yet."""
        return set(self.said) - set(self._fleet.platform.answered_at)

    def waited(self) -> list[float]:
        """Return for how long each answered message had waited, in seconds."""
        answered = self._fleet.platform.answered_at
        return [answered[mark] - at for mark, at in self.said_at.items() if mark in answered]

    def _say(self, chat: int) -> str:
        self._counts[chat] += 1
        mark = f"m{chat}x{self._counts[chat]}"
        say, name = self._fleet.platform.say, self._fleet.chats[chat]
        if chat % 2:
            self.said[mark] = say(name, f"note {mark}", thread=mark)
        else:
            self.said[mark] = say(name, f"And {mark}?", thread="one")
        self.said_at[mark] = time.monotonic()
        return mark


async def check(fleet: Fleet, talk: Talk, faults: int) -> int:
    """Hold what the platform, the book and the database have on record against the promises; return the doubles."""
    deliveries = fleet.platform.deliveries
    unasked = [delivery for delivery in deliveries if delivery.role != "agent"]
    assert not unasked, f"{len(unasked)} notices, such as {unasked[0]}"
    doubled = _doubled(deliveries)
    assert doubled <= faults, f"{doubled} came twice after {faults} faults"
    _check_answers(deliveries, talk)
    _check_order(deliveries, dict(await fleet.rows("SELECT id, task FROM messages")))
    _check_effects(fleet, talk)
    await _check_database(fleet)
    return doubled


def _doubled(deliveries: list[Delivery]) -> int:
    seen: Counter[str] = Counter()
    for delivery in deliveries:
        seen[delivery.message] += 1
        assert seen[delivery.message] == 1 or delivery.again, f"came twice and isn't marked: {delivery}"
    return sum(count - 1 for count in seen.values())


def _check_answers(deliveries: list[Delivery], talk: Talk) -> None:
    answers: dict[str, set[str]] = {}
    for delivery in deliveries:
        for mark in MARK.findall(delivery.text):
            answers.setdefault(mark, set()).add(delivery.message)
    assert set(talk.said) <= set(answers), "some were lost"
    twice = {mark: ids for mark, ids in answers.items() if len(ids) > 1}
    assert not twice, f"answered by two different answers: {twice}"


def _check_order(deliveries: list[Delivery], task_of: dict[str, str]) -> None:
    last: dict[tuple[str, str], int] = {}
    seen = set()
    for delivery in deliveries:
        marks = [int(mark.rpartition("x")[2]) for mark in MARK.findall(delivery.text)]
        if delivery.message in seen or not marks:
            continue
        seen.add(delivery.message)
        lane = (delivery.chat, task_of[delivery.message])
        assert last.get(lane, 0) < min(marks), f"out of order: {delivery}"
        last[lane] = max(marks)


def _check_effects(fleet: Fleet, talk: Talk) -> None:
    keys = fleet.effect_keys()
    assert set(keys) == {mark for mark, said in talk.said.items() if said.text.startswith("note ")}
    doubled = {mark: found for mark, found in keys.items() if len(found) > 1}
    assert not doubled, f"noted more than once: {doubled}"


async def _check_database(fleet: Fleet) -> None:
    waiting = await fleet.rows("SELECT queue, state, count(*) FROM entries WHERE state != 'done' GROUP BY 1, 2")
    assert waiting == []
    states: dict[str, str] = dict(await fleet.rows("SELECT external_id, state FROM messages WHERE role = 'user'"))
    assert set(fleet.platform.kept) <= set(states)
    assert Counter(states.values()) == {"answered": len(states)}
