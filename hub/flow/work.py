"""What a turn works on."""

from dataclasses import dataclass, field

from hub.records import Done, Entry, Message, Pause, Step, Task, Turn


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
    pause: Pause | None = None
    """The call that had to wait, and that the turn takes up first, as it was decided."""
    about: list[Message] = field(default_factory=list)
    """The messages of the turn that it stopped: this one answers them."""
    began: float = 0.0
    """When its agent began to work, by the monotonic clock."""
    before: tuple[Step, ...] = ()
    """The steps of that turn."""
    children: tuple[Task, ...] = ()
    """The subtasks as they stood when the turn began: it's told what they had come to by then."""

    @property
    def settled(self) -> bool:
        """Whether the task was complete before, and this turn only answers what's said about it since."""
        return self.task.kind == "assignment" and isinstance(self.task.verdict, Done) and bool(self.messages)
