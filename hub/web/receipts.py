"""/v1/tasks/{id}/receipts: what a task's agent did, call by call, and who gave leave for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from litestar import Controller, get
from litestar.params import FromPath
from msgspec import Struct

from hub.ports import Packaged, Tool
from hub.records import Pause, PauseState, PersonId, Step, Turn, TurnId
from hub.web.auth import Asker, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.tasks import task_of

PAUSES = 500


class LeaveView(Struct, frozen=True, kw_only=True):
    """That somebody was asked whether exactly this call may be made."""

    state: PauseState
    why: str
    by: str | None
    """What who decided is called."""
    decided_at: datetime | None


class ReceiptView(Struct, frozen=True, kw_only=True):
    """One call of a tool."""

    turn: TurnId
    number: int
    """Of the step in its turn."""
    at: datetime
    """When its turn began."""
    tool: str
    arguments: str
    """JSON, to the byte what it was called with."""
    result: str
    effect: str | None
    """Null if there's no such tool any more."""
    package: str | None
    """The package that it's from, if it's from one that's still there."""
    ms: float
    failed: bool
    leave: LeaveView | None


class ReceiptsController(Controller):
    """What was done."""

    path = "/v1/tasks"
    tags = ("tasks",)

    @get("/{id:str}/receipts", opt={"scope": "tasks:read"}, responses=PROBLEMS, summary="Read a task's tool calls")
    async def receipts(self, services: Hub, caller: Asker, id: FromPath[str], limit: Limit = 50) -> Page[ReceiptView]:
        """Return the tool calls of a task's newest turns, the newest turn first, its calls in their order."""
        task = await task_of(services, caller, id)
        tools = {tool.name: tool for tool in services.tools()}
        pauses = await services.store.pauses_of_task(task.id, states=get_args(PauseState), limit=PAUSES)
        names = {person.id: person.name for person in await services.store.people(caller.tenant)} if pauses else {}
        found: list[ReceiptView] = []
        for turn in await services.store.turns(task.id, limit=limit):
            calls = await _calls(services, turn)
            found += [_receipt(turn, step, tools.get(step.name), _leave(step, pauses, names)) for step in calls]
        return Page(items=found)


async def _calls(services: Services, turn: Turn) -> Sequence[Step]:
    return [step for step in await services.store.steps(turn.id) if step.kind == "tool"]


def _receipt(turn: Turn, step: Step, tool: Tool | None, leave: LeaveView | None) -> ReceiptView:
    return ReceiptView(
        turn=turn.id,
        number=step.number,
        at=turn.started_at,
        tool=step.name,
        arguments=step.request,
        result=step.result,
        effect=tool.effect if tool else None,
        package=tool.package if isinstance(tool, Packaged) else None,
        ms=step.ms,
        failed=step.failed,
        leave=leave,
    )


def _leave(step: Step, pauses: Sequence[Pause], names: Mapping[PersonId, str]) -> LeaveView | None:
    """Return the newest word on a call: leave is for a tool with exactly these arguments."""
    of = [one for one in pauses if one.kind == "leave" and (one.tool, one.arguments) == (step.name, step.request)]
    if not of:
        return None
    last = of[-1]
    by = names.get(last.decided_by, "") if last.decided_by else None
    return LeaveView(state=last.state, why=last.why, by=by, decided_at=last.decided_at)
