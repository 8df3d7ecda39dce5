"""Calls of a task that wait for its person: which one a turn takes up, and what the task waits for besides."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hub.flow.orders import may_answer
from hub.ports import Save, Store
from hub.records import Message, MessageId, Pause, PauseState, Step, Task, TaskId, Turn

DECIDED: tuple[PauseState, ...] = ("approved", "denied", "answered", "expired")
WAITING: tuple[PauseState, ...] = ("asked", *DECIDED)
MANY = 1_000
CHAIN = 8
"""Turns that stopped one after another for one wish, and whose steps are still told of."""


class Stopped(Struct, frozen=True, kw_only=True):
    """What a turn was about that had to wait, and what it had done by then."""

    about: tuple[Message, ...]
    steps: tuple[Step, ...]


async def to_take_up(
    store: Store, task: TaskId, cut_off: Turn | None, waiting: Sequence[Message], now: datetime
) -> Pause | None:
    """Return the call that the next turn takes up, as it's to be kept when the turn begins; None: it's about others.

    A turn that a crash cut off takes up what it had. Else it's the oldest that was decided; a question whose time is
    over; or one that the first waiting message answers.
    """
    if cut_off is not None and (known := await _taken_up(store, cut_off)):
        return known
    for pause in await store.pauses_of_task(task, states=WAITING, limit=MANY):
        if cut_off is not None and cut_off.messages:
            if pause.kind == "answer" and pause.state == "answered" and pause.to in cut_off.messages:
                return pause
        elif pause.state in ("approved", "denied", "expired"):
            return pause
        elif pause.state == "asked" and pause.expires_at <= now:
            return replace(pause, state="expired", decided_at=now, answer="expired" if pause.kind == "leave" else "")
        elif pause.kind == "answer" and waiting and may_answer(waiting[0], pause):
            said = waiting[0]
            by = said.author or said.person
            return replace(pause, state="answered", answer=said.text, to=said.id, decided_at=now, decided_by=by)
    return None


async def stopped(store: Store, pause: Pause) -> Stopped:
    """Return what the turn was about that a call stopped, through all turns that stopped for the same wish."""
    about: tuple[Message, ...] = ()
    steps: tuple[Step, ...] = ()
    for _ in range(CHAIN):
        turn = await store.turn(pause.turn)
        if turn is None:
            break
        its = await store.steps(turn.id)
        steps = (*its, *steps)
        messages = [await store.message(id) for id in turn.messages]
        about = (*(message for message in messages if message is not None), *about)
        earlier = next((step.pause for step in its if step.pause), None)
        found = await store.pause(earlier) if earlier else None
        if found is None or found.id == pause.id:
            break
        pause = found
    return Stopped(about=about, steps=steps)


async def voided(
    store: Store, task: TaskId, now: datetime, why: str, said: MessageId | None = None
) -> tuple[Save, ...]:
    """Return what ends all calls of a task that wait, so that nothing comes of them; or those for one message."""
    pauses = await store.pauses_of_task(task, states=WAITING, limit=MANY)
    return tuple(
        Save(replace(pause, state="done", answer=f"void: {why}", decided_at=pause.decided_at or now))
        for pause in pauses
        if said is None or pause.to == said
    )


def resting(task: Task, waiting: Sequence[Pause], now: datetime) -> Task:
    """Return a task as a turn leaves it that ended while calls wait: it's due when they are, and isn't complete."""
    if not waiting or task.state == "canceled":
        return task
    if any(pause.state in DECIDED for pause in waiting):
        return replace(task, state="working", due_at=now)
    first = min(pause.expires_at for pause in waiting)
    due_at = min(first, task.due_at) if task.due_at else first
    return replace(task, state=task.state if task.state == "working" else "input-required", due_at=due_at)


async def _taken_up(store: Store, turn: Turn) -> Pause | None:
    for step in await store.steps(turn.id):
        if step.pause is not None:
            return await store.pause(step.pause)
    return None
