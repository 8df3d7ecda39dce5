"""A conversation as events tell it: what's to be shown for good, and what's still being written.

Knows no terminal and no connection. An event may come twice (after a lost connection): what it tells is shown once.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hub.cli.wire import Delta, Event, Option, Said, Task, TaskTag, Turn
from hub.records import OPEN


class You(Struct, frozen=True):
    """Something that the person said."""

    text: str


class Answer(Struct, frozen=True):
    """What an agent said, in Markdown; `note` says if it isn't all of it."""

    task: TaskTag | None
    text: str
    note: str = ""


class Notice(Struct, frozen=True):
    """What the hub itself said, with the choices that it offers."""

    task: TaskTag | None
    text: str
    choices: tuple[Option, ...] = ()


class Failure(Struct, frozen=True):
    """Something that went wrong."""

    text: str


Shown = You | Answer | Notice | Failure


class Writing(Struct, frozen=True, kw_only=True):
    """An answer that's being written."""

    task: str
    text: str = ""


class Hello(Struct, frozen=True, kw_only=True):
    """The first event of a connection."""

    last: int = 0


class Talk:
    """One chat's conversation."""

    def __init__(self, chat: str) -> None:
        self.chat = chat
        self.after = ""
        """The id of the last event seen; empty before the first connection."""
        self.question: Said | None = None
        """What offers choices and wasn't answered yet."""
        self.writing: dict[str, Writing] = {}
        """By turn: the answers that are being written."""
        self.tasks: dict[str, TaskTag] = {}
        """Every task heard of, by id."""
        self.waiting: dict[str, TaskTag | None] = {}
        """By id: the person's messages that nobody works on yet, with the task that they were routed to."""
        self._seen: set[str] = set()
        self._elsewhere: set[str] = set()

    @property
    def busy(self) -> bool:
        """Say whether anything can be stopped."""
        return bool(self.writing or self.waiting)

    @property
    def open_tasks(self) -> list[TaskTag]:
        """Return the tasks that aren't over, the newest first."""
        return sorted((task for task in self.tasks.values() if task.state in OPEN), key=lambda task: -task.number)

    def sent(self, id: str) -> None:
        """Know a message as one that was typed here: it's shown already."""
        if id not in self._seen:
            self._seen.add(id)
            self.waiting[id] = None
        self.question = None

    def recall(self, said: Said) -> list[Shown]:
        """Take a message of an earlier conversation."""
        self._learn(said)
        if said.role == "user" and said.state in ("accepted", "routed", "asking", "working"):
            self.waiting[said.id] = said.task
        return self._tell(said)

    def take(self, event: Event) -> list[Shown]:
        """Take an event, and return what's to be shown for good."""
        if event.id and event.kind not in ("hello", "delta"):
            self.after = event.id
        # A kept event whose record is gone by now tells nothing.
        match event.kind if event.data != "null" else "":
            case "hello":
                self.after = self.after or str(msgspec.json.decode(event.data, type=Hello).last)
            case "delta":
                self._write(msgspec.json.decode(event.data, type=Delta))
            case "task":
                task = msgspec.json.decode(event.data, type=Task)
                self.tasks[task.id] = TaskTag(id=task.id, number=task.number, title=task.title, state=task.state)
            case "turn":
                return self._turn(msgspec.json.decode(event.data, type=Turn))
            case "message" | "route" | "reply" | "notice" | "delivery":
                return self._message(event.kind, msgspec.json.decode(event.data, type=Said))
        return []

    def _message(self, kind: str, said: Said) -> list[Shown]:
        self._learn(said)
        if said.bridge != "http" or said.chat != self.chat:
            self._elsewhere.add(said.id)
            return []
        if said.role == "user":
            self._follow(said)
        if kind == "delivery" or (kind == "route" and said.role == "user"):
            return []
        return self._tell(said)

    def _learn(self, said: Said) -> None:
        if said.task:
            known = self.tasks.get(said.task.id)
            # A message's task may be told without its state: what's known of it stays.
            kept = said.task.state or (known.state if known else "working")
            self.tasks[said.task.id] = replace(said.task, state=kept)

    def _follow(self, said: Said) -> None:
        """Keep track of whether a message of the person still waits."""
        if said.state in ("accepted", "routed"):
            self.waiting[said.id] = said.task
        else:
            self.waiting.pop(said.id, None)

    def _tell(self, said: Said) -> list[Shown]:
        self.waiting.pop(said.answers or "", None)
        if said.role == "agent":
            self.writing.pop(said.turn or "", None)
        if said.id in self._seen:
            return []
        self._seen.add(said.id)
        if said.choices and said.state != "moved":
            self.question = said
        match said.role:
            case "user":
                return [You(said.text)]
            case "agent":
                note = "taken back: its message was moved to another task" if said.state == "moved" else ""
                shown: list[Shown] = [Answer(self._tag(said), said.text, note)]
                return [*shown, Notice(None, "", said.choices)] if said.choices else shown
            case "notice":
                return [Notice(self._tag(said), said.text, said.choices)]

    def _tag(self, said: Said) -> TaskTag | None:
        return self.tasks.get(said.task.id) if said.task else None

    def _write(self, delta: Delta) -> None:
        if delta.message in self._elsewhere:
            return
        if delta.message is not None:
            self.waiting.pop(delta.message, None)
        before = self.writing.get(delta.turn, Writing(task=delta.task))
        self.writing[delta.turn] = replace(before, text=delta.text if delta.whole else before.text + delta.text)

    def _turn(self, turn: Turn) -> list[Shown]:
        if turn.messages and all(message in self._elsewhere for message in turn.messages):
            return []
        for message in turn.messages:
            self.waiting.pop(message, None)
        if turn.state == "working":
            self.writing.setdefault(turn.id, Writing(task=turn.task))
            return []
        self.writing.pop(turn.id, None)
        # What was written until then comes as a reply, and a failure over somebody's message as a notice.
        if turn.state == "stopped" and turn.id not in self._seen:
            self._seen.add(turn.id)
            return [Notice(self.tasks.get(turn.task), "Stopped.")]
        if turn.state == "failed" and not turn.messages and turn.id not in self._seen:
            self._seen.add(turn.id)
            return [Failure(turn.error or "The turn failed; the hub gave no reason.")]
        return []
