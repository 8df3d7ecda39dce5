"""What's to be done later: a reminder, or work that comes again; and the reminder itself, when its time has come."""

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.errors import BadRequest, ToolError
from hub.ports import Clock, Effect, Errands, Example, ToolCall
from hub.times.phrases import Timed, find
from hub.times.zones import Zones
from hub.tools.schema import arguments, convert, text

LONGEST = 400
TEXT = 1_000
MARK = "Reminder: "


class _When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    when: str
    text: str


class _Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str


class Schedule:
    """Plans what's to be done at a time, once or again and again."""

    name = "schedule"
    description = "Remind the user, or do something for them, at a later time or again and again."
    schema: Mapping[str, object] = arguments(
        {
            "when": text("When, such as: tomorrow at 9:00, in 20 minutes, every Monday at 8:00", 200),
            "text": text("What's to be done then, such as: Remind me to call Ann", TEXT),
        }
    )
    effect: Effect = "keyed"
    of_task = True
    quotes = ("when",)
    examples = (
        Example("Remind me tomorrow at 9 to call Ann", {"when": "tomorrow at 9", "text": "Remind me to call Ann"}),
        Example("Send me the news every Monday at 8", {"when": "every Monday at 8", "text": "Send me the news"}),
    )
    others = ("What time is it?", "My schedule is full today.")

    def __init__(self, clock: Clock, zones: Zones, errands: Errands) -> None:
        self._clock = clock
        self._zones = zones
        self._errands = errands

    def fits(self, text: str) -> bool:
        """Say whether the message wants to be reminded, or something done again and again or at a time."""
        return bool(_FITS.search(text))

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return time and text of a reminder, or of something that comes again, if both are said in one piece each."""
        said = _POLITE.sub("", text.strip()).rstrip(".!? ")
        if len(said) > LONGEST or "\n" in said:
            return None
        try:
            found = self._find(said, self._zones.default)
        except ToolError:
            return None
        when = _between(said, found.rest) if found else ""
        if not found or not when or (goal := _goal(found)) is None:
            return None
        return {"when": when, "text": goal}

    async def call(self, call: ToolCall) -> str:
        """Plan it, and return how it's called and when it's due; raises ToolError."""
        wish = convert(call.arguments, _When)
        found = self._find(wish.when, await self._zones.of(call.tenant, call.person))
        if found is None and _PLAIN.fullmatch(wish.when.strip()):
            found = Timed(when=wish.when.strip(), rest="")
        if found is None:
            raise ToolError(f"{wish.when[:80]!r} names no time. Ask the user when, such as: tomorrow at 9:00.")
        goal = _reminder(wish.text.strip()) or wish.text.strip()
        planned = await self._errands.plan(call, found.when, goal)
        return f"Planned: {planned}"

    def _find(self, said: str, zone: str) -> Timed | None:
        try:
            found = find(said, self._clock.now().astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0))
        except BadRequest as error:
            raise ToolError(str(error).removeprefix("schedule: ")) from None
        if found and found.others:
            raise ToolError(f"{said[:80]!r} may be {' or '.join((found.when, *found.others))}. Ask the user which.")
        return found


class Remind:
    """Says a reminder when its time has come: no model has to put it in words, and none can get it wrong."""

    name = "remind"
    description = "Say a reminder that was planned earlier."
    schema: Mapping[str, object] = arguments({"text": text("What the user is reminded of", TEXT)})
    effect: Effect = "none"
    of_task = True
    examples = (Example("Reminder: call Ann", {"text": "call Ann"}),)
    others = ("That was a good reminder.",)

    def fits(self, text: str) -> bool:
        """Say whether it's a reminder that Schedule has planned."""
        return text.startswith(MARK)

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return what it's about."""
        about = text.removeprefix(MARK).strip()
        return {"text": about} if self.fits(text) and 0 < len(about) <= TEXT else None

    async def call(self, call: ToolCall) -> str:
        """Return the reminder."""
        return f"{MARK}{convert(call.arguments, _Text).text}"


def _goal(found: Timed) -> str | None:
    """Return what's to be done, if what was said besides the time leaves no doubt about it."""
    if about := _USUAL.get(found.rest.lower()) or _reminder(found.rest):
        return about
    again = not found.when.startswith("in ") and "*" in found.when
    return found.rest[:1].upper() + found.rest[1:] if again and _ORDER.match(found.rest) else None


def _reminder(said: str) -> str:
    """Return "Reminder: ..." for a text that wants somebody reminded, "" for others."""
    found = _REMIND.fullmatch(said.strip())
    about = (found["about"] or "").strip(" ,.:") if found else ""
    return f"{MARK}{about}" if about else ""


def _between(said: str, rest: str) -> str:
    """Return the only piece of what was said that isn't in the rest; "" if it's more than one."""
    words, left = said.split(), rest.split()
    same = 0
    while same < len(left) and words[same] == left[same]:
        same += 1
    end = len(words) - (len(left) - same)
    return " ".join(words[same:end]).strip(" ,") if words[end:] == left[same:] and end > same else ""


_POLITE = re.compile(
    r"^(?:(?:please|hey|hi|hello|ok(?:ay)?|can you|could you|would you|will you)[,!]?\s+)+", re.IGNORECASE
)
_FITS = re.compile(
    r"\bremind(?:er|ers| me| us)?\b|\balarm\b|\bwake me\b|\bschedule (?:a|an|the|this|that|it)\b"
    r"|\b(?:send|tell|give|show|check|write|read|summari[sz]e|look)\b.*\b(?:every|each|daily)\b"
    r"|\b(?:every|each) (?:\w+ ){1,4}(?:at \S+ )?,?(?:send|tell|give|show|check|write|read|summari[sz]e|look)\b",
    re.IGNORECASE,
)
_REMIND = re.compile(
    r"(?:please )?(?:remind (?:me|us)|(?:set|make|give|I need|I want|I['’]d like)(?: me)? (?:a reminder|an alarm))"
    r"(?: for)?(?: to| about| of| that)?[ :]+(?P<about>.+)",
    re.IGNORECASE | re.DOTALL,
)
_USUAL = {
    "wake me": f"{MARK}wake up",
    "wake me up": f"{MARK}wake up",
    "remind me": f"{MARK}it's time",
    **dict.fromkeys(("set an alarm", "set an alarm for", "set a reminder", "set a reminder for"), f"{MARK}it's time"),
}
"""What's meant where nothing is named."""
_PLAIN = re.compile(
    r"in \d{1,6} ?[smhd]|(?:daily )?\d\d:\d\d|(?:[\d*][\d*,/-]*\s+){4}[\d*a-z][\da-z*,/-]*", re.IGNORECASE
)
"""What /schedule takes as it stands."""
_ORDER = re.compile(r"(?:send|tell|give|show|check|write|read|summari[sz]e)\b.{4,}", re.IGNORECASE)
