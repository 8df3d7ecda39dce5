"""What the waker asks of a hub, signed: how it is, to take what was heard, to be ready to stop."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import httpcore
import msgspec
from msgspec import Struct

from hub.signing import HEADER, sign
from hub.waker.spool import Heard

T = TypeVar("T")
QUICK = 5.0
LONG = 60.0


class Report(Struct, frozen=True, kw_only=True):
    """How a hub is, by its own word."""

    boot: str
    ready: bool
    """It takes messages."""
    busy: tuple[str, ...] = ()
    """What it's at, in a few words each; while there's anything it isn't idle."""
    idle_seconds: float = 0.0
    """Since anybody last said or asked anything, or anything was worked on."""
    next_due: float | None = None
    """When it must be up next, in seconds since 1970."""
    guests: tuple[tuple[str, str], ...] | None = None
    """Whom it knows, as pairs of a kind and a value; None: as the `known` that it was asked with says."""
    known: str = ""
    """Names the state of its guests."""


class Taken(Struct, frozen=True, kw_only=True):
    """Which of the things handed over a hub answers for from now on."""

    settled: tuple[int, ...]


class Drained(Struct, frozen=True, kw_only=True):
    """Whether a hub is ready to stop: nothing is at work, and nothing more is taken."""

    drained: bool


class _Item(Struct, frozen=True, kw_only=True):
    id: int
    account: str
    lane: str
    body: str


class _Batch(Struct, frozen=True, kw_only=True):
    items: tuple[_Item, ...]


class Peer:
    """A hub that may be up or not: what can't be asked gives None."""

    def __init__(self, url: Callable[[], str], token: str) -> None:
        self._url = url
        self._token = token
        self._pool = httpcore.AsyncConnectionPool(max_connections=10, keepalive_expiry=20.0)
        self._known = ""

    async def report(self) -> Report | None:
        """Return how it is."""
        found = await self._ask("GET", f"/v1/waker/report?known={self._known}", b"", Report, QUICK)
        if found is not None:
            self._known = found.known
        return found

    async def take(self, heard: Sequence[Heard]) -> tuple[int, ...] | None:
        """Hand over what was heard, and return the ids of what it has kept."""
        items = tuple(
            _Item(id=each.id, account=each.account, lane=each.lane, body=each.body.decode(errors="replace"))
            for each in heard
        )
        body = msgspec.json.encode(_Batch(items=items))
        found = await self._ask("POST", "/v1/waker/heard", body, Taken, LONG)
        return found.settled if found else None

    async def drain(self) -> bool:
        """Ask it to take nothing more if it's idle, and say whether it's ready to stop."""
        found = await self._ask("POST", "/v1/waker/drain", b"", Drained, QUICK)
        return found is not None and found.drained

    async def close(self) -> None:
        await self._pool.aclose()

    async def _ask(self, method: str, path: str, body: bytes, kind: type[T], patience: float) -> T | None:
        url = self._url()
        if not url:
            return None
        headers: dict[bytes | str, bytes | str] = {
            "Host": url.split("//", 1)[1].split("/", 1)[0],
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            HEADER: sign(self._token, method, path, body, time.time()),
        }
        waits = {"connect": min(patience, 2.0), "read": patience, "write": patience, "pool": patience}
        try:
            answer = await self._pool.request(
                method, url.rstrip("/") + path, headers=headers, content=body, extensions={"timeout": waits}
            )
            return msgspec.json.decode(answer.content, type=kind) if answer.status == 200 else None
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            msgspec.MsgspecError,
            OSError,
        ):
            return None
