"""A PostgreSQL that dies forgets what it was told last, unless it had to keep it: hubs go on as if it hadn't."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from hub.testing import FakeClock
from tests.contracts.company import Member, a_member, hub_running, until
from tests.postgres.server import Cluster, a_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:
        with psycopg.connect(cluster.dsn, autocommit=True) as connection:
            # What doesn't wait for the disk gets there only with what does.
            connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            connection.execute("SELECT pg_reload_conf()")
        yield cluster


TRIES = 4


class Desk:
    """Works on lanes while it's open."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.most = 0
        self.open = asyncio.Event()
        self._at_work = 0

    async def work(self, lane: str) -> None:
        self.began.append(lane)
        self._at_work += 1
        self.most = max(self.most, self._at_work)
        await self.open.wait()
        self._at_work -= 1


@asynccontextmanager
async def at_work(member: Member, desk: Desk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(member.dispatcher.run(desk.work))
        yield
        task.cancel()


def kept(url: str) -> None:
    """Have everything that was committed so far be kept."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS marks (at timestamptz)")
        connection.execute("INSERT INTO marks VALUES (now())")


def jobs(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT lock, status FROM procrastinate_jobs ORDER BY id").fetchall()


def die(cluster: Cluster) -> None:
    # In this thread, also for later tests: the server dies with the thread that started it.
    cluster.stop(signal.SIGQUIT)
    cluster.start()


def over(lane: str) -> bool:
    return all(task.get_name() != lane for task in asyncio.all_tasks())


class Remembered(Exception):
    """The server wrote everything to the disk at that very moment, as it does every ten seconds: nothing is shown."""


async def shown(cluster: Cluster, story: Callable[[str], Awaitable[None]]) -> None:
    """Tell a story to a database, and again to another where the server has forgotten nothing."""
    for _ in range(TRIES):
        told = False
        with cluster.database() as url:
            try:
                await story(url)
                told = True
            except* Remembered:
                pass
        if told:
            return
    pytest.fail("nothing was forgotten")


def forgot(url: str, left: list[tuple[str, str]]) -> None:
    if jobs(url) != left:
        raise Remembered


async def test_a_lane_whose_end_was_forgotten_is_worked_on_again(cluster: Cluster) -> None:
    async def story(url: str) -> None:
        desk = Desk()
        async with a_member(url, "one", FakeClock()) as member, hub_running(member), at_work(member, desk):
            member.dispatcher.wake("chat:a")
            await until(lambda: desk.began == ["chat:a"])
            kept(url)
            desk.open.set()
            await until(lambda: jobs(url) == [])
            die(cluster)
            forgot(url, [("chat:a", "doing")])

            member.dispatcher.wake("chat:a")
            await until(lambda: len(desk.began) > 1 and jobs(url) == [])

    await shown(cluster, story)


async def test_a_lane_whose_beginning_was_forgotten_is_worked_on_by_one(cluster: Cluster) -> None:
    async def story(url: str) -> None:
        desk = Desk()
        async with a_member(url, "one", FakeClock()) as member, hub_running(member):
            await member.dispatcher.find("chat:a")
            kept(url)
            async with at_work(member, desk):
                await until(lambda: desk.began == ["chat:a"] and jobs(url) == [("chat:a", "doing")])
                die(cluster)
                forgot(url, [("chat:a", "todo")])
                await until(lambda: jobs(url) == [("chat:a", "doing")])
                desk.open.set()
                await until(lambda: jobs(url) == [] and over("chat:a"))
        assert desk.began == ["chat:a", "chat:a"]
        assert desk.most == 1

    await shown(cluster, story)


async def test_a_lane_of_which_nothing_is_known_any_more_comes_to_its_end(cluster: Cluster) -> None:
    async def story(url: str) -> None:
        desk = Desk()
        async with a_member(url, "one", FakeClock()) as member, hub_running(member), at_work(member, desk):
            kept(url)
            member.dispatcher.wake("task:a")
            await until(lambda: desk.began == ["task:a"])
            die(cluster)
            forgot(url, [])

            desk.open.set()
            await until(lambda: over("task:a"))

    await shown(cluster, story)


async def test_who_lives_and_has_which_lease_is_not_forgotten(cluster: Cluster) -> None:
    with cluster.database() as url:
        async with a_member(url, "one", FakeClock()) as member, hub_running(member):
            await member.hubs.hold("bridge:telegram")
            die(cluster)
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT name, boot FROM leases").fetchall() == [("bridge:telegram", "one")]
                assert connection.execute("SELECT boot FROM hubs").fetchall() == [("one",)]
