"""Every error as RFC 9457 application/problem+json: the field, the value and the way out."""

import logging
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET, Struct, UnsetType

from hub.errors import (
    AlreadyUsed,
    BadRequest,
    Conflict,
    Decided,
    EgressError,
    ManifestError,
    NotAllowed,
    NotFound,
    OverQuota,
    PersonError,
    SandboxMissing,
    ScanError,
    StatementError,
    StoreUnavailable,
    TooLarge,
    TooMany,
    Withheld,
)
from hub.log import without_secrets

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
ALIASES = {"states": "state", "last_event_id": "Last-Event-ID", "idempotency_key": "Idempotency-Key"}
"""What clients call the parameters whose names are taken here."""
SHOWN = 80
"""Characters of a bad value that are repeated in an answer."""


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong and what to do about it, after RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | UnsetType = UNSET
    """The part of the request that's at fault."""
    instance: str | UnsetType = UNSET
    quota: str | UnsetType = UNSET
    """What a tenant has taken all of: messages, tokens, money or storage."""
    limit: float | UnsetType = UNSET
    """How much of it that is."""
    again_at: datetime | UnsetType = UNSET
    """When it's free again."""


class Busy(AlreadyUsed):
    """The first request with this idempotency key is still at work; come again after so many seconds."""

    after = 1.0


class Shared(ResponseSpec):
    """One for all endpoints: Litestar copies what each has, which for two hundred takes a while at every start."""

    def __deepcopy__(self, memo: object) -> Self:
        return self


PROBLEMS: Mapping[int, ResponseSpec] = {
    status: Shared(Problem, description=text, media_type=MEDIA_TYPE, generate_examples=False)
    for status, text in (
        (400, "A field can't be used; the answer names it."),
        (401, "No good key; send one as Authorization: Bearer."),
        (403, "The key may not do that."),
        (404, "No such thing, or none that this key may see."),
        (409, "Used, decided or at work already: the answer says what."),
        (413, "Too large."),
        (429, "Too many; come again after Retry-After seconds."),
        (500, "A fault of the hub; the answer has an id that stands in its log."),
        (503, "Not now; come again after Retry-After seconds."),
    )
}
"""For each endpoint's `responses`: what it may answer instead."""


def problem_of(error: Exception, path: str | None = None) -> tuple[Problem, dict[str, str]]:
    """Return an error as a problem, with the headers that go with it."""
    status, detail, headers = _told(error)
    return (
        Problem(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            field=_field(error),
            instance=path if path is not None else UNSET,
            quota=error.quota if isinstance(error, OverQuota) else UNSET,
            limit=error.limit if isinstance(error, OverQuota) else UNSET,
            again_at=error.again_at if isinstance(error, OverQuota) else UNSET,
        ),
        headers,
    )


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer any error; one that nobody foresaw is logged under an id that the answer shows.

    Who is answered may keep it in a log: it doesn't repeat a key that stands in the address.
    """
    problem, headers = problem_of(error, without_secrets(request.url.path))
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def fault_of(error: msgspec.DecodeError | UnicodeError | RecursionError) -> BadRequest:
    """Return a fault in JSON that msgspec found, naming the field."""
    text = str(error)
    if isinstance(error, RecursionError):
        return BadRequest("body", "is nested too deeply; send what the schema at /schema/openapi.json says")
    if not isinstance(error, msgspec.ValidationError):
        return BadRequest("body", f"isn't JSON in UTF-8: {text}")
    found = re.search(r" - at `(?:key in )?`?\$(.*?)`$", text)
    field = found.group(1).strip(".") if found else ""
    return BadRequest(field or _missing(text) or "body", _plain(text.partition(" - at ")[0]))


class JsonRequest(Request[Any, Any, Any]):
    """A request that tells what's wrong with its JSON."""

    async def json(self) -> Any:
        """Return the body's JSON; raises BadRequest."""
        try:
            return msgspec.json.decode(await self.body() or b"null")
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise fault_of(error) from None


def shown(value: object) -> str:
    """Return a bad value as it can be repeated in an answer."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _told(error: Exception) -> tuple[int, str, dict[str, str]]:
    match error:
        case PersonError():
            return _person(error)
        case Conflict():
            return 409, "it was changed by somebody else just now; look at it again, then repeat", {}
        case ManifestError() | StatementError() | SandboxMissing() | EgressError():
            return 422, str(error), {}
        case StoreUnavailable() | ScanError():
            return 503, f"not kept: {error}; send it again in a while", _after(5)
        case HTTPException():
            return error.status_code, _http(error), _http_headers(error)
    id = secrets.token_hex(4)
    log.error("request failed, id %s", id, exc_info=error)
    return 500, f"the hub failed at this; its log tells more under the id {id}.", {}


STATUSES: tuple[tuple[type[PersonError], int], ...] = (
    (TooMany, 429),
    (AlreadyUsed, 409),
    (Decided, 409),
    (NotFound, 404),
    (NotAllowed, 403),
    (Withheld, 451),
    (TooLarge, 413),
    (PersonError, 400),
)


def _person(error: PersonError) -> tuple[int, str, dict[str, str]]:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return status, str(error), _after(error.after) if isinstance(error, TooMany | Busy) else {}


def _http(error: HTTPException) -> str:
    if isinstance(error, ValidationException):
        return _validation(error)
    return WORDS.get(error.status_code) or error.detail or HTTPStatus(error.status_code).description


WORDS = {
    404: "no such page or endpoint; /schema/openapi.json lists them",
    405: "this endpoint has other methods; /schema/openapi.json lists them",
    413: "body: too large; send less in one go",
}


def _http_headers(error: HTTPException) -> dict[str, str]:
    headers = {name: str(value) for name, value in (error.headers or {}).items()}
    if error.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status_code in (429, 503):
        headers.setdefault("Retry-After", "1")
    return headers


def _validation(error: ValidationException) -> str:
    faults = [fault for fault in error.extra or () if isinstance(fault, dict)]
    lines = [f"{_key(fault)}: {_plain(str(fault.get('message', '')))}" for fault in faults]
    return "; ".join(lines) or error.detail


def _field(error: Exception) -> str | UnsetType:
    match error:
        case BadRequest():
            return error.field
        case ValidationException(extra=[dict() as fault, *_]):
            return _key(fault)
    return UNSET


def _key(fault: Mapping[str, object]) -> str:
    key = str(fault.get("key", ""))
    key = ALIASES.get(key, key)
    if key in ("", "data"):
        return _missing(str(fault.get("message", ""))) or "body"
    missing = _missing(str(fault.get("message", "")))
    return f"{key}.{missing}" if missing else key


def _missing(text: str) -> str:
    """Return the field that a message of msgspec speaks of without a path."""
    found = re.search(r"(?:missing required|contains unknown) field `(.+?)`", text)
    return found.group(1) if found else ""


def _plain(text: str) -> str:
    if text == "'data'":
        return "is missing; send JSON"
    if text.startswith("Invalid "):
        return f"{text.rpartition(' value ')[2]} isn't known here; /schema/openapi.json lists what is"
    if "missing required field" in text:
        return "is missing; send it"
    if "contains unknown field" in text:
        return "is unknown here; leave it out"
    return text.replace("`", "").replace("Expected", "must be", 1).replace("got", "it is", 1)


def _after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(seconds + 0.5)))}
