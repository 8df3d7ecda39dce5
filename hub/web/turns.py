"""What an agent did, as the API shows it: turns with their steps, and calls that wait for leave."""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from hub.flow.exact import legible, opened
from hub.ports import Store
from hub.records import MessageId, Pause, PauseId, PauseState, PersonId, Step, TaskId, Turn, TurnId, Verdict
from hub.web.resources import Names, TaskName


class ApprovalView(Struct, frozen=True, kw_only=True):
    """A tool call that waits for its person's leave, or did."""

    id: PauseId
    task: TaskName | None
    turn: TurnId
    tool: str
    arguments: dict[str, Any]
    """Exactly what the tool is called with."""
    shown: str
    """The same as text, with all escaped that can't be seen or looks like something else."""
    why: str
    state: PauseState
    answer: str
    """approved, denied, or why neither counts; empty while it waits."""
    reason: str
    """Why it was refused, if that was said."""
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: PersonId | None


class LeaveView(Struct, frozen=True, kw_only=True):
    """That a call waited for its person: for leave to do exactly this, or for an answer."""

    id: PauseId
    kind: Literal["leave", "answer"]
    decision: str
    """Of leave: approved, denied, or in words why neither counts. Of an answer: what was said."""
    why: str
    """Why it was asked; of an answer, the question."""
    by: str | None
    """What who decided is called."""
    decided_at: datetime | None


class StepView(Struct, frozen=True, kw_only=True):
    """A finished step of a turn."""

    number: int
    kind: str
    name: str
    request: str
    result: str
    tokens_in: int
    tokens_out: int
    ms: float
    failed: bool
    effect: str
    """Of a tool's call: what it changed (none, idempotent, keyed, once); empty if nothing was called."""
    unsure: bool
    """Nobody knows whether the call did its work."""
    leave: LeaveView | None


class TurnView(Struct, frozen=True, kw_only=True):
    """One run of an agent on a task."""

    id: TurnId
    number: int
    task: TaskId
    state: Literal["working", "done", "stopped", "failed"]
    messages: list[MessageId]
    started_at: datetime
    ended_at: datetime | None
    answer: str
    tokens_in: int
    tokens_out: int
    ms: float
    verdict: Verdict | None
    error: str | None
    steps: list[StepView] | UnsetType = UNSET


async def view_receipts(store: Store, turn: Turn) -> TurnView:
    """Return a turn as the API shows it, with its steps and whose leave they had."""
    steps = await store.steps(turn.id)
    return replace(view_turn(turn), steps=[_step(step, await view_leave(store, step)) for step in steps])


async def view_leave(store: Store, step: Step) -> LeaveView | None:
    """Return how a tool's call had its person's leave, or answer; None if nobody was asked."""
    pause = await store.pause(step.pause) if step.pause else None
    if pause is None:
        return None
    by = await store.person(pause.tenant, pause.decided_by) if pause.decided_by else None
    decision = pause.answer or pause.state
    name = (by.name if by else "") if pause.decided_by else None
    return LeaveView(
        id=pause.id, kind=pause.kind, decision=decision, why=pause.why, by=name, decided_at=pause.decided_at
    )


async def view_approval(store: Store, pause: Pause) -> ApprovalView:
    """Return a call that waits for leave as the API shows it."""
    return ApprovalView(
        id=pause.id,
        task=await Names(store).name(pause.task),
        turn=pause.turn,
        tool=pause.tool,
        arguments=opened(pause.arguments),
        shown=legible(pause.arguments),
        why=pause.why,
        state=pause.state,
        answer=pause.answer,
        reason=pause.reason,
        created_at=pause.created_at,
        expires_at=pause.expires_at,
        decided_at=pause.decided_at,
        decided_by=pause.decided_by,
    )


def view_turn(turn: Turn) -> TurnView:
    """Return a turn as the API shows it, without its steps."""
    return TurnView(
        id=turn.id,
        number=turn.number,
        task=turn.task,
        state=turn.state,
        messages=list(turn.messages),
        started_at=turn.started_at,
        ended_at=turn.ended_at,
        answer=turn.answer,
        tokens_in=turn.tokens_in,
        tokens_out=turn.tokens_out,
        ms=turn.ms,
        verdict=turn.verdict,
        error=turn.error,
    )


def _step(step: Step, leave: LeaveView | None) -> StepView:
    return StepView(
        number=step.number,
        kind=step.kind,
        name=step.name,
        request=step.request,
        result=step.result,
        tokens_in=step.tokens_in,
        tokens_out=step.tokens_out,
        ms=step.ms,
        failed=step.failed,
        effect=step.effect,
        unsure=step.unsure,
        leave=leave,
    )
