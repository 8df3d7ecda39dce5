"""/v1/local: a person's own computer on a WebSocket, lending folders and commands to that person's agents."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from msgspec import Struct

from hub.errors import NotAllowed, TooMany
from hub.flow.lending import Computer
from hub.lent import FRAME, REFUSED, REPLACED, Answer, Call, FromComputer, Hello, Welcome, Withdrawn
from hub.web.auth import Asker, Caller, Hub
from hub.web.problems import PROBLEMS
from hub.web.resources import Page
from hub.web.services import Services

GREETING = 10.0
"""Seconds for a computer's first frame."""
PATIENCE = 10.0
"""Seconds that it may take to read one."""
LOOK = 15.0
"""Seconds between looks whether the key is still good."""
GOING_AWAY = 1001
POLICY = 1008


class CommandView(Struct, frozen=True, kw_only=True):
    """A command that's lent."""

    name: str
    words: str


class FolderView(Struct, frozen=True, kw_only=True):
    """A folder that's lent."""

    name: str
    writable: bool


class ComputerView(Struct, frozen=True, kw_only=True):
    """A computer of the caller's that's connected now, and what it lends."""

    name: str
    folders: list[FolderView]
    commands: list[CommandView]
    since: datetime
    hub: str
    """The hub it's connected to, where there are several; empty: this one."""


class ComputersController(Controller):
    """What persons lend of their own computers."""

    path = "/v1"
    tags = ("computers",)

    @get("/computers", opt={"scope": "local:lend"}, responses=PROBLEMS, summary="List your computers")
    async def computers(self, services: Hub, caller: Asker) -> Page[ComputerView]:
        """Return the caller's own computers that are connected now, and what they lend; nobody else's."""
        return Page(
            items=[
                ComputerView(
                    name=lent.computer,
                    folders=[FolderView(name=folder.name, writable=folder.writable) for folder in lent.folders],
                    commands=[CommandView(name=command.name, words=command.words) for command in lent.commands],
                    since=lent.since,
                    hub=lent.hub,
                )
                for lent in services.lending.lent(caller.tenant, caller.person)
            ]
        )


class Ended(Exception):
    """The connection ends, with a code and a reason for the other side."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@websocket("/v1/local", opt={"scope": "local:lend"})
async def lend(socket: WebSocket[Any, Any, Any], services: Hub, caller: Asker) -> None:
    """Have a computer lend, until it or the hub ends."""
    if caller.by != "bearer":
        raise NotAllowed("key: a computer lends by a key, not by a browser's session; use agenthost local")
    await socket.accept()
    try:
        hello = await _greeted(socket)
        line = Line(socket, services, caller, hello)
        await line.run()
    except Ended as end:
        await socket.close(end.code, end.reason)
    except WebSocketDisconnect:
        return


async def _greeted(socket: WebSocket[Any, Any, Any]) -> Hello:
    try:
        async with asyncio.timeout(GREETING):
            frame = _frame(await socket.receive_data("text"))
    except TimeoutError:
        raise Ended(POLICY, f"said nothing for {GREETING:g} seconds") from None
    if not isinstance(frame, Hello):
        raise Ended(POLICY, "must say first what it lends")
    names = [*(folder.name for folder in frame.folders), *(command.name for command in frame.commands)]
    if len(set(names)) < len(names):
        raise Ended(REFUSED, "two of what's lent have one name; call them differently")
    return frame


def _frame(data: str | bytes) -> FromComputer:
    if len(data) > FRAME:
        raise Ended(POLICY, f"a frame has {len(data)} bytes; {FRAME} at most")
    try:
        return msgspec.json.decode(data, type=FromComputer)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Ended(POLICY, f"a frame can't be read: {error}"[:120]) from None


class Line:
    """One computer's connection."""

    def __init__(self, socket: WebSocket[Any, Any, Any], services: Services, caller: Caller, hello: Hello) -> None:
        self._socket = socket
        self._services = services
        self._caller = caller
        self._replaced = asyncio.Event()
        self._computer = Computer(
            caller.tenant,
            caller.person,
            hello.computer,
            folders=hello.folders,
            commands=hello.commands,
            since=services.clock.now(),
            send=self._send,
            drop=self._replaced.set,
        )

    async def run(self) -> None:
        """Lend until the connection ends; raises Ended, or WebSocketDisconnect."""
        lending = self._services.lending
        person = await self._services.store.person(self._caller.tenant, self._caller.person)
        try:
            lending.join(self._computer)
        except TooMany as error:
            raise Ended(REFUSED, str(error)[:120]) from None
        try:
            await self._write(Welcome(person=person.name if person else "", hub=self._services.version))
            sides = [asyncio.ensure_future(side) for side in (self._listen(), self._watch(), self._replaced.wait())]
            try:
                await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for side in sides:
                    side.cancel()
                results = await asyncio.gather(*sides, return_exceptions=True)
        finally:
            lending.leave(self._computer)
        if self._replaced.is_set():
            raise Ended(REPLACED, "another computer came by the same name")
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _listen(self) -> None:
        while True:
            frame = _frame(await self._socket.receive_data("text"))
            if not isinstance(frame, Answer):
                raise Ended(POLICY, "what's lent is said once")
            self._computer.answered(frame)

    async def _watch(self) -> None:
        """End with the hub, or with the key."""
        closing = asyncio.ensure_future(self._services.closing.wait())
        try:
            while True:
                await asyncio.wait((closing,), timeout=LOOK)
                if closing.done():
                    raise Ended(GOING_AWAY, "the hub stops")
                if not await self._services.people.still_good(self._caller.key):
                    raise Ended(REFUSED, "the key isn't good any more")
        finally:
            closing.cancel()

    async def _send(self, frame: Call | Withdrawn) -> None:
        try:
            await self._write(frame)
        except (WebSocketDisconnect, TimeoutError, RuntimeError) as error:
            raise OSError(f"the computer is gone ({type(error).__name__})") from None

    async def _write(self, frame: Welcome | Call | Withdrawn) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._socket.send_data(msgspec.json.encode(frame), mode="text")
