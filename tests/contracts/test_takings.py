"""Every sentence that ports.Takings and Count promise, over every store."""

import asyncio

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.ports import Add, Count, Most, Remove, Save, Store
from hub.records import HOME, OWNER, PersonId, Taken, Task
from hub.records.usage import total
from hub.testing import NOON, a_key, a_message, a_person, a_taken, a_task, a_tenant, an_event
from tests.contracts.people import BEA, OTHERS, add

DAY, NEXT = "2026-11-22", "2026-11-23"


async def count(store: Store, *taken: Taken) -> None:
    """Count as the flow does: for the person, and for the whole tenant."""
    await store.commit(*(Count(each) for one in taken for each in (one, total(one))))


async def test_what_is_counted_adds_up_and_the_first_needs_none_before_it(store: Store) -> None:
    everything = a_taken(messages=1, turns=2, tokens_in=3, tokens_out=4, money=2**40, bytes=2**50)
    for _ in range(3):
        await count(store, everything)

    taken = await store.taken(HOME, DAY, DAY)
    assert taken == Taken(
        tenant=HOME, day=DAY, messages=3, turns=6, tokens_in=9, tokens_out=12, money=3 * 2**40, bytes=3 * 2**50
    )
    assert await store.taken(HOME, NEXT, NEXT) == Taken(tenant=HOME, day=NEXT)


async def test_numbers_may_be_counted_down(store: Store) -> None:
    await count(store, a_taken(bytes=10), a_taken(messages=0, bytes=-4))

    assert (await store.taken(HOME, DAY, DAY)).bytes == 6


async def test_the_same_is_counted_twice_in_one_commit(store: Store) -> None:
    await count(store, a_taken(), a_taken(), a_taken(person=BEA))

    assert [(each.person, each.messages) for each in await store.taken_by(HOME, "person", DAY, DAY, limit=9)] == [
        (BEA, 1),
        (OWNER, 2),
    ]
    assert (await store.taken(HOME, DAY, DAY)).messages == 3


async def test_what_is_counted_is_kept_with_what_stands_beside_it_or_not_at_all(store: Store) -> None:
    message = a_message()
    await store.commit(Add(message), Count(total(a_taken())))
    with pytest.raises(Duplicate):
        await store.commit(Count(total(a_taken())), Add(message))
    with pytest.raises(Conflict):
        await store.commit(Count(total(a_taken())), Save(a_task()))

    assert (await store.taken(HOME, DAY, DAY)).messages == 1


async def test_commits_at_the_same_time_lose_and_double_nothing(store: Store) -> None:
    """Some fail, some touch the same record, and all count on the same rows."""
    task = a_task()
    await add(store, task)

    async def one(number: int) -> bool:
        changed: Task = replace(task, title=f"number {number}")
        beside = Save(changed) if number % 3 == 0 else Add(a_message())
        try:
            await store.commit(beside, Add(an_event()), Count(a_taken(money=number)), Count(total(a_taken())))
        except Conflict:
            return False
        return True

    done = await asyncio.gather(*(one(number) for number in range(60)))

    assert sum(done) == 41
    [taken] = await store.taken_by(HOME, "person", DAY, DAY, limit=9)
    assert (taken.messages, taken.money) == (41, sum(number for number in range(60) if done[number]))
    assert (await store.taken(HOME, DAY, DAY)).messages == 41


async def test_taken_by_groups_by_each_name_within_the_days_and_the_tenant(store: Store) -> None:
    await count(
        store,
        a_taken(key="k1", agent="a"),
        a_taken(key="k1", agent="b", messages=2),
        a_taken(day=NEXT, key="k2", agent="a", messages=4),
        a_taken(person=BEA, agent="a", messages=8),
        a_taken(day="2026-11-24", messages=16),
        a_taken(tenant=OTHERS, messages=32),
    )

    async def grouped(by: str, **more: object) -> list[tuple[str, int]]:
        found = await store.taken_by(HOME, by, DAY, NEXT, **{"limit": 9, **more})  # type: ignore[arg-type]
        return [(getattr(each, by), each.messages) for each in found]

    assert await grouped("day") == [(DAY, 11), (NEXT, 4)]
    assert await grouped("person") == [(BEA, 8), (OWNER, 7)]
    assert await grouped("key") == [("", 8), ("k1", 3), ("k2", 4)]
    assert await grouped("agent") == [("a", 13), ("b", 2)]
    assert await grouped("day", person=OWNER) == [(DAY, 3), (NEXT, 4)]
    assert await grouped("agent", person=OWNER) == [("a", 5), ("b", 2)]
    assert await grouped("person", limit=1) == [(BEA, 8)]
    assert await grouped("person", limit=1, after=BEA) == [(OWNER, 7)]
    assert await grouped("person", person=PersonId("nobody")) == []
    assert (await store.taken(HOME, DAY, NEXT)).messages == 15


async def test_last_used_is_the_last_day_of_each_api_key(store: Store) -> None:
    one, two = a_key(), a_key()
    session, others = a_key(kind="session"), a_key(tenant=OTHERS)
    await add(store, one, two, session, others)
    await count(store, *(a_taken(key=one.id, day=day) for day in ("2026-11-30", DAY)))
    await count(store, a_taken(key=session.id), a_taken(tenant=OTHERS, key=others.id))

    assert await store.last_used(HOME) == {one.id: "2026-11-30"}


async def test_taken_by_person_are_rows_that_can_be_removed(store: Store) -> None:
    await count(store, a_taken(), a_taken(day=NEXT), a_taken(person=BEA), a_taken(tenant=OTHERS))
    rows = await store.taken_by_person(HOME, OWNER, 9)

    assert rows == (a_taken(), a_taken(day=NEXT))
    assert await store.taken_by_person(HOME, OWNER, 1) == rows[:1]
    await store.commit(*map(Remove, rows))
    assert await store.taken_by_person(HOME, OWNER, 9) == ()
    assert (await store.taken(HOME, DAY, NEXT)).messages == 3


async def test_leaving_tenants_are_those_that_are_being_erased(store: Store) -> None:
    leaving = a_tenant(leaving_at=NOON, suspended_at=NOON)
    await add(store, leaving, a_tenant(suspended_at=NOON), a_person())

    assert await store.leaving_tenants() == (leaving,)


async def test_the_most_come_first_and_of_equals_the_first_by_name(store: Store) -> None:
    await count(
        store,
        a_taken(agent="a", tokens_in=1, money=2**40),
        a_taken(agent="b", tokens_out=5),
        a_taken(agent="c", tokens_in=2, tokens_out=3),
        a_taken(day=NEXT, agent="d", tokens_in=90),
    )

    async def names(most: Most, limit: int) -> list[str]:
        return [each.agent for each in await store.taken_by(HOME, "agent", DAY, DAY, limit=limit, most=most)]

    assert await names("tokens", 2) == ["b", "c"]
    assert await names("money", 9) == ["a", "b", "c"]
    assert await names("messages", 9) == ["a", "b", "c"]
