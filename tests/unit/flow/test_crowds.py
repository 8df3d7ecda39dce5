"""One person among others: nobody takes everything."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from hub.flow import crowds
from hub.flow.crowds import CALM, LATE, LATELY, PATIENT, Slots, Waiting
from hub.ports import Add
from hub.records import HOME, OWNER, PersonId, TenantId
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, a_message, an_entry, settle

ANN, BOB, EVE = PersonId("ann"), PersonId("bob"), PersonId("eve")


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, the event loop counts as keeping up."""
    monkeypatch.setattr(crowds, "LATE", 60.0)


class Desk:
    """People who hold slots until they're told to leave."""

    def __init__(self, count: int) -> None:
        self.slots = Slots(count, FakeClock())
        self.began: list[PersonId] = []
        self.gates: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def sit(self, person: PersonId) -> None:
        async with self.slots.of(HOME, person):
            gate = asyncio.Event()
            self.began.append(person)
            self.gates.append(gate)
            await gate.wait()

    async def leave(self) -> None:
        """Have the one who holds a slot longest leave."""
        self.gates.pop(0).set()
        await settle()


@asynccontextmanager
async def desk(count: int, *people: PersonId) -> AsyncIterator[Desk]:
    it = Desk(count)
    async with asyncio.TaskGroup() as group:
        it.tasks = [group.create_task(it.sit(person)) for person in people]
        await settle()
        yield it
        for task in it.tasks:
            task.cancel()


async def test_one_person_never_holds_all_slots() -> None:
    async with desk(4, *[EVE] * 10) as it:
        assert it.began == [EVE] * 3
        async with it.slots.of(HOME, ANN):
            pass


async def test_people_take_turns_however_much_each_has_waiting() -> None:
    async with desk(1, *[EVE] * 5, ANN, BOB) as it:
        for _ in range(4):
            await it.leave()
        assert it.began == [EVE, EVE, ANN, BOB, EVE]


async def test_what_is_due_by_a_schedule_leaves_slots_for_who_speaks_even_to_its_own_person() -> None:
    slots = Slots(4, FakeClock())
    began: list[str] = []

    async def work(name: str, person: PersonId, *, background: bool) -> None:
        async with slots.of(HOME, person, background=background):
            began.append(name)
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(f"due {n}", PersonId(f"p{n % 5}"), background=True)) for n in range(1_000)]
        await settle()
        assert began == ["due 0", "due 1", "due 2"]
        tasks.append(group.create_task(work("said", PersonId("p0"), background=False)))
        await settle()
        assert began[3:] == ["said"]
        for task in tasks:
            task.cancel()


async def passes(slots: Slots, order: list[str], name: str, *, background: bool) -> None:
    """Hold a slot for a moment, and note whose turn it was."""
    async with slots.of(HOME, BOB, background=background):
        order.append(name)


async def test_what_is_said_comes_before_what_is_due() -> None:
    async with desk(1, ANN) as it:
        order: list[str] = []
        wait = partial(passes, it.slots, order)
        async with asyncio.TaskGroup() as group:
            group.create_task(wait("due", background=True))
            await settle()
            group.create_task(wait("said", background=False))
            await settle()
            await it.leave()
        assert order == ["said", "due"]


async def test_what_is_due_comes_in_its_turn_however_much_is_said() -> None:
    async with desk(1, ANN) as it:
        order: list[str] = []
        wait = partial(passes, it.slots, order)
        async with asyncio.TaskGroup() as group:
            for name, background in [("due", True)] * 3 + [("said", False)] * 20:
                group.create_task(wait(name, background=background))
            await settle()
            await it.leave()
        assert order == [*["said"] * PATIENT, "due"] * 2 + ["said"] * (20 - 2 * PATIENT) + ["due"]


async def test_a_single_slot_is_given_to_whoever_comes() -> None:
    async with desk(1, ANN, ANN) as it:
        assert it.began == [ANN]
        await it.leave()
        assert it.began == [ANN, ANN]


async def test_who_is_cancelled_while_waiting_or_working_leaves_a_free_slot() -> None:
    async with desk(1, ANN, BOB, EVE) as it:
        it.tasks[1].cancel()
        it.tasks[0].cancel()
        await settle()
        assert it.began == [ANN, EVE]


async def test_more_than_the_limit_is_refused_and_told_once_until_half_is_answered() -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.open()
    waiting = Waiting(store, clock, 4)
    assert [await waiting.one_more(HOME, OWNER) for _ in range(5)] == [True] * 4 + [False]
    assert [waiting.tell(HOME, OWNER), waiting.tell(HOME, OWNER)] == [True, False]

    for _ in range(4):
        message = a_message(person=OWNER)
        await store.commit(Add(message), Add(an_entry(message)))
    await clock.advance(3)
    assert not await waiting.one_more(HOME, OWNER)
    assert not waiting.tell(HOME, OWNER), "still the same flood"


async def test_who_is_answered_as_quickly_as_they_write_is_never_refused() -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.open()
    waiting = Waiting(store, clock, 20)
    for _ in range(500):  # none of them waits in the store
        assert await waiting.one_more(HOME, OWNER)
        await clock.advance(0.01)


async def test_while_the_event_loop_lags_only_a_few_turns_go_on_and_all_as_soon_as_it_keeps_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowds, "LATE", LATE)
    slots, held = Slots(8, FakeClock()), 0
    done = asyncio.Event()

    async def sit(number: int) -> None:
        nonlocal held
        async with slots.of(HOME, PersonId(str(number))):
            held += 1
            await done.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(sit(number))
        for _ in range(20):
            time.sleep(4 * LATE)
            await asyncio.sleep(0)
        assert held == CALM

        async with asyncio.timeout(10):
            while held < 8:
                await asyncio.sleep(LATE)
        done.set()


async def test_after_a_flood_is_over_the_next_is_told_again() -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.open()
    waiting = Waiting(store, clock, 2)
    for _ in range(2):
        while await waiting.one_more(HOME, OWNER):
            pass
        assert waiting.tell(HOME, OWNER)
        await clock.advance(3)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
async def test_all_slots_are_used_when_many_people_wait(count: int) -> None:
    async with desk(count, *[PersonId(str(number)) for number in range(20)]) as it:
        assert len(it.began) == count


async def test_a_tenant_holds_its_part_of_the_slots_however_many_people_it_has() -> None:
    """Alone on a hub a tenant may fill it; while another is there, half of it is that one's, in use or not."""
    slots, others = Slots(4, clock := FakeClock()), TenantId("others")
    began: list[str] = []
    gates: list[asyncio.Event] = []

    async def sit(tenant: TenantId, name: str) -> None:
        async with slots.of(tenant, PersonId(name)):
            began.append(name)
            gates.append(gate := asyncio.Event())
            await gate.wait()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sit(HOME, f"home {number}")) for number in range(20)]
        await settle()
        assert began == ["home 0", "home 1", "home 2", "home 3"]
        tasks += [group.create_task(sit(others, f"other {number}")) for number in range(2)]
        await settle()
        for gate in gates:
            gate.set()
        await settle()
        assert sorted(began[4:8]) == ["home 4", "home 5", "other 0", "other 1"]
        for gate in gates:
            gate.set()
        await settle()
        # Nobody else waits, and the other's part is left free all the same, as long as it may come back soon.
        assert began[8:] == ["home 6", "home 7"]
        await clock.advance(LATELY + 1)
        for gate in gates:
            gate.set()
        await settle()
        assert began[10:] == ["home 8", "home 9", "home 10", "home 11"]
        for task in tasks:
            task.cancel()


async def test_each_of_three_tenants_has_a_third_of_the_slots() -> None:
    slots, began = Slots(8, FakeClock()), Counter[str]()

    async def sit(tenant: str, name: str) -> None:
        async with slots.of(TenantId(tenant), PersonId(name)):
            began[tenant] += 1
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sit(tenant, "first")) for tenant in ("one", "two")]
        await settle()
        tasks += [group.create_task(sit("flood", str(number))) for number in range(50)]
        await settle()
        assert began == {"one": 1, "two": 1, "flood": 3}
        tasks += [group.create_task(sit("one", str(number))) for number in range(50)]
        await settle()
        assert began == {"one": 3, "two": 1, "flood": 3}
        for task in tasks:
            task.cancel()
