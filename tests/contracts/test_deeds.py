"""Every sentence that ports.Deeds promises, over every store."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.chains import FIRST
from hub.errors import Conflict
from hub.ports import Add, Remove, Save, Store
from hub.records import HOME, Chain, Checkpoint, Deed, PersonId, hash_of
from hub.testing import NOON, a_deed, a_person, a_task, an_event
from tests.contracts.people import OTHERS, add

ANN = PersonId("ann")


async def test_deeds_are_numbered_and_chained_within_their_tenant(store: Store) -> None:
    await store.commit(
        Add(a_deed(action="one")), Add(a_deed(tenant=OTHERS, action="theirs")), Add(a_deed(action="two"))
    )
    [event] = await store.commit(Add(an_event()), Add(a_deed(action="three")))

    ours = (await store.deeds(HOME, limit=9))[::-1]
    assert [(deed.seq, deed.action) for deed in ours] == [(1, "one"), (2, "two"), (3, "three")]
    assert [deed.previous for deed in ours] == [FIRST, ours[0].hash, ours[1].hash]
    assert all(deed.hash == hash_of(deed) for deed in ours)
    assert [deed.seq for deed in await store.deeds(OTHERS, limit=9)] == [1]
    assert await store.chain(HOME) == Chain(tenant=HOME, seq=3, hash=ours[2].hash)
    assert event.seq == 1


async def test_a_tenant_without_deeds_has_a_chain_that_ends_where_it_begins(store: Store) -> None:
    assert await store.chain(OTHERS) == Chain(tenant=OTHERS)
    assert await store.last_deed(OTHERS, NOON) == 0


async def test_a_deed_of_a_commit_that_fails_is_not_kept_and_leaves_no_gap(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.commit(Add(a_deed(action="lost")), Save(a_task()))
    await store.commit(Add(a_deed(action="kept")))
    assert [(deed.seq, deed.action) for deed in await store.deeds(HOME, limit=9)] == [(1, "kept")]


async def test_commits_at_the_same_time_make_one_chain(store: Store) -> None:
    async def once(number: int) -> None:
        await store.commit(Add(a_person(id=PersonId(f"p{number}"))), Add(a_deed(object=f"person/p{number}")))

    await asyncio.gather(*map(once, range(40)))
    found = await store.deeds(HOME, limit=99, after=0)
    assert [deed.seq for deed in found] == list(range(1, 41))
    assert [deed.previous for deed in found[1:]] == [deed.hash for deed in found[:-1]]


async def test_deeds_are_found_by_who_what_and_to_what_and_read_both_ways(store: Store) -> None:
    await add(store, *(a_deed(who=ANN, action=f"a{number % 2}", object=f"o/{number}") for number in range(6)))
    await add(store, a_deed(who=None))

    async def seqs(**how: object) -> list[int]:
        return [deed.seq for deed in await store.deeds(HOME, limit=4, **how)]  # type: ignore[arg-type]

    assert await seqs() == [7, 6, 5, 4]
    assert await seqs(before=4) == [3, 2, 1]
    assert await seqs(after=5) == [6, 7]
    assert await seqs(who=ANN, action="a1") == [6, 4, 2]
    assert await seqs(object="o/2") == [3]
    assert await seqs(action="a1", before=6, after=2) == [4]


async def test_last_deed_is_the_last_one_before_a_time(store: Store) -> None:
    await add(store, *(a_deed(at=NOON + timedelta(minutes=minute)) for minute in range(3)))
    assert await store.last_deed(HOME, NOON + timedelta(minutes=2)) == 2
    assert await store.last_deed(HOME, NOON) == 0


async def test_pruned_deeds_leave_a_checkpoint_and_their_numbers_are_not_given_again(store: Store) -> None:
    await add(store, a_deed(), a_deed())
    [first, second] = await store.deeds(HOME, limit=9, after=0)
    point = Checkpoint(tenant=HOME, seq=second.seq, hash=second.hash, at=NOON)
    await store.commit(Remove(first), Remove(second), Add(point))
    await store.commit(Add(a_deed()))

    [third] = await store.deeds(HOME, limit=9)
    assert (third.seq, third.previous) == (3, second.hash)
    assert await store.checkpoint(HOME) == point
    assert await store.checkpoint(OTHERS) is None


async def test_a_deed_with_odd_words_verifies_after_it_was_kept(store: Store) -> None:
    await store.commit(Add(replace(a_deed(), object="package/\0\ud800“x”", detail="\0")))
    [deed] = await store.deeds(HOME, limit=1)
    assert isinstance(deed, Deed)
    assert deed.hash == hash_of(deed)
