"""Search in all the files that a person sent, in whichever task and chat."""

import re
from collections.abc import Mapping

from msgspec import Struct

from hub.errors import ToolError
from hub.ports import Effect, Example, ToolCall
from hub.tools.library import SECONDS, Found, Library
from hub.tools.schema import arguments, convert, text

LONGEST = 200
SHOWN = 4


class _Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    words: str


class SearchDocuments:
    """Finds passages in what the person sent."""

    name = "search_documents"
    description = "Search the files that the user sent, now or earlier, for words."
    schema: Mapping[str, object] = arguments({"words": text("The words to look for, such as: rent notice", LONGEST)})
    effect: Effect = "none"
    of_task = True
    outside = True
    quotes = ("words",)
    seconds = SECONDS + 30
    examples = (
        Example("Search my documents for the notice period", {"words": "notice period"}),
        Example("What do my files say about the warranty?", {"words": "warranty"}),
    )
    others = ("Which documents do I need for a passport?", "Search for a good name for my cat.")

    def __init__(self, library: Library) -> None:
        self._library = library

    def fits(self, text: str) -> bool:
        """Say whether the message speaks of files that the person has."""
        return bool(_FITS.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the words of a message that wants just these found."""
        found = _SEARCH.fullmatch(text.strip())
        words = next(filter(None, found.groups()), "").strip(" .?!\"'“”") if found else ""
        return {"words": words} if 0 < len(words) <= LONGEST else None

    async def call(self, call: ToolCall) -> str:
        """Return the best passages, each with its file and place; raises ToolError if there's none."""
        words = convert(call.arguments, _Words).words
        found = await self._library.search(call.tenant, call.person, words, SHOWN)
        left = f"\n[{found.left} more files aren't read yet: search again.]" if found.left else ""
        if not found.hits:
            raise ToolError(f"{_nothing(found)}{left}")
        return "\n".join(f"{hit.name}{hit.place and f', {hit.place}'}: {hit.text}" for hit in found.hits) + left


def _nothing(found: Found) -> str:
    if not found.files and not found.left:
        return "The user hasn't sent any files yet."
    return "Nothing about that stands in the user's files."


_WHOSE = (
    r"(?:(?:all )?(?:of )?(?:my|our|the) (?:\w+ )?(?:documents|files|papers|pdfs?|attachments)|what I sent(?: you)?)"
)
_FITS = re.compile(
    r"\b(?:(?:my|our|these|those) (?:\w+ )?(?:documents?|files?|papers|pdfs?|attachments?)"
    r"|I (?:\w+ )?sent you|documents? (?:say|mention)|(?:search|look) (?:in |through )?(?:documents|files))\b",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    rf"(?:(?:please|can you|could you)[, ]+)?(?:(?:search|look|go)(?: in| through)? {_WHOSE} for (?P<words>[^\n]+)"
    rf"|(?:search|look|find)(?: for)? (?P<before>[^\n]+?) in {_WHOSE}\W*"
    rf"|(?:what do|do) {_WHOSE} (?:say|mention)(?: anything)?(?: about| on)? (?P<about>[^\n]+)"
    rf"|(?:is|are) there (?:anything|something) about (?P<there>[^\n]+?) in {_WHOSE}\W*)",
    re.IGNORECASE,
)
