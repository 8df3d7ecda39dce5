"""What an agent may call."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from hub.manifests import Agent
from hub.records import (
    File,
    PackageId,
    PersonId,
    Pin,
    Point,
    Task,
    TaskId,
    TenantId,
)

Effect = Literal["none", "idempotent", "keyed", "once"]
"""What a call changes, and what a repetition of it does, which a crash may make needful.

none: it changes nothing. idempotent: twice is as once. keyed: twice with one key is as once. once: twice is twice, so
that a call of which nobody knows how it ended isn't repeated but asked about.
"""


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
    depth: int = 0
    """How many tools stand between the agent and this one: 0 if the agent itself calls it."""


class Tool(Protocol):
    """Something that an agent may call."""

    name: str
    description: str
    """One line, written for the LLM."""
    schema: Mapping[str, object]
    """JSON schema of the arguments."""
    effect: Effect

    def fits(self, text: str) -> bool:
        """Say whether it's worth offering for a message; cheap, and rather yes than no."""

    async def call(self, call: ToolCall) -> str:
        """Do it; the result is written for the LLM. Raises ToolError, and Paused if it's Pausing."""


@runtime_checkable
class Reading(Protocol):
    """A tool that sees by plain rules when a message asks for it: it spares the LLM a call, and a small one errors."""

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the arguments if the message leaves no doubt that it wants this tool, with what, and nothing else.

        The result of that call is then a whole answer, in a sentence that the person can be sent, but for a tool that's
        Material. None, rather too often than wrongly, leaves choice and arguments to the LLM. May take some
        milliseconds; is called in a thread.
        """


@runtime_checkable
class Material(Protocol):
    """A Reading tool whose result is what an answer is made from, never an answer in itself: a whole page, say."""

    material: bool


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


@runtime_checkable
class Patient(Protocol):
    """A tool that takes longer than others."""

    seconds: float
    """Its calls may take so long."""


@runtime_checkable
class Retrying(Protocol):
    """A tool whose arguments are a piece of work, such as a program: they may be long, and are seldom right at once."""

    tries: int
    """So often it may be called in a turn while calls fail; the LLM is shown what it wrote, and what was wrong."""


@runtime_checkable
class Naming(Protocol):
    """A tool of which some arguments count only if somebody named them: a small LLM fills in what it likes."""

    named: tuple[str, ...]
    """These arguments, all optional. One whose value doesn't stand in the message is left out."""


@runtime_checkable
class Findable(Protocol):
    """A tool without words of its own to be offered by: it's offered where what it's about fits a message."""

    about: str
    """What it's about, in words to be searched, beside its name, its description and its arguments."""


@runtime_checkable
class Lengthy(Protocol):
    """A tool whose results may be longer than others', for they're no use in part."""

    characters: int
    """So long may a result be, where the LLM has room for it."""


@runtime_checkable
class Foreign(Protocol):
    """A tool whose results are words of others than the person: a page, a file, a stranger's program."""

    outside: bool
    """Its results taint the task: what goes out after them needs leave."""


@runtime_checkable
class Outward(Protocol):
    """A tool that may tell something to somebody outside, or do what can't be undone."""

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say in words for the person why this call would, or "" if it wouldn't.

        `heard` is what the task's person said in it, and nobody else: a URL that stands in it tells nobody anything.
        Asked only in a task that has read a stranger's words.
        """


@runtime_checkable
class Asking(Protocol):
    """A tool whose author wants each call to be approved by its person, whatever the task has read."""

    ask: bool


@runtime_checkable
class ForAssignments(Protocol):
    """A tool for work that takes turn after turn: offered in assignments only, so that no conversation pays for it."""

    for_assignments: bool


@runtime_checkable
class Filing(Protocol):
    """A tool that reads or writes a file of its task's workspace."""

    file: str
    """The argument that names it."""


@runtime_checkable
class OfTask(Protocol):
    """A tool that's about the task which it's called for: nobody can call it without one."""

    of_task: bool


@runtime_checkable
class Timely(Protocol):
    """A tool that's of use only while its task stands in a certain way."""

    def is_timely(self, task: Task) -> bool:
        """Say whether it's worth offering for a task as it stands; cheap."""


@runtime_checkable
class Personal(Protocol):
    """A tool that's another for each person, with what they have lent, say."""

    def of(self, task: Task) -> Tool | None:
        """Return the tool as a task's person has it, by the same name; None where they haven't got it. Cheap."""


@runtime_checkable
class Resting(Protocol):
    """A tool by which an agent says what its task waits for.

    A call that goes well ends the turn. Its result is the Wait, as JSON: the task rests until that has come.
    """

    rests: bool


@runtime_checkable
class Tracking(Protocol):
    """A tool that keeps track of an assignment: its time comes by how the task stands, without any model's choice."""

    def when(self, goal: str, plan: Sequence[Point]) -> Literal["before", "after", ""]:
        """Say whether it's to be called in a turn: before all other tools, after the answer, or only if it's chosen.

        Its results aren't shown beside those of other tools: the prompt tells how the task stands.
        """

    def at(self, when: Literal["before", "after"]) -> Tool:
        """Return the tool as it's called then: with the arguments that count, and no others to go wrong."""


@runtime_checkable
class Parting(Protocol):
    """A tool that splits a task: once that has subtasks, it's offered only where its person has spoken again."""

    parting: bool


@runtime_checkable
class Packaged(Protocol):
    """A tool that came with a package."""

    package: PackageId
    version: str
    digest: str
    """SHA-256 of the package's files: leave for a call is for exactly this edition."""


class Paused(Exception):
    """A tool's call stops here until its person has answered a question; it's no error."""

    def __init__(self, question: str, snapshot: str) -> None:
        super().__init__(question)
        self.question = question
        self.snapshot = snapshot
        """The program as it stands, sealed so that only this hub's own are gone on with."""


@runtime_checkable
class Pausing(Protocol):
    """A tool whose calls may raise Paused, and go on after a restart of the hub."""

    async def resume(self, call: ToolCall, snapshot: str, answer: str) -> str:
        """Go on with a paused call; raises ToolError (also for a snapshot that isn't this hub's), and Paused again."""


class Editions(Protocol):
    """The editions of packages that tasks go on with, though others may be installed by now."""

    async def tools(self, pins: Sequence[Pin]) -> tuple[Tool, ...]:
        """Return the tools of these editions, with no more rights than their packages have now.

        Those of a package that was removed or is disabled are left out.
        """

    async def agent(self, name: str, pins: Sequence[Pin]) -> Agent | None:
        """Return the agent of that name in the edition that's pinned, None if none of these has it any more."""

    async def edition(self, agent: str) -> tuple[PackageId, str, str] | None:
        """Return package, version and digest of an installed agent's edition of now; None if it's from no package."""

    async def gone(self, pins: Sequence[Pin]) -> tuple[PackageId, ...]:
        """Return which of these packages were removed or are disabled: their tools can't be used any more."""


class Parcels(Protocol):
    """Files between a task's person and a tool."""

    async def send(self, call: ToolCall, file: File) -> None:
        """Send the task's person a file whose bytes are in the file store; a repeated call sends it once.

        Raises ToolError.
        """

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        """Return the files that the task's person sent in it, the newest first, 20 at most."""


class Errands(Parcels, Protocol):
    """What the hub does for a tool, within the rights of the task that it's called for."""

    async def say(self, call: ToolCall, text: str) -> None:
        """Tell the task's person something now, besides the answer; a repeated call says it once. Raises ToolError."""

    async def said(self, call: ToolCall) -> tuple[str, ...]:
        """Return what the task's person said in it lately, each message's text, oldest first; 20 messages at most."""

    async def plan(self, call: ToolCall, when: str, text: str) -> str:
        """Have a task begun later: `when` as in /schedule ("in 20m", "2026-12-24 08:30", "0 8 * * 1-5").

        `text` is its goal. Returns how it's called, in words; a repeated call plans it once. What taints the task
        taints the planned one. Raises ToolError for a time that can't be read, or too many plans.
        """

    async def use(self, call: ToolCall, tool: str, arguments: Mapping[str, object]) -> str:
        """Call another tool for the same task and return its result; raises ToolError.

        Only one that the call's agent may use; what would need leave is refused.
        """


class Outlining(Protocol):
    """The plan of a call's task, which its person reads; not what's planned for later."""

    async def outline(
        self, call: ToolCall, points: Sequence[str], *, done: Sequence[int] = (), dropped: Sequence[int] = ()
    ) -> str:
        """Mark points of the plan by their numbers, then write those that are still to be done, if there are any.

        What's done stays in a plan that's written anew; numbers are those of the plan before. Returns how it stands, in
        words. Raises ToolError for a number that isn't there, for too many or too long points, and for a task that's no
        assignment; nothing is changed then.
        """


class Splits(Protocol):
    """Subtasks of a call's task."""

    async def split(self, call: ToolCall, goals: Sequence[str], agent: str = "", turns: int | None = None) -> str:
        """Have each goal worked on as a subtask of its own, side by side; return how they're called, in words.

        A repeated call splits once. They have the task's person, and what taints it; `agent` may be one that the call's
        own may hand work to. Each costs `turns` at most, and all together no more than the task has left. Raises
        ToolError for a task that's no assignment, is split too deep or too often already, or has too little left, and
        for a goal that's the task's own in other words: nothing is split off then.
        """
