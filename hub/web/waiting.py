"""/v1/waiting: everything that waits for somebody's leave or answer, in one place."""

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import BadRequest, Decided, NotFound
from hub.flow.awaiting import Asked, Awaiting, Found, Reach
from hub.flow.settled import settled
from hub.records import PersonId, Role
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Limit
from hub.web.deciding import decide, decide_package, runs, waiting_packages
from hub.web.problems import PROBLEMS, shown
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.waiting_views import SettledView, Waitings, WaitingView

Of = Annotated[
    Literal["me", "tenant"], QueryParameter(description="tenant: everybody's; needs the scope admin.", name="of")
]
Words = Annotated[str, Meta(max_length=20_000)]
BY_RIGHT: dict[str, str] = {"pairing": "people:write", "draft": "chats:operate", "handover": "chats:operate"}
"""Kinds that are anybody's with this scope."""
SPOKEN = ("question", "route")
"""Kinds whose answer is as good as a message: it needs the scope messages:write."""


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of its choices, or words where it takes words."""

    choice: Annotated[str, Meta(max_length=200)] = ""
    text: Words = ""
    """Of a question, the answer; of a draft, what's sent in its place."""
    reason: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x08\x0e-\x1f\x7f]*$")] = ""
    """Why a call is refused: its agent is told."""


class Answered(Struct, frozen=True, kw_only=True):
    """It's done."""

    id: str
    outcome: str


class Waits(Struct, frozen=True, kw_only=True):
    """How much waits for you."""

    waiting: int


class WaitingController(Controller):
    """What waits for somebody's leave or answer."""

    path = "/v1/waiting"
    tags = ("approvals",)

    @get(opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="List what waits")
    async def waiting(self, services: Hub, caller: Asker, of: Of = "me", limit: Limit = 100) -> Page[WaitingView]:
        """Return what waits for you, the longest waiting first; of each kind a hundred at most.

        With `of=tenant` what waits for others of your tenant, too: they answer it themselves.
        """
        return Page(items=(await _listed(services, caller, of))[:limit])

    @get("/count", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Count what waits")
    async def count(self, services: Hub, caller: Asker) -> Waits:
        """Return how much waits for you."""
        found = await Awaiting(services.store, services.clock).of(
            caller.tenant, caller.person, await _reach(services, caller)
        )
        packages = []
        if services.packages is not None and runs(caller):
            packages = [package for package in await services.packages.packages() if package.next]
        return Waits(waiting=len(found) + len(packages))

    @get("/settled", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="List what was decided of late")
    async def settled(self, services: Hub, caller: Asker, of: Of = "me", limit: Limit = 30) -> Page[SettledView]:
        """Return what was decided of late about what waited for you, by whom and when, newest first."""
        whose = _whose(caller, of)
        reach, views = await _reach(services, caller), Waitings(services, caller.tenant, caller.person)
        found = await settled(services.store, caller.tenant, whose, reach, runs=runs(caller), limit=limit)
        return Page(items=[await views.settled(each) for each in found])

    @post("/{id:str}", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Answer it")
    async def answer(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Answer]) -> Answered:
        """Do what was chosen or said, once; 409 if somebody answered before, or its time is over."""
        if id.startswith("package-"):
            _check(["allow", "keep"], data, words=False)
            return Answered(id=id, outcome=await decide_package(services, caller, id, data.choice))
        asked = await _named(services, caller, id)
        if asked.kind in SPOKEN:
            caller.needs("messages:write")
        view = await Waitings(services, caller.tenant, caller.person).of(asked, yours=True)
        _check([choice.id for choice in view.choices], data, words=view.words)
        outcome = await decide(services, caller, asked, data.choice, data.text, data.reason)
        return Answered(id=id, outcome=outcome)


async def _listed(services: Services, caller: Caller, of: str) -> list[WaitingView]:
    reach, views = await _reach(services, caller), Waitings(services, caller.tenant, caller.person)
    found = await Awaiting(services.store, services.clock).of(caller.tenant, _whose(caller, of), reach)
    listed = [
        await views.of(asked, yours=await _is_theirs(services, caller, asked.kind, asked.person, reach))
        for asked in found
    ]
    listed += await waiting_packages(services, caller, views)
    return sorted(listed, key=lambda each: each.created_at)


def _whose(caller: Caller, of: str) -> PersonId | None:
    if of == "tenant":
        caller.needs("admin")
        return None
    return caller.person


async def _role(services: Services, caller: Caller, id: PersonId) -> Role | None:
    person = await services.store.person(caller.tenant, id)
    return person.role if person else None


async def _reach(services: Services, caller: Caller) -> Reach:
    return Reach(
        operator=caller.person if caller.may("chats:operate") else None,
        lets_in=caller.may("people:write"),
        reads=caller.may("messages:read"),
        owns=await _role(services, caller, caller.person) == "owner",
    )


async def _is_theirs(services: Services, caller: Caller, kind: str, person: PersonId, reach: Reach) -> bool:
    """Say whether a caller may answer: what's theirs, what's before them by their role, and leave in groups."""
    if kind in BY_RIGHT:
        return caller.may(BY_RIGHT[kind])
    if person == caller.person:
        return True
    return kind == "leave" and reach.owns and await _role(services, caller, person) == "group"


async def _named(services: Services, caller: Caller, id: str) -> Asked:
    """Return what waits under an id for this caller; raises NotFound, for what's others' too, and Decided."""
    reach = await _reach(services, caller)
    unknown = NotFound(f"waiting: there's no {shown(id)}; GET /v1/waiting lists what waits for you")
    kind = id.partition("-")[0]
    try:
        found = await Awaiting(services.store, services.clock).named(caller.tenant, id)
    except NotFound:
        raise unknown from None
    if not await _is_theirs(services, caller, kind, found.person, reach):
        raise unknown
    if found.asked is None:
        raise Decided(await _told(services, caller, found))
    return found.asked


async def _told(services: Services, caller: Caller, found: Found) -> str:
    """Say how something was decided, and by whom, to who comes second."""
    who = await services.store.person(caller.tenant, found.by) if found.by else None
    by = f" by {who.name}" if who else ""
    return f"It was decided already: {found.outcome}{by}." if found.outcome else "It doesn't wait any more."


def _check(choices: list[str], answer: Answer, *, words: bool) -> None:
    if answer.choice in choices or (words and not answer.choice and answer.text.strip()):
        return
    offered = ", ".join(choices) or "none"
    raise BadRequest(
        "choice", f"must be one of its choices ({offered}){', or text must say something' if words else ''}"
    )
