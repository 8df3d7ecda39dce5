"""The live router against what people corrected."""

from datetime import timedelta

from hub.config import LimitsConfig
from hub.evals.history import figures
from hub.flow.weigher import Weigher
from hub.ports import Add
from hub.records import HOME, Rule, Task
from hub.store.memory import MemoryStore
from hub.testing import NOON, ScriptedLLM, a_correction, a_message, a_person, a_reply, a_route, a_task


async def test_moved_told_and_left_messages_are_counted_apart() -> None:
    store = MemoryStore()
    await store.open()
    trip, cake = a_task("A train to Bonn"), a_task("A carrot cake", number=2)
    await store.commit(Add(a_person()), Add(trip), Add(cake))
    at = iter(range(100))

    async def say(text: str, task: Task, rule: Rule, *, moved_from: Task | None = None) -> None:
        message = a_message(
            text,
            task=task.id,
            state="answered",
            created_at=NOON + timedelta(minutes=next(at)),
            route=a_route(task, rule="corrected" if moved_from else rule),
        )
        reply = a_reply(message, "Here you are.", created_at=NOON + timedelta(minutes=next(at)))
        await store.commit(Add(message), Add(reply))
        if moved_from:
            await store.commit(Add(a_correction(message, moved_from, task, route=a_route(moved_from, rule=rule))))

    await say("Find me a train to Bonn", trip, "first")
    await say("Find me a recipe for a carrot cake", cake, "explicit")
    await say("Without nuts in the cake", cake, "model", moved_from=trip)
    await say("The train at eight, please", trip, "model")

    found = await figures(store, HOME, Weigher(ScriptedLLM(), LimitsConfig()), LimitsConfig())

    assert (found.people, found.messages) == (1, 4)
    assert (found.live.weighed, found.live.moved) == (2, 1)
    assert {group: again.messages for group, again in found.again.items()} == {"moved": 1, "told": 1, "left": 2}


async def test_where_nobody_wrote_there_is_nothing_to_score() -> None:
    store = MemoryStore()
    await store.open()
    await store.commit(Add(a_person()))

    found = await figures(store, HOME, Weigher(ScriptedLLM(), LimitsConfig()), LimitsConfig())

    assert (found.people, found.messages) == (0, 0)
    assert found.again["left"].right is None
