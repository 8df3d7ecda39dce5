"""Remember and recall: what a person told an agent to keep, one small document for each fact.

The owner of the documents is tenant, agent and person together: nobody reads another's memory.
"""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from hub.errors import TooLarge, ToolError
from hub.ports import Clock, Documents, Effect, Example, ToolCall
from hub.tools.schema import arguments, convert, text

LONGEST = 500
SHOWN = 5


class _Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fact: str


class _Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    words: str = ""


class Remember:
    """Keeps a fact about the person, or something they want kept."""

    name = "remember"
    description = "Keep a fact that the user tells about themselves or wants kept."
    schema: Mapping[str, object] = arguments({"fact": text("The fact, in the user's own words", LONGEST)})
    effect: Effect = "keyed"
    quotes = ("fact",)
    examples = (
        Example("Please remember that my car is red.", {"fact": "my car is red"}),
        Example("My brother's name is Tom, keep it in mind.", {"fact": "My brother's name is Tom"}),
    )
    others = ("I like this song.", "I am bored, talk to me.")

    def __init__(self, clock: Clock, documents: Documents) -> None:
        self._clock = clock
        self._documents = documents

    def fits(self, text: str) -> bool:
        """Say whether the message asks to keep something, or tells something about the person."""
        return bool(_KEEP.search(text) or (_ABOUT_ME.search(text) and not _is_question(text)))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return what follows "remember that" and the like."""
        told = _KEEP_THIS.match(text.strip())
        if not told or _is_question(text):
            return None
        fact = told["fact"].strip(" \n.!:,")
        if len(fact) > LONGEST or len(fact.split()) < 2 or _POINTER.match(fact):
            return None
        return {"fact": fact}

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say that a fact would be kept which isn't the person's own: another task would take it for theirs."""
        fact = convert(call.arguments, _Fact).fact
        own = frozenset(_WORD.findall(heard.lower()))
        if frozenset(_WORD.findall(fact.lower())) <= own:
            return ""
        return "it would be remembered for good as something that you told, and these aren't your words"

    async def call(self, call: ToolCall) -> str:
        """Keep the fact once, however often this call is made, and a fact that's already kept not again."""
        fact = " ".join(convert(call.arguments, _Fact).fact.split())
        if not fact:
            raise ToolError("There is no fact to keep. Ask the user what to remember.")
        if len(fact) > LONGEST:
            raise ToolError(f"The fact has {len(fact)} characters; at most {LONGEST} are kept. Shorten it.")
        owner = owner_of(call)
        if not any(
            str(kept.get("fact", "")).casefold() == fact.casefold() for _, kept in await self._documents.all(owner)
        ):
            await self._keep(owner, hashlib.sha256(call.key.encode()).hexdigest()[:32], fact)
        return f"I have noted: {fact}"

    async def _keep(self, owner: str, id: str, fact: str) -> None:
        document = {"fact": fact, "kept_at": self._clock.now().isoformat(timespec="seconds")}
        try:
            await self._documents.put(owner, id, document)
        except TooLarge:
            raise ToolError("The memory is full: nothing was kept. Tell the user.") from None


class Recall:
    """Finds what was kept, by words."""

    name = "recall"
    description = "Look up what the user told earlier about themselves: names, likes, plans."
    schema: Mapping[str, object] = arguments(
        {"words": text("Words to look for, such as: dog name; empty for the newest facts", 200)}
    )
    effect: Effect = "none"
    quotes = ("words",)
    examples = (
        Example("Do you know which car I have?", {"words": "car"}),
        Example("What is my brother called?", {"words": "brother"}),
    )
    others = ("How do I make soup?", "My phone is broken, what now?")

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def fits(self, text: str) -> bool:
        """Say whether the message asks for something that only the person can have told."""
        return bool(_RECALL.search(text)) or (_is_question(text) and bool(_MINE.search(text)))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the words of a question about what belongs to the person, or about what they told."""
        if not _PLAIN_RECALL.match(text.strip()) or len(text) > LONGEST:
            return None
        return {"words": " ".join(sorted(_words(text), key=text.lower().find))[:200]}

    async def call(self, call: ToolCall) -> str:
        """Return the facts that share most words with those looked for, the newest first; raises ToolError if none."""
        wanted = _words(convert(call.arguments, _Words).words)
        facts = [str(kept.get("fact", "")) for _, kept in reversed(await self._documents.all(owner_of(call)))]
        if wanted:
            shared = [len(wanted & _words(fact)) for fact in facts]
            most = max(shared, default=0)
            facts = [fact for fact, many in zip(facts, shared, strict=True) if many and many == most]
        if not facts:
            raise ToolError("Nothing is kept about that.")
        return "\n".join(f"You told me: {fact}" for fact in facts[:SHOWN])


def owner_of(call: ToolCall) -> str:
    """Return the owner of a memory: an agent's, of one person, within a tenant."""
    return "/".join(("memory", *(quote(part, safe="") for part in (call.tenant, call.agent, call.person))))


def _is_question(text: str) -> bool:
    return text.rstrip().endswith("?") or bool(_QUESTION.match(text.strip()))


def _words(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _WORD.findall(text.lower()) if word not in _COMMON)


def _stem(word: str) -> str:
    for ending in ("'s", "’s", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word.removesuffix(ending) + ("y" if ending == "ies" else "")
    return word


_WORD = re.compile(r"\w+(?:['’]\w+)?")
_COMMON = frozenset(
    """
    a about am an and any are as at be been call called can could did do does for from had has have he her his how i i'm
    if in is it its kept know like me mention mine my name named of on or our please recall remember said say she so
    something tell that the their them they this to told up us was we were what what's when where which who who's whose
    why will with would you your
    """.split()  # noqa: SIM905  # eighty quoted words would be harder to read
)
_QUESTION = re.compile(
    r"(?:what|who|whom|whose|where|when|which|why|how|do|does|did|is|are|am|can|could|have|has)\b", re.IGNORECASE
)
_KEEP = re.compile(
    r"\b(?:remember|memori[sz]e|don['’]?t forget|do not forget|never forget|keep (?:in mind|this|that|a note)"
    r"|bear in mind|(?:make|take) a note|note (?:that|down|this)|write (?:this |that |it )?down|save (?:this|that)"
    r"|for later)\b",
    re.IGNORECASE,
)
_KEEP_THIS = re.compile(
    r"(?:(?:please|pls|ok(?:ay)?|hey|hi|hello|also|and|can you|could you|will you|would you)[,!]?\s+)*"
    r"(?:remember|memori[sz]e|don['’]?t forget|do not forget|never forget|keep in mind|bear in mind|make a note"
    r"|take a note|note down|note|write down)\b(?:\s+(?:please|for (?:me|later)))?[\s,:]*"
    r"(?:that\b|this\s*:|of this\s*:)?\s*(?P<fact>.+)",
    re.IGNORECASE | re.DOTALL,
)
_POINTER = re.compile(r"(?:that|this|it|me|when|how|what|why|the (?:above|following))\b", re.IGNORECASE)
_ABOUT_ME = re.compile(
    r"\bmy (?:\w+[ '’]){1,4}(?:is|are|was|will be|lives?|likes?|has|called)\b|\b(?:call me|my name(?:['’]s| is))\b"
    r"|\bI(?:['’]m| am| was| have| live| work| like| love| hate| prefer| moved| own| drive"
    r"| study| speak| don['’]?t| can['’]?t| never|['’]ve)\b",
    re.IGNORECASE,
)
_MINE = re.compile(r"\b(?:my|mine|our)\b|\b(?:do|did|am|have|was|should) I\b|\babout me\b", re.IGNORECASE)
_RECALL = re.compile(
    r"\b(?:recall|(?:do|did|can) you (?:still )?(?:remember|know)|what (?:did|have) I (?:tell|told|say|said|ask)"
    r"|I (?:told|said|gave|mentioned|asked)|about me|who am I)\b",
    re.IGNORECASE,
)
_PLAIN_RECALL = re.compile(
    r"(?:(?:please|hey|hi|hello|so|and|can you tell me|tell me|do you (?:still )?(?:know|remember))[,!]?\s+)*"
    r"(?:(?:what|who|where|when|which|whose)(?:['’]?s| is| are| was| were)(?: the \w+ of)? (?:my|our)\b"
    r"|what (?:do you know|did I (?:tell|say)|have I told)|(?:where|what) do I (?:live|work|like|drive|own)\b|who am I"
    r"|(?:what|who|where|when|which)[^.!?\n]* I (?:gave|told) you\b"
    r"|do you (?:still )?(?:know|remember) (?:my|our|what|where|who|when)\b)[^.!\n]*\?*\s*",
    re.IGNORECASE,
)
