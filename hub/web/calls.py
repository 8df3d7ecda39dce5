"""/v1/tasks/{id}/receipts: what a task's agent did, call by call, and who gave leave for it."""

from collections.abc import Sequence
from datetime import datetime

from litestar import Controller, get
from litestar.params import FromPath
from msgspec import Struct

from hub.ports import Packaged, Tool
from hub.records import Step, Turn, TurnId
from hub.web.auth import Asker, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.tasking import task_of
from hub.web.turns import LeaveView, view_leave


class ReceiptView(Struct, frozen=True, kw_only=True):
    """One call of a tool."""

    turn: TurnId
    number: int
    """Of the step in its turn."""
    at: datetime
    """When it had ended; of calls before this was kept, when its turn began."""
    tool: str
    arguments: str
    """JSON, to the byte what it was called with."""
    result: str
    effect: str | None
    """What it changes: none, idempotent, keyed or once. Null where nothing was called."""
    package: str | None
    """The package that it's from, if it's from one that's still there."""
    ms: float
    failed: bool
    unsure: bool
    """Nobody knows whether it did its work."""
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
        found: list[ReceiptView] = []
        for turn in await services.store.turns(task.id, limit=limit):
            found += [
                _receipt(turn, step, tools.get(step.name), await view_leave(services.store, step))
                for step in await _calls(services, turn)
            ]
        return Page(items=found)


async def _calls(services: Services, turn: Turn) -> Sequence[Step]:
    return [step for step in await services.store.steps(turn.id) if step.kind == "tool"]


def _receipt(turn: Turn, step: Step, tool: Tool | None, leave: LeaveView | None) -> ReceiptView:
    return ReceiptView(
        turn=turn.id,
        number=step.number,
        at=step.ended_at or turn.started_at,
        tool=step.name,
        arguments=step.request,
        result=step.result,
        effect=step.effect or None,
        package=tool.package if isinstance(tool, Packaged) else None,
        ms=step.ms,
        failed=step.failed,
        unsure=step.unsure,
        leave=leave,
    )
