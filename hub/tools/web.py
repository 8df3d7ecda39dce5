"""A page of the web as readable text, by the one way out; nothing of it is run, and nobody's cookies are sent."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from hub.errors import EgressError, ToolError
from hub.ports import Clock, Effect, Egress, Example, ToolCall
from hub.tools.extract import Extract, Extractor
from hub.tools.portions import portion, read_on
from hub.tools.schema import arguments, convert, text

LONGEST = 2_000
BYTES = 5_000_000
SECONDS = 12.0
KEPT = 16
KEPT_FOR = timedelta(minutes=10)
"""So long a page that was fetched is read on without fetching it again."""
LINK_CHARACTERS = 250
ACCEPT = "text/html,application/xhtml+xml,text/plain,text/markdown,application/json,application/pdf;q=0.9,*/*;q=0.1"


class _Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    part: Annotated[int, Meta(ge=1, le=10_000)] = 1


class WebFetch:
    """Reads a page."""

    name = "web_fetch"
    description = "Read a page, PDF or text of the web by its address (URL)."
    schema: Mapping[str, object] = arguments(
        {"url": text("The address, such as https://example.org/news", LONGEST)},
        {"part": {"type": "integer", "description": "Which part of a long page; 1 is the first", "minimum": 1}},
    )
    effect: Effect = "none"
    outside = True
    material = True
    quotes = ("url",)
    examples = (
        Example("Summarise https://example.org/news please", {"url": "https://example.org/news"}),
        Example("What does example.org/hours say about Sunday?", {"url": "example.org/hours"}),
    )
    others = ("I read that on the internet.", "What makes a good website?")

    def __init__(self, clock: Clock, egress: Egress, extractor: Extractor) -> None:
        self._clock = clock
        self._egress = egress
        self._extractor = extractor
        self._kept: OrderedDict[tuple[str, str], tuple[datetime, str, Extract]] = OrderedDict()

    def fits(self, text: str) -> bool:
        """Say whether the message has an address in it, or speaks of a page that was read."""
        return bool(addresses(text) or _PAGE.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the address of a message that's only that, or asks to read it or sum it up."""
        found = addresses(text)
        if len(found) != 1 or len(text) > LONGEST:
            return None
        rest = text.replace(found[0], " ", 1)
        return None if _FILLER.sub(" ", rest).strip(" \n.,:;!?<>()\"'") else {"url": found[0]}

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say that an address nobody in the task has said can tell its host anything, for it can hold anything."""
        return unnamed(convert(call.arguments, _Arguments).url, heard)

    async def call(self, call: ToolCall) -> str:
        """Return title, text and links of a page, or the part of it that's asked for; raises ToolError."""
        wish = convert(call.arguments, _Arguments)
        url = _address(wish.url)
        where, found = await self._page(call.tenant, url)
        shown, parts = portion(found.text, wish.part)
        head = f"{found.title} ({where})" if found.title else where
        links = _links(found) if wish.part == 1 else ""
        return "\n".join(filter(None, (head[:240], shown, links, read_on(wish.part, parts))))

    async def _page(self, tenant: str, url: str) -> tuple[str, Extract]:
        now = self._clock.now()
        for old in [kept for kept, (at, _, _) in self._kept.items() if now - at > KEPT_FOR or at > now]:
            del self._kept[old]
        key = (tenant, url)
        if key not in self._kept:
            where, found = await self._fetch(url)
            self._kept[key] = (now, where, found)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        _, where, found = self._kept[key]
        return where, found

    async def _fetch(self, url: str) -> tuple[str, Extract]:
        try:
            fetched = await self._egress.fetch(url, headers={"accept": ACCEPT}, limit=BYTES, seconds=SECONDS)
        except EgressError as error:
            raise ToolError(f"The page couldn't be fetched: {error}.") from None
        if fetched.status != 200:
            raise ToolError(f"The page couldn't be fetched: {urlsplit(url).hostname} answered {fetched.status}.")
        kind = fetched.headers.get("content-type", "")
        name = urlsplit(fetched.url).path.rpartition("/")[2]
        try:
            return fetched.url, await self._extractor.read(fetched.body, kind, name=name, url=fetched.url)
        except ToolError as error:
            raise ToolError(f"{fetched.url[:200]}: {error}") from None


def unnamed(wished: str, heard: str) -> str:
    """Say that an address goes out which doesn't stand in what was heard; "" if it does, or if it's none."""
    try:
        url = _address(wished)
    except ToolError:
        return ""
    if url in {_plain(said) for said in addresses(heard)}:
        return ""
    return f"it opens an address that you haven't named, and whose owner sees all that's in it: {url}"


def addresses(text: str) -> list[str]:
    """Return the addresses that stand in a text, as they stand there."""
    found = (match[0].rstrip(".,:;!?'\"") for match in _ADDRESS.finditer(text))
    return [url.removesuffix(")") if url.count("(") < url.count(")") else url for url in found]


def _address(wished: str) -> str:
    """Return the address in what a tool was called with, which may be a whole sentence; raises ToolError."""
    said = wished.strip()
    found = addresses(said)
    if not found:
        raise ToolError("That is no address of a page. Ask the user for one, such as https://example.org/news.")
    return _plain(found[0])


def _plain(url: str) -> str:
    """Write an address in one way: https, the host in small letters."""
    rest = re.sub(r"^https?://", "", url, flags=re.IGNORECASE).partition("#")[0]
    host, slash, path = rest.partition("/")
    if "?" in host:
        host, _, query = host.partition("?")
        slash, path = "/", f"?{query}"
    return f"https://{host.lower()}{slash or '/'}{path}"


def _links(found: Extract) -> str:
    shown, room = [], LINK_CHARACTERS
    for link in found.links:
        line = f"- {link.text}: {link.url}"
        if len(line) > room:
            break
        shown.append(line)
        room -= len(line) + 1
    return "\n".join(("Links:", *shown)) if shown else ""


_ADDRESS = re.compile(
    r"\bhttps?://[^\s<>\"'`|{}\\^]+"
    r"|(?<![\w@./:-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|org|net|edu|gov|io|dev|info|eu|de|uk|fr|nl|at|ch|es"
    r"|it|pl|se|no|dk|fi|be|ie|pt|cz|jp|in|br|au|ca|us|me|app|ai|wiki|blog|news|online|site|tech|xyz)\b(?![.-]?\w|@)"
    r"(?:[/?][^\s<>\"'`|{}\\^]*)?",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"\b(?:read on|next part)\b"
    r"|\b(?:what|which|who|when|where|how|does|is|are|tell|say|summari[sz]e|read|look|check)\b.*"
    r"\b(?:the|that|this) (?:web ?page|web ?site|page|site|link|article|url)\b",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"\b(?:please|pls|can|could|would|will|you|me|for|us|the|this|that|a|an|at|to|of|and|it|its|in|on|up|from|hey|hi|hello"
    r"|read|fetch|open|load|get|show|see|visit|check|look|have|take|summari[sz]e|summary|sum|tl;?dr|give|short|brief|tell|what"
    r"|what['’]?s|is|does|say|says|there|about|page|web ?page|web ?site|site|link|article|url|post|pdf|content|contents"
    r"|text|out|thanks|thank|briefly|short)\b",
    re.IGNORECASE,
)
