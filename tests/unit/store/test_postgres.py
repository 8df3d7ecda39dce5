"""PostgreSQL goes away and comes back, and other hubs write there too: nothing is lost, doubled or out of order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, make_url, text

from hub.errors import Conflict, Duplicate, StoreUnavailable
from hub.ports import Add, Remove, Save
from hub.records import HOME, OWNER, MessageId, Person, PersonId
from hub.store.postgres import PostgresStore
from hub.store.postgres_writer import Fence
from hub.testing import a_message, a_person, a_task, an_address, an_entry, an_event
from tests.postgres.server import Cluster, a_cluster


@asynccontextmanager
async def opened(url: str, fence: Fence | None = None) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(make_url(url), fence=fence)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture
def killed(cluster: Cluster) -> Iterator[str]:
    """The URL of an empty database on a server that may be killed."""
    with cluster.database() as url:
        yield url
        cluster.stop()
        cluster.start()


# --- the server goes away


async def test_while_the_server_is_away_nothing_is_taken_and_afterwards_all_goes_on(
    killed: str, cluster: Cluster
) -> None:
    async with opened(killed) as store:
        before, during, after = a_message("before"), a_message("during"), a_message("after")
        await store.commit(Add(before))
        cluster.stop(signal.SIGQUIT)
        with pytest.raises(StoreUnavailable):
            await store.commit(Add(during))
        with pytest.raises(StoreUnavailable):
            await store.message(before.id)
        cluster.start()
        await store.commit(Add(after))
        assert await store.message(before.id) == before
        assert await store.message(during.id) is None
        assert await store.message(after.id) == after


async def test_a_restart_between_two_commits_is_not_noticed(killed: str, cluster: Cluster) -> None:
    async with opened(killed) as store:
        await store.commit(Add(a_person()))
        assert len(await store.people(HOME)) == 1
        cluster.stop()
        cluster.start()
        assert len(await store.people(HOME)) == 1
        await store.commit(Add(a_message()))


async def test_what_was_taken_is_kept_and_what_was_refused_is_not_however_often_the_server_is_killed(
    killed: str, cluster: Cluster
) -> None:
    taken, refused = list[MessageId](), list[MessageId]()
    done = asyncio.Event()

    async def send(store: PostgresStore) -> None:
        while not done.is_set():
            message = a_message()
            try:
                await store.commit(Add(message), Add(an_entry(message)), Add(an_event(message=message.id)))
                taken.append(message.id)
            except StoreUnavailable:
                refused.append(message.id)
                await asyncio.sleep(0.01)

    async with opened(killed) as store, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(send(store))
        for _ in range(6):
            at_least = len(taken) + 30
            while len(taken) < at_least:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(cluster.stop, signal.SIGQUIT)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(cluster.start)
        done.set()
    async with opened(killed) as store:
        events = await store.events(HOME, OWNER, after=0, limit=10**6)
        assert [id for id in taken if await store.message(id) is None] == []
        assert [id for id in refused if await store.message(id)] == []
        assert sorted(str(event.message) for event in events) == sorted(taken)


async def test_a_fenced_hub_writes_nothing(hub_database: str) -> None:
    fenced = False

    def fence(connection: Connection) -> None:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        if fenced:
            raise StoreUnavailable("another hub took over")

    async with opened(hub_database, fence) as store:
        await store.commit(Add(a_person(id=PersonId("ann"))))
        fenced = True
        with pytest.raises(StoreUnavailable, match="took over"):
            await store.commit(Add(a_person(id=PersonId("bea"))))
        fenced = False
        await store.commit(Add(a_person(id=PersonId("cid"))))
        assert {person.id for person in await store.people(HOME)} == {"ann", "cid"}


# --- several hubs


async def test_of_two_hubs_that_save_the_same_revision_one_is_told_of_the_other(hub_database: str) -> None:
    async with opened(hub_database) as one, opened(hub_database) as other:
        task = a_task()
        await one.commit(Add(task))
        for revision in range(20):
            changed = replace(task, revision=revision)
            results = await asyncio.gather(
                *(store.commit(Save(replace(changed, title=f"{revision}"))) for store in (one, other)),
                return_exceptions=True,
            )
            assert sorted(map(type, results), key=str) == sorted([tuple, Conflict], key=str)


async def test_of_two_hubs_that_take_the_same_message_one_keeps_it(hub_database: str) -> None:
    async with opened(hub_database) as one, opened(hub_database) as other:
        for number in range(20):
            results = await asyncio.gather(
                *(store.commit(Add(a_message(external_id=str(number)))) for store in (one, other)),
                return_exceptions=True,
            )
            assert sorted(map(type, results), key=str) == sorted([tuple, Duplicate], key=str)
        assert len(await one.messages_of_chat(HOME, an_address(), limit=99)) == 20


async def test_hubs_that_lock_the_same_rows_the_other_way_round_both_get_done(hub_database: str) -> None:
    people = [a_person(id=PersonId(str(number))) for number in range(6)]
    async with opened(hub_database) as one, opened(hub_database) as other:
        await one.commit(*map(Add, people))

        async def rename(store: PostgresStore, order: list[Person]) -> None:
            # Removing keeps a set from being done with others, in the order that all hubs have.
            for number in range(40):
                await store.commit(
                    *(Save(replace(person, name=str(number))) for person in order), Remove(a_person(id=PersonId("no")))
                )

        await asyncio.gather(rename(one, people), rename(other, people[::-1]))
        assert {person.name for person in await one.people(HOME)} == {"39"}


async def test_a_reader_of_events_misses_none_while_several_hubs_add_some(hub_database: str) -> None:
    async with opened(hub_database) as one, opened(hub_database) as two, opened(hub_database) as reader:

        async def add(store: PostgresStore) -> None:
            for _ in range(40):
                await asyncio.gather(*(store.commit(Add(a_message()), Add(an_event())) for _ in range(3)))

        async def read() -> list[int]:
            seen = list[int]()
            while len(seen) < 240:
                after = seen[-1] if seen else 0
                seen += [event.seq for event in await reader.events(HOME, OWNER, after=after, limit=1000)]
            return seen

        seen, *_ = await asyncio.gather(read(), add(one), add(two))
        assert seen == list(range(1, 241))
