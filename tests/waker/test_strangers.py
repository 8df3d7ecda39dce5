"""Whoever the hub doesn't know can't have it started, whatever they send; its control answers to signatures only."""

import asyncio
import json
import os
import random
import string
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.accounts import TelegramAccount, webhook_secret
from hub.guests import KIND, Card, Settings
from hub.records import EmbedId
from hub.signing import HEADER, Checker, sign
from hub.testing import NOON
from hub.waker.answers import Scope
from hub.waker.front import Front
from hub.waker.site import Seat
from hub.waker.telegram import HEADER as SECRET_HEADER
from hub.waker.telegram import TelegramEar
from hub.web.passes import Pass, signed
from tests.waker.fronted import KNOWN, WAKER_KEY, Fronted, fronted
from tests.waker.sleeper import TOKEN

STRANGERS = int(os.environ.get("AGENTHOST_WAKER_STRANGERS", "10000"))
ACCOUNT = TelegramAccount(token="1:a", mode="webhook", webhook_url="https://x.test", access="list", allow=("1001",))
CARD = Card(
    origins=("https://shop.example",),
    settings=Settings(title="Shop", greeting="", colour="", visitors=True),
)
PASS = Pass(embed=EmbedId("c1"), external="ann", name="", expires_at=NOON + timedelta(days=9))
Headers = list[tuple[bytes, bytes]]
Asked = tuple[str, str, Headers, bytes]
PATHS = (
    "/",
    "/v1/messages",
    "/v1/status",
    "/tasks",
    "/sign-in",
    "/v1/packages",
    "/mcp",
    "/readyz",
    "/v1/events",
    "/x/../y",
)


class Crowd:
    """Sends what strangers send, of every kind, by a seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._kinds: Sequence[Callable[[], Asked]] = (
            self._keyless,
            self._with_a_wrong_key,
            self._with_a_strange_header,
            self._doubled,
            self._with_a_cookie,
            self._wanting_it_later,
            self._as_telegram,
            self._a_stranger_on_telegram,
            self._forging,
            self._at_the_waker,
            self._in_a_page,
            self._with_a_forged_pass,
        )

    def asks(self) -> Asked:
        """Return a method, a path, headers and a body."""
        return self._dice.choice(self._kinds)()

    def _keyless(self) -> Asked:
        return self._method(), self._path(), [], self._noise()

    def _with_a_wrong_key(self) -> Asked:
        wrong = self._dice.choice([self._word(43), KNOWN[:-1], KNOWN + "k", KNOWN.upper(), "", " ", "null"])
        scheme = self._dice.choice(["Bearer", "bearer", "Basic", "BEARER ", "Digest", ""])
        return self._method(), self._path(), [(b"authorization", f"{scheme} {wrong}".encode())], b""

    def _with_a_strange_header(self) -> Asked:
        value = self._dice.choice(
            [b"\xff\xfe", b"Bearer \xc3\xa9", b"Bearer\t" + b"k" * 43, b"Bearer" + b"k" * 43, b"k" * 9000]
        )
        return self._method(), self._path(), [(b"authorization", value)], b""

    def _doubled(self) -> Asked:
        pair = [(b"authorization", f"Bearer {self._word(43)}".encode()) for _ in range(self._dice.randint(2, 5))]
        return self._method(), self._path(), pair, b""

    def _with_a_cookie(self) -> Asked:
        name = self._dice.choice(
            ["agenthost_session", "agenthost_waker", "AGENTHOST_SESSION", "__Host-agenthost_session"]
        )
        value = self._dice.choice([self._word(43), "", '"', f"{KNOWN};", "=", "\\073", f'"{KNOWN[:-1]}"', "a" * 5000])
        if KNOWN in value:
            value = self._word(12)
        return self._method(), self._path(), [(b"cookie", f"{name}={value}".encode())], b""

    def _wanting_it_later(self) -> Asked:
        _, path, headers, body = self._with_a_wrong_key()
        return "POST", path, [*headers, (b"prefer", b"respond-async")], body

    def _as_telegram(self) -> Asked:
        secret = self._dice.choice([b"", self._word(64).encode(), webhook_secret(ACCOUNT)[:-1].encode(), b"\xff"])
        headers = [] if self._dice.random() < 0.3 else [(SECRET_HEADER.encode(), secret)]
        return "POST", "/telegram/telegram", headers, an_update(self._dice.randrange(10**9), 1001)

    def _a_stranger_on_telegram(self) -> Asked:
        """Somebody unknown, in the very chat of somebody who isn't."""
        body = an_update(self._dice.randrange(10**9), self._dice.randrange(2000, 9000), chat=1001)
        return "POST", "/telegram/telegram", [(SECRET_HEADER.encode(), webhook_secret(ACCOUNT).encode())], body

    def _forging(self) -> Asked:
        path = self._dice.choice(
            ["/v1/waker/heard", "/v1/waker/drain", "/v1/waker/report", "/v1/waker/", "/v1/waker/x"]
        )
        forged = sign(self._word(32), "POST", path, b"", self._dice.uniform(0, 2e9))
        return "POST", path, [(HEADER.encode(), forged.encode())], self._noise()

    def _at_the_waker(self) -> Asked:
        path = self._dice.choice(
            ["/waker/", "/waker/status", "/waker/sign-in", "/waker/requests/x", "/waker/static/../waker.key"]
        )
        wrong = self._word(43)
        headers = [
            (b"authorization", f"Bearer {wrong}".encode()),
            (b"cookie", f"agenthost_waker=9999999999.{wrong}".encode()),
        ]
        return self._method(), path, headers[self._dice.randint(0, 1) :], f"key={wrong}".encode()

    def _in_a_page(self) -> Asked:
        """Somebody who looks at a page with a chat, or wants to write there as a visitor."""
        what = self._dice.choice(["widget.js", "settings", "messages", "events", "visits", "x/../messages", ""])
        origin = self._dice.choice([b"https://shop.example", b"https://evil.example", b"null", b"\xff"])
        return self._method(), f"/embed/{self._dice.choice(['c1', 'c2'])}/{what}", [(b"origin", origin)], b""

    def _with_a_forged_pass(self) -> Asked:
        head, body, mac = signed(PASS, b"another hub's", self._word(32)).split(".")
        good = signed(PASS, b"the hub's own", TOKEN)
        forged = self._dice.choice(
            [
                f"{head}.{body}.{mac}",
                f"{head}.{good.split('.')[1][:-3]}.{mac}",
                good.swapcase(),
                signed(replace(PASS, expires_at=NOON), b"the hub's own", TOKEN),
                signed(replace(PASS, embed=EmbedId("c2")), b"the hub's own", TOKEN),
                "..",
                f"{head}.{self._word(200)}.{mac}",
            ]
        )
        return self._method(), "/embed/c1/messages", [(b"authorization", f"Bearer {forged}".encode())], b"{}"

    def _method(self) -> str:
        return self._dice.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])

    def _path(self) -> str:
        return self._dice.choice(PATHS)

    def _word(self, length: int) -> str:
        return "".join(self._dice.choices(string.ascii_letters + string.digits + "_-", k=length))

    def _noise(self) -> bytes:
        return self._dice.randbytes(self._dice.choice([0, 0, 10, 2000]))


def an_update(number: int, sender: int, chat: int = 0) -> bytes:
    """Return an update of Telegram's."""
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": chat or sender, "type": "group"},
        "from": {"id": sender},
        "text": "Hi",
    }
    return json.dumps({"update_id": number, "message": message}).encode()


@asynccontextmanager
async def asleep(folder: Path) -> AsyncIterator[tuple[Front, Fronted]]:
    """Have a front with a bot's ear, before a hub that's asleep, whose power is looked after."""
    async with fronted(folder) as made:
        await made.sleeper.spool.mark("met:hub", "b")
        guests = [("key", sha256(KNOWN.encode()).hexdigest()), (f"{KIND}c1", msgspec.json.encode(CARD).decode())]
        await made.sleeper.spool.meet("hub", guests)
        ear = TelegramEar(ACCOUNT, made.power, made.sleeper.spool, made.sleeper.clock)
        seats = [Seat(made.power, made.proxy, made.later, (ear,))]
        front = Front(seats, [ear], made.sleeper.spool, made.sleeper.clock, WAKER_KEY, made.orphans)
        owner = asyncio.create_task(made.power.run())
        try:
            yield front, made
        finally:
            owner.cancel()
            await asyncio.gather(owner, return_exceptions=True)
            await ear.close()


async def ask(front: Front, asked: Asked) -> int:
    """Have a request answered; return the status."""
    method, path, headers, body = asked
    statuses = list[int]()
    events: list[dict[str, Any]] = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        return events.pop(0) if events else {"type": "http.disconnect"}

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            statuses.append(event["status"])

    length = [(b"content-length", str(len(body)).encode())] if body else []
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    scope |= {
        "query_string": b"",
        "headers": [(b"host", b"hub.test"), *headers, *length],
        "client": ("192.0.2.1", 1),
        "scheme": "http",
    }
    await front(scope, receive, send)
    assert len(statuses) == 1, f"answered once: {method} {path}"
    return statuses[0]


async def test_thousands_of_strangers_start_nothing(tmp_path: Path) -> None:
    crowd, found = Crowd(seed=5), dict[int, int]()
    async with asleep(tmp_path) as (front, made):
        for _ in range(STRANGERS // 40):
            for status in await asyncio.gather(*(ask(front, crowd.asks()) for _ in range(40))):
                found[status] = found.get(status, 0) + 1
        await made.sleeper.passes(10)
        assert (made.sleeper.machine.starts, made.wanted, made.power.state) == (0, False, "stopped")
        waiting, waking = await made.sleeper.spool.waiting("hub")
        assert waking == 0
        assert 0 < waiting <= 1_000, "strangers in a known chat are kept, and wake nobody"
        assert await made.later.waiting() == 0
        assert made.hub.asked == []
    print(f"waker: {sum(found.values())} requests of strangers: {dict(sorted(found.items()))}")
    assert found.keys() <= {200, 204, 303, 400, 401, 403, 404, 405, 503}


async def test_one_of_them_with_a_key_does_start_it(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    async with asleep(tmp_path) as (front, made):
        asking = asyncio.create_task(
            ask(front, ("GET", "/v1/status", [(b"authorization", f"Bearer {KNOWN}".encode())], b""))
        )
        await made.sleeper.passes(1)
        assert made.sleeper.machine.starts == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_one_of_them_with_a_good_pass_does_start_it(tmp_path: Path) -> None:
    """Likewise."""
    async with asleep(tmp_path) as (front, made):
        good = [(b"authorization", f"Bearer {signed(PASS, b'the hub', TOKEN)}".encode())]
        asking = asyncio.create_task(ask(front, ("POST", "/embed/c1/messages", good, b"{}")))
        await made.sleeper.passes(1)
        assert made.sleeper.machine.starts == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_websocket_of_a_stranger_starts_nothing(tmp_path: Path) -> None:
    async with asleep(tmp_path) as (front, made):
        for headers in ([], [(b"authorization", b"Bearer x")], [(b"cookie", b"agenthost_session=x")]):
            sent = list[dict[str, Any]]()

            async def receive() -> dict[str, Any]:
                return {"type": "websocket.connect"}

            async def send(event: Any, sent: list[dict[str, Any]] = sent) -> None:
                sent.append(event)

            scope: Scope = {"type": "websocket", "path": "/v1/ws", "headers": [(b"host", b"hub.test"), *headers]}
            await front(scope, receive, send)
            assert sent == [{"type": "websocket.close", "code": 1008}]
        await made.sleeper.passes(3)
        assert made.sleeper.machine.starts == 0


async def test_a_computer_that_lends_wakes_no_hub_though_its_key_is_known(tmp_path: Path) -> None:
    """Else a hub that sleeps would be up for as long as somebody's laptop is."""
    async with asleep(tmp_path) as (front, made):
        sent = list[dict[str, Any]]()

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(event: Any) -> None:
            sent.append(event)

        headers = [(b"host", b"hub.test"), (b"authorization", f"Bearer {KNOWN}".encode())]
        await front({"type": "websocket", "path": "/v1/local", "headers": headers}, receive, send)
        await made.sleeper.passes(3)
        assert [event["type"] for event in sent] == ["websocket.accept", "websocket.close"]
        assert sent[1]["code"] == 1013
        assert made.sleeper.machine.starts == 0


NOW = 1_790_000_000.0
REQUEST = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    st.sampled_from(["/v1/waker/drain", "/v1/waker/heard", "/v1/waker/report?known=", "/v1/waker/drain?"]),
    st.binary(max_size=40),
    st.floats(min_value=NOW - 10_000, max_value=NOW + 10_000),
)


@settings(deadline=None, max_examples=int(os.environ.get("AGENTHOST_WAKER_FUZZ", "400")))
@given(signed=REQUEST, asked=REQUEST, data=st.data())
def test_a_signature_that_was_tampered_with_is_good_for_nothing(signed: Any, asked: Any, data: st.DataObject) -> None:
    """Of another request, another time, cut, lengthened, or with another letter in it."""
    checker = Checker(TOKEN)
    method, path, body, at = signed
    good = sign(TOKEN, method, path, body, at)
    place = data.draw(st.integers(min_value=0, max_value=len(good) - 1))
    letter = data.draw(st.sampled_from("0123456789abcdeft,=nv é\x00"))
    for forged in (good[:place] + letter + good[place + 1 :], good[:place], good + letter, letter + good, good.upper()):
        if forged != good:
            assert not checker.good(forged, method, path, body, at)
    if asked[:3] != signed[:3]:
        assert not checker.good(good, asked[0], asked[1], asked[2], at)
    fresh = abs(asked[3] - int(at)) <= 300
    assert checker.good(good, method, path, body, asked[3]) is fresh
    assert not checker.good(good, method, path, body, asked[3]), "once"
