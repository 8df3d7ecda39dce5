"""A way to a Bot API server on which things go wrong, and on which it's noted what was asked."""

import asyncio
import random
from types import TracebackType
from typing import Literal, Self, get_args

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from msgspec import Struct

from tests.telegram.calls import Call, form

Kind = Literal["slow", "gateway", "broken", "cut", "lost"]
"""429 with retry_after, 502 in HTML, 500 in JSON, cut before the server saw it, its answer lost."""
KINDS: tuple[Kind, ...] = get_args(Kind)
PATIENCE = 70.0


class Rule(Struct, kw_only=True):
    """What goes wrong with a method's next calls."""

    method: str
    kind: Kind
    times: int = 1
    after: int = 1


class Proxy:
    """Stands between a bridge and a Bot API server, on a port of its own."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._rules: list[Rule] = []
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._client: ClientSession | None = None
        self._random, self._rate, self._left = random.Random(0), 0.0, 0
        self.calls: list[Call] = []
        self.faults = 0
        """How many befell."""

    async def __aenter__(self) -> Self:
        self._client = ClientSession(timeout=ClientTimeout(total=PATIENCE))
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()
        assert self._client is not None
        await self._client.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def up(self) -> None:
        """Listen, on the same port again after `down`."""
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Refuse every connection, and break those that are."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def fail(self, method: str, kind: Kind, *, times: int = 1, after: int = 1) -> None:
        """Have a method's next calls go wrong."""
        self._rules.append(Rule(method=method, kind=kind, times=times, after=after))

    def rage(self, seed: int, *, rate: float, count: int) -> None:
        """Have a share of all calls go wrong, each in any way, until so many have."""
        self._random, self._rate, self._left = random.Random(seed), rate, count

    def made(self, method: str) -> list[Call]:
        """Return the calls of a method that the server said yes to."""
        return [call for call in self.calls if call.method == method and call.status == 200]

    @property
    def texts(self) -> list[str]:
        """What was sent as text, in order."""
        return [call.fields["text"] for call in self.made("sendMessage")]

    def _fault(self, method: str) -> Rule | None:
        rule = next((rule for rule in self._rules if rule.method in (method, "*")), None)
        if rule is not None:
            rule.times -= 1
            self.faults += 1
            if rule.times == 0:
                self._rules.remove(rule)
        elif self._left and self._random.random() < self._rate:
            self.faults += 1
            self._left -= 1
            return Rule(method=method, kind=self._random.choice(KINDS))
        return rule

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        method = request.path.rpartition("/")[2]
        body = await request.read()
        rule = self._fault(method)
        match rule.kind if rule else None:
            case "slow" if rule is not None:
                return web.json_response(
                    {"ok": False, "error_code": 429, "description": f"Too Many Requests: retry after {rule.after}",
                     "parameters": {"retry_after": rule.after}},
                    status=429,
                )  # fmt: skip
            case "gateway":
                page = "<html><head><title>502 Bad Gateway</title></head></html>"
                return web.Response(status=502, text=page, content_type="text/html")
            case "broken":
                answer = {"ok": False, "error_code": 500, "description": "Internal Server Error"}
                return web.json_response(answer, status=500)
            case "cut":
                return _cut(request)
            case _:
                pass
        answered = await self._forward(request, method, body)
        return _cut(request) if rule is not None else answered

    async def _forward(self, request: web.Request, method: str, body: bytes) -> web.StreamResponse:
        assert self._client is not None
        headers = {"Content-Type": request.headers["Content-Type"]} if "Content-Type" in request.headers else {}
        try:
            async with self._client.request(
                request.method, f"{self._target}{request.path_qs}", data=body, headers=headers
            ) as response:
                answer, status = await response.read(), response.status
                kind = response.headers.get("Content-Type", "")
        except ClientError:
            return _cut(request)
        fields, files = form(body, headers.get("Content-Type", ""))
        self.calls.append(Call(method=method, fields=fields, files=files, status=status))
        return web.Response(body=answer, status=status, headers={"Content-Type": kind})


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError
