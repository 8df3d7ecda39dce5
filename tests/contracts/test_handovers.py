"""Every sentence that ports.Handovers promises, over every store."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.ports import Add, Save, Store
from hub.records import HOME, OWNER, PersonId
from hub.testing import (
    NOON,
    a_draft,
    a_handover,
    a_message,
    a_note,
    a_person,
    a_task,
    desk_rules,
)
from tests.contracts.people import BEA, OTHERS, add

MINUTE = timedelta(minutes=1)


async def test_a_handover_is_read_back_by_its_tenant_alone(store: Store) -> None:
    handover = a_handover(late=("first",), due_at=NOON)
    await add(store, handover)
    assert await store.handover(HOME, handover.id) == handover
    assert await store.handover(OTHERS, handover.id) is None


async def test_a_person_has_one_that_is_not_resolved(store: Store) -> None:
    first = a_handover()
    await add(store, first)
    with pytest.raises(Duplicate):
        await store.commit(Add(a_handover()))
    await add(store, a_handover(tenant=OTHERS), a_handover(person=BEA))
    await store.commit(Save(replace(first, state="resolved", holds=None)))
    assert await store.handover_of(HOME, OWNER) is None
    second = a_handover()
    await add(store, second)
    assert await store.handover_of(HOME, OWNER) == second


async def test_two_who_take_it_at_once_are_told_apart(store: Store) -> None:
    handover = a_handover()
    await add(store, handover)
    await store.commit(Save(replace(handover, state="taken", operator=OWNER)))
    with pytest.raises(Conflict):
        await store.commit(Save(replace(handover, state="taken", operator=BEA)))
    found = await store.handover(HOME, handover.id)
    assert found is not None
    assert (found.operator, found.revision) == (OWNER, 1)


async def test_they_are_listed_open_ones_oldest_first_and_all_newest_first(store: Store) -> None:
    old = a_handover(state="resolved")
    first, second = a_handover(person=BEA), a_handover(state="taken")
    await add(store, old, first, second, a_handover(tenant=OTHERS))
    assert [each.id for each in await store.open_handovers(HOME, limit=9)] == [first.id, second.id]
    assert [each.id for each in await store.open_handovers(HOME, limit=1)] == [first.id]
    assert [each.id for each in await store.handovers(HOME, limit=9)] == [second.id, first.id, old.id]
    assert [each.id for each in await store.handovers(HOME, limit=9, before=second.id)] == [first.id, old.id]
    assert [each.id for each in await store.handovers(HOME, limit=9, person=OWNER)] == [second.id, old.id]


async def test_due_ones_come_the_longest_due_first(store: Store) -> None:
    later, sooner = a_handover(due_at=NOON), a_handover(person=BEA, due_at=NOON - MINUTE)
    await add(store, later, sooner, a_handover(tenant=OTHERS, due_at=NOON + MINUTE), a_handover(person=PersonId("c")))
    assert [each.id for each in await store.due_handovers(NOON, 9)] == [sooner.id, later.id]
    assert [each.id for each in await store.due_handovers(NOON, 1)] == [sooner.id]


async def test_drafts_are_listed_by_handover_and_task_and_decided_about_once(store: Store) -> None:
    handover, task = a_handover(), a_task()
    drafts = [a_draft(handover, task, str(number)) for number in range(3)]
    await add(store, handover, task, *drafts, a_draft(a_handover(), a_task(number=2)))
    assert [each.id for each in await store.drafts(handover.id, limit=9)] == [each.id for each in drafts]
    assert [each.id for each in await store.drafts(handover.id, limit=1, after=drafts[0].id)] == [drafts[1].id]
    assert len(await store.drafts_of_task(task.id, limit=9)) == 3
    assert await store.draft(HOME, drafts[0].id) == drafts[0]
    assert await store.draft(OTHERS, drafts[0].id) is None
    await store.commit(Save(replace(drafts[0], state="sent")))
    with pytest.raises(Conflict):
        await store.commit(Save(replace(drafts[0], state="discarded")))


async def test_notes_are_told_newest_first_of_one_person(store: Store) -> None:
    handover = a_handover()
    notes = [a_note(handover, str(number)) for number in range(3)]
    await add(store, *notes, a_note(a_handover(person=BEA)))
    assert [note.text for note in await store.notes(HOME, OWNER, limit=2)] == ["2", "1"]
    assert [note.text for note in await store.notes(HOME, OWNER, limit=9, before=notes[1].id)] == ["0"]


async def test_talk_is_the_newest_in_all_of_a_persons_chats(store: Store) -> None:
    said = [a_message(str(number), external_id=str(number)) for number in range(4)]
    gone = a_message("gone", external_id="gone", state="moved")
    copy = a_message("copy", external_id="copy", copy_of=said[0].id)
    await add(store, *said, gone, copy, a_message("Bea's", person=BEA, external_id="b"))
    assert [each.text for each in await store.talk(HOME, OWNER, limit=3)] == ["1", "2", "3"]
    assert [each.text for each in await store.talk(HOME, OWNER, limit=9, before=said[2].id)] == ["0", "1"]


async def test_asking_tasks_are_those_that_wait_for_their_person_the_longest_first(store: Store) -> None:
    one = a_task(number=1, state="input-required", updated_at=NOON - MINUTE)
    two = a_task(number=2, state="input-required", updated_at=NOON - 2 * MINUTE)
    new = a_task(number=3, state="input-required", updated_at=NOON)
    await add(store, one, two, new, a_task(number=4, state="working", updated_at=NOON - MINUTE))
    assert [task.number for task in await store.asking_tasks(NOON, limit=9)] == [2, 1]
    assert [task.number for task in await store.asking_tasks(NOON, limit=9, after=two)] == [1]


async def test_operators_are_those_whose_role_lets_them(store: Store) -> None:
    roles = {"a": "admin", "b": "member", "c": "operator", "d": "service", "e": "owner", "f": "group"}
    await add(store, *(a_person(id=PersonId(id), role=role) for id, role in roles.items()))
    await add(store, a_person(id=PersonId("x"), tenant=OTHERS, role="owner"))
    assert [each.id for each in await store.operators(HOME, 9)] == ["a", "c", "e"]
    assert [each.id for each in await store.operators(HOME, 1)] == ["a"]


async def test_a_tenant_has_rules_of_its_own_or_none(store: Store) -> None:
    assert await store.desk_rules(HOME) is None
    await add(store, desk_rules(signed=False))
    assert await store.desk_rules(HOME) == desk_rules(signed=False)
    assert await store.desk_rules(OTHERS) is None
