"""GET /v1/events: what happens, as server-sent events."""

from typing import Annotated

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from hub.errors import BadRequest
from hub.records import TaskId
from hub.web.auth import Asker, Hub
from hub.web.frames import as_events
from hub.web.problems import PROBLEMS, shown
from hub.web.stream import frames


@get(
    "/v1/events",
    opt={"scope": "messages:read"},
    responses={
        **PROBLEMS,
        200: ResponseSpec(
            str,
            media_type="text/event-stream",
            generate_examples=False,
            description="hello {last}; then message, route, task, turn, reply, notice, delivery and approval, with ids;"
            " and delta, an answer being written, without.",
        ),
    },
    summary="Watch what happens",
    tags=["events"],
)
async def watch_events(
    services: Hub,
    caller: Asker,
    after: Annotated[int | None, QueryParameter(ge=0, le=2**62, description="As Last-Event-ID.")] = None,
    task: Annotated[str | None, QueryParameter(max_length=64, description="Only this task's events.")] = None,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", description="First what was missed since this event.")
    ] = None,
) -> Stream:
    """Stream what happens to this person: first what was missed, then what comes."""
    since = last_seen(last_event_id) if last_event_id is not None else after
    return as_events(frames(services, caller, since, TaskId(task) if task else None))


def last_seen(last_event_id: str) -> int | None:
    """Return the number of the event that a Last-Event-ID names, None for an empty one; raises BadRequest."""
    if last_event_id == "":
        return None
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
        raise BadRequest("Last-Event-ID", f"must be the id of an event, a number; it is {shown(last_event_id)}")
    return int(last_event_id)
