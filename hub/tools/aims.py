"""What an agent says about the end of its work: what would show that it's done, and what has to come before."""

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.errors import BadRequest, ToolError
from hub.ports import Aims, Clock, Effect, Example, ToolCall
from hub.records import Check, CommandExits, FileExists, ForFile, ForMessage, ForUrl, Task, ToolSays, UrlAnswers
from hub.times.phrases import find
from hub.times.zones import Zones
from hub.tools.schema import arguments, convert, text
from hub.tools.web import unnamed

WORDS = 300


class _Proposed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file: str = ""
    url: str = ""
    command: str = ""
    tool: str = ""
    arguments: str = "{}"
    contains: str = ""


class _Awaited(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    until: str = ""
    url: str = ""
    file: str = ""
    message: bool = False


class ProposeChecks:
    """Asks the person what shows that a task is done."""

    name = "propose_checks"
    description = (
        "Propose what shows that the work is done: a file, a web address, a program that exits with 0, a tool."
    )
    schema: Mapping[str, object] = arguments(
        {},
        {
            "file": text("A file that must be there, such as report.md", WORDS),
            "url": text("An address that must answer", WORDS),
            "command": text("A program that must exit with 0, such as: python3 test.py", WORDS),
            "tool": text("A tool that must say the words, such as clock", WORDS),
            "arguments": text("The arguments of that tool, as JSON", WORDS),
            "contains": text("Words that must be in the file, the answer or the result", WORDS),
        },
    )
    effect: Effect = "idempotent"
    for_assignments = True
    examples = (
        Example("Write a program fib.py with tests in test_fib.py", {"command": "python3 -m unittest test_fib"}),
        Example("Make a report in report.md on trains to Vienna", {"file": "report.md", "contains": "Vienna"}),
    )
    others = ("Check my mail.", "What is a check?")

    def __init__(self, aims: Aims) -> None:
        self._aims = aims

    def fits(self, text: str) -> bool:
        """Say whether the goal has something in it that can be looked at."""
        return bool(_SEEN.search(text))

    def is_timely(self, task: Task) -> bool:
        """Say whether nothing is agreed on yet, nor asked."""
        return not task.checks and not task.proposed

    async def call(self, call: ToolCall) -> str:
        """Have the person asked; raises ToolError."""
        wish = convert(call.arguments, _Proposed)
        checks: list[Check] = []
        if wish.file:
            checks.append(FileExists(path=wish.file, contains=wish.contains if not wish.url else ""))
        if wish.url:
            checks.append(UrlAnswers(url=wish.url, contains=wish.contains))
        if wish.command:
            try:
                checks.append(CommandExits(command=tuple(shlex.split(wish.command))))
            except ValueError as error:
                raise ToolError(f"The command can't be read: {error}.") from None
        if wish.tool:
            checks.append(ToolSays(tool=wish.tool, arguments=wish.arguments or "{}", contains=wish.contains))
        return await self._aims.propose(call, checks)


class WaitFor:
    """Has a task rest until a time, or until something comes."""

    name = "wait_for"
    description = "Wait: until a time, until a page or a file changes, or until the user says something."
    schema: Mapping[str, object] = arguments(
        {},
        {
            "until": text("When to go on at the latest, such as: in 2 hours, tomorrow at 9:00", WORDS),
            "url": text("An address whose page is to change", WORDS),
            "file": text("A file that is to come or to change, such as data.csv", WORDS),
            "message": {"type": "boolean", "description": "Whether to wait for a word of the user"},
        },
    )
    effect: Effect = "idempotent"
    for_assignments = True
    rests = True
    examples = (
        Example("Tell me when https://example.org/news changes", {"url": "https://example.org/news"}),
        Example("Wait until tomorrow at 9, then say hello", {"until": "tomorrow at 9"}),
    )
    others = ("I can't wait to see you!", "How long is the waiting time?")

    def __init__(self, clock: Clock, zones: Zones, aims: Aims) -> None:
        self._clock = clock
        self._zones = zones
        self._aims = aims

    def fits(self, text: str) -> bool:
        """Say whether the goal speaks of something that's to come first."""
        return bool(_WAITS.search(text))

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say that an address nobody in the task has said can tell its host anything."""
        return unnamed(convert(call.arguments, _Awaited).url, heard)

    async def call(self, call: ToolCall) -> str:
        """Return what's waited for, as the hub keeps it; raises ToolError."""
        wish = convert(call.arguments, _Awaited)
        until = wish.until.strip()
        if until:
            zone = ZoneInfo(await self._zones.of(call.tenant, call.person))
            until = _when(until, self._clock.now().astimezone(zone).replace(second=0, microsecond=0))
        on: ForMessage | ForFile | ForUrl | None = ForMessage() if wish.message else None
        if wish.file:
            on = ForFile(path=wish.file)
        if wish.url:
            on = ForUrl(url=wish.url)
        return await self._aims.wait(call, until, on)


def _when(said: str, now: datetime) -> str:
    """Return a time as /schedule takes it, or as it was said; raises ToolError where two may be meant."""
    try:
        found = find(said, now)
    except BadRequest as error:
        raise ToolError(str(error).removeprefix("schedule: ")) from None
    if found and found.others:
        raise ToolError(f"{said[:80]!r} may be {' or '.join((found.when, *found.others))}. Ask the user which.")
    return found.when if found and not found.rest.strip() else said


_SEEN = re.compile(
    r"[\w-]+\.(?:md|txt|csv|json|html|py|js|toml|yaml|xml)\b|https?://|\b(?:program|script|tests?|website|page|report|file)\b",
    re.IGNORECASE,
)
_WAITS = re.compile(
    r"\b(?:wait|until|till|as soon as|once|when(?:ever)?|watch|monitor|keep an eye|notify|tell me (?:when|if|once)"
    r"|changes?|comes? (?:out|in|back)|is (?:there|up|back|ready)|sobald|warte|bis)\b",
    re.IGNORECASE,
)
