"""Whoever splits tasks without end comes to one: by depth, by number, by budget, and in a question."""

from collections.abc import Mapping, Sequence

from hub.config import LimitsConfig
from hub.ports import Said
from hub.records import HOME, OPEN, OWNER, Ask, Task, TaskId
from hub.testing import ScriptedLLM
from tests.stories.cats import GOAL, Home, assign, children, decides, home, later, split_into
from tests.stories.day import CHAT, Day

__all__ = ["home"]

ROOTS = 40


async def test_hundreds_of_tasks_that_split_whatever_they_are_given_end_within_the_caps(home: Home) -> None:
    """Each of forty, and each of its subtasks, splits as much as it can, with goals that are ever new."""
    numbers = iter(range(10**9))

    def splits(prompt: Sequence[Said], options: Sequence[str]) -> str | Sequence[float]:
        if "none" not in options:
            return 0.1, 0.85, 0.05
        return "split" if "split" in options else "none"

    def goals(_: Sequence[Said], schema: Mapping[str, object]) -> Mapping[str, object]:
        return {"goals": [_words(next(numbers)) + " as subtasks" for _ in range(3)]}

    limits = LimitsConfig(depth=2, subtasks=3, turns=20, tokens=20_000)
    llm = ScriptedLLM(lambda _: f"I say {_words(next(numbers))}.", decisions=splits, fills=goals)
    day = await home.day(llm, limits=limits)
    for number in range(ROOTS):
        await day.hub.tasks.assign(
            tenant=HOME, person=OWNER, address=CHAT, text=f"{_words(number)} as subtasks", external_id=f"api:{number}"
        )
    for _ in range(60):
        await later(day, 3600)

    every = await day.store.tasks(HOME, OWNER, limit=100_000)
    roots = [task for task in every if task.parent is None]
    assert len(roots) == ROOTS
    assert len(every) > 200
    assert {task.state for task in roots} == {"input-required"}
    assert all(isinstance(task.verdict, Ask) for task in roots)
    by_parent: dict[TaskId, list[Task]] = {}
    for task in every:
        if task.parent:
            by_parent.setdefault(task.parent, []).append(task)
    assert max(len(found) for found in by_parent.values()) <= limits.subtasks
    assert max(task.depth for task in every) <= limits.depth
    for root in roots:
        turns = await _turns_below(day, root, by_parent)
        assert turns <= limits.turns + len(by_parent.get(root.id, ())), f"task {root.number} took {turns} turns"
    assert not [task for task in every if task.state in OPEN and task.due_at and task.due_at <= day.clock.now()]


async def _turns_below(day: Day, task: Task, by_parent: Mapping[TaskId, Sequence[Task]]) -> int:
    own = len(await day.store.turns(task.id, limit=1_000))
    return own + sum([await _turns_below(day, child, by_parent) for child in by_parent.get(task.id, ())])


def _words(number: int) -> str:
    """Return words that no other number has."""
    return " ".join(f"w{number * 7 + digit}" for digit in range(6))


async def test_a_task_that_splits_off_its_own_goal_is_told_so_and_ends_in_a_question(home: Home) -> None:
    llm = ScriptedLLM(
        "I'll split it.", "I'll split it.", decisions=decides, fills=split_into(GOAL.replace("Say", "Please say"))
    )
    day = await home.day(llm)
    await assign(day)
    await later(day)

    assert await children(day) == ()
    assert "is what this task is about itself" in llm.prompts[0]
    task = await day.task(1)
    assert task.state == "input-required"
    assert isinstance(task.verdict, Ask)
