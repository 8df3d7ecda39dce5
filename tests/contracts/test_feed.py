"""What every Feed promises."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hub.dispatch.feed import BEHIND, LocalFeed
from hub.ports import Delta, Feed, News
from hub.records import HOME, OWNER, Event, MessageId, PersonId, TaskId, TurnId
from hub.testing import an_event

Build = Callable[[], Feed]
DELTA = Delta(
    tenant=HOME, person=OWNER, task=TaskId("t"), turn=TurnId("u"), message=MessageId("m"), text="Once ", whole=True
)


@pytest.fixture(params=[LocalFeed], ids=["local"])
def feed(request: pytest.FixtureRequest) -> Feed:
    made: Feed = request.param()
    return made


async def some(news: News, count: int) -> list[Event | Delta]:
    found = [await anext(news) for _ in range(count)]
    await news.aclose()
    return found


async def test_what_happens_after_the_call_of_watch_is_told_even_before_it_is_listened_to(feed: Feed) -> None:
    news = feed.watch(HOME, OWNER)
    event = an_event(seq=7)
    feed.publish(event)
    assert await some(news, 1) == [event]


async def test_what_is_there_already_is_had_without_waiting_and_the_end_is_left_for_who_waits(feed: Feed) -> None:
    news = feed.watch(HOME, OWNER)
    assert news.ready() is None

    feed.publish(an_event(seq=1), an_event(seq=2))
    assert (news.ready(), await anext(news), news.ready()) == (an_event(seq=1), an_event(seq=2), None)

    feed.publish(*[an_event(seq=number) for number in range(BEHIND + 1)])
    assert news.ready() is None
    with pytest.raises(StopAsyncIteration):
        await anext(news)
    assert news.ready() is None


async def test_a_person_is_told_of_nobody_elses_news(feed: Feed) -> None:
    news = feed.watch(HOME, OWNER)
    feed.publish(an_event(person=PersonId("bob")), an_event(tenant="other"), an_event(seq=3))
    assert await some(news, 1) == [an_event(seq=3)]


async def test_every_watcher_is_told(feed: Feed) -> None:
    one, other = feed.watch(HOME, OWNER), feed.watch(HOME, OWNER)
    feed.publish(an_event())
    assert await some(one, 1) == await some(other, 1)


async def test_who_comes_in_mid_answer_first_hears_what_stands_of_it(feed: Feed) -> None:
    feed.publish(DELTA, replace(DELTA, text="upon ", whole=False))
    news = feed.watch(HOME, OWNER)
    feed.publish(replace(DELTA, text="a time", whole=False))
    assert await some(news, 2) == [
        replace(DELTA, text="Once upon ", whole=True),
        replace(DELTA, text="a time", whole=False),
    ]


async def test_a_whole_text_takes_the_place_of_what_stood(feed: Feed) -> None:
    feed.publish(DELTA, replace(DELTA, text="Anew", whole=True))
    assert await some(feed.watch(HOME, OWNER), 1) == [replace(DELTA, text="Anew")]


async def test_a_finished_answer_is_not_told_as_unfinished(feed: Feed) -> None:
    feed.publish(DELTA)
    feed.finish(DELTA.turn)
    news = feed.watch(HOME, OWNER)
    feed.publish(an_event())
    assert await some(news, 1) == [an_event()]


async def test_a_watcher_that_falls_too_far_behind_is_ended_and_others_are_not(feed: Feed) -> None:
    slow = feed.watch(HOME, OWNER)
    for number in range(BEHIND + 1):
        feed.publish(an_event(seq=number))
    assert [news async for news in slow] == []
    fresh = feed.watch(HOME, OWNER)
    feed.publish(an_event(seq=1))
    assert await some(fresh, 1) == [an_event(seq=1)]


async def test_who_stops_watching_before_listening_is_forgotten(feed: Feed) -> None:
    news = feed.watch(HOME, OWNER)
    await news.aclose()
    feed.publish(an_event())
    assert [item async for item in news] == []


async def test_one_watcher_may_see_everybodys_news_and_deltas(feed: Feed) -> None:
    feed.publish(DELTA)
    news, owners = feed.watch_all(), feed.watch(HOME, OWNER)
    other = an_event(person=PersonId("bob"), seq=1)
    feed.publish(other, replace(DELTA, turn=TurnId("v"), person=PersonId("bea")))
    assert await some(news, 3) == [DELTA, other, replace(DELTA, turn=TurnId("v"), person=PersonId("bea"))]
    feed.publish(an_event(seq=2))
    assert await some(owners, 2) == [DELTA, an_event(seq=2)]
