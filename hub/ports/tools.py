"""What an agent may call."""

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from hub.records import (
    PersonId,
    TaskId,
    TenantId,
)


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call of a tool as the LLM wished it."""

    tool: str
    arguments: Mapping[str, object]
    key: str
    """The same for every attempt at this call: what a tool keeps under it is kept once."""
    tenant: TenantId
    person: PersonId
    agent: str
    task: TaskId


class Tool(Protocol):
    """Something that an agent may call."""

    name: str
    description: str
    """One line, written for the LLM."""
    schema: Mapping[str, object]
    """JSON schema of the arguments."""
    effect: Literal["none", "keyed"]
    """keyed: it changes something, and calling it twice with one key does it once."""

    def fits(self, text: str) -> bool:
        """Say whether it's worth offering for a message; cheap, and rather yes than no."""

    async def call(self, call: ToolCall) -> str:
        """Do it; the result is written for the LLM. Raises ToolError."""


@runtime_checkable
class Reading(Protocol):
    """A tool that sees by plain rules when a message asks for it: it spares the LLM a call, and a small one errors."""

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the arguments if the message leaves no doubt that it wants this tool, with what, and nothing else.

        The result of that call is then a whole answer, in a sentence that the person can be sent. None, rather too
        often than wrongly, leaves choice and arguments to the LLM. May take some milliseconds; is called in a thread.
        """


@runtime_checkable
class Quoting(Protocol):
    """A tool of which some arguments must be what was said: an LLM's inventions are kept from it."""

    quotes: tuple[str, ...]
    """These arguments. In place of what nobody said, the tool gets the person's own sentence."""


class Example(Struct, frozen=True):
    """A message and the arguments that a tool should be called with for it."""

    text: str
    arguments: Mapping[str, object]


@runtime_checkable
class Exemplary(Protocol):
    """A tool that shows by examples what it's for: a small LLM learns more from them than from a description."""

    examples: tuple[Example, ...]
    """Messages that need it."""
    others: tuple[str, ...]
    """Messages that look a little like it, and don't need it; about as many."""
