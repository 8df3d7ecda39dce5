"""A bridge under test with the hub's side of it, and who knows whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridges.xmpp.bridge import XmppBridge
from hub.accounts import XmppAccount
from hub.clock import SystemClock
from hub.ports import Outgoing
from hub.records import Address, Incoming, Message, PersonId, Task, Text
from hub.store.documents import FileDocuments, MemoryDocuments
from hub.store.files import FileStore
from hub.testing import FakeDesk, a_link, a_message, a_person
from tests.xmpp.server import PASSWORD, Prosody

NAME = "xmpp"


class Running:
    """A bridge that runs, and what it handed over."""

    def __init__(self, account: XmppAccount, folder: Path, desk: FakeDesk, *, durable: bool = False) -> None:
        self.account = account
        self.files = FileStore(folder / "files")
        self.desk = desk
        documents = FileDocuments(folder / "documents") if durable else MemoryDocuments()
        self.bridge = XmppBridge(account, files=self.files, desk=desk, documents=documents, clock=SystemClock())
        self.kept: list[Incoming] = []
        self.handed: list[str] = []
        self.came = asyncio.Event()
        self.faults: list[Exception] = []
        self.answer: Callable[[Incoming], str | None] = lambda _: None
        self._answers: set[asyncio.Task[Any]] = set()

    @property
    def texts(self) -> list[str]:
        """What was kept, in words."""
        return ["\n".join(part.text for part in kept.parts if isinstance(part, Text)) for kept in self.kept]

    async def accept(self, incoming: Incoming) -> bool:
        """Be the inbox."""
        self.handed.append(incoming.external_id)
        if self.faults:
            raise self.faults.pop(0)
        key = (incoming.address.chat, incoming.external_id)
        if key in [(kept.address.chat, kept.external_id) for kept in self.kept]:
            return False
        self.kept.append(incoming)
        self.came.set()
        if text := self.answer(incoming):
            task = asyncio.create_task(self.say(text, incoming))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        return True

    async def say(self, text: str, to: Incoming, **more: Any) -> tuple[str, ...]:
        """Deliver an answer to a message; return the ids it got."""
        outgoing = answer(text, to.address, reply_to=to.external_id, **more)
        return (await self.bridge.deliver(outgoing)).ids

    async def until(self, true: Callable[[], Any], within: float = 10.0) -> None:
        """Wait until something is so; looks again whenever a message is kept, and now and then."""
        async with asyncio.timeout(within):
            while not true():
                self.came.clear()
                try:
                    await asyncio.wait_for(self.came.wait(), 0.05)
                except TimeoutError:
                    continue

    async def connected(self, within: float = 15.0) -> None:
        """Wait until the bridge is ready."""
        await self.until(lambda: self.bridge.info.state == "running", within)


def answer(text: str, address: Address, *, reply_to: str | None = None, **more: Any) -> Outgoing:
    """Return an agent's answer on its way out."""
    about = {name: more.pop(name) for name in ("turn", "task_id", "choices", "parts", "role") if name in more}
    said = {"role": "agent", "state": "ready", "address": address, "created_at": datetime.now(UTC)}
    message: Message = a_message(text, **said | about)
    return Outgoing(message=message, reply_to=reply_to, **more)


def an_account(server: Prosody, jid: str, **more: Any) -> XmppAccount:
    """Return an account on the test's server."""
    fields: dict[str, Any] = {
        "jid": jid,
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": server.port,
        "ca_file": str(server.certificate),
        "pace": 0.2,
    }
    return XmppAccount(**fields | more)


def a_desk(*jids: str, tasks: Iterable[Task] = ()) -> FakeDesk:
    """Return a desk that knows people by their JIDs."""
    people = [a_person(id=PersonId(jid), name=jid) for jid in jids]
    links = [a_link(bridge=NAME, sender=jid, person=PersonId(jid)) for jid in jids]
    return FakeDesk(people=people, links=links, tasks=tasks)


@asynccontextmanager
async def running(
    account: XmppAccount, folder: Path, desk: FakeDesk | None = None, *, durable: bool = False
) -> AsyncIterator[Running]:
    """Run a bridge, once it's connected."""
    run = Running(account, folder, desk or a_desk(), durable=durable)
    await run.files.open()
    task = asyncio.create_task(run.bridge.run(run.accept))
    try:
        connected = asyncio.create_task(run.connected(60))
        await asyncio.wait({task, connected}, return_when=asyncio.FIRST_COMPLETED)
        await connected
        yield run
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # Transports let go of their sockets in the loop's next rounds.
        await asyncio.sleep(0.02)
