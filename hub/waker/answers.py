"""What the waker answers itself, over ASGI: problems as RFC 9457 has them, JSON, pages."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec
from msgspec import Struct

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
STRICT = b"default-src 'none'; frame-ancestors 'none'"


class Answer(Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    kind: bytes
    body: bytes
    headers: Headers = ()
    policy: bytes = STRICT
    """What a browser may do with it."""

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [(b"content-type", self.kind), length, *SAFE, (b"content-security-policy", self.policy)]
        headers += self.headers
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else self.body})


def problem(status: int, title: str, detail: str, *, headers: Headers = ()) -> Answer:
    """Return a problem."""
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return Answer(status=status, kind=b"application/problem+json", body=body, headers=headers)


def json(value: object, status: int = 200, *, headers: Headers = ()) -> Answer:
    """Return a value as JSON."""
    return Answer(status=status, kind=b"application/json", body=msgspec.json.encode(value), headers=headers)


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Return a request's headers by their names in small letters; of several by one name the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def body_of(receive: Receive, most: int) -> bytes | None:
    """Return a request's body; None if it's longer than `most`, or its sender went away."""
    parts, size = [], 0
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not event.get("more_body"):
            return b"".join(parts)
