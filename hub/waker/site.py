"""/waker/: what the waker says of itself, to whoever has its key: as JSON, and as a page with a session of its own."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import parse_qs

from msgspec import Struct

from hub.ports.time import Clock
from hub.waker import pages
from hub.waker.answers import Answer, Headers, Receive, Scope, Send, body_of, headers_of, json, problem
from hub.waker.ears import Ear
from hub.waker.later import Later
from hub.waker.orphans import Orphans
from hub.waker.power import Power
from hub.waker.proxy import Proxy, secret_in
from hub.waker.spool import Spool

PLACE = "/waker/"
COOKIE = "agenthost_waker"
SPAN = 12 * 3600
"""Seconds that a session lasts."""
BODY = 4_096
RUNS = 20


class Seat(Struct, frozen=True):
    """A hub with all that the waker has for it."""

    power: Power
    proxy: Proxy
    later: Later
    ears: tuple[Ear, ...] = ()


class RunStatus(Struct, frozen=True, kw_only=True):
    """One run of a hub; times in seconds since 1970."""

    began: float
    ready: float | None
    ended: float | None
    cost: float
    error: str


class EarStatus(Struct, frozen=True, kw_only=True):
    """Who hears for a hub, and what keeps them from it."""

    name: str
    trouble: str


class HubStatus(Struct, frozen=True, kw_only=True):
    """How a hub is, and what it cost."""

    name: str
    state: str
    detail: str
    provider: str
    waiting: int
    """What was said and isn't handed over."""
    later: int
    """Requests that are answered later."""
    failures: int
    next_due: float | None
    """In seconds since 1970."""
    wake_seconds: float | None
    """How long its last start took."""
    starts_this_hour: int
    starts_per_hour: int
    spent_this_month: float
    money_per_month: float
    ears: tuple[EarStatus, ...]
    runs: tuple[RunStatus, ...]
    """The newest, newest first."""


class Site:
    """Answers at /waker/."""

    def __init__(self, seats: Sequence[Seat], spool: Spool, clock: Clock, key: str, orphans: Orphans) -> None:
        """`key` is what signs in here."""
        self._seats = seats
        self._spool = spool
        self._clock = clock
        self._key = key
        self._orphans = orphans

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to an address of the waker's own."""
        await (await self._answer(scope, receive)).send(scope, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"].removeprefix(PLACE)
        match scope["method"], path:
            case (("GET" | "HEAD"), "healthz"):
                return json({"state": "ok"})
            case (("GET" | "HEAD"), "status"):
                return await self._status(scope)
            case (("GET" | "HEAD"), ""):
                return pages.hubs() if self._signed_in(scope) else pages.way_in()
            case "POST", "sign-in":
                return await self._sign_in(scope, receive)
            case "POST", "sign-out":
                return _to_the_page(_cookie("", 0, scope))
            case _:
                found = pages.file(path.removeprefix("static/")) if path.startswith("static/") else None
                return found or problem(404, "Not found", "the waker has no such page; it has /waker/")

    async def _sign_in(self, scope: Scope, receive: Receive) -> Answer:
        body = await body_of(receive, BODY)
        given = parse_qs((body or b"").decode(errors="replace")).get("key", [""])[-1].strip()
        if not given or not hmac.compare_digest(_hash(given), _hash(self._key)):
            return pages.way_in("That isn’t the waker’s key. It’s in the file waker.key in the waker’s data folder.")
        until = int(self._clock.now().timestamp()) + SPAN
        return _to_the_page(_cookie(f"{until}.{self._mac(until)}", SPAN, scope))

    def _signed_in(self, scope: Scope) -> bool:
        """Say whether a request comes with the key, or with a session that was given for it."""
        headers = headers_of(scope)
        given = secret_in(headers, COOKIE)
        if "authorization" in headers:
            return bool(given) and hmac.compare_digest(_hash(given), _hash(self._key))
        until, _, mac = given.partition(".")
        if not until.isascii() or not until.isdecimal() or len(until) > 12:
            return False
        return hmac.compare_digest(_hash(mac), _hash(self._mac(int(until)))) and (
            self._clock.now().timestamp() < int(until)
        )

    def _mac(self, until: int) -> str:
        return hmac.new(self._key.encode(), f"waker session until {until}".encode(), sha256).hexdigest()

    async def _status(self, scope: Scope) -> Answer:
        if not self._signed_in(scope):
            why = "send 'Authorization: Bearer KEY' with the key in waker.key in the waker's data folder"
            return problem(401, "Unauthorized", why, headers=((b"www-authenticate", b"Bearer"),))
        items = [await self._of(seat) for seat in self._seats]
        return json({"items": items, "next": None, "orphans": self._orphans.seen})

    async def _of(self, seat: Seat) -> HubStatus:
        power, now = seat.power, self._clock.now().timestamp()
        runs = await power.ledger.last(RUNS)
        last = runs[0] if runs else None
        waiting, _ = await self._spool.waiting(power.hub.name)
        return HubStatus(
            name=power.hub.name,
            state=power.state,
            detail=power.detail,
            provider=power.hub.provider,
            waiting=waiting,
            later=await seat.later.waiting(),
            failures=power.failures,
            next_due=power.next_due,
            wake_seconds=last.ready - last.began if last and last.ready else None,
            starts_this_hour=await power.ledger.starts_since(now - 3600.0),
            starts_per_hour=power.hub.starts_per_hour,
            spent_this_month=await power.ledger.spent_this_month(now),
            money_per_month=power.hub.money_per_month,
            ears=tuple(EarStatus(name=ear.name, trouble=ear.trouble) for ear in seat.ears),
            runs=tuple(
                RunStatus(began=run.began, ready=run.ready, ended=run.ended, cost=run.cost(now), error=run.error)
                for run in runs
            ),
        )


def _to_the_page(cookie: tuple[bytes, bytes]) -> Answer:
    headers: Headers = ((b"location", PLACE.encode()), cookie)
    return Answer(status=303, kind=b"text/plain", body=b"", headers=headers)


def _cookie(value: str, seconds: int, scope: Scope) -> tuple[bytes, bytes]:
    secure = headers_of(scope).get("x-forwarded-proto", scope.get("scheme", "")) == "https"
    said = f"{COOKIE}={value}; Path={PLACE}; Max-Age={seconds}; HttpOnly; SameSite=Strict"
    return b"set-cookie", (said + ("; Secure" if secure else "")).encode()


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
