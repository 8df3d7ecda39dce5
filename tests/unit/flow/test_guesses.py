"""How often somebody may guess."""

import pytest

from hub.errors import TooMany
from hub.flow import guesses
from hub.flow.guesses import Guesses
from hub.testing import FakeClock


async def waits(clock: FakeClock, made: Guesses, number: int) -> list[float]:
    """Guess wrong so often, each as soon as may be; return how long each took to be let."""
    found = []
    for _ in range(number):
        try:
            made.begin("ann")
            found.append(0.0)
        except TooMany as error:
            found.append(error.after)
            await clock.advance(error.after)
            made.begin("ann")
    return found


async def test_five_are_free_and_then_each_wait_is_twice_the_last_up_to_a_quarter_of_an_hour() -> None:
    clock = FakeClock()

    assert await waits(clock, Guesses(clock), 14) == [0] * 5 + [15, 30, 60, 120, 240, 480, 900, 900, 900]


async def test_what_is_refused_is_no_guess_and_makes_nobody_wait_longer() -> None:
    clock = FakeClock()
    made = Guesses(clock)
    for _ in range(5):
        made.begin("ann")
    for _ in range(100):
        with pytest.raises(TooMany, match="too many wrong tries; try again in 15 seconds"):
            made.begin("ann")
    await clock.advance(15)
    made.begin("ann")


async def test_a_right_one_and_a_day_of_rest_begin_anew_and_others_are_not_concerned() -> None:
    clock = FakeClock()
    made = Guesses(clock)
    await waits(clock, made, 7)
    made.begin("bea")
    made.right("ann")
    assert await waits(clock, made, 5) == [0] * 5
    await clock.advance(86_401)
    assert await waits(clock, made, 5) == [0] * 5


async def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "REMEMBERED", 2)
    made = Guesses(FakeClock())
    for who in ("ann", "ann", "ann", "ann", "ann", "bea", "cid"):
        made.begin(who)

    made.begin("ann")  # forgotten, for others came after
