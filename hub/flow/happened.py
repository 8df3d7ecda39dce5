"""What's kept of a task -> moments of its timeline; pure functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, assert_never

from msgspec import Struct

from hub.flow.standing import awaited
from hub.records import (
    OPEN,
    Again,
    Ask,
    Blocked,
    Correction,
    Done,
    Message,
    Pause,
    PauseId,
    PersonId,
    Step,
    Task,
    Transition,
    Turn,
    Verdict,
    Wait,
)

Kind = Literal["state", "run", "message", "turn", "call", "step", "check", "verdict", "wait", "leave", "correction"]
"""run: a schedule began it. step: what the model was asked beside the answer. leave: a call waited for its person."""


LEAST = 5_000.0
"""Milliseconds between two turns that are told of as a wait though nothing was waited for."""


class Moment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a task."""

    at: datetime
    kind: Kind
    what: str
    """In few words."""
    detail: str = ""
    """Why, or what was said, or what came of it."""
    by: str = ""
    """Who."""
    turn: int | None = None
    """The number of the turn that it's of."""
    ms: float | None = None
    """How long it took, or has been waited."""
    until: datetime | None = None
    """Of a wait: until when at the latest."""
    tokens_in: int = 0
    tokens_out: int = 0
    request: str = ""
    """Of a call: what it was called with."""
    effect: str = ""
    """Of a call: what it changes."""
    leave: str = ""
    """Of a call: who gave leave for it, or answered it."""
    failed: bool = False
    unsure: bool = False
    """Of a call: nobody knows whether it did its work."""
    id: str = ""
    """Of the record that tells of it, where that can be asked for."""


def of_transition(of: Transition) -> Moment:
    """A task got another state."""
    run = of.by == "schedule" and of.after == "working"
    what = f"{of.before} → {of.after}" if of.before else f"founded: {of.after}"
    return Moment(at=of.at, kind="run" if run else "state", what=what, detail=of.why, by=of.by)


def of_message(message: Message, names: Mapping[PersonId, str]) -> Moment:
    """Something was said."""
    by = {"agent": "agent", "notice": "hub"}.get(message.role) or message.name or names.get(message.person, "person")
    what = {"user": "said", "agent": "answered", "notice": "told"}[message.role]
    return Moment(
        at=message.created_at,
        kind="message",
        what=f"{what} on {message.address.bridge}",
        detail=message.text,
        by=by,
        id=message.id,
    )


def of_turn(
    turn: Turn, steps: Sequence[Step], pauses: Mapping[PauseId, Pause | None], names: Mapping[PersonId, str]
) -> list[Moment]:
    """A turn was taken: it began, its steps, and how it was judged."""
    begun = Moment(
        at=turn.started_at,
        kind="turn",
        what=f"turn {turn.number}: {turn.state}",
        detail=turn.error or turn.answer,
        turn=turn.number,
        ms=turn.ms if turn.state != "working" else None,
        tokens_in=turn.tokens_in,
        tokens_out=turn.tokens_out,
        failed=turn.state == "failed",
        id=turn.id,
    )
    made, at = [], turn.started_at
    for step in steps:
        # What an earlier version kept has no time of its own: it stands with what went before.
        at = max(at, step.ended_at or at)
        made.append(_step(turn, step, at, pauses.get(step.pause) if step.pause else None, names))
    return [begun, *made, *_verdict(turn, at)]


def wait_after(turn: Turn, following: Turn | None, task: Task) -> Moment | None:
    """Return how long was waited after a turn, and for what; nothing if the next came at once."""
    if turn.ended_at is None or not isinstance(turn.verdict, Wait | Ask | Blocked | Again):
        return None
    over = following.started_at if following else (None if task.state in OPEN else task.updated_at)
    ms = (over - turn.ended_at).total_seconds() * 1000 if over else None
    if isinstance(turn.verdict, Again) and ms is not None and ms < LEAST:
        return None
    return Moment(
        at=turn.ended_at,
        kind="wait",
        what=_for(turn.verdict),
        detail="" if over else "it still waits",
        turn=turn.number,
        ms=ms,
        until=turn.verdict.until if isinstance(turn.verdict, Wait) else None,
    )


def of_pause(pause: Pause, names: Mapping[PersonId, str]) -> Moment:
    """A call waited for its person."""
    ms = (pause.decided_at - pause.created_at).total_seconds() * 1000 if pause.decided_at else None
    return Moment(
        at=pause.created_at,
        kind="leave",
        what=f"{'leave for' if pause.kind == 'leave' else 'an answer for'} {pause.tool}: {pause.answer or pause.state}",
        detail=pause.why,
        by=names.get(pause.decided_by, "") if pause.decided_by else "",
        ms=ms,
        until=pause.expires_at,
        request=pause.arguments,
        id=pause.id,
    )


def of_correction(of: Correction, task: Task, other: Task | None) -> Moment:
    """A message was moved to another task, or came from there."""
    name = f"task {other.number}" if other else "another task"
    what = f"a message went to {name}" if of.wrong == task.id else f"a message came from {name}"
    return Moment(at=of.created_at, kind="correction", what=what, by="person", id=of.message)


def decided(pause: Pause | None, names: Mapping[PersonId, str]) -> str:
    """Return what became of a call that waited for its person, in a few words."""
    if pause is None:
        return ""
    by = names.get(pause.decided_by, "") if pause.decided_by else ""
    why = f": {pause.reason}" if pause.reason else ""
    return f"{pause.answer or pause.state}{f' by {by}' if by else ''}{why}"


def _step(turn: Turn, step: Step, at: datetime, pause: Pause | None, names: Mapping[PersonId, str]) -> Moment:
    kind: Kind = "call" if step.kind == "tool" else "check" if step.kind == "check" else "step"
    return Moment(
        at=at,
        kind=kind,
        what=step.name if kind != "step" or step.name == step.kind else f"{step.kind} {step.name}",
        detail=step.result,
        turn=turn.number,
        ms=step.ms,
        tokens_in=step.tokens_in,
        tokens_out=step.tokens_out,
        request=step.request if kind != "step" else "",
        effect=step.effect,
        leave=decided(pause, names),
        failed=step.failed,
        unsure=step.unsure,
    )


def _verdict(turn: Turn, at: datetime) -> list[Moment]:
    if turn.verdict is None:
        return []
    what, why = _told(turn.verdict)
    until = turn.verdict.until if isinstance(turn.verdict, Wait) else None
    return [
        Moment(
            at=turn.ended_at or at,
            kind="verdict",
            what=what,
            detail=why,
            by="supervisor",
            turn=turn.number,
            until=until,
            failed=isinstance(turn.verdict, Blocked) or (isinstance(turn.verdict, Again) and turn.verdict.failed),
        )
    ]


def _told(verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Done(summary=summary, why=why):
            return "Done", _joined(summary, why)
        case Again(why=why):
            return "Again", why
        case Wait(why=why):
            return "Wait", why
        case Ask(question=question, why=why):
            return "Ask", _joined(question, why)
        case Blocked(missing=missing):
            return "Blocked", missing
        case _:
            assert_never(verdict)


def _for(verdict: Wait | Ask | Blocked | Again) -> str:
    match verdict:
        case Wait(on=on):
            return f"for {awaited(on)}" if on else "until a time"
        case Ask() | Blocked():
            return "for its person"
        case Again():
            return "until the next turn"
        case _:
            assert_never(verdict)


def _joined(*texts: str) -> str:
    return " · ".join(text for text in texts if text)
