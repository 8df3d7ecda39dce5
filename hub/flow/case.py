"""What a turn is judged by: all that was said about its task, all tool calls, and the turns before it."""

from collections.abc import Sequence

from msgspec import Struct

from hub.flow.family import standing_of
from hub.flow.judging import Receipt, Spoken
from hub.flow.planning import BOOKKEEPING
from hub.flow.work import Work
from hub.ports import Store
from hub.records import Message, PauseId, Step, Task, Turn

TURNS = 6
"""Turns before this one that are looked at."""
LINES = 24


class Case(Struct, frozen=True, kw_only=True):
    """The evidence about a turn."""

    said: tuple[Spoken, ...]
    """The transcript, the turn's answer last."""
    receipts: tuple[Receipt, ...] = ()
    """The tool calls, oldest first."""
    calls: tuple[Step, ...] = ()
    """This turn's, with what they were asked and found."""
    before: tuple[Turn, ...] = ()
    """Newest first."""
    refused: tuple[str, ...] = ()
    """The tools for which the person gave no leave in this turn."""


async def gather(
    store: Store, work: Work, task: Task, turn: Turn, steps: Sequence[Step], children: Sequence[Task] = ()
) -> Case:
    """Gather the evidence; of a conversation, each message of which is a wish of its own, only what this turn has."""
    calls = tuple(step for step in steps if step.kind == "tool" and step.name not in BOOKKEEPING)
    if task.kind == "conversation":
        said: list[Spoken] = [("user", "\n".join(message.text for message in work.messages) or task.goal)]
        return Case(said=(*said, ("agent", turn.answer)), receipts=_receipts(calls, len(said)), calls=calls, before=())
    refused = [step.name for step in calls if step.pause and await _refused(store, step.pause)]
    before = await store.turns(task.id, before=turn.number, limit=TURNS)
    messages = [message for message in await store.messages_of_task(task.id, limit=LINES) if message.role != "notice"]
    said = [("user" if message.role == "user" else "agent", message.text) for message in messages]
    if not any(role == "user" for role, _ in said):
        said.insert(0, ("user", task.goal))
    earlier: list[Receipt] = []
    for other in reversed(before):
        steps = [step for step in await store.steps(other.id) if step.kind == "tool"]
        earlier += _receipts(steps, _place(other, messages))
    return Case(
        said=(*said, ("agent", turn.answer)),
        receipts=(*earlier, *_of_subtasks(children, len(said)), *_receipts(calls, len(said))),
        calls=calls,
        before=before,
        refused=tuple(refused),
    )


async def _refused(store: Store, id: PauseId) -> bool:
    pause = await store.pause(id)
    return pause is not None and pause.kind == "leave" and pause.answer != "approved"


def _receipts(calls: Sequence[Step], after: int) -> tuple[Receipt, ...]:
    return tuple(
        Receipt(tool=step.name, failed=step.failed, after=after) for step in calls if step.name not in BOOKKEEPING
    )


def _of_subtasks(children: Sequence[Task], after: int) -> tuple[Receipt, ...]:
    """Return what subtasks have done, as if it were by tools: each was judged by evidence of its own.

    One that was given up is nobody's failure.
    """
    return tuple(
        Receipt(tool=f"subtask {child.number}", failed=standing_of(child) != "done", after=after)
        for child in children
        if standing_of(child) != "canceled"
    )


def _place(turn: Turn, messages: Sequence[Message]) -> int:
    """Return how many lines had been said when a turn was taken: what it answers, or what the task began with."""
    answered = [at for at, message in enumerate(messages, start=1) if message.id in turn.messages]
    said = [at for at, message in enumerate(messages, start=1) if message.created_at <= turn.started_at]
    return max([1, *answered, *said])
