"""A bridge to Telegram with what the hub would be on its other side, as the tests see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridges.telegram.late import LateTelegramBridge
from hub.accounts import TelegramAccount
from hub.clock import SystemClock
from hub.errors import Stranger
from hub.ports import Clock, Outgoing
from hub.records import HOME, OWNER, Address, Incoming, Link
from hub.store.documents import MemoryDocuments
from hub.store.files import FileStore
from hub.testing import NOON, FakeDesk, a_message, a_person
from tests.telegram.says import until


class Kept:
    """What the hub's side of `accept` keeps; raises what a test wants raised."""

    def __init__(self) -> None:
        self.incoming: list[Incoming] = []
        self.again = 0
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._came = asyncio.Event()

    async def accept(self, incoming: Incoming) -> bool:
        """Keep a message once."""
        await self.gate.wait()
        self._came.set()
        if self.faults:
            raise self.faults.pop(0)
        key = (incoming.address.chat, incoming.external_id)
        if key in {(kept.address.chat, kept.external_id) for kept in self.incoming}:
            self.again += 1
            return False
        self.incoming.append(incoming)
        return True

    @property
    def texts(self) -> list[str]:
        return [a_message(parts=kept.parts).text for kept in self.incoming]

    async def count(self, count: int, *, within: float = 10.0) -> list[Incoming]:
        """Wait until so many are kept."""
        async with asyncio.timeout(within):
            while len(self.incoming) < count:
                self._came.clear()
                await self._came.wait()
        return self.incoming


class Refusing(Kept):
    """Takes everybody for a stranger."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def accept(self, incoming: Incoming) -> bool:
        self.asked += 1
        raise Stranger(incoming.sender)


def an_account(url: str, token: str, **fields: object) -> TelegramAccount:
    """Return an account whose owner is Ann."""
    known = {"owner": "1001", "allow": ("1001",), "access": "list", "receipts": True, **fields}
    return TelegramAccount(token=token, api_url=url, **known)  # type: ignore[arg-type]


class QuickClock(SystemClock):
    """A clock on which time flies."""

    def __init__(self, times: float) -> None:
        self._times = times

    def monotonic(self) -> float:
        return super().monotonic() * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


class World:
    """A bridge, its desk, its documents, and what it handed over."""

    def __init__(
        self,
        account: TelegramAccount,
        folder: Path,
        *,
        documents: MemoryDocuments | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.account = account
        self.clock = clock or SystemClock()
        self.files = FileStore(folder)
        self.desk = FakeDesk(people=[a_person()], links=[_link("1001")])
        self.documents = documents or MemoryDocuments()
        self.kept = Kept()
        self.bridge = self.another()

    def another(self) -> LateTelegramBridge:
        """Return the bridge as a restart would build it."""
        return LateTelegramBridge(
            self.account, files=self.files, desk=self.desk, documents=self.documents, clock=self.clock
        )

    @asynccontextmanager
    async def running(self, *, state: str = "running") -> AsyncIterator[LateTelegramBridge]:
        """Run the bridge until the end of the block; begin once it's in a state."""
        await self.files.open()
        async with asyncio.TaskGroup() as group:
            run = group.create_task(self.bridge.run(self.kept.accept))
            # A poll that was cut off by a restart may be under way at the emulator for its 25 seconds: 409 until then.
            await until(lambda: self.bridge.info.state == state, within=90)
            try:
                yield self.bridge
            finally:
                run.cancel()


def outgoing(text: str, chat: str = "1001", *, thread: str | None = None, **fields: object) -> Outgoing:
    """Return an answer on its way out; `fields` are Outgoing's, else Message's; `about` is the id of its task."""
    own = {name: value for name, value in fields.items() if name in Outgoing.__struct_fields__}
    said = {"task" if name == "about" else name: value for name, value in fields.items() if name not in own}
    address = Address(bridge="telegram", chat=chat, thread=thread)
    known = {"role": "agent", "state": "ready", "address": address, **said}
    return Outgoing(message=a_message(text, **known), **own)  # type: ignore[arg-type]


def _link(sender: str) -> Link:
    return Link(tenant=HOME, bridge="telegram", sender=sender, person=OWNER, created_at=NOON)
