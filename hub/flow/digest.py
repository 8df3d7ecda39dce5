"""What's left of a transcript that has grown too long for a small model.

The older half becomes a digest: the beginning of each message, in a few words. That's cheap and adds nothing that
nobody said; the system prompt, the task's goal and the newest messages always stay whole. Half at a time, so that
the prompt's beginning changes rarely and the model's prefix of it stays useful.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from hub.records import Message, Step, Task

WORDS = 14
DIGEST = 900
"""Characters of a digest; its oldest lines go first."""
USUAL, THIN = 2_100, 3
"""Characters of a tool's result at most, but for those that may be longer; and of a token at least, mostly."""
LEAST = 2
"""Messages that are never digested: the question, and the answer before it."""


def shorten(task: Task, history: Sequence[Message]) -> tuple[Task, tuple[Message, ...]]:
    """Return the task with a digest of the older half of its history, and the younger half.

    A history of two messages or fewer comes back as it is.
    """
    older = len(history) // 2
    if len(history) - older < LEAST or older == 0:
        return task, tuple(history)
    lines = [line for line in task.digest.splitlines() if line]
    lines += [f"{_who(message)}: {_start(message.text)}" for message in history[:older]]
    while len(lines) > 1 and sum(len(line) + 1 for line in lines) > DIGEST:
        lines.pop(0)
    return replace(task, digest="\n".join(lines), digested=history[older - 1].id), tuple(history[older:])


def with_room(steps: Sequence[Step], tokens: int) -> tuple[tuple[Step, ...], int]:
    """Return a turn's steps with results that a prompt has room for, and how many tokens they take beyond the usual.

    Only instructions are so long: a skill's are no use without their end, where there's room for it.
    """
    spare = max(tokens, 0) * THIN
    fitted = tuple(replace(step, result=clipped(step.result, max(USUAL, spare))) for step in steps)
    return fitted, sum(max(len(step.result) - USUAL, 0) for step in fitted) // THIN


def clipped(text: str, characters: int) -> str:
    """Return a text with its middle left out, and said so, if it's longer than so many characters."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _who(message: Message) -> str:
    return "They" if message.role == "user" else "You"


def _start(text: str) -> str:
    words = re.sub(r"\s+", " ", text).strip().split(" ")
    return " ".join(words[:WORDS])[:120] + (" ..." if len(words) > WORDS else "")
