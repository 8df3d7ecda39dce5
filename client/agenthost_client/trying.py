"""One request until it's answered: what goes on the wire, when it's tried again, and what came of it. No network here.

A request is repeated after a lost connection, 429, 502-504, and 409 with Retry-After (its first try is still at work).
Nothing is done twice by that: a POST carries one Idempotency-Key through all tries, and what the others do, done again,
is as done once.
"""

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from agenthost_client.calls import Request
from agenthost_client.errors import NotAnsweredYet, NotUnderstood, Unreachable, refused
from agenthost_client.records import Accepted

Kind = TypeVar("Kind")
ANSWERS = 30.0
"""Seconds that the hub may take for an answer, if it isn't asked to wait."""
FIRST, LONGEST = 0.2, 5.0
"""Seconds between tries: twice as many after each."""
BUSY = (429, 502, 503, 504)


class Pauses:
    """How long to wait between tries: longer each time, never in step with others, and not for ever."""

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + patience
        self._tries = 0

    def next(self, least: float = 0.0) -> float | None:
        """Return the seconds until the next try, None if patience is over; `least` as the hub asks for."""
        pause = min(FIRST * 2**self._tries, LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._tries = min(self._tries + 1, 30)
        pause = max(pause, least)
        return pause if self._clock() + pause < self._end else None


class Trying(Generic[Kind]):
    """A request on its way."""

    def __init__(self, request: Request[Kind], patience: float, clock: Callable[[], float]) -> None:
        self._request = request
        self._clock = clock
        self._pauses = Pauses(patience, clock)
        self._done_by = clock() + request.ask.seconds
        self._key = request.ask.key or secrets.token_hex(16)
        self._was_lost = False

    def wire(self) -> dict[str, Any]:
        """Return the arguments of httpx's `request`: the same at each try, to the byte."""
        ask, headers, wire = self._request.ask, {}, dict[str, Any]()
        if self._request.method == "POST":
            headers["Idempotency-Key"] = self._key
        if ask.body is not None:
            headers["Content-Type"] = "application/json"
            wire["content"] = msgspec.json.encode(ask.body)
        if ask.upload is not None:
            headers["Content-Type"] = f"multipart/form-data; boundary={self._key_as_boundary()}"
            wire["files"] = {"file": (ask.upload.name, ask.upload.data, ask.upload.media_type)}
        return {
            "method": self._request.method,
            "url": path(self._request.template, ask.path),
            "params": _query(ask.query),
            "headers": headers,
            "timeout": ANSWERS + ask.seconds,
            **wire,
        }

    def lost(self, error: Exception) -> float:
        """Take note that no answer came; return the seconds until the next try, or raise Unreachable."""
        self._was_lost = True
        pause = self._pauses.next()
        if pause is None:
            raise Unreachable(f"the hub can't be reached ({error or type(error).__name__})") from error
        return pause

    def again(self, status: int, headers: Mapping[str, str], content: bytes) -> float | None:
        """Return the seconds until the next try, or None: this is the answer. Raises what the hub refuses with."""
        if 200 <= status < 300:
            return self._not_yet(content) if status == 202 and self._request.ask.until_done else None
        if status == 404 and self._request.method == "DELETE" and self._was_lost and self._request.kind is None:
            return None  # the try whose answer was lost did it
        after = seconds_of(headers)
        if status in BUSY or (status == 409 and after is not None):
            pause = self._pauses.next(after or 0.0)
            if pause is not None:
                return pause
        raise refused(status, content, after)

    def answer(self, content: bytes) -> Kind:
        """Return what the hub answered; raises NotUnderstood."""
        try:
            return self._request.decode(content)
        except msgspec.MsgspecError as error:
            raise NotUnderstood(
                f"{self._request.method} {self._request.template}: the answer isn't as this client knows it ({error}); "
                "is a hub of its version there?"
            ) from None

    def _not_yet(self, content: bytes) -> float:
        if self._clock() < self._done_by:
            return 0.0
        raise NotAnsweredYet(msgspec.json.decode(content, type=Accepted).id, self._request.ask.seconds)

    def _key_as_boundary(self) -> str:
        return "".join(letter for letter in self._key if letter.isalnum())[:60] or "file"


def path(template: str, parts: Mapping[str, str | int]) -> str:
    """Return a path with its parts filled in; none of them can be taken for more than one part."""
    filled = {name: quote(str(part), safe="") for name, part in parts.items()}
    for name, part in filled.items():
        if part in ("", ".", ".."):
            raise ValueError(f"{name}: {str(parts[name])!r} names nothing; give an id")
    return template.format(**filled)


def _query(query: Mapping[str, object]) -> dict[str, str | Sequence[str]]:
    return {
        name: [str(each) for each in value] if isinstance(value, tuple) else str(value) for name, value in query.items()
    }


def seconds_of(headers: Mapping[str, str]) -> float | None:
    """Return after how many seconds the hub wants to be asked again, if it says so."""
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
