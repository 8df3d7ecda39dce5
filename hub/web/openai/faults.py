"""Errors as OpenAI's clients know them, so that they raise their own exceptions."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET, Struct

from hub.errors import PersonError
from hub.web.problems import Busy, problem_of

PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/embeddings")
FINAL = {"x-should-retry": "false"}
"""Tells their clients that the same again would come to the same."""


class Fault(Struct, frozen=True, kw_only=True):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    """The part of the request that's at fault."""
    code: str | None = None


class FaultBody(Struct, frozen=True, kw_only=True):
    """An error's body."""

    error: Fault


class NoModel(PersonError):
    """There's no agent, or other model, that's called so and that this key may have."""


class NoAnswer(PersonError):
    """Nothing will come of this request: the turn that answered it failed, or took too long."""

    def __init__(self, text: str, *, status: int, code: str, param: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.param = param


FAULTS: Mapping[int, ResponseSpec] = {
    status: ResponseSpec(FaultBody, description=text, generate_examples=False)
    for status, text in (
        (400, "A field can't be used; `param` names it."),
        (401, "No good key; send one as Authorization: Bearer."),
        (403, "The key may not do that."),
        (404, "No such model, task or response, or none that this key may see."),
        (409, "An idempotency key that came with another body."),
        (413, "Too large."),
        (429, "Too many; come again after Retry-After seconds."),
        (500, "The turn failed, and the message says why; or a fault of the hub."),
        (503, "Not now; come again after Retry-After seconds."),
        (504, "Not answered in time; the work goes on, and the same request again waits on for it."),
    )
}
"""For each of these endpoints' `responses`."""
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


def speaks_so(path: str) -> bool:
    """Say whether who asks for a path is told errors in this shape."""
    return any(path == known or path.startswith(f"{known}/") for known in PATHS)


def answer_fault(request: Request[Any, Any, Any], error: Exception) -> Response[FaultBody]:
    """Answer any error."""
    status, fault, headers = fault_of(error)
    return Response(FaultBody(error=fault), status_code=status, media_type="application/json", headers=headers)


def fault_of(error: Exception) -> tuple[int, Fault, dict[str, str]]:
    """Return an error's status, its body and the headers that go with it."""
    if isinstance(error, NoModel):
        fault = Fault(message=str(error), type="invalid_request_error", param="model", code="model_not_found")
        return 404, fault, {}
    if isinstance(error, NoAnswer):
        kind = "invalid_request_error" if error.status < 500 else "server_error"
        again = {503: {"Retry-After": "5"}, 504: {}}.get(error.status, FINAL)
        return error.status, Fault(message=str(error), type=kind, param=error.param, code=error.code), dict(again)
    problem, headers = problem_of(error)
    status = problem.status
    if status in (409, 500) and not isinstance(error, Busy):
        headers |= FINAL
    fault = Fault(
        message=problem.detail,
        type=TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
        param=None if problem.field is UNSET else problem.field,
        code=CODES.get(status),
    )
    return status, fault, headers
