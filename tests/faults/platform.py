"""A chat platform outside the hub: it says things until they're kept, and puts on record whatever it's told."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, assert_never

from msgspec import Struct

from tests.faults.wire import FROM_HUB, LONGEST, Deliver, Kept, Received, Refused, Said, TakeBack, write

LATER = 0.2


class Delivery(Struct, frozen=True, kw_only=True):
    """What the platform was told to show, doubles too, and in which life of the hub."""

    chat: str
    message: str
    answers: str | None
    role: str
    text: str
    again: bool
    life: int
    id: str
    at: float
    """When, on this machine's monotonic clock."""


class Platform:
    """Listens on the loopback for the hub's bridge; each chat's messages go out one after another."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.kept: dict[str, Said] = {}
        """What the hub answers for, by id."""
        self.said_at: dict[str, float] = {}
        """When a message was said first, by its id."""
        self.kept_twice = 0
        self.refused: list[Refused] = []
        self.taken_back: list[str] = []
        """Ids of what isn't to be read any more."""
        self.life = 0
        """Counts the hub's connections."""
        self.signs: list[float] = []
        """When the hub kept or delivered something."""
        self._waiting: dict[str, deque[Said]] = defaultdict(deque)
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._count = 0
        self._laters: set[asyncio.TimerHandle] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        for later in self._laters:
            later.cancel()
        if self._writer is not None:
            self._writer.close()
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def unsaid(self) -> int:
        """How many messages the hub hasn't kept yet."""
        return sum(map(len, self._waiting.values()))

    def say(
        self,
        chat: str,
        text: str,
        *,
        thread: str | None = None,
        corrects: str | None = None,
        reply_to: str | None = None,
    ) -> Said:
        """Have somebody say something; it's handed over until the hub keeps it."""
        self._count += 1
        said = Said(id=f"p{self._count}", chat=chat, text=text, thread=thread, corrects=corrects, reply_to=reply_to)
        self.said_at[said.id] = time.monotonic()
        self._waiting[chat].append(said)
        if len(self._waiting[chat]) == 1:
            self._hand_over(chat)
        return said

    async def sign_since(self, moment: float, *, within: float, alive: Callable[[], bool]) -> float | None:
        """Return when the hub first kept or delivered something after a moment; None if it didn't, or is gone."""
        end = time.monotonic() + within
        while time.monotonic() < end and alive():
            if self.signs and self.signs[-1] > moment:
                return next(sign for sign in self.signs if sign > moment)
            await asyncio.sleep(0.01)
        return None

    async def hung_up(self, within: float = 20.0) -> None:
        """Return once everything is read that a hub sent before it died."""
        async with asyncio.timeout(within):
            while self._writer is not None:
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.life += 1
        self._writer = writer
        for chat in tuple(self._waiting):
            self._hand_over(chat)
        with suppress(ConnectionError):
            while line := await reader.readline():
                self._hear(line, writer)
        if self._writer is writer:
            self._writer = None
        writer.close()

    def _hear(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        if not line.endswith(b"\n"):
            return  # cut off in the middle by a kill: never said
        match FROM_HUB.decode(line):
            case Kept(id=id):
                self.signs.append(time.monotonic())
                self._keep(id)
            case Refused() as refused:
                self.refused.append(refused)
                self._say_later(refused) if refused.later else self._drop(refused)
            case Deliver() as deliver:
                self.signs.append(time.monotonic())
                self._record(deliver)
                write(writer, Received(number=deliver.number))
            case TakeBack(number=number, ids=ids):
                self.taken_back.extend(ids)
                write(writer, Received(number=number))
            case other:
                assert_never(other)

    def read(self, chat: str) -> list[str]:
        """Return what's to be read in a chat."""
        return [told.text for told in self.deliveries if told.chat == chat and told.id not in self.taken_back]

    def _keep(self, id: str) -> None:
        if id in self.kept:
            self.kept_twice += 1
            return
        for chat, waiting in self._waiting.items():
            if waiting and waiting[0].id == id:
                self.kept[id] = waiting.popleft()
                self._hand_over(chat)
                return

    def _drop(self, refused: Refused) -> None:
        for chat, waiting in self._waiting.items():
            if waiting and waiting[0].id == refused.id:
                waiting.popleft()
                self._hand_over(chat)
                return

    def _record(self, deliver: Deliver) -> None:
        delivery = Delivery(
            chat=deliver.chat,
            message=deliver.message,
            answers=deliver.answers,
            role=deliver.role,
            text=deliver.text,
            again=deliver.again,
            life=self.life,
            id=deliver.id,
            at=time.monotonic(),
        )
        self.deliveries.append(delivery)

    def _hand_over(self, chat: str) -> None:
        waiting = self._waiting[chat]
        if waiting and self._writer is not None:
            write(self._writer, waiting[0])

    def _say_later(self, refused: Refused) -> None:
        for chat, waiting in self._waiting.items():
            if waiting and waiting[0].id == refused.id:
                self._laters.add(asyncio.get_running_loop().call_later(LATER, self._hand_over, chat))
