"""What a turn works on."""

from dataclasses import dataclass

from hub.records import Entry, Message, Task, Turn


@dataclass
class Work:
    """A turn with the messages it answers; grows when messages join it."""

    task: Task
    turn: Turn
    entries: list[Entry]
    messages: list[Message]
    written: str = ""
    """What stands of the answer so far."""
    money: float = 0.0
    """What remote models have cost for it, whether or not an answer came of it."""
