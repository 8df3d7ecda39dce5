"""The way out of an agent that shouldn't go on alone: a human."""

import re
from collections.abc import Mapping

from msgspec import Struct

from hub.ports import Effect, Example, Humans, ToolCall
from hub.tools.schema import arguments, convert, text

WORDS = 500


class _Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str


class AskAHuman:
    """Asks for a human to take the chat over."""

    name = "ask_a_human"
    description = "Ask a human colleague to take this chat over, and say why."
    schema: Mapping[str, object] = arguments({"reason": text("Why a human is needed, in one sentence", WORDS)})
    effect: Effect = "idempotent"
    examples = (
        Example("I want my money back, this is a scandal!", {"reason": "The user wants a refund and is angry"}),
        Example("Please ask a human about my contract", {"reason": "about my contract"}),
        Example("Let somebody from your staff call me about the contract", {"reason": "The user wants to be called"}),
    )
    others = ("How do refunds work?", "Are you a human?")

    def __init__(self, humans: Humans) -> None:
        self._humans = humans

    def fits(self, text: str) -> bool:
        """Say whether it's about what people rather than programs decide, or about a human."""
        return bool(_FITS.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return why, where a human is asked for by that very word."""
        found = _ASKS.fullmatch(text.strip())
        return {"reason": found[1]} if found else None

    async def call(self, call: ToolCall) -> str:
        """Have a human asked; raises ToolError."""
        return await self._humans.ask(call, convert(call.arguments, _Asked).reason)


_ASKS = re.compile(
    r"(?:please )?ask (?:a|some) human(?: being| colleague)? ((?:about|because|whether|if) .{3,300}?)[.!?]*",
    re.IGNORECASE,
)
_FITS = re.compile(
    r"\b(?:humans?|real person|someone|somebody|staff|colleagues?|operators?|managers?|support|complain\w*|complaint"
    r"|refunds?|money back|cancel\w*|contract|lawyer|sue|angry|scandal|unacceptable|urgent\w*|emergency|call me"
    r"|mensch\w*|mitarbeiter\w*|beschwer\w*|rückerstatt\w*|kündig\w*|dringend)\b",
    re.IGNORECASE,
)
