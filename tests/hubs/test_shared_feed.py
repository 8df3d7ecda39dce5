"""What a Feed promises besides, where several hubs commit: each event reaches each watcher once, in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest
from sqlalchemy import make_url

from hub.dispatch import shared_feed
from hub.dispatch.database import Database
from hub.dispatch.ear import Ear
from hub.dispatch.shared_feed import SharedFeed
from hub.ports import Add, Delta, News
from hub.records import HOME, OWNER, Event, MessageId, TaskId, TurnId
from hub.store.postgres import PostgresStore
from hub.testing import an_event


class Side:
    """One hub's store and feed."""

    def __init__(self, store: PostgresStore, feed: SharedFeed) -> None:
        self.store = store
        self.feed = feed

    async def commit(self, *names: str) -> None:
        """Commit an event for each name, and publish them, as a journal does."""
        self.feed.publish(*await self.store.commit(*(Add(an_event(message=MessageId(name))) for name in names)))


@asynccontextmanager
async def a_side(url: str, boot: str, number: int) -> AsyncIterator[Side]:
    async with AsyncExitStack() as stack:
        store = PostgresStore(make_url(url))
        await store.open()
        stack.push_async_callback(store.close)
        database = await stack.enter_async_context(Database(url, boot))
        ear = Ear(url, boot)
        feed = SharedFeed(database, ear, store)
        await ear.open(number)
        await feed.open()
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(ear.run()), group.create_task(feed.run())]
        yield Side(store, feed)
        for task in tasks:
            task.cancel()


@pytest.fixture
async def sides(empty_database: str) -> AsyncIterator[tuple[Side, Side]]:
    async with a_side(empty_database, "one", 1) as one, a_side(empty_database, "other", 2) as other:
        yield one, other


async def names(news: News, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            item = await anext(news)
            assert isinstance(item, Event)
            found.append(str(item.message))
    return found


@contextmanager
def deaf(side: Side) -> Iterator[None]:
    """Let a hub's own words get lost, as those of one that dies right after a commit."""
    tell, side.feed._tell = side.feed._tell, asyncio.Event()
    yield
    side.feed._tell = tell


async def test_what_one_hub_commits_is_told_on_every_hub_once_and_in_order(sides: tuple[Side, Side]) -> None:
    one, other = sides
    watching = [side.feed.watch(HOME, OWNER) for side in sides]
    for number in range(20):
        await asyncio.gather(one.commit(f"one {number}"), other.commit(f"other {number}"))
    await one.commit("last")
    told = [await names(news, 41) for news in watching]
    kept = [event.message for event in await one.store.events(HOME, OWNER, after=0, limit=99)]
    assert told == [kept, kept]


async def test_a_hubs_own_events_are_told_there_at_once(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    news = one.feed.watch(HOME, OWNER)
    await one.commit("first", "second")
    # Nothing is awaited but what's there already.
    assert [news._queue.qsize()] == [2]  # type: ignore[attr-defined]


async def test_an_event_whose_hub_died_before_telling_of_it_is_told_all_the_same(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_feed, "POLL", 0.1)
    one, other = sides
    news = other.feed.watch(HOME, OWNER)
    with deaf(one):
        await one.commit("untold")
        assert await names(news, 1) == ["untold"]


async def test_a_watcher_is_told_nothing_that_was_committed_before_it_watched(sides: tuple[Side, Side]) -> None:
    one, other = sides
    first = other.feed.watch(HOME, OWNER)
    await one.commit("before")
    assert await names(first, 1) == ["before"]
    news = other.feed.watch(HOME, OWNER)
    await one.commit("after")
    assert await names(news, 1) == ["after"]


async def test_what_is_being_written_is_told_on_its_own_hub(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    delta = Delta(tenant=HOME, person=OWNER, task=TaskId("t"), turn=TurnId("u"), message=None, text="Once", whole=True)
    news = one.feed.watch(HOME, OWNER)
    one.feed.publish(delta)
    assert await anext(news) == delta
