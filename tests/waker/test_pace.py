"""A provider beyond the network is asked as often as it bears, and its old account of a machine is overlooked."""

import pytest

from hub.waker.providers import Described, ProviderFault, State, Uncertain
from hub.waker.providers.pace import AGAIN, FRESH, SETTLING, Pace


class World:
    """A machine and its time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.state: State = "stopped"
        self.looks = self.asks = 0
        self.fault: ProviderFault | None = None
        self.pace = Pace(lambda: self.time)

    async def look(self) -> Described:
        self.looks += 1
        return Described(state=self.state)

    async def do(self) -> None:
        self.asks += 1
        if self.fault:
            raise self.fault

    async def seen(self) -> State:
        return (await self.pace.described(self.look)).state


async def test_it_is_asked_how_it_is_once_a_second() -> None:
    world = World()
    for _ in range(10):
        await world.seen()
        world.time += FRESH / 4
    assert world.looks == 3


async def test_the_same_is_asked_for_once_in_a_while() -> None:
    world = World()
    for _ in range(10):
        await world.pace.ask("stop", world.do)
        world.time += AGAIN / 4
    assert world.asks == 3


async def test_something_else_is_asked_for_at_once_and_looked_at_anew() -> None:
    world = World()
    await world.seen()
    await world.pace.ask("stop", world.do)
    await world.pace.ask("start", world.do)
    assert (await world.seen(), world.asks, world.looks) == ("starting", 2, 2)


@pytest.mark.parametrize(("what", "old"), [("start", "stopped"), ("create", "missing")])
async def test_what_was_just_started_or_made_is_starting_until_its_provider_has_had_time_to_see_it(
    what: str, old: State
) -> None:
    world = World()
    world.state = old
    await world.pace.ask(what, world.do)  # type: ignore[arg-type]
    assert await world.seen() == "starting"
    world.time += SETTLING
    assert await world.seen() == old


async def test_a_plain_no_is_believed_at_once_and_a_lost_answer_is_not() -> None:
    world = World()
    world.fault = ProviderFault("no")
    with pytest.raises(ProviderFault):
        await world.pace.ask("start", world.do)
    assert await world.seen() == "stopped"
    world.fault = Uncertain("lost")
    with pytest.raises(Uncertain):
        await world.pace.ask("start", world.do)
    assert await world.seen() == "starting"
