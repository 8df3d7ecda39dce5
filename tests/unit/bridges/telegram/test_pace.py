"""How much may be sent now."""

from bridges.telegram.pace import Pace
from hub.testing import FakeClock


async def sent_in(pace: Pace, clock: FakeClock, chat: int, seconds: float, *, minor: bool = False) -> int:
    """Return how much a chat got of somebody who tries ten times a second."""
    count = 0
    for _ in range(round(seconds * 10)):
        count += pace.wait(chat, minor=minor) == 0
        await clock.advance(0.1)
    return count


async def test_a_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    clock = FakeClock()
    pace = Pace(clock)

    assert [pace.wait(1) == 0 for _ in range(6)] == [True, True, True, True, False, False]
    assert 0.9 < pace.wait(1) <= 1.0
    assert await sent_in(pace, clock, 1, 30.0) in (29, 30, 31)


async def test_a_group_gets_less_than_20_a_minute_of_which_edits_leave_some() -> None:
    clock = FakeClock()
    pace = Pace(clock)

    assert await sent_in(pace, clock, -1, 59.0, minor=True) == 12
    assert sum(pace.wait(-1) == 0 for _ in range(10)) == 4
    await clock.advance(1.0)
    assert pace.wait(-1) == 0


async def test_edits_always_leave_room_for_an_answer() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    for _ in range(100):
        pace.wait(1, minor=True)
        await clock.advance(0.1)

    assert pace.wait(1) == 0


async def test_all_chats_together_stay_below_30_a_second_and_none_holds_up_another_for_long() -> None:
    clock = FakeClock()
    pace = Pace(clock)

    assert sum(pace.wait(chat) == 0 for chat in range(1, 100)) == 25
    assert 0.9 < pace.wait(500) <= 1.0
    await clock.advance(1.0)
    assert pace.wait(500) == 0


async def test_patience_asked_for_one_chat_is_that_chats_and_for_all_is_everybodys() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    pace.slow_down(1, 7.0)

    assert (pace.wait(1), pace.wait(2)) == (7.0, 0.0)
    pace.slow_down(None, 3.0)
    assert (pace.wait(1), pace.wait(2)) == (7.0, 3.0)
    await clock.advance(7.0)
    assert pace.wait(1) == 0
