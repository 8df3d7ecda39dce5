"""What waits, and what was decided, as the API shows it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hub.flow.awaiting import Asked, Kind
from hub.flow.checking import in_words
from hub.flow.exact import legible
from hub.flow.said import short
from hub.flow.settled import Kind as SettledKind
from hub.flow.settled import Settled
from hub.ports import Effect, Tool
from hub.records import Ask, Blocked, Choice, Limits, Message, Package, PersonId, Task, TaskId, TenantId, Text, Usage
from hub.web.desk_views import Somebody
from hub.web.packages import PermissionView
from hub.web.resources import Names, TaskName, chat_name
from hub.web.services import Services

TEXT = 4_000
QUOTE = 200
APPROVE, DENY = "approve", "deny"
LEFT_TO = 3
"""Tasks offered for a message, besides a new one."""


class WaitingView(Struct, frozen=True, kw_only=True):
    """Something that waits for somebody's leave or answer."""

    id: str
    """Names exactly what's asked: it's nobody's once that is answered."""
    kind: Kind | Literal["package"]
    person: Somebody | None
    """Whose word is waited for; of a draft or a handover, whose chat it is."""
    yours: bool
    """Whether you may answer."""
    task: TaskName | None
    agent: str
    bridge: str
    """Where it came from; empty: from no chat."""
    chat: str
    tool: str
    about: str
    """Of a call: what its tool does, in its maker's words."""
    effect: Effect | Literal[""]
    """Of a call: what it changes."""
    text: str
    """What's asked: the question, the message, the draft, who knocks."""
    why: str
    shown: str
    """Of a call: exactly what it's called with, with all escaped that can't be seen or looks like something else."""
    read: list[str]
    """Of a call: whose words its task has read besides its person's."""
    lines: list[str]
    """What it would be checked for, or what was found odd in a package."""
    permissions: list[PermissionView]
    """Of a package: what it asks for now."""
    used: Usage | None
    """Of a budget: what was spent of `limits`, and what would be granted besides."""
    limits: Limits | None
    more: Limits | None
    choices: list[Choice]
    """What it may be answered with."""
    words: bool
    """Whether it may be answered in words."""
    created_at: datetime
    expires_at: datetime | None
    """When it lapses; of a draft or a handover, when it's late."""


class SettledView(Struct, frozen=True, kw_only=True):
    """Something that waited, and what became of it."""

    kind: SettledKind
    what: str
    outcome: str
    reason: str
    """Why it was refused, if that was said."""
    task: TaskName | None
    person: Somebody | None
    by: Somebody | None
    """null: nobody decided, its time was over."""
    at: datetime


class Waitings:
    """Makes views for one caller, and looks each person, task and tool up once."""

    def __init__(self, services: Services, tenant: TenantId, caller: PersonId) -> None:
        self._services = services
        self._store = services.store
        self._tenant = tenant
        self._caller = caller
        self._names = Names(services.store)
        self._people: dict[PersonId, Somebody] = {}
        self._tools: Mapping[str, Tool] | None = None

    async def of(self, asked: Asked, *, yours: bool) -> WaitingView:
        """Return something that waits."""
        blank = await self._blank(asked, yours=yours)
        match asked.kind:
            case "leave":
                return await self._leave(blank, asked)
            case "route":
                return await self._route(blank, asked)
            case "question" | "budget" | "blocked" | "checks":
                return self._task(blank, asked)
            case _:
                return _of_others(blank, asked)

    async def package(self, package: Package, id: str, asks: Sequence[PermissionView], text: str) -> WaitingView:
        """Return an update of a package that waits."""
        coming = package.next or package.now
        blank = await self._blank(Asked(kind="leave", id=id, person=PersonId(""), since=package.updated_at), yours=True)
        choices = [Choice(id="allow", text="Allow it"), Choice(id="keep", text="Keep what I have")]
        return replace(
            blank,
            kind="package",
            person=None,
            text=f"{package.id} {package.now.version} → {coming.version}",
            why=text,
            lines=[*coming.found],
            permissions=[*asks],
            choices=choices,
        )

    async def settled(self, settled: Settled) -> SettledView:
        """Return something that was decided."""
        return SettledView(
            kind=settled.kind,
            what=settled.what,
            outcome=settled.outcome,
            reason=settled.reason,
            task=_name(settled.task),
            person=await self._somebody(settled.person),
            by=await self._somebody(settled.by),
            at=settled.at,
        )

    # --- the kinds

    async def _blank(self, asked: Asked, *, yours: bool) -> WaitingView:
        task, message = asked.task, asked.message
        at = asked.draft.address if asked.draft else asked.handover.address if asked.handover else None
        at = at or (message.address if message else task.origin if task else None)
        return WaitingView(
            id=asked.id,
            kind=asked.kind,
            person=await self._somebody(asked.person),
            yours=yours,
            task=_name(task),
            agent=task.agent if task else "",
            bridge=at.bridge if at else "",
            chat=chat_name(at.bridge, at.chat, asked.person) if at else "",
            tool="",
            about="",
            effect="",
            text="",
            why="",
            shown="",
            read=[],
            lines=[],
            permissions=[],
            used=None,
            limits=None,
            more=None,
            choices=[],
            words=False,
            created_at=asked.since,
            expires_at=asked.until,
        )

    async def _leave(self, blank: WaitingView, asked: Asked) -> WaitingView:
        pause = asked.pause
        if pause is None:
            return blank
        tool = self._tool(pause.tool)
        taints = await self._store.taints(pause.task)
        return replace(
            blank,
            tool=pause.tool,
            about=tool.description if tool else "",
            effect=tool.effect if tool else "",
            why=pause.why,
            shown=legible(pause.arguments),
            read=[
                short(f"{taint.source} ({taint.detail})" if taint.detail else taint.source, QUOTE) for taint in taints
            ],
            choices=[Choice(id=APPROVE, text="Approve"), Choice(id=DENY, text="Deny")],
        )

    async def _route(self, blank: WaitingView, asked: Asked) -> WaitingView:
        return replace(
            blank,
            text=short(asked.message.text, TEXT) if asked.message else "",
            choices=list(await self.places(asked.message)) if asked.message else [],
        )

    async def places(self, message: Message) -> tuple[Choice, ...]:
        """Return where a message may belong that its person is asked about, the likeliest first."""
        candidates = sorted(message.route.candidates if message.route else (), key=lambda each: -each.probability)
        offered = [each for each in candidates if each.task][:LEFT_TO]
        return (
            *[Choice(id=TaskId(each.task or ""), text=each.title) for each in offered],
            Choice(id="new", text="A new task"),
        )

    def _task(self, blank: WaitingView, asked: Asked) -> WaitingView:
        task = asked.task
        if asked.kind == "checks":
            return _checks(blank, asked)
        match task.verdict if task else None:
            case Blocked(missing=missing):
                choices = [Choice(id="resume", text="Try again"), Choice(id="cancel", text="Give it up")]
                return replace(blank, text=missing[:TEXT], choices=choices)
            case Ask(question=question, choices=choices, why=why):
                view = replace(blank, text=question[:TEXT], why=why, choices=list(choices), words=not choices)
                if asked.kind != "budget" or task is None:
                    return view
                config = self._services.config.limits
                more = Limits(turns=config.turns, tokens=config.tokens, minutes=config.minutes, money=task.limits.money)
                return replace(view, used=task.used, limits=task.limits, more=more)
            case _:
                return blank

    # --- names

    def _tool(self, name: str) -> Tool | None:
        if self._tools is None:
            self._tools = {tool.name: tool for tool in self._services.tools()}
        return self._tools.get(name)

    async def _somebody(self, id: PersonId | None) -> Somebody | None:
        if not id:
            return None
        if id not in self._people:
            found = await self._store.person(self._tenant, id)
            self._people[id] = Somebody(id=id, name=found.name if found else "")
        return self._people[id]


def _of_others(blank: WaitingView, asked: Asked) -> WaitingView:
    if asked.pairing:
        choices = [Choice(id=APPROVE, text="Let in"), Choice(id=DENY, text="Refuse")]
        who, bridge = asked.pairing.name or asked.pairing.sender, asked.pairing.bridge
        return replace(blank, text=who, why=asked.pairing.sender, bridge=bridge, choices=choices, person=None)
    if asked.draft:
        said = "\n".join(part.text for part in asked.draft.parts if isinstance(part, Text))
        choices = [Choice(id="send", text="Send"), Choice(id="discard", text="Discard")]
        why = short(asked.message.text, QUOTE) if asked.message else ""
        return replace(blank, text=said[:TEXT], why=why, choices=choices, words=True)
    why = asked.handover.why if asked.handover else ""
    return replace(blank, why=why, choices=[Choice(id="take", text="Take over")])


def _checks(blank: WaitingView, asked: Asked) -> WaitingView:
    proposed = asked.task.proposed if asked.task else ()
    choices = [Choice(id="yes", text="Check it so"), Choice(id="no", text="Don't")]
    return replace(
        blank,
        text=asked.task.goal[:TEXT] if asked.task else "",
        lines=[in_words(check) for check in proposed],
        choices=choices,
    )


def _name(task: Task | None) -> TaskName | None:
    return TaskName(id=task.id, number=task.number, title=task.title, state=task.state) if task else None
