"""What a turn is judged by."""

from datetime import timedelta

from hub.flow.case import gather
from hub.flow.judging import Receipt
from hub.flow.work import Work
from hub.ports import Add
from hub.records import Again
from hub.store.memory import MemoryStore
from hub.testing import NOON, a_message, a_reply, a_step, a_task, a_turn


async def test_an_assignment_is_judged_by_all_that_was_said_and_by_the_calls_of_earlier_turns() -> None:
    store = MemoryStore()
    await store.open()
    task = a_task("Book a table", kind="assignment")
    wish = a_message("Book a table", task=task.id)
    first = a_turn(task, messages=(wish.id,), state="done", answer="At what time?", verdict=Again(after=5, why="x"))
    asked = a_reply(wish, "At what time?", task=task.id, turn=first.id, created_at=NOON + timedelta(minutes=1))
    told = a_message("Seven", task=task.id, created_at=NOON + timedelta(minutes=2))
    now = a_turn(task, number=2, messages=(told.id,), answer="Booked.", started_at=NOON + timedelta(minutes=3))
    found = a_step(first, kind="tool", name="find", result="three tables")
    await store.commit(Add(task), *(Add(record) for record in (wish, first, found, asked, told, now)))
    steps = [a_step(now, kind="choose", name="tool 1"), a_step(now, number=2, kind="tool", name="book", failed=True)]

    case = await gather(store, Work(task, now, [], [told]), task, now, steps)

    assert case.said == (("user", "Book a table"), ("agent", "At what time?"), ("user", "Seven"), ("agent", "Booked."))
    assert case.receipts == (
        Receipt(tool="find", failed=False, after=1),
        Receipt(tool="book", failed=True, after=3),
    )
    assert [step.name for step in case.calls] == ["book"]
    assert case.before == (first,)


async def test_a_conversation_is_judged_by_what_the_turn_was_about() -> None:
    store = MemoryStore()
    await store.open()
    task = a_task("Plan a party")
    earlier, later = a_message("Plan a party", task=task.id), a_message("with cake", task=task.id)
    turn = a_turn(task, answer="A cake it is.")
    await store.commit(Add(task), Add(earlier), Add(later))

    case = await gather(store, Work(task, turn, [], [later]), task, turn, ())

    assert case.said == (("user", "with cake"), ("agent", "A cake it is."))
    assert case.receipts == ()
    assert case.before == ()


async def test_a_task_that_nobody_wrote_about_is_judged_by_its_goal() -> None:
    store = MemoryStore()
    await store.open()
    task = a_task("Sing to me", kind="assignment")
    turn = a_turn(task, answer="La la la.")
    await store.commit(Add(task))

    case = await gather(store, Work(task, turn, [], []), task, turn, ())

    assert case.said == (("user", "Sing to me"), ("agent", "La la la."))
