"""A GGUF model with a reader beside it, in the same process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from hub.llm import wire
from hub.llm.llamacpp import LlamaCpp
from hub.ports import Matches, Terms

READER = Path(__file__).parent / "reader.gguf"
"""The one that ships with the hub."""


class MatchingLlamaCpp(LlamaCpp):
    """A local model with its `reader`, that can tell which of several texts a message belongs to.

    A reader that's missing, or isn't the file it should be, takes that ability away and nothing else.
    """

    async def match(self, message: str, texts: Sequence[str], ask: Terms) -> Matches:
        """Read a message with all the texts."""
        began = asyncio.get_running_loop().time()
        asked = tuple(texts)
        found = await self._one(
            lambda id: wire.Match(id=id, message=message, texts=asked, ask=ask), ask.deadline, wire.Matched
        )
        ms = (asyncio.get_running_loop().time() - began) * 1000
        return Matches(logits=found.logits, tokens=found.tokens, ms=ms)
