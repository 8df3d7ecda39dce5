"""/v1/tasks/{id}/receipts: what a task's agent did, call by call, and who gave leave for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

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
from hub.web.tasking import task_of

PAUSES = 500


class DecisionView(Struct, frozen=True, kw_only=True):
    """That a call waited for its person: for leave to do exactly this, or for an answer."""

    kind: Literal["leave", "answer"]
    decision: str
    """Of leave: approved, denied, or in words why neither counts. Of an answer: what was said."""
    why: str
    """Why it was asked; of an answer, the question."""
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
    """What it changes: none, idempotent, keyed or once. Null where nothing was called."""
    package: str | None
    """The package that it's from, if it's from one that's still there."""
    ms: float
    failed: bool
    unsure: bool
    """Nobody knows whether it did its work."""
    leave: DecisionView | None


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
        asked = {pause.id: pause for pause in pauses}
        names = {person.id: person.name for person in await services.store.people(caller.tenant)} if pauses else {}
        found: list[ReceiptView] = []
        for turn in await services.store.turns(task.id, limit=limit):
            calls = await _calls(services, turn)
            found += [
                _receipt(turn, step, tools.get(step.name), _leave(asked.get(step.pause) if step.pause else None, names))
                for step in calls
            ]
        return Page(items=found)


async def _calls(services: Services, turn: Turn) -> Sequence[Step]:
    return [step for step in await services.store.steps(turn.id) if step.kind == "tool"]


def _receipt(turn: Turn, step: Step, tool: Tool | None, leave: DecisionView | None) -> ReceiptView:
    return ReceiptView(
        turn=turn.id,
        number=step.number,
        at=turn.started_at,
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


def _leave(pause: Pause | None, names: Mapping[PersonId, str]) -> DecisionView | None:
    if pause is None:
        return None
    by = names.get(pause.decided_by, "") if pause.decided_by else None
    decision = pause.answer or pause.state
    return DecisionView(kind=pause.kind, decision=decision, why=pause.why, by=by, decided_at=pause.decided_at)
