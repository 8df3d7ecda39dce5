"""Requests that a sleeping hub is asked with `Prefer: respond-async` (RFC 7240): kept, and answered once it's up.

Who asked is told 202 and where the answer will be, for a day. A kept request outlives the waker; each goes to the hub
with an Idempotency-Key, so that one which is asked twice because somebody died in between is done once. Its headers,
with whoever's key, lie sealed: a copy of the spool opens nothing.
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import msgspec
from msgspec import Struct

from hub.errors import StoreUnavailable
from hub.ports.time import Clock
from hub.vault import Vault
from hub.waker.answers import Answer, Receive, Scope, Send, headers_of, json, problem
from hub.waker.bodies import CHUNK, CutOff, Passing
from hub.waker.proxy import AWAY, Proxy, passed_back, target
from hub.waker.spool import Spool

log = logging.getLogger(__name__)

PLACE = "/waker/requests/"
KEY = b"idempotency-key"
LARGEST = 256 << 20
"""Bytes of a kept request, or of its answer."""
ALL = 2 << 30
"""Bytes of all that's kept for one hub."""
KEPT = 86_400.0
"""Seconds that an answer is kept."""
PENDING = 7 * 86_400.0
"""Seconds that a request is kept that the hub can't be asked."""
TRIES = 5
SIDE_BY_SIDE = 8
LOOK, PAUSE = 5.0, 0.5
Pair = tuple[bytes, bytes]


class Request(Struct, frozen=True, kw_only=True):
    """A kept request, without its body."""

    id: str
    asker: str
    method: str
    target: str
    headers: tuple[Pair, ...]
    has_body: bool


class _Stored:
    """A body in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def chunks(self) -> AsyncIterator[bytes]:
        with self._file.open("rb") as kept:
            while chunk := kept.read(CHUNK):
                yield chunk


class Later:
    """One hub's kept requests."""

    def __init__(self, proxy: Proxy, spool: Spool, folder: Path, clock: Clock) -> None:
        """`folder` is for bodies and answers."""
        self._proxy = proxy
        self._power = proxy.power
        self._hub = proxy.power.hub.name
        self._spool = spool
        self._folder = folder
        self._clock = clock
        self._news = asyncio.Event()
        self._at_work: set[str] = set()

    @cached_property
    def _vault(self) -> Vault:
        """What headers are sealed by; only a waker that keeps requests has one."""
        return Vault.at(self._folder.with_name(f"{self._folder.name}.key"))

    # --- taking them

    async def accept(self, scope: Scope, receive: Receive, asker: str) -> Answer:
        """Keep a request of somebody known; return the 202 that says so, or why it isn't kept."""
        [[count, size]] = await self._spool.ask(
            "SELECT count(*), coalesce(sum(size), 0) FROM asked WHERE hub = ?", self._hub
        )
        if _int(count) >= self._power.hub.waiting or _int(size) >= ALL:
            return problem(503, "Asleep", "too much waits for the hub already", headers=((b"retry-after", b"60"),))
        id = secrets.token_urlsafe(24)
        try:
            length = await self._keep_body(id, receive)
        except OSError as error:
            self._file(id, "body").unlink(missing_ok=True)
            log.error("hub %s: a request can't be kept: %s", self._hub, error)
            return problem(503, "Asleep", "there's no room to keep it", headers=((b"retry-after", b"60"),))
        except CutOff:
            self._file(id, "body").unlink(missing_ok=True)
            return problem(413, "Too large", f"a request that's answered later may have {LARGEST >> 20} MB")
        headers = tuple((name, value) for name, value in scope["headers"] if name != b"prefer")
        if scope["method"] not in {"GET", "HEAD"} and not any(name == KEY for name, _ in headers):
            headers += ((KEY, id.encode()),)
        await self._spool.ask(
            "INSERT INTO asked (id, hub, asker, method, target, headers, size, has_body, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(id, self._hub, asker, scope["method"], target(scope), self._sealed(id, headers), length),
            *(_has_body(scope, length), self._clock.now().timestamp()),
        )
        self._power.wake()
        self._news.set()
        applied = (b"preference-applied", b"respond-async")
        return _waits(id, "the hub is being woken", (b"location", (PLACE + id).encode()), applied)

    async def _keep_body(self, id: str, receive: Receive) -> int:
        size = 0
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        with self._file(id, "body").open("xb") as kept:
            async for chunk in Passing(receive).chunks():
                size += len(chunk)
                if size > LARGEST:
                    raise CutOff
                kept.write(chunk)
            kept.flush()
            await asyncio.to_thread(os.fsync, kept.fileno())
        await asyncio.to_thread(_settle_folder, self._folder)
        return size

    async def waiting(self) -> int:
        """Return how many wait to be answered."""
        [row] = await self._spool.ask("SELECT count(*) FROM asked WHERE hub = ? AND status IS NULL", self._hub)
        return _int(row[0])

    # --- telling what became of them

    async def tell(self, scope: Scope, send: Send, asker: str) -> None:
        """Answer who asks what became of a request: its answer, or 202; 404 for whoever didn't ask it."""
        id = scope["path"].removeprefix(PLACE)
        rows = await self._spool.ask("SELECT asker, status, answer FROM asked WHERE id = ? AND hub = ?", id, self._hub)
        if not rows or not asker or not hmac.compare_digest(str(rows[0][0]), asker):
            why = "no such request of yours; answers are kept for a day"
            await problem(404, "Not found", why).send(scope, send)
        elif rows[0][1] is None:
            state = self._power.state
            why = (
                f"the hub couldn't be started yet ({self._power.detail})" if state == "failed" else f"the hub: {state}"
            )
            await _waits(id, why).send(scope, send)
        else:
            headers = msgspec.json.decode(_bytes(rows[0][2]), type=tuple[Pair, ...])
            await self._send(scope, send, id, _int(rows[0][1]), headers)

    async def _send(self, scope: Scope, send: Send, id: str, status: int, headers: tuple[Pair, ...]) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        if scope["method"] != "HEAD":
            async for chunk in _Stored(self._file(id, "answer")).chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _sealed(self, id: str, headers: tuple[Pair, ...]) -> bytes:
        return self._vault.seal(msgspec.json.encode(headers), about=id).encode()

    def _opened(self, id: str, sealed: bytes) -> tuple[Pair, ...]:
        """Return a request's headers; none if the key is another one by now: the hub then tells who asked so."""
        # An earlier waker kept them as they were.
        plain = sealed if sealed.startswith(b"[") else self._vault.open(sealed.decode(), about=id)
        return msgspec.json.decode(plain, type=tuple[Pair, ...]) if plain else ()

    # --- asking the hub

    async def run(self) -> None:
        """Have them answered, those of one asker in their order, until cancelled."""
        await self._sweep()
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                waiting = False
                try:
                    await self._expire()
                    waiting = await self._look(group)
                except (StoreUnavailable, OSError) as error:
                    log.error("hub %s: kept requests can't be looked through: %s", self._hub, error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE if waiting else LOOK):
                        await self._news.wait()

    async def _look(self, group: asyncio.TaskGroup) -> bool:
        """Have the hub asked what waits, if it's up; say whether anything waits."""
        waiting = await self._pending()
        if waiting:
            self._power.wake()
        if self._power.state == "ready":
            for request in waiting[: SIDE_BY_SIDE - len(self._at_work)]:
                self._at_work.add(request.asker)
                group.create_task(self._answer(request))
        return bool(waiting)

    async def _pending(self) -> list[Request]:
        """Return the oldest request of each asker who has none at work."""
        rows = await self._spool.ask(
            "SELECT id, asker, method, target, headers, has_body FROM asked"
            " WHERE hub = ? AND status IS NULL ORDER BY rowid",
            self._hub,
        )
        first: dict[str, tuple[object, ...]] = {}
        for row in rows:
            first.setdefault(str(row[1]), row)
        return [
            Request(
                id=str(id),
                asker=asker,
                method=str(method),
                target=str(to),
                headers=self._opened(str(id), _bytes(headers)),
                has_body=bool(has_body),
            )
            for asker, (id, _, method, to, headers, has_body) in first.items()
            if asker not in self._at_work
        ]

    async def _answer(self, request: Request) -> None:
        try:
            with self._power.held():
                await self._answered(request)
        except (StoreUnavailable, OSError) as error:
            log.error("hub %s: what it answered can't be kept: %s", self._hub, error)
            await self._clock.sleep(LOOK)
        finally:
            self._at_work.discard(request.asker)
            self._news.set()

    async def _answered(self, request: Request) -> None:
        for _ in range(TRIES):
            try:
                status, headers = await self._ask(request)
            except AWAY as error:
                log.warning("hub %s: a kept request was cut off (%s)", self._hub, type(error).__name__)
                await self._clock.sleep(PAUSE)
                if self._power.state != "ready" or not await self._power.answers():
                    return  # it's asked again once the hub is up
            except CutOff:
                await self._give_up(request.id, 502, f"the hub's answer has more than {LARGEST >> 20} MB")
                return
            else:
                await self._note(request.id, status, headers)
                return
        await self._give_up(request.id, 502, f"the hub cut it off each of the {TRIES} times that it was asked")

    async def _ask(self, request: Request) -> tuple[int, tuple[Pair, ...]]:
        path, _, query = request.target.partition("?")
        scope = {"method": request.method, "raw_path": path.encode(), "query_string": query.encode()}
        body = _Stored(self._file(request.id, "body")) if request.has_body else None
        async with self._proxy.asked({**scope, "headers": request.headers}, body) as answer:
            size = 0
            with self._file(request.id, "answer").open("wb") as kept:
                async for chunk in answer.aiter_stream():
                    size += len(chunk)
                    if size > LARGEST:
                        raise CutOff
                    kept.write(chunk)
                kept.flush()
                await asyncio.to_thread(os.fsync, kept.fileno())
            return answer.status, tuple(passed_back(answer.headers))

    async def _give_up(self, id: str, status: int, why: str) -> None:
        answer = problem(status, "Gone", why)
        self._file(id, "answer").write_bytes(answer.body)
        await self._note(id, status, ((b"content-type", answer.kind),))

    async def _note(self, id: str, status: int, headers: tuple[Pair, ...]) -> None:
        now = self._clock.now().timestamp()
        headers += ((b"agenthost-answered-at", f"{now:.0f}".encode()),)
        # The request's own headers, with its key, are needed no more.
        await self._spool.ask(
            "UPDATE asked SET status = ?, answer = ?, answered_at = ?, headers = '' WHERE id = ?",
            *(status, msgspec.json.encode(headers), now, id),
        )
        self._file(id, "body").unlink(missing_ok=True)

    async def _expire(self) -> None:
        now = self._clock.now().timestamp()
        old = await self._spool.ask("SELECT id FROM asked WHERE hub = ? AND answered_at < ?", self._hub, now - KEPT)
        for (id,) in old:
            await self._spool.ask("DELETE FROM asked WHERE id = ?", id)
            self._file(str(id), "answer").unlink(missing_ok=True)
        stale = await self._spool.ask(
            "SELECT id FROM asked WHERE hub = ? AND status IS NULL AND at < ?", self._hub, now - PENDING
        )
        for (id,) in stale:
            await self._give_up(str(id), 504, "the hub couldn't be asked for a week")

    async def _sweep(self) -> None:
        """Remove the files of requests that a crash cut off before they were kept."""
        known = {str(id) for (id,) in await self._spool.ask("SELECT id FROM asked WHERE hub = ?", self._hub)}
        for file in self._folder.glob("*.*") if self._folder.is_dir() else ():
            if file.stem not in known:
                file.unlink(missing_ok=True)

    def _file(self, id: str, kind: str) -> Path:
        return self._folder / f"{id}.{kind}"


def wanted(headers: Mapping[str, str]) -> bool:
    """Say whether a request may be answered later, by its headers."""
    preferences = headers.get("prefer", "").lower().replace(";", ",").split(",")
    return "respond-async" in (each.strip() for each in preferences)


def _waits(id: str, why: str, *headers: Pair) -> Answer:
    return json({"id": id, "state": "waiting", "detail": why}, 202, headers=((b"retry-after", b"2"), *headers))


def _has_body(scope: Scope, length: int) -> bool:
    return length > 0 or "content-length" in headers_of(scope)


def _settle_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _int(value: object) -> int:
    return int(str(value))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
