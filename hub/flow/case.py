"""What a turn is judged by: all that was said about its task, all tool calls, and the turns before it."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from hub.errors import StoreError, ToolError
from hub.flow.family import standing_of
from hub.flow.judging import Receipt, Spoken
from hub.flow.looping import window
from hub.flow.planning import BOOKKEEPING
from hub.flow.work import Work
from hub.ports import Store, Workspaces
from hub.records import Message, PauseId, Step, Task, Turn, Wait

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
    earlier: tuple[Step, ...] = ()
    """The tool calls of the turns before that belong together with this one, oldest first."""
    checks: tuple[Step, ...] = ()
    """What was looked at after this turn."""
    last_checks: tuple[Step, ...] = ()
    """What was looked at last, in this turn or one before."""
    files: tuple[str, ...] = ()
    """The task's files."""
    settled: bool = False
    """The task was complete before: what's said about it since is talk."""
    spent: str = ""
    """What was used up in the middle of the turn."""
    wait: Wait | None = None
    """What the agent would wait for."""


async def gather(
    store: Store,
    work: Work,
    task: Task,
    turn: Turn,
    steps: Sequence[Step],
    children: Sequence[Task] = (),
    *,
    aside: Callable[[str], bool] = lambda name: name in BOOKKEEPING,
    workspaces: Workspaces | None = None,
    spent: str = "",
    wait: Wait | None = None,
) -> Case:
    """Gather the evidence; of a conversation, each message of which is a wish of its own, only what this turn has.

    Calls of tools that are `aside`, about the work itself, are none: nothing is done by them.
    """
    calls = tuple(step for step in steps if step.kind == "tool" and not aside(step.name))
    if task.kind == "conversation" or work.settled:
        said: list[Spoken] = [("user", "\n".join(message.text for message in work.messages) or task.goal)]
        receipts = _receipts(calls, len(said))
        return Case(said=(*said, ("agent", turn.answer)), receipts=receipts, calls=calls, settled=work.settled)
    refused = [step.name for step in calls if step.pause and await _refused(store, step.pause)]
    before = await store.turns(task.id, before=turn.number, limit=TURNS)
    messages = [message for message in await store.messages_of_task(task.id, limit=LINES) if message.role != "notice"]
    said = [("user" if message.role == "user" else "agent", message.text) for message in messages]
    if not any(role == "user" for role, _ in said):
        said.insert(0, ("user", task.goal))
    receipts_before: list[Receipt] = []
    together = {other.id for other in window(before)}
    earlier: list[Step] = []
    checks = last_checks = tuple(step for step in steps if step.kind == "check")
    known: tuple[Step, ...] = ()
    for other in reversed(before):
        every = await store.steps(other.id)
        known = tuple(step for step in every if step.kind == "check") or known
        made = [step for step in every if step.kind == "tool" and not aside(step.name)]
        receipts_before += _receipts(made, _place(other, messages))
        earlier += made if other.id in together else ()
    return Case(
        said=(*said, ("agent", turn.answer)),
        receipts=(*receipts_before, *_of_subtasks(children, len(said)), *_receipts(calls, len(said))),
        calls=calls,
        before=before,
        refused=tuple(refused),
        earlier=tuple(earlier),
        checks=checks,
        last_checks=last_checks or known,
        files=await _files(workspaces, task),
        spent=spent,
        wait=wait,
    )


async def _files(workspaces: Workspaces | None, task: Task) -> tuple[str, ...]:
    try:
        return tuple(file.path for file in await workspaces.list(task.tenant, task.id)) if workspaces else ()
    except (ToolError, StoreError):
        return ()


async def _refused(store: Store, id: PauseId) -> bool:
    pause = await store.pause(id)
    return pause is not None and pause.kind == "leave" and pause.answer != "approved"


def _receipts(calls: Sequence[Step], after: int) -> tuple[Receipt, ...]:
    return tuple(Receipt(tool=step.name, failed=step.failed, after=after, effect=step.effect) for step in calls)


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
