"""Chats in other sites' pages while their hub sleeps: what the waker answers itself, and who wakes it by a pass.

A page that's looked at costs nothing: its script and its settings come from here. Only who has a pass that the hub
made, and asks from a page of that chat's, wakes the hub; see `hubs[].visitors` for people without one.
"""

from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hub.guests import KIND, PLACE, VISITOR, Card, Claims, claims_of, proven
from hub.ports.time import Clock
from hub.waker.answers import Answer, Headers, Scope, Send, headers_of, json, problem
from hub.waker.config import HubConfig
from hub.waker.spool import Spool

SCRIPT = "widget.js"
STATIC = Path(__file__).parent.parent / "web" / "static"
SENT = b"authorization, content-type, idempotency-key, last-event-id"
"""What the chat's script sends along."""
REMEMBERED = b"600"
"""Seconds for which a browser needn't ask again."""
READS = ("GET", "HEAD")


class Visit(Struct, frozen=True):
    """A request for a chat."""

    answer: Answer | None
    """None: who asks may wake the hub."""
    headers: Headers
    """What lets the page's script read the answer, whoever gives it."""

    def telling(self, send: Send) -> Send:
        """Return how an answer is sent, with those of the headers that it doesn't have yet."""

        async def told(event: dict[str, object]) -> None:
            if event["type"] == "http.response.start":
                found: list[tuple[bytes, bytes]] = list(event["headers"])  # type: ignore[call-overload]
                names = {name for name, _ in found}
                event = {**event, "headers": [*found, *(pair for pair in self.headers if pair[0] not in names)]}
            await send(event)

        return told  # type: ignore[return-value]  # an event is a dict


class Guests:
    """Looks at what comes to a hub's chats while it isn't up."""

    def __init__(self, hub: HubConfig, spool: Spool, clock: Clock) -> None:
        self._hub = hub
        self._spool = spool
        self._clock = clock

    async def look(self, scope: Scope) -> Visit:
        """Say what's to be done about a request below PLACE."""
        id, _, asked = scope["path"].removeprefix(PLACE).partition("/")
        card = await self._card(id)
        if card is None:
            return Visit(problem(404, "Not found", "embed: there's no such chat (any more)"), ())
        headers = headers_of(scope)
        origin = headers.get("origin")
        if not (origin is None or _is_ours(origin, headers.get("host", "")) or origin.lower() in card.origins):
            return Visit(away(403, "this page isn't one of this chat's"), _shared(None))
        return Visit(self._answer(scope["method"], asked, id, card, headers.get("authorization", "")), _shared(origin))

    def _answer(self, method: str, asked: str, id: str, card: Card, authorization: str) -> Answer | None:
        match asked:
            case _ if method == "OPTIONS":
                return Answer(status=204, kind=b"text/plain", body=b"")
            case "widget.js" if method in READS:
                return Answer(status=200, kind=b"text/javascript; charset=utf-8", body=(STATIC / SCRIPT).read_bytes())
            case "settings" if method in READS:
                return json(card.settings)
            case "visits" if method == "POST":
                may = card.settings.visitors and self._hub.visitors
                return None if may else away(503)
            case _:
                return self._refusal(id, card, authorization)

    def _refusal(self, id: str, card: Card, authorization: str) -> Answer | None:
        """Say why somebody may not wake the hub by what they bring along; nothing if they may."""
        scheme, _, given = authorization.partition(" ")
        claims = claims_of(given.strip()) if scheme.lower() == "bearer" else None
        if claims is None or claims.aud != id or not self._in_time(claims):
            return away(401, "send 'Authorization: Bearer PASS', with a pass of this chat's that isn't over")
        if claims.sub.startswith(VISITOR) and not card.settings.visitors:
            return away(401, "visitors may not write here any more")
        # Not 401: a visitor's browser would throw away a pass that's good as soon as the hub is up.
        return None if proven(claims, self._hub.token) else away(503)

    def _in_time(self, claims: Claims) -> bool:
        return claims.exp > self._clock.now().timestamp()

    async def _card(self, id: str) -> Card | None:
        found = await self._spool.known_as(self._hub.name, KIND + id)
        return msgspec.json.decode(found[0], type=Card) if found else None


def away(status: int, why: str = "nobody can answer here just now; try again in a few minutes") -> Answer:
    """Return an answer to a guest, who needn't know of hubs and how they are."""
    headers: Headers = ((b"retry-after", b"60"),) if status in (503, 504) else ()
    return problem(status, HTTPStatus(status).phrase, why[:1].upper() + why[1:], headers=headers)


def _shared(origin: str | None) -> Headers:
    """Return which page may read an answer, as the hub itself says it (the Fetch standard's CORS)."""
    told: Headers = ((b"cross-origin-resource-policy", b"cross-origin"), (b"vary", b"Origin"))
    if origin is None:
        return told
    return (
        *told,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-headers", SENT),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"access-control-max-age", REMEMBERED),
    )


def _is_ours(origin: str, host: str) -> bool:
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
