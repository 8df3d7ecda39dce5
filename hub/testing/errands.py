"""Errands that are only written down, within the port's bounds."""

from collections.abc import Mapping, Sequence

from hub.errors import ToolError
from hub.ports import ToolCall
from hub.records import File

MOST = 5
DEEPEST = 3
POINTS, TEXT = 12, 160
SUBTASKS = 8


class FakeErrands:
    """An Errands: `told`, `planned` and `used` are what it was asked for; `words` is what the person said."""

    def __init__(self, *words: str, results: Mapping[str, str] | None = None) -> None:
        self.words = words
        self.told: dict[str, str] = {}
        self.sent: dict[str, File] = {}
        self.files: tuple[File, ...] = ()
        self.planned: dict[str, tuple[str, str]] = {}
        self.outlined: list[tuple[str, str]] = []
        """The plan: each point's text and state."""
        self.parted: dict[str, tuple[str, ...]] = {}
        """The goals of the subtasks, by the calls' keys."""
        self.used: list[tuple[str, Mapping[str, object]]] = []
        self._results = results or {}

    async def say(self, call: ToolCall, text: str) -> None:
        if not text.strip() or len(text) > 2_000:
            raise ToolError("A message has 1 to 2000 characters.")
        key = f"{call.key}/{text}"
        if key not in self.told and len(self.told) >= MOST:
            raise ToolError("That many messages were sent already.")
        self.told[key] = text

    async def send(self, call: ToolCall, file: File) -> None:
        key = f"{call.key}/{file.sha256}"
        if key not in self.told and len(self.told) >= MOST:
            raise ToolError("That many messages were sent already.")
        self.told[key] = file.name
        self.sent[key] = file

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        return self.files

    async def said(self, call: ToolCall) -> tuple[str, ...]:
        return self.words[-20:]

    async def plan(self, call: ToolCall, when: str, text: str) -> str:
        if not when.strip() or not text.strip() or not any(letter.isdigit() for letter in when):
            raise ToolError(f"{when!r} isn't a time.")
        self.planned[f"{call.key}/{when}/{text}"] = (when, text)
        return f"#{len(self.planned)} {text}: due {when}."

    async def outline(
        self, call: ToolCall, points: Sequence[str], *, done: Sequence[int] = (), dropped: Sequence[int] = ()
    ) -> str:
        if any(not 1 <= number <= len(self.outlined) for number in (*done, *dropped)):
            raise ToolError("There is no such point.")
        if len(points) > POINTS or any(not text.strip() or len(text) > TEXT for text in points):
            raise ToolError("That's too much for a plan.")
        marks = {**dict.fromkeys(dropped, "dropped"), **dict.fromkeys(done, "done")}
        self.outlined = [(text, marks.get(at, was)) for at, (text, was) in enumerate(self.outlined, start=1)]
        if points:
            over = [(text, was) for text, was in self.outlined if was == "done"]
            self.outlined = over + [(text, "open") for text in points if (text, "done") not in over]
        return "; ".join(text for text, was in self.outlined if was == "open")

    async def split(self, call: ToolCall, goals: Sequence[str], agent: str = "", turns: int | None = None) -> str:
        if self.parted.get(call.key, tuple(goals)) != tuple(goals) or not goals:
            raise ToolError("Name the subtasks.")
        others = [goal for key, split in self.parted.items() if key != call.key for goal in split]
        if len(others) + len(goals) > SUBTASKS or any(goal in (*self.words, *others) for goal in goals):
            raise ToolError("That can't be split off.")
        if agent not in {"", call.agent}:
            raise ToolError(f"Subtasks can't be given to {agent!r}.")
        self.parted[call.key] = tuple(goals)
        return f"{len(goals)} begun: {'; '.join(goals)}."

    async def use(self, call: ToolCall, tool: str, arguments: Mapping[str, object]) -> str:
        if tool not in self._results:
            raise ToolError(f"There is no tool {tool!r} that may be used here.")
        if call.depth >= DEEPEST:
            raise ToolError(f"{tool} isn't called: too many tools stand one behind the other.")
        self.used.append((tool, arguments))
        return self._results[tool]
