"""/v1/tasks/{id}/timeline: what happened to a task, in its order, to be read page by page or taken away whole."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, MediaType, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from hub.flow.happened import Kind, Moment
from hub.flow.timeline import Order, Timeline, Totals, names_of
from hub.web.auth import Asker, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS
from hub.web.tasking import task_of

SHOWN = 1_000
"""Characters of a text on a page; an export has all of it."""
Format = Literal["json", "jsonl", "csv"]
CURSOR = 2_000
COLUMNS = Moment.__struct_fields__
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: whoever opens the file mustn't run what others wrote."""


class TimelinePage(Struct, frozen=True, kw_only=True):
    """A piece of a task's timeline; `next` goes back as ?cursor= for the piece after it."""

    items: list[Moment]
    next: str | None
    totals: Totals | None
    """With the first piece only."""


class TimelineController(Controller):
    """What happened to a task."""

    path = "/v1/tasks"
    tags = ("tasks",)

    @get(
        "/{id:str}/timeline",
        opt={"scope": "tasks:read"},
        responses={**PROBLEMS, 200: ResponseSpec(TimelinePage, description="A piece of the timeline, or all of it.")},
        response_headers=[ResponseHeader(name="Content-Disposition", documentation_only=True, required=False)],
        summary="Read what happened to a task",
    )
    async def timeline(
        self,
        services: Hub,
        caller: Asker,
        id: FromPath[str],
        order: Annotated[Order, QueryParameter(description="Which end comes first.")] = "newest",
        kinds: Annotated[
            list[Kind] | None, QueryParameter(name="kind", description="Only of these kinds.", max_items=11)
        ] = None,
        format: Annotated[
            Format, QueryParameter(description="jsonl and csv are the whole timeline, the oldest first, as a file.")
        ] = "json",
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR, description="What `next` said.")] = None,
        limit: Limit = 50,
    ) -> Response[Any]:
        """Return its states, messages, turns, tool calls, verdicts, waits and corrections, in their order."""
        task = await task_of(services, caller, id)
        timeline = Timeline(services.store, task, await names_of(services.store, task), kinds or ())
        if format == "json":
            read = await timeline.page(order, limit, cursor)
            totals = None if cursor else await timeline.totals(services.clock.now())
            items = [_short(moment) for moment in read.moments]
            return Response(TimelinePage(items=items, next=read.cursor, totals=totals), media_type=MediaType.JSON)
        moments = timeline.all("oldest")
        name = f"task-{task.number}.{format}"
        return Stream(
            _lines(moments) if format == "jsonl" else _rows(moments),
            media_type="application/jsonl" if format == "jsonl" else "text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _short(moment: Moment) -> Moment:
    return msgspec.structs.replace(moment, detail=_cut(moment.detail), request=_cut(moment.request))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


async def _lines(moments: AsyncIterator[Moment]) -> AsyncIterator[bytes]:
    async for moment in moments:
        yield msgspec.json.encode(moment) + b"\n"


async def _rows(moments: AsyncIterator[Moment]) -> AsyncIterator[bytes]:
    yield _row(COLUMNS)
    async for moment in moments:
        told = msgspec.to_builtins(moment)
        yield _row([_harmless(told.get(column, "")) for column in COLUMNS])


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _row(values: Any) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()
