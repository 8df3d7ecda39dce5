"""How a person is asked for leave: the tool, its arguments to the byte, why, and until when."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from hub.flow.exact import legible
from hub.flow.said import short, tag
from hub.records import Choice, Pause, PauseId, Taint, Task

APPROVE, DENY = "approve", "deny"
SOURCES = 3


def choices(pause: Pause) -> tuple[Choice, ...]:
    """Return the buttons under a question for leave."""
    return (
        Choice(id=f"leave/{pause.id}/{APPROVE}", text="Approve"),
        Choice(id=f"leave/{pause.id}/{DENY}", text="Deny"),
    )


def pause_of(choices: Sequence[Choice]) -> PauseId | None:
    """Return the call that a question is about, if it's a question for leave."""
    kind, _, rest = choices[0].id.partition("/") if choices else ("", "", "")
    return PauseId(rest.partition("/")[0]) if kind == "leave" else None


def question(pause: Pause, task: Task, taints: Sequence[Taint], zone: str, *, group: bool) -> str:
    """Return the question for leave."""
    until = pause.expires_at.astimezone(ZoneInfo(zone))
    read = [f"{_quoted(taint.source)} ({_quoted(taint.detail)})" for taint in taints[:SOURCES]]
    lines = [
        f"May I call `{pause.tool}` for {_quoted(tag(task))}? With exactly this:",
        f"```json\n{legible(pause.arguments)}\n```",
        f"Why I ask: {_quoted(pause.why, 400)}",
    ]
    if read:
        lines.append(f"What others have said in this task: {'; '.join(read)}")
    how = f"approve or deny it, or write `/approve {task.number}` or `/deny {task.number}`"
    who = "Only the hub's owner can say. " if group else ""
    lines.append(f"{who}Until {until:%H:%M} {zone}: {how}. Otherwise it isn't done.")
    return "\n\n".join(lines)


def outcome(pause: Pause) -> str:
    """Return what's said to who decided, or comes too late."""
    match pause.state:
        case "approved":
            return f"Approved: {pause.tool} is called now."
        case "denied":
            return f"Denied: {pause.tool} isn't called."
        case "expired":
            return f"It's too late for {pause.tool}: {pause.answer}."
        case _:
            return f"That's over: {pause.tool} was {pause.answer}." if pause.answer else "That's over."


def _quoted(text: str, characters: int = 200) -> str:
    """Return others' words as they can stand in a sentence of ours: on one line, and without marks."""
    return short(
        "".join("'" if letter in "`*_[]<>|" else letter for letter in text if letter.isprintable()), characters
    )
