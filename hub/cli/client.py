"""A client of the hub's API. What goes wrong is told in words, with the way out."""

import asyncio
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import rich_click as click

from hub.cli.place import Place
from hub.cli.wire import Event, Listing, Problem

# httpx would load a command line of its own, with rich's progress bars and pygments: a fifth of what our start takes.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402
from httpx_sse import aconnect_sse  # noqa: E402

Kind = TypeVar("Kind")
PAUSES = (0.1, 0.2, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0, 5.0, 5.0, 5.0)
"""Seconds between attempts after a lost connection: 25 in all, for a hub that's being restarted."""
LOST = (httpx.TransportError,)
BUSY = (502, 503, 504)


class Trouble(click.ClickException):
    """The hub couldn't do what was asked; the text has the way out."""

    exit_code = 1


class Away(Trouble):
    """Nobody answers: the hub isn't running, or not where we look for it."""


class Refused(Trouble):
    """The hub answered with an error."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Client:
    """Talks to one hub; used as `async with Client(place) as hub`."""

    def __init__(self, place: Place, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._place = place
        # Loading the authorities takes longer than most requests: it's done only where they are used.
        verify = ssl.create_default_context() if place.url.startswith("https:") else False
        self._http = httpx.AsyncClient(
            base_url=place.url,
            headers={"Authorization": f"Bearer {place.key}"} if place.key else {},
            timeout=httpx.Timeout(30.0, connect=5.0),
            transport=transport,
            verify=verify,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(
        self, path: str, kind: type[Kind], query: Mapping[str, str | None] | None = None, *, patient: bool = False
    ) -> Kind:
        """Fetch something; `msgspec.Raw` as the kind gives its JSON as it came. Raises Trouble."""
        return self._read(await self._ask("GET", path, query=query, patient=patient), kind)

    async def text(self, path: str, query: Mapping[str, str | None] | None = None) -> str:
        """Fetch something that's no JSON. Raises Trouble."""
        return (await self._ask("GET", path, query=query)).text

    async def post(
        self, path: str, body: Mapping[str, object], kind: type[Kind], *, key: str = "", patient: bool = False
    ) -> Kind:
        """Do something once, however often it must be said: it's repeated under one idempotency key.

        A lost connection is tried again; one that never came about only if `patient`. Whoever tries again after that
        gives a key. Raises Trouble.
        """
        response = await self._ask("POST", path, body=body, key=key or secrets.token_hex(16), patient=patient)
        return self._read(response, kind)

    async def put(self, path: str, body: Mapping[str, object], kind: type[Kind]) -> Kind:
        """Put something in place of what's there. Raises Trouble."""
        return self._read(await self._ask("PUT", path, body=body), kind)

    async def upload(self, path: str, data: bytes, kind: type[Kind], query: Mapping[str, str | None]) -> Kind:
        """Send a zip file; the same one twice is harmless. Raises Trouble."""
        return self._read(await self._ask("POST", path, query=query, data=data), kind)

    async def delete(self, path: str, query: Mapping[str, str | None] | None = None) -> None:
        """Remove something. Raises Trouble."""
        await self._ask("DELETE", path, query=query)

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """Yield what's there, piece by piece. Raises Trouble, also when it breaks off in the middle."""
        try:
            async with self._http.stream("GET", path, timeout=httpx.Timeout(300.0, connect=5.0)) as response:
                if response.is_error:
                    await response.aread()
                    self._check(response)
                async for chunk in response.aiter_bytes():
                    yield chunk
        except LOST as error:
            raise self._away(error) from None

    async def pages(
        self, path: str, kind: type[Kind], limit: int, query: Mapping[str, str | None] | None = None
    ) -> list[Kind]:
        """Fetch a listing's items, page after page up to `limit`. Raises Trouble."""
        found: list[Kind] = []
        cursor: str | None = None
        while True:
            page = await self.get(path, Listing[kind], {**(query or {}), "cursor": cursor})  # type: ignore[valid-type]
            found += page.items
            cursor = page.next
            if not cursor or len(found) >= limit:
                return found[:limit]

    async def events(self, after: str) -> AsyncIterator[Event]:
        """Yield what happens, from after an event on (empty: from now on), until the connection ends.

        Raises Trouble, Away when the connection breaks.
        """
        headers = {"Last-Event-ID": after} if after else {}
        # The hub sends something every 15 seconds: a silence three times as long is a broken connection.
        timeout = httpx.Timeout(45.0, connect=5.0)
        try:
            async with aconnect_sse(self._http, "GET", "/v1/events", headers=headers, timeout=timeout) as source:
                if source.response.is_error:
                    await source.response.aread()
                    self._check(source.response)
                async for event in source.aiter_sse():
                    # A sign of life comes out as an event without data.
                    if event.data:
                        yield Event(kind=event.event, data=event.data, id=event.id)
        except LOST as error:
            raise self._away(error) from None

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, object] | None = None,
        data: bytes | None = None,
        key: str = "",
        patient: bool = False,
    ) -> httpx.Response:
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        headers = {"Idempotency-Key": key} if key else {}
        content: Any = data
        if data is not None:
            headers["Content-Type"] = "application/zip"
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        for pause in (*PAUSES, None):
            try:
                response = await self._http.request(method, path, params=asked, content=content, headers=headers)
            except httpx.TransportError as error:
                if pause is None or (isinstance(error, httpx.ConnectError) and not patient):
                    raise self._away(error) from None
            else:
                if response.status_code not in BUSY or pause is None or not patient:
                    return self._check(response)
            patient = True  # somebody was there: whoever comes back will be the same hub
            await asyncio.sleep(pause)
        raise AssertionError  # the last round returns or raises

    def _check(self, response: httpx.Response) -> httpx.Response:
        if response.is_success:
            return response
        text = self._problem(response).rstrip(".") + "."
        if response.status_code == 401:
            text = f"{text} {self._mend_key()}"
        if after := response.headers.get("Retry-After"):
            text = f"{text} Try again in {after} seconds."
        raise Refused(text, response.status_code)

    def _problem(self, response: httpx.Response) -> str:
        try:
            problem = msgspec.json.decode(response.content, type=Problem)
        except msgspec.MsgspecError:
            return (
                f"{self._place.url} answered {response.status_code}, but not as a hub does: look what's running there."
            )
        return problem.detail or problem.title or f"The hub answered {response.status_code}."

    def _mend_key(self) -> str:
        if not self._place.key_from:
            where = f"--data with the hub's data folder (there's none in {self._place.data})"
            return f"No key was given: use --key, AGENTHOST_KEY, or {where}."
        return f"The key was taken from {self._place.key_from}: is it this hub's?"

    def _read(self, response: httpx.Response, kind: type[Kind]) -> Kind:
        if kind is type(None):
            return None
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as error:
            raise Trouble(
                f"{self._place.url} answered something else than a hub of this version does ({error}): "
                "look what's running there, and that it has the version of this command."
            ) from None

    def _away(self, error: Exception) -> Away:
        reason = str(error) or type(error).__name__
        return Away(
            f"No hub answers at {self._place.url} ({reason}). Start it with `agenthost run`, "
            "or say where it is with --url or AGENTHOST_URL; `agenthost doctor` looks for the reason."
        )
