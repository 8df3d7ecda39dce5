"""Tools that do nothing but keep a record of who called them, with the abilities that rights go by."""

import asyncio
from collections.abc import Callable, Mapping

from hub.errors import ToolError
from hub.ports import Effect, Example, Paused, ToolCall
from hub.records import PackageId

TEXTS: Mapping[str, object] = {"type": "object", "additionalProperties": {"type": "string"}}


class FakeTool:
    """A Tool that's offered for everything and takes any texts; `calls` are those that were made."""

    def __init__(
        self,
        name: str = "look",
        *,
        effect: Effect = "none",
        result: str | Callable[[ToolCall], str] = "Looked.",
        schema: Mapping[str, object] = TEXTS,
    ) -> None:
        self.name = name
        self.description = f"Does what {name} says."
        self.schema = schema
        self.effect: Effect = effect
        self.examples = (Example(f"Please {name}", {}),)
        self.others = ("Hello",)
        self.calls: list[ToolCall] = []
        self.hangs = False
        """Whether a call never ends: for a test that cuts the hub off in the middle."""
        self._result = result

    def fits(self, text: str) -> bool:
        return True

    async def call(self, call: ToolCall) -> str:
        self.calls.append(call)
        if self.hangs:
            await asyncio.Event().wait()
        return self._result(call) if callable(self._result) else self._result


class ForeignTool(FakeTool):
    """A Foreign tool: what it returns are a stranger's words."""

    outside = True


class OutwardTool(FakeTool):
    """An Outward tool: it tells something to whoever its argument `to` names, unless the person has named them."""

    def goes_out(self, call: ToolCall, heard: str) -> str:
        to = str(call.arguments.get("to", ""))
        return "" if to and to in heard.split() else f"it tells something to {to or 'somebody'}, whom you didn't name"


class AskingTool(FakeTool):
    """An Asking tool."""

    ask = True


class FilingTool(FakeTool):
    """A Filing tool: its argument `path` names a file."""

    file = "path"


class AssignmentTool(FakeTool):
    """A ForAssignments tool."""

    for_assignments = True


class PackagedTool(OutwardTool):
    """A Packaged tool that goes out, of an edition that a test may change."""

    package = PackageId("units")
    version = "1.0.0"
    digest = "0" * 64


class PausingTool(FakeTool):
    """A Pausing tool: it asks its questions one after another, and returns all it was told."""

    def __init__(self, name: str = "plan_trip", *questions: str, effect: Effect = "none") -> None:
        super().__init__(name, effect=effect)
        self._questions = questions

    async def call(self, call: ToolCall) -> str:
        self.calls.append(call)
        raise Paused(self._questions[0], "sealed:")

    async def resume(self, call: ToolCall, snapshot: str, answer: str) -> str:
        if not snapshot.startswith("sealed:"):
            raise ToolError("That program isn't this hub's.")
        self.calls.append(call)
        told = [*filter(None, snapshot.removeprefix("sealed:").split("|")), answer]
        if len(told) < len(self._questions):
            raise Paused(self._questions[len(told)], "sealed:" + "|".join(told))
        return f"Told: {', '.join(told)}"
