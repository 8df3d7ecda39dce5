"""Humans that are only asked, within the port's bounds."""

from collections.abc import Collection

from hub.errors import ToolError
from hub.ports import ToolCall
from hub.records import OWNER, PersonId


class FakeHumans:
    """A Humans: `asked` is why they were. Those who are asked can't ask: by default the owner."""

    def __init__(self, operators: Collection[PersonId] = (OWNER,)) -> None:
        self.asked: list[str] = []
        self._operators = operators
        self.tasks: set[str] | None = None
        """Tasks that there are; None: every one."""

    async def ask(self, call: ToolCall, reason: str) -> str:
        if not reason.strip():
            raise ToolError("Say why.")
        if self.tasks is not None and call.task not in self.tasks:
            raise ToolError("There's no such task.")
        if call.person in self._operators:
            raise ToolError("There's nobody else.")
        if not self.asked:
            self.asked.append(reason)
        return "A human is asked for."
