"""A hub that can be killed: its folder, its process, the model server's process, and the platform outside."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from sqlalchemy import make_url

from hub.ports import Add
from hub.records import HOME, Link, Person, PersonId
from hub.store.postgres import PostgresStore
from hub.store.sql import SqlStore
from tests.faults.hub_under_test import NAME
from tests.faults.platform import Platform

KEY = "k" * 43
ROOT = Path(__file__).parent.parent.parent
AGENT = """\
name = "default"
version = "0.1.0"
description = "Answers with the marks of what was said."
tools = ["note", "burn", "post"]
"""
CONFIG = """\
[hub]
data = "{data}"
port = 0
log_level = "warning"

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


class Child:
    """A process that's started, killed and started again; it prints a line when it's up."""

    def __init__(self, log: Path, *command: str) -> None:
        self._log = log
        self._command = command
        self._process: Process | None = None
        self.started_at = 0.0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    async def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and don't wait until it's up."""
        assert not self.alive
        self.started_at = time.monotonic()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdout=PIPE, stderr=log, env={**os.environ, **(environment or {})}
            )

    async def line(self, within: float = 90.0) -> str:
        """Return the next line that it prints."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(within):
            return (await self._process.stdout.readline()).decode().strip()

    async def end(self, number: signal.Signals = signal.SIGKILL, within: float = 20.0) -> int:
        """Send it a signal, and return its exit status once it's gone."""
        if self.alive:
            assert self._process is not None
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
        return await self.gone(within)

    async def gone(self, within: float) -> int:
        """Return its exit status once it's gone; raises TimeoutError."""
        assert self._process is not None
        async with asyncio.timeout(within):
            # What it still prints is read, so that the pipe is closed with it.
            await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode

    def waited(self) -> float:
        """Return the seconds that its main thread was ready to run and waited for a processor."""
        found = Path(f"/proc/{self.pid}/schedstat")
        return int(found.read_text().split()[1]) / 1e9 if found.exists() else 0.0

    @property
    def log(self) -> str:
        """What it wrote to its log."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class World:
    """A hub under test with everything around it; used as `async with World(folder, chats=...) as world`."""

    def __init__(
        self,
        folder: Path,
        *,
        chats: int,
        latency: float = 0.05,
        data: Path | None = None,
        more: str = "",
        database: str = "",
    ) -> None:
        self.folder = folder
        self.database = database
        """The URL of a database on PostgreSQL; empty: SQLite in the data folder."""
        self._more = more + (f'\n[store]\nurl = "{database}"\n' if database else "")
        self.data = data or folder / "data"
        self.effects = folder / "effects"
        self.platform = Platform()
        self.chats = [f"chat{number}" for number in range(chats)]
        port = free_port()
        self.more_environment: Mapping[str, str] = {}
        self._url = f"http://127.0.0.1:{port}/v1"
        self._config = folder / "config.toml"
        server = ("-m", "hub.testing.server", "--latency", str(latency), "--port", str(port))
        self.model = Child(folder / "model.log", sys.executable, *server)
        self.hub = Child(folder / "hub.log")

    async def __aenter__(self) -> Self:
        await self.platform.__aenter__()
        await self.model.start()
        await self.model.line()
        self._write_config()
        await self._move_in()
        module = ("-m", "tests.faults.hub_under_test")
        arguments = (str(self._config), str(self.platform.port), str(self.effects))
        self.hub = Child(self.folder / "hub.log", sys.executable, *module, *arguments)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in (self.hub, self.model):
            if child.alive:
                await child.end()
        await self.platform.__aexit__(kind, error, trace)

    @property
    def environment(self) -> dict[str, str]:
        """What the hub is started with: a key that the tests know, and no colours."""
        return {"AGENTHOST_OWNER_KEY": KEY, "NO_COLOR": "1", **self.more_environment}

    async def start(self, failpoint: str = "") -> None:
        """Start the hub, armed to die at a failpoint."""
        armed = {"AGENTHOST_FAILPOINT": failpoint} if failpoint else {}
        await self.hub.start(self.environment | armed)

    async def restart_model(self) -> None:
        """Kill the model's server, and start it at the same place."""
        await self.model.end()
        await self.model.start()
        await self.model.line()

    def effect_keys(self) -> dict[str, list[str]]:
        """Return the keys under which each mark was written into the book."""
        keys: dict[str, list[str]] = {}
        for line in self.effects.read_text().splitlines() if self.effects.exists() else ():
            key, mark = line.split()
            keys.setdefault(mark, []).append(key)
        return keys

    def rows(self, statement: str, given: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Ask the database, and change nothing: what a killed process left must stay for the next start to find."""
        if self.database:
            with psycopg.connect(self.database) as server:
                return server.execute(statement.replace("%", "%%").replace("?", "%s").encode(), given).fetchall()
        where = f"file:{self.data / 'hub.db'}?mode=ro"
        with closing(sqlite3.connect(where, uri=True)) as file:
            return file.execute(statement, given).fetchall()

    def known_of(self, mark: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return what the store and the jobs have of a message with a mark, for whoever looks for why it's stuck."""
        told = {
            "entries": "SELECT e.queue, e.lane, e.state, e.boot, e.due_at, e.attempts, e.error FROM entries e"
            " JOIN messages m ON m.id = e.message WHERE m.parts LIKE ?",
            "tasks": "SELECT id, state, due_at, run_at, revision, verdict FROM tasks WHERE goal LIKE ? OR title LIKE ?",
            "turns": "SELECT r.number, r.state, r.started_at, r.error, r.verdict FROM turns r"
            " JOIN tasks t ON t.id = r.task WHERE t.goal LIKE ?",
        }
        found = {name: self.rows(query, [f"%{mark}%"] * query.count("?")) for name, query in told.items()}
        if self.database:
            found["jobs"] = self.rows("SELECT status, worker_id, lock, queueing_lock FROM procrastinate_jobs")
            found["hubs"] = self.rows("SELECT boot, worker, seen_at, ended_at, cleared_at FROM hubs")
            found["leases"] = self.rows("SELECT name, boot FROM leases")
        return found

    def _write_config(self) -> None:
        agent = self.folder / "agents" / "default"
        agent.mkdir(parents=True)
        (agent / "agent.toml").write_text(AGENT)
        (agent / "prompt.md").write_text("Answer with the marks of what was said.\n")
        self._config.write_text(CONFIG.format(data=self.data, url=self._url, agents=agent.parent) + self._more)

    async def _move_in(self) -> None:
        """Let each chat's person be known before the first start."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        store = PostgresStore(make_url(self.database)) if self.database else SqlStore.in_folder(self.data)
        await store.open()
        now = datetime.now(UTC)
        for chat in self.chats:
            person = PersonId(chat)
            await store.commit(
                Add(Person(id=person, tenant=HOME, name=chat, role="member", created_at=now)),
                Add(Link(tenant=HOME, bridge=NAME, sender=chat, person=person, created_at=now)),
            )
        await store.close()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
