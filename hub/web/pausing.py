"""/v1/pause: everything stops at once, and goes on again."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hub.flow.halting import Halt
from hub.records import PersonId
from hub.web.auth import RUNS, Hub
from hub.web.chats import PRINTABLE
from hub.web.problems import PROBLEMS


class NewPause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why everything is to stop."""

    why: Annotated[str, Meta(max_length=300, pattern=f"{PRINTABLE}|^$")] = ""


class PauseView(Struct, frozen=True, kw_only=True):
    """Whether everything is paused."""

    paused: bool
    since: datetime | None
    by: PersonId | None
    why: str


class PauseController(Controller):
    """Everything, stopped at once."""

    path = "/v1/pause"
    tags = ("pause",)

    @get(opt=RUNS, responses=PROBLEMS, summary="Is everything paused?")
    async def read(self, services: Hub) -> PauseView:
        """Say whether everything is paused, since when, by whom and why."""
        return _view(services.halting.halt)

    @put(opt=RUNS, responses=PROBLEMS, summary="Pause everything")
    async def pause(self, services: Hub, data: JSONBody[NewPause]) -> PauseView:
        """Take no turns and deliver nothing, on any hub and for any tenant; what's said meanwhile is kept."""
        return _view(await services.halting.pause(data.why))

    @delete(status_code=200, opt=RUNS, responses=PROBLEMS, summary="Go on")
    async def resume(self, services: Hub) -> PauseView:
        """Have everything go on where it was stopped."""
        await services.halting.resume()
        return _view(services.halting.halt)


def _view(halt: Halt | None) -> PauseView:
    if halt is None:
        return PauseView(paused=False, since=None, by=None, why="")
    return PauseView(paused=True, since=halt.since, by=halt.by, why=halt.why)
