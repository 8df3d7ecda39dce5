"""What an agent may ask of people."""

from typing import Protocol

from hub.ports.tools import ToolCall


class Humans(Protocol):
    """The humans who can take a chat over from an agent."""

    async def ask(self, call: ToolCall, reason: str) -> str:
        """Ask for a human in the chats of the call's person, and return what came of it, in words for an LLM.

        Asked again while one is asked for, nothing changes, and the words are the same. Raises ToolError without a
        reason, for a call that belongs to no task, and where the person is one of those who'd be asked.
        """
