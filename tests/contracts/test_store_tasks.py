"""Every sentence that ports.Store promises of the tasks, turns and steps it finds, over every store."""

from datetime import timedelta

from msgspec.structs import replace

from hub.ports import Due, Store
from hub.records import (
    HOME,
    OWNER,
    Address,
    MessageId,
    Task,
    Usage,
)
from hub.testing import (
    NOON,
    a_message,
    a_step,
    a_task,
    a_transition,
    a_turn,
    an_address,
    an_entry,
)
from tests.contracts.people import BEA, OTHERS, SOON, add


async def some_tasks(store: Store, count: int, **fields: object) -> list[Task]:
    tasks = [a_task(str(number), **({"number": number} | fields)) for number in range(1, count + 1)]
    await add(store, *tasks)
    return tasks


async def test_a_task_is_found_by_its_number(store: Store) -> None:
    tasks = await some_tasks(store, 3)
    assert await store.task_by_number(HOME, OWNER, 2) == tasks[1]
    assert await store.task_by_number(HOME, BEA, 2) is None
    assert await store.last_number(HOME, OWNER) == 3
    assert await store.last_number(HOME, BEA) == 0


async def test_tasks_are_listed_newest_first(store: Store) -> None:
    tasks = await some_tasks(store, 4)
    await some_tasks(store, 1, tenant=OTHERS)
    bea = await some_tasks(store, 1, person=BEA)
    assert await store.tasks(HOME) == (*bea, *reversed(tasks))
    assert await store.tasks(HOME, OWNER, limit=2) == (tasks[3], tasks[2])
    assert await store.tasks(HOME, OWNER, before=tasks[2].id, limit=1) == (tasks[1],)


async def test_tasks_are_chosen_by_state_chat_and_change(store: Store) -> None:
    other = Address(bridge="fake", chat="other", thread="1")
    done = a_task(number=1, state="completed", updated_at=SOON)
    waiting = a_task(number=2, state="input-required", origin=other)
    working = a_task(number=3, state="working", updated_at=SOON + timedelta(seconds=1))
    await add(store, done, waiting, working)
    assert await store.tasks(HOME, OWNER, states=["working", "input-required"]) == (working, waiting)
    assert await store.tasks(HOME, OWNER, chat=replace(other, thread=None)) == (waiting,)
    assert await store.tasks(HOME, chat=an_address()) == (working, done)
    assert await store.tasks(HOME, updated_since=SOON) == (working, done)
    assert await store.tasks(HOME, updated_since=SOON + timedelta(seconds=1)) == (working,)


async def test_tasks_that_were_split_off_are_listed_apart(store: Store) -> None:
    parent, child, other = a_task(number=1), a_task(number=2, parent="p", depth=1), a_task(number=3)
    await add(store, parent, child, other)
    assert await store.tasks(HOME, OWNER, split=False) == (other, parent)
    assert await store.tasks(HOME, OWNER, split=False, limit=1, by="updated_at") == (other,)
    assert await store.tasks(HOME, OWNER, split=True) == (child,)
    assert await store.tasks(HOME, OWNER) == (other, child, parent)


async def test_tasks_are_listed_by_their_last_change(store: Store) -> None:
    old, new = a_task(number=1, updated_at=SOON), a_task(number=2)
    await add(store, old, new)
    assert await store.tasks(HOME, by="updated_at") == (old, new)
    assert await store.tasks(HOME, by="id") == (new, old)
    assert await store.tasks(HOME, OWNER, states=["submitted"], by="updated_at", limit=1) == (old,)


async def test_open_tasks_whose_time_has_come_are_due_the_longest_due_first(store: Store) -> None:
    late = a_task(number=1, due_at=NOON)
    early = a_task(number=2, due_at=NOON - timedelta(hours=1), state="working")
    future = a_task(number=3, due_at=SOON)
    await add(store, late, early, future, a_task(number=4, due_at=NOON, state="completed"), a_task(number=5))
    assert await store.due_tasks(NOON, 9) == (early, late)
    assert await store.due_tasks(NOON, 1) == (early,)
    assert await store.due_tasks(NOON - timedelta(hours=2), 9) == ()
    dues = tuple(Due(task=task.id, due_at=task.due_at) for task in (early, late) if task.due_at)
    assert await store.dues(NOON, 9) == dues
    assert await store.dues(NOON, 1) == dues[:1]


async def test_the_next_due_is_the_earliest_of_tasks_and_entries(store: Store) -> None:
    message = a_message()
    await add(store, message, a_task(due_at=SOON), a_task(number=2, due_at=NOON, state="failed"))
    assert await store.next_due() == SOON
    entry = an_entry(message, due_at=SOON - timedelta(minutes=1))
    await add(store, entry, an_entry(message, due_at=NOON, state="dead"), an_entry(message, due_at=NOON, state="done"))
    assert await store.next_due() == entry.due_at
    await add(store, an_entry(message, due_at=NOON, state="held"))
    assert await store.next_due() == NOON


async def test_turns_are_listed_newest_first(store: Store) -> None:
    task = a_task()
    turns = [a_turn(task, number=number) for number in (1, 2, 3)]
    await add(store, *turns, a_turn(a_task()))
    assert await store.turns(task.id) == (turns[2], turns[1], turns[0])
    assert await store.turns(task.id, before=3, limit=1) == (turns[1],)
    assert await store.turns(task.id, after=0, limit=2) == (turns[0], turns[1])
    assert await store.turns(task.id, after=2) == (turns[2],)


async def test_what_all_turns_of_a_task_took_is_added_up(store: Store) -> None:
    task = a_task()
    one = a_turn(task, number=1, tokens_in=100, tokens_out=20, ms=30_000.0)
    other = a_turn(task, number=2, tokens_in=3, tokens_out=0, ms=60_000.0)
    await add(store, one, other, a_turn(a_task(), ms=5.0))
    assert await store.worked(task.id) == Usage(turns=2, tokens=123, minutes=1.5)
    assert await store.worked(a_task().id) == Usage()


async def test_steps_are_listed_in_order(store: Store) -> None:
    turn = a_turn(a_task())
    steps = [a_step(turn, number=number) for number in range(1, 12)]
    await add(store, *reversed(steps), a_step(a_turn(a_task())))
    assert await store.steps(turn.id) == tuple(steps)


async def test_a_task_knows_what_was_split_off_from_it(store: Store) -> None:
    whole = a_task()
    one, other = a_task(number=2, parent=whole.id, depth=1), a_task(number=3, parent=whole.id, depth=1)
    await add(store, whole, one, other, a_task(number=4))
    assert await store.split_off(whole.id) == (one, other)
    assert await store.split_off(one.id) == ()


async def test_tasks_whose_progress_is_told_are_found_oldest_first(store: Store) -> None:
    one, other = a_task(progress=MessageId("m1")), a_task(number=2, state="completed", progress=MessageId("m2"))
    await add(store, other, one, a_task(number=3))
    assert await store.tasks_told_of(5) == (one, other)
    assert await store.tasks_told_of(1) == (one,)


async def test_who_changed_a_tasks_state_is_told_newest_first(store: Store) -> None:
    task, other = a_task(), a_task(number=2)
    founded = a_transition(task)
    begun = a_transition(task, before="submitted", after="working", by="hub", why="turn 1 begins", at=SOON)
    await add(store, task, other, founded, begun, a_transition(other))
    assert await store.transitions(task.id, limit=5) == (begun, founded)
    assert await store.transitions(task.id, limit=1) == (begun,)
    assert await store.transitions(task.id, limit=5, before=begun.id) == (founded,)
    assert await store.transitions(task.id, limit=5, after="") == (founded, begun)
    assert await store.transitions(task.id, limit=5, after=founded.id) == (begun,)
