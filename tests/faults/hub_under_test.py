"""The hub as it's served, with a bridge to a platform of the tests and a tool whose effects can be counted.

`python -m tests.faults.hub_under_test CONFIG PLATFORM_PORT EFFECTS`
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import assert_never

from hub.config import load
from hub.errors import DeliveryDelayed, DeliveryUncertain, PersonError, StoreUnavailable
from hub.ports import Accept, BridgeInfo, Delivered, Effect, Outgoing, ToolCall
from hub.records import Address, Incoming, Message, Task, Text
from hub.serving import serve
from tests.faults.wire import LONGEST, TO_HUB, Deliver, Kept, Received, Refused, Said, TakeBack, write

NAME = "journal"
PATIENCE = 10.0


class JournalBridge:
    """A Bridge to a platform that keeps what it's told on record, and knows no idempotency keys."""

    name = NAME

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._receipts: dict[int, asyncio.Future[None]] = {}
        self._count = 0

    async def run(self, accept: Accept) -> None:
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LONGEST)
                await self._listen(reader, accept)
            except OSError:
                await asyncio.sleep(0.05)
            finally:
                self._hang_up()

    @property
    def info(self) -> BridgeInfo:
        return BridgeInfo(name=NAME, kind=NAME)

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        message = outgoing.message
        if self._writer is None:
            raise DeliveryDelayed("not connected", 0.1)
        number = self._next()
        id = f"{os.getpid()}-{number}"
        delivery = Deliver(
            number=number,
            id=id,
            message=message.id,
            answers=message.answers,
            role=message.role,
            chat=message.address.chat,
            text=message.text,
            again=outgoing.again,
        )
        await self._written(number, delivery)
        return Delivered(ids=(id,))

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        if self._writer is None:
            raise DeliveryDelayed("not connected", 0.1)
        number = self._next()
        await self._written(number, TakeBack(number=number, ids=tuple(ids)))

    def _next(self) -> int:
        self._count += 1
        self._receipts[self._count] = asyncio.get_running_loop().create_future()
        return self._count

    async def _written(self, number: int, line: Deliver | TakeBack) -> None:
        assert self._writer is not None
        write(self._writer, line)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._receipts[number]
        except (TimeoutError, ConnectionError) as error:
            raise DeliveryUncertain(str(error) or "no receipt") from None
        finally:
            self._receipts.pop(number, None)

    async def _listen(self, reader: asyncio.StreamReader, accept: Accept) -> None:
        async with asyncio.TaskGroup() as group:
            while line := await reader.readline():
                match TO_HUB.decode(line):
                    case Said() as said:
                        group.create_task(self._accept(said, accept))
                    case Received(number=number):
                        if (receipt := self._receipts.get(number)) and not receipt.done():
                            receipt.set_result(None)
                    case other:
                        assert_never(other)

    async def _accept(self, said: Said, accept: Accept) -> None:
        incoming = Incoming(
            address=Address(bridge=NAME, chat=said.chat, thread=said.thread),
            external_id=said.id,
            sender=said.chat,
            parts=(Text(said.text),),
            sent_at=datetime.now(UTC),
            corrects=said.corrects,
            reply_to=said.reply_to,
        )
        try:
            await accept(incoming)
        except (PersonError, StoreUnavailable) as error:
            answer: Kept | Refused = Refused(id=said.id, why=str(error), later=isinstance(error, StoreUnavailable))
        else:
            answer = Kept(id=said.id)
        if self._writer is not None:
            write(self._writer, answer)

    def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for receipt in self._receipts.values():
            if not receipt.done():
                receipt.set_exception(ConnectionError("the connection broke"))


class Note:
    """A Tool that writes each mark into a file, once for each key."""

    name = "note"
    description = "Write a mark into the book."
    schema: Mapping[str, object] = {
        "type": "object",
        "properties": {"mark": {"type": "string"}},
        "required": ["mark"],
        "additionalProperties": False,
    }
    effect: Effect = "keyed"

    def __init__(self, effects: Path) -> None:
        self._effects = effects

    def fits(self, text: str) -> bool:
        return text.startswith("note ")

    def read(self, text: str) -> Mapping[str, object] | None:
        found = re.search(r"note (m\d+x\d+)", text)
        return {"mark": found[1]} if found else None

    async def call(self, call: ToolCall) -> str:
        if not await asyncio.to_thread(self._has, call.key):
            await asyncio.to_thread(self._write, f"{call.key} {call.arguments['mark']}\n")
        return f"Noted {call.arguments['mark']}"

    def _has(self, key: str) -> bool:
        """Look a key up in the book itself: kept in mind, a soak's would be what grows in the hub's memory."""
        if not self._effects.exists() or not self._effects.stat().st_size:
            return False
        with self._effects.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as book:
            line = f"{key} ".encode()
            return book[: len(line)] == line or book.find(b"\n" + line) >= 0

    def _write(self, line: str) -> None:
        with self._effects.open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


class Burn(Note):
    """A Tool whose calls can't be repeated: it writes each call into the file, and takes its time."""

    name = "burn"
    description = "Burn a mark into the book."
    effect: Effect = "once"

    def fits(self, text: str) -> bool:
        return text.startswith("burn ")

    def read(self, text: str) -> Mapping[str, object] | None:
        found = re.search(r"burn (m\d+x\d+)", text)
        return {"mark": found[1]} if found else None

    async def call(self, call: ToolCall) -> str:
        await asyncio.sleep(0.05)
        await asyncio.to_thread(self._write, f"{call.key} {call.arguments['mark']}\n")
        await asyncio.sleep(0.05)
        return f"Burned {call.arguments['mark']}"


class Post(Note):
    """A Tool that asks for leave before each call."""

    name = "post"
    description = "Post a mark."
    ask = True

    def fits(self, text: str) -> bool:
        return text.startswith("post ")

    def read(self, text: str) -> Mapping[str, object] | None:
        found = re.search(r"post (m\d+x\d+)", text)
        return {"mark": found[1]} if found else None


def main(config: str, port: str, effects: str) -> int:
    """Serve until told to stop, or killed."""
    path = Path(config)
    bridge = JournalBridge(int(port))
    return serve(
        load(path, os.environ), path, bridges={NAME: bridge}, tools=[kind(Path(effects)) for kind in (Note, Burn, Post)]
    )


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
