"""What an agent may say about the end of its task."""

from collections.abc import Sequence
from typing import Protocol

from hub.ports.tools import ToolCall
from hub.records import Check, ForFile, ForMessage, ForUrl


class Aims(Protocol):
    """What an agent says about the end of its task: what would show that it's done, what has to come before.

    Only of assignments: for a call in another task both raise ToolError.
    """

    async def propose(self, call: ToolCall, checks: Sequence[Check]) -> str:
        """Have the task's person asked whether it's to be checked for these, and return that in words for an LLM.

        Nothing is checked before they agree; proposed again, the same is asked once. Raises ToolError for a check that
        could never be made, or while something else is asked.
        """

    async def wait(self, call: ToolCall, until: str, on: ForMessage | ForFile | ForUrl | None) -> str:
        """Return, as JSON, the Wait by which the task rests: until a time as in /schedule, or until `on` comes before.

        What's there now is looked at for it. Without a time it's a day. Raises ToolError without both, and for
        a time that's over or more than thirty days ahead.
        """
