"""What a turn works on."""

from dataclasses import dataclass, field

from hub.flow.orders import Order, is_clients, is_result
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

    order: Order = field(default_factory=Order)
    """What a program asks besides what it says."""
    heard: tuple[object, tuple[Message, ...]] = (None, ())
    """What was said in the task, as it was read last, and what it was read for; see Composer."""

    @property
    def told(self) -> list[Message]:
        """The messages that say what came of a program's own tools: what they say is shown as what these found."""
        if self.pause is None or not is_clients(self.pause.tool):
            return []
        return [message for message in (*self.about, *self.messages) if is_result(message)]

    @property
    def asked(self) -> list[Message]:
        """The messages that the answer is for."""
        if told := self.told:
            return [message for message in (*self.about, *self.messages) if message not in told]
        return self.messages or self.about

    @property
    def settled(self) -> bool:
        """Whether the task was complete before, and this turn only answers what's said about it since."""
        return self.task.kind == "assignment" and isinstance(self.task.verdict, Done) and bool(self.messages)
