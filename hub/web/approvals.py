"""/v1/approvals: tool calls that wait for your leave."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import NotFound
from hub.records import Pause, PauseId, PauseState, PersonId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS, shown
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.turns import ApprovalView, view_approval


class Refusal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why leave is refused: the agent is told."""

    reason: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x08\x0e-\x1f\x7f]*$")] = ""


class ApprovalsController(Controller):
    """Tool calls that wait for leave."""

    path = "/v1/approvals"
    tags = ("approvals",)

    @get(opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="List calls that wait for leave")
    async def approvals(
        self,
        services: Hub,
        caller: Asker,
        states: Annotated[
            list[PauseState] | None, QueryParameter(name="state", description="In these states.", max_items=6)
        ] = None,
        limit: Limit = 50,
    ) -> Page[ApprovalView]:
        """Return the calls for which this person's leave is asked, or was, newest first; the owner's groups' too."""
        found: list[Pause] = []
        for person in await _whose(services, caller):
            pauses = await services.store.pauses(caller.tenant, person, states=states or ("asked",), limit=limit)
            found += [pause for pause in pauses if pause.kind == "leave"]
        newest = sorted(found, key=lambda pause: pause.id, reverse=True)[:limit]
        return Page(items=[await view_approval(services.store, pause) for pause in newest])

    @get("/{id:str}", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a call that waits for leave")
    async def approval(self, services: Hub, caller: Asker, id: FromPath[str]) -> ApprovalView:
        """Return a call that waits for leave, or did."""
        return await view_approval(services.store, await _found(services, caller, id))

    @post("/{id:str}/approve", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Give leave")
    async def approve(self, services: Hub, caller: Asker, id: FromPath[str]) -> ApprovalView:
        """Have the call made, exactly as it's shown; 409 if it was decided before, or its time is over."""
        return await _decided(services, caller, id, approve=True)

    @post("/{id:str}/deny", status_code=200, opt={"scope": "tasks:write"}, responses=PROBLEMS, summary="Refuse leave")
    async def deny(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Refusal | None] = None
    ) -> ApprovalView:
        """Have the call not made; 409 if it was decided before, or its time is over."""
        return await _decided(services, caller, id, approve=False, reason=data.reason if data else "")


async def _decided(services: Services, caller: Caller, id: str, *, approve: bool, reason: str = "") -> ApprovalView:
    pause = await _found(services, caller, id)
    decided = await services.leave.decide(caller.tenant, pause.id, caller.person, approve=approve, reason=reason)
    return await view_approval(services.store, decided)


async def _found(services: Services, caller: Caller, id: str) -> Pause:
    pause = await services.store.pause(PauseId(id))
    whose = await _whose(services, caller)
    if pause is None or pause.tenant != caller.tenant or pause.kind != "leave" or pause.person not in whose:
        raise NotFound(f"approval: there's no {shown(id)}; GET /v1/approvals lists them")
    return pause


async def _whose(services: Services, caller: Caller) -> list[PersonId]:
    """Return whose calls a caller may decide: their own, and, as the owner, those of groups."""
    person = await services.store.person(caller.tenant, caller.person)
    if person is None or person.role != "owner":
        return [caller.person]
    groups = [each.id for each in await services.store.people(caller.tenant) if each.role == "group"]
    return [caller.person, *groups]
