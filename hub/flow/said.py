"""A command in its parts, and what's said to it."""

import re

from msgspec import Struct

from hub.flow.human import asks_for_human
from hub.records import Choice, Message, Task


class Said(Struct, frozen=True, kw_only=True):
    """A command in its parts."""

    name: str
    rest: str
    message: Message


class Answer(Struct, frozen=True, kw_only=True):
    """What's said to a command, with choices for a question."""

    text: str
    choices: tuple[Choice, ...] = ()


class Redirect(Exception):
    """The command is a message to a task after all: route `text` there."""

    def __init__(self, wish: str | None, text: str) -> None:
        super().__init__(wish)
        self.wish = wish
        self.text = text


def parted(message: Message) -> Said:
    """Return a command in its parts; "stop" alone, and "cancel", are /stop, words for a human /human."""
    text = message.text.strip()
    if not text.startswith("/"):
        return Said(name="human" if asks_for_human(text) else "stop", rest="", message=message)
    # /stop@name is how Telegram addresses one bot among several.
    found = re.match(r"/([A-Za-z_]+)(?:@\S+)?\s*(.*)", text, re.DOTALL)
    name, rest = (found[1].lower(), found[2].strip()) if found else (text[1:], "")
    return Said(name=name, rest=rest, message=message)


def tag(task: Task) -> str:
    """Return how a task is called."""
    return f"#{task.number} {task.title}"


def short(text: str, characters: int = 60) -> str:
    """Return a text's beginning, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1] + "…"
