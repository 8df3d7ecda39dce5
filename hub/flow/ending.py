"""One way for a turn to end, and what follows from it whatever was said."""

from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from hub.flow.spoken import Spoken
from hub.flow.waits import verdict_of
from hub.flow.work import Work
from hub.records import Ask, Blocked, Done, KeyId, Task, Turn, Verdict


@dataclass(frozen=True)
class Ending:
    """answered: with what was spoken. held: a call waits for its person. stopped: by its person. failed: the LLM
    couldn't. dead: the hub died over it.
    """

    kind: Literal["answered", "held", "stopped", "failed", "dead"]
    spoken: Spoken | None = None
    error: str = ""
    quietly: bool = False
    """Stopped for other words: nothing is told of what stood of the answer."""


def rest(work: Work, task: Task, turn: Turn, ending: Ending) -> Task | None:
    """Return a task that nothing is judged of, as it is then: it has ended, or waits for its person; else None."""
    spoken = ending.spoken
    blocked = Blocked(missing=turn.error) if turn.error else None
    verdict: Verdict | None = task.verdict
    if task.state == "canceled":
        return task
    if ending.kind == "held" and spoken:
        verdict = verdict_of(spoken.held)
    elif spoken and spoken.gone:
        # Nobody grants a task more than its tenant may take.
        verdict = Blocked(missing=spoken.spent)
    elif ending.kind != "stopped" and blocked and (work.messages or work.pause or ending.kind == "dead"):
        verdict = blocked
    elif ending.kind != "stopped":
        return None
    return replace(task, state="input-required", due_at=None, verdict=verdict)


def is_news(task: Task, turn: Turn, ending: Ending) -> bool:
    """Say whether a turn's end is told to everybody who follows the task, not just to who has spoken."""
    if ending.kind == "held":
        return task.kind == "assignment"
    ended = ending.kind == "answered" or (ending.kind == "failed" and not turn.messages)
    return task.kind == "assignment" and ended and isinstance(task.verdict, Done | Ask | Blocked)


def key_of(work: Work) -> KeyId | None:
    """Return by which key the last message came that a turn answers."""
    last = next(reversed((*work.about, *work.messages)), None)
    return last.key if last else None
