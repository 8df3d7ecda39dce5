"""/v1/routes: which task each message went to and why, and how often that was right."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Struct

from hub.flow.accuracy import Bin, Figures, Live, Share, Week, best, figures, said_first, second, share_of
from hub.flow.reasons import reason
from hub.flow.routes import to_task
from hub.flow.said import short
from hub.records import Candidate, Correction, Message, MessageId, MessageState, PersonId, Route, Rule, TaskId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Cursor, Limit, sees
from hub.web.desk_views import Somebody
from hub.web.problems import PROBLEMS
from hub.web.resources import Names, Page, TaskName, chat_name
from hub.web.services import Services

WINDOW = 2_000
"""Messages that figures are made of at most, the newest."""
WEEKS = 12
SCANNED = 1_000
"""Messages that one page of a filtered listing looks at; `next` goes on from there."""
PIECE = 200
TEXT = 280
Only = Literal["all", "wrong", "asked", "uncertain"]
Of = Annotated[
    Literal["me", "tenant"], QueryParameter(description="tenant: everybody's; needs the scope usage:read.", name="of")
]


class Place(Struct, frozen=True, kw_only=True):
    """A task that a message might have gone to; without an id, a new one."""

    task: TaskId | None
    number: int | None
    title: str
    probability: float


class CorrectedView(Struct, frozen=True, kw_only=True):
    """That a person put a route right."""

    wrong: TaskName | None
    """Where the router had it; null: that task is gone."""
    by: Somebody | None
    at: datetime


class RoutedView(Struct, frozen=True, kw_only=True):
    """Where a message went, and why."""

    message: MessageId
    state: MessageState
    person: Somebody
    text: str | None
    """Its beginning; null: it's somebody else's, and not yours to read."""
    task: TaskName | None
    """Where it is now; without its title if that's not yours to read."""
    rule: Rule
    """By which the router decided, before anybody put it right."""
    new: bool
    probability: float
    runner_up: Place | None
    reason: str
    """What made the likeliest task likelier than the next, in words."""
    guess: Place | None
    """The likeliest; of a message that was asked about, not always where it went."""
    model: str
    tokens: int
    ms: float
    asked: bool
    corrected: CorrectedView | None
    movable: bool
    """Whether you may put it right."""
    bridge: str
    chat: str
    created_at: datetime


class FiguresView(Struct, frozen=True, kw_only=True):
    """How often the router was right, as far as corrections tell; see the fields of what they're made of."""

    messages: int
    since: date
    most: int
    """Messages that are looked at: older ones aren't counted."""
    live: Live
    decided: Share
    guessed: Share
    asked: Share
    """How many of what it weighed it asked about; `right` is their number."""
    weeks: list[Week]
    bins: list[Bin]
    calibration_error: float | None
    tokens: float
    ms: float
    ask_below: float
    """A best task less likely than this is asked about."""


class RoutesController(Controller):
    """Which task each message went to."""

    path = "/v1/routes"
    tags = ("routes",)

    @get(opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List routes")
    async def routes(
        self,
        services: Hub,
        caller: Asker,
        of: Of = "me",
        only: Annotated[
            Only,
            QueryParameter(
                description="wrong: put right by somebody. asked: its person was. uncertain: less likely than the"
                " config's limits.ask_below."
            ),
        ] = "all",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[RoutedView]:
        """Return where your messages went, newest first; with `of=tenant` everybody's, in words only what's yours to
        read. A page of a filtered listing may be short, or empty, and still have a `next`: it looks at a thousand
        messages at most.
        """
        found, after = await _found(services, caller, _whose(caller, of), only, cursor, limit)
        views = _Views(services, caller)
        corrections = await _corrections(services, found)
        return Page(items=[await views.of(each, corrections.get(each.id, ())) for each in found], next=after)

    @get("/figures", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="How often routes were right")
    async def figures(self, services: Hub, caller: Asker, of: Of = "me") -> FiguresView:
        """Return how often the router was right about your messages, as far as your corrections tell; with `of=tenant`
        about everybody's. Of the newest two thousand of the last twelve weeks.
        """
        since = services.clock.now() - timedelta(weeks=WEEKS)
        messages = await _newest(services, caller, _whose(caller, of), since)
        made = figures(messages, await _corrections(services, messages))
        first = messages[-1].created_at if len(messages) == WINDOW else since
        return _view(made, first.date(), services.config.limits.ask_below)


async def _newest(services: Services, caller: Caller, person: PersonId | None, since: datetime) -> list[Message]:
    """Return the newest messages with a route; piece by piece, for others' queries to be answered between."""
    found: list[Message] = []
    while len(found) < WINDOW:
        before = found[-1].id if found else None
        piece = await services.store.routed_messages(caller.tenant, person, limit=PIECE, before=before, since=since)
        found += piece
        if len(piece) < PIECE:
            break
    return found[:WINDOW]


def _whose(caller: Caller, of: str) -> PersonId | None:
    if of == "tenant":
        caller.needs("usage:read")
        return None
    return caller.person


async def _corrections(services: Services, messages: Sequence[Message]) -> Mapping[MessageId, Sequence[Correction]]:
    moved = [message.id for message in messages if message.route and message.route.rule == "corrected"]
    found: dict[MessageId, list[Correction]] = {}
    for correction in await services.store.corrections_among(moved):
        found.setdefault(correction.message, []).append(correction)
    return found


async def _found(
    services: Services, caller: Caller, person: PersonId | None, only: Only, cursor: str | None, limit: int
) -> tuple[list[Message], str | None]:
    """Return messages that fit, and where the next page begins."""
    found: list[Message] = []
    before, looked = MessageId(cursor) if cursor else None, 0
    while looked < SCANNED:
        piece = await services.store.routed_messages(caller.tenant, person, limit=PIECE, before=before)
        for message in piece:
            if message.route and _fits(message.route, only, services.config.limits.ask_below):
                found.append(message)
                if len(found) > limit:
                    return found[:limit], found[limit - 1].id
            before = message.id
        looked += len(piece)
        if len(piece) < PIECE:
            return found, None
    return found, before


def _fits(route: Route, only: Only, ask_below: float) -> bool:
    match only:
        case "all":
            return route.rule != "command"
        case "wrong":
            return route.rule == "corrected"
        case "asked":
            return route.rule == "asked"
        case "uncertain":
            likeliest = best(route.candidates)
            return likeliest is not None and likeliest.probability < ask_below


class _Views:
    """Makes them for one caller, and looks each person and task up once."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._store = services.store
        self._caller = caller
        self._names = Names(services.store)
        self._people: dict[PersonId, Somebody] = {}

    async def of(self, message: Message, corrections: Sequence[Correction]) -> RoutedView:
        route = said_first(message, corrections) or to_task("first", message.task)
        sees_it = sees(self._caller, message.person)
        return RoutedView(
            message=message.id,
            state=message.state,
            person=await self._somebody(message.person),
            text=short(message.text, TEXT) if sees_it else None,
            task=await self._name(message.task, sees_it=sees_it),
            rule=route.rule,
            new=route.new,
            probability=route.probability,
            runner_up=await self._place(second(route.candidates), sees_it=sees_it),
            reason=reason(route.candidates) if sees_it else "",
            guess=await self._place(best(route.candidates), sees_it=sees_it),
            model=route.model,
            tokens=route.tokens,
            ms=route.ms,
            asked=route.rule == "asked" or message.state == "asking",
            corrected=await self._corrected(corrections, sees_it=sees_it),
            movable=sees_it and self._caller.may("messages:write"),
            bridge=message.address.bridge,
            chat=chat_name(message.address.bridge, message.address.chat, message.person) if sees_it else "",
            created_at=message.created_at,
        )

    async def _corrected(self, corrections: Sequence[Correction], *, sees_it: bool) -> CorrectedView | None:
        if not corrections:
            return None
        last = corrections[-1]
        return CorrectedView(
            wrong=await self._name(corrections[0].wrong, sees_it=sees_it),
            by=await self._somebody(last.by) if last.by else None,
            at=last.created_at,
        )

    async def _name(self, id: TaskId | None, *, sees_it: bool) -> TaskName | None:
        task = await self._names.task(id) if id else None
        if task is None:
            return None
        return TaskName(id=task.id, number=task.number, title=task.title if sees_it else "", state=task.state)

    async def _place(self, candidate: Candidate | None, *, sees_it: bool) -> Place | None:
        if candidate is None:
            return None
        task = await self._names.task(candidate.task) if candidate.task else None
        return Place(
            task=candidate.task,
            number=task.number if task else None,
            title=candidate.title if sees_it or candidate.task is None else "",
            probability=candidate.probability,
        )

    async def _somebody(self, id: PersonId) -> Somebody:
        if id not in self._people:
            found = await self._store.person(self._caller.tenant, id)
            self._people[id] = Somebody(id=id, name=found.name if found else "")
        return self._people[id]


def _view(made: Figures, since: date, ask_below: float) -> FiguresView:
    asked, weighed = made.live.asked, made.live.weighed
    return FiguresView(
        messages=made.messages,
        since=since,
        most=WINDOW,
        live=made.live,
        decided=made.decided,
        guessed=made.guessed,
        asked=share_of(asked, asked + weighed),
        weeks=list(made.weeks),
        bins=list(made.bins),
        calibration_error=made.calibration_error,
        tokens=made.tokens,
        ms=made.ms,
        ask_below=ask_below,
    )
