"""What's looked at before anybody is asked whether a task is done: the checks that its person has agreed to.

A check widens no right: an address is asked by the hub's egress or not at all, a program runs confined or not at all,
and a tool is one that the task's agent may call unasked, and that changes nothing.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import assert_never

import msgspec

from hub.errors import BadRequest, StoreError, ToolError
from hub.flow.exact import opened
from hub.flow.ledger import Ledger
from hub.flow.offering import allowed_of
from hub.flow.pinning import Pinning
from hub.flow.rights import Rights
from hub.flow.toolbox import Toolbox
from hub.flow.work import Work
from hub.manifests import Agent
from hub.paths import parts_of
from hub.ports import Change, Checked, Checking, Clock, Paused, Tool, ToolCall, Workspaces
from hub.records import Check, CommandExits, FileExists, Step, Task, ToolSays, UrlAnswers

MOST = 10
"""Checks of one task."""
AT_ONCE = 4
LONGEST = 2_000
WORDS = 64
"""Of a command."""
SHOWN = 120
NAMES = {FileExists: "file", UrlAnswers: "url", CommandExits: "command", ToolSays: "tool"}

_WRITTEN = re.compile(
    r"\b(?:write|save|put|store|export|collect|gather|note|schreib\w*|speicher\w*)\b[^.!?\n]{0,120}?\b(?:in|into|to|as|under|unter)\s+"
    r"(?:(?:the|a|an|die|eine)\s+)?(?:(?:file|datei)\s+)?(?:called\s+|named\s+)?[`\"'“]?"
    r"(?P<path>[\w-][\w-]*(?:/[\w-]+)*\.(?:md|txt|csv|json|html|tsv|yaml|yml|py|toml|xml))\b",
    re.IGNORECASE,
)
_FOUND_OUT = re.compile(
    r"\b(?:work(?:s|ed)? out|comput\w*|calculat\w*|count\w*|add(?:s|ed)? up|sum\w*|find|look up|search\w*|fetch\w*"
    r"|sort\w*|rank\w*|translat\w*|convert\w*|compar\w*|extract\w*|how (?:many|much|long|far|often)"
    r"|what|which|who|when|where)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:(?:phone |telephone )?number|count|sum|total|amount|price|cost|date|year|age|percentage|average"
    r"|how (?:many|much|long|far|often|old))\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(
    r"\d|\b(?:none|zero|no|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
).search
READ = 100_000
"""Bytes."""


class Checks:
    """Makes the checks of tasks."""

    def __init__(
        self,
        checking: Checking | None,
        toolbox: Toolbox,
        rights: Rights,
        pinning: Pinning,
        clock: Clock,
        workspaces: Workspaces | None = None,
    ) -> None:
        """Without a `checking`, only tools can be asked."""
        self._checking = checking
        self._workspaces = workspaces
        self._toolbox = toolbox
        self._rights = rights
        self._pinning = pinning
        self._clock = clock

    async def make(self, agent: Agent, work: Work, task: Task, ledger: Ledger) -> None:
        """Make all checks of a task side by side, and keep each as a step; those made before a crash stand.

        Where nothing is agreed on yet, the files that were proposed are looked for: without them it isn't done either.
        """
        checks = task.checks or tuple(check for check in task.proposed if isinstance(check, FileExists))
        if not checks or any(step.kind == "check" for step in ledger.steps):
            return
        few = asyncio.Semaphore(AT_ONCE)
        beside: list[Change] = []

        async def made(nth: int, check: Check) -> tuple[str, str, Checked, float]:
            async with few:
                began = self._clock.monotonic()
                if isinstance(check, ToolSays):
                    found = await self._asked(agent, work, task, check, f"{work.turn.id}:check:{nth}", ledger)
                elif self._checking is None:
                    found = Checked(passed=False, said="this hub has no way to look at it", able=False)
                else:
                    found = await self._checking.check(task, check)
                    if isinstance(check, FileExists) and found.passed and (why := await self._short_of(task, check)):
                        found = Checked(passed=False, said=f"the file {check.path} {why}")
                return NAMES[type(check)], msgspec.json.encode(check).decode(), found, began

        found = await asyncio.gather(*(made(nth, check) for nth, check in enumerate(checks[:MOST])))
        for _, request, checked, _ in found:
            if checked.quotes and not beside:
                beside += await self._rights.quoted(task, "check", request)
        await ledger.checked(found, *beside)

    async def _short_of(self, task: Task, check: FileExists) -> str:
        """Say what a file plainly lacks, where the goal wants something to be found out; nothing if it may be right.

        Small models like to write down what they were told, or any word at all. Who named words that it must have wants
        just these.
        """
        if check.contains or self._workspaces is None or not _FOUND_OUT.search(task.goal):
            return ""
        try:
            text = (await self._workspaces.read(task.tenant, task.id, check.path))[:READ].decode(errors="replace")
        except (ToolError, StoreError):
            return ""
        words = _words(text)
        if words and words <= _words(task.goal):
            return "only repeats what was asked"
        number = _NUMBER.search(task.goal)
        return f"has no number in it, and {number[0].lower()} was asked for" if number and not _DIGIT(text) else ""

    def refuse(self, checks: Sequence[Check], agent: Agent) -> None:
        """Raise BadRequest for checks that could never be made, each by its field."""
        if len(checks) > MOST:
            raise BadRequest("checks", f"has {len(checks)}; at most {MOST} are taken")
        for at, check in enumerate(checks):
            if fault := self._fault(check, agent):
                raise BadRequest(f"checks[{at}]", fault)

    def _fault(self, check: Check, agent: Agent) -> str:
        if not isinstance(check, CommandExits) and len(check.contains) > LONGEST:
            return f"contains: has more than {LONGEST} characters"
        match check:
            case FileExists():
                return _path_fault(check.path)
            case UrlAnswers():
                return _url_fault(check)
            case CommandExits():
                return _command_fault(check)
            case ToolSays():
                return self._tool_fault(check.tool, agent) or _arguments_fault(check.arguments)
            case _:
                assert_never(check)

    def _tool_fault(self, name: str, agent: Agent) -> str:
        tool = self._toolbox.named(name)
        if tool is None or tool not in allowed_of(agent, {each.name: each for each in self._toolbox.all()}):
            return f"tool: the agent {agent.name} has no tool {name[:SHOWN]!r}"
        return "" if tool.effect == "none" else f"tool: {name} changes something; a check only looks"

    async def _asked(self, agent: Agent, work: Work, task: Task, check: ToolSays, key: str, ledger: Ledger) -> Checked:
        if fault := self._tool_fault(check.tool, agent):
            return Checked(passed=False, said=fault.removeprefix("tool: "), able=False)
        tool = await self._pinning.tool(task, _named(self._toolbox, check.tool))
        call = ToolCall(
            tool=check.tool,
            arguments=opened(check.arguments),
            key=key,
            tenant=task.tenant,
            person=task.person,
            agent=agent.name,
            task=task.id,
        )
        if why := await self._rights.why(agent, tool, call):
            return Checked(passed=False, said=f"{check.tool} would need your leave: {why}", able=False)
        await ledger.mark(*await self._rights.marks(tool, call))
        try:
            called = await self._toolbox.call(tool, call)
        except Paused:
            return Checked(passed=False, said=f"{check.tool} asks a question", able=False)
        result = " ".join(called.result.split())
        if called.failed:
            return Checked(passed=False, said=f"{check.tool} fails: {result[:SHOWN]}")
        if " ".join(check.contains.casefold().split()) in result.casefold():
            return Checked(passed=True, said=f"{check.tool} says {_quoted(check.contains or result)}")
        return Checked(passed=False, said=f"{check.tool} doesn't say {_quoted(check.contains)}, but {_quoted(result)}")


def in_words(check: Check) -> str:
    """Return what a check looks at, for the person who's asked whether it's right."""
    match check:
        case FileExists(path=path, contains=contains):
            return f"the file {path} is there" + (f" and has {_quoted(contains)} in it" if contains else "")
        case UrlAnswers(url=url, status=status, contains=contains):
            return f"{url} answers {status}" + (f" and has {_quoted(contains)} in it" if contains else "")
        case CommandExits(command=command, status=status):
            line = msgspec.json.encode(command).decode()
            return f"the program {line} exits with {status}, run in the sandbox over a copy of the task's files"
        case ToolSays(tool=tool, arguments=arguments, contains=contains):
            return f"the tool {tool}, called with {arguments}, " + (
                f"says {_quoted(contains)}" if contains else "doesn't fail"
            )
        case _:
            assert_never(check)


def named_in(goal: str) -> tuple[Check, ...]:
    """Return the checks that a goal names plainly itself: a file that something is to be written into."""
    paths = dict.fromkeys(found["path"] for found in _WRITTEN.finditer(goal))
    return tuple(FileExists(path=path) for path in list(paths)[:MOST] if not _path_fault(path))


def evidence(steps: Sequence[Step]) -> str:
    """Return what passed checks have shown, in one sentence."""
    return "; ".join(step.result for step in steps if not step.failed)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _named(toolbox: Toolbox, name: str) -> Tool:
    tool = toolbox.named(name)
    if tool is None:
        raise ToolError(f"There is no tool {name!r}.")
    return tool


def _path_fault(path: str) -> str:
    try:
        parts_of(path)
    except ToolError as error:
        return f"path: {error}"
    return ""


def _url_fault(check: UrlAnswers) -> str:
    # In plain letters: what only looks like an address that's known is seen.
    if not re.fullmatch(r"https?://[!-\[\]-~]+", check.url) or len(check.url) > LONGEST:
        return f"url: {check.url[:SHOWN]!r} isn't an address such as https://example.org/page"
    return "" if 100 <= check.status <= 599 else f"status: {check.status} is none; 100 to 599 are"


def _command_fault(check: CommandExits) -> str:
    command = check.command
    if not command or not command[0].strip() or len(command) > WORDS or max(map(len, command)) > LONGEST:
        return f"command: give a program and its arguments, {WORDS} words at most, as ['python3', 'test.py']"
    if any("\0" in word for word in command):
        return "command: a word has a zero byte in it"
    return "" if 0 <= check.status <= 255 else f"status: {check.status} is none; 0 to 255 are"


def _arguments_fault(arguments: str) -> str:
    try:
        msgspec.json.decode(arguments, type=dict[str, object])
    except msgspec.MsgspecError:
        return "arguments: isn't a JSON object"
    return ""


def _quoted(words: str) -> str:
    line = " ".join(words.split())
    return f"“{line if len(line) <= SHOWN else line[: SHOWN - 1] + '…'}”"
