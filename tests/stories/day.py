"""A day with the hub: real parts on the memory store, a scripted LLM, and one person who writes to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.accounts import BridgeAccount
from hub.app import Hub
from hub.business import Outside
from hub.config import AlertsConfig, Config, HandoverConfig, HubConfig, LimitsConfig
from hub.flow.aiming import FlowAims
from hub.flow.errands import FlowErrands
from hub.flow.humans import FlowHumans
from hub.loading import SHIPPED_AGENTS
from hub.manifests import Agent, load_agents
from hub.packages.installer import Installer
from hub.ports import Add, Bridge, Documents, Store, Tool, Workspaces
from hub.records import HOME, OWNER, Address, Incoming, Link, Message, Person, PersonId, Task, Tenant, Text, new_id
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import FakeChecking, FakeClock, ScriptedLLM, settle

CHAT = Address(bridge="http", chat="owner/main")


class Day:
    """Opens a hub, says things to it, and looks at what came of it."""

    def __init__(
        self,
        llm: ScriptedLLM,
        *,
        store: Store | None = None,
        clock: FakeClock | None = None,
        limits: LimitsConfig | None = None,
        alerts: AlertsConfig | None = None,
        bridges: Mapping[str, Bridge] | None = None,
        documents: Documents | None = None,
        agents: Mapping[str, Agent] | None = None,
        tools: Sequence[Tool] = (),
        accounts: Sequence[BridgeAccount] = (),
        linked: bool = True,
        errands: FlowErrands | None = None,
        aims: FlowAims | None = None,
        installer: Installer | None = None,
        checking: FakeChecking | None = None,
        workspaces: Workspaces | None = None,
        handover: HandoverConfig | None = None,
        humans: FlowHumans | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.llm = llm
        self.clock = clock or FakeClock()
        self.store = store or MemoryStore()
        self.documents = documents or MemoryDocuments()
        self.hub = Hub(
            Config(
                hub=HubConfig(data=str(Path("nowhere"))),
                limits=limits or LimitsConfig(),
                alerts=alerts or AlertsConfig(),
                bridges=tuple(accounts),
                handover=handover or HandoverConfig(),
            ),
            store=self.store,
            llm=llm,
            decider=llm,
            documents=self.documents,
            files=MemoryFiles(),
            clock=self.clock,
            agents=agents or load_agents([SHIPPED_AGENTS]),
            bridges=bridges or {},
            tools=tools,
            errands=errands,
            aims=aims,
            humans=humans,
            installer=installer,
            checking=checking,
            workspaces=checking.workspaces if checking else workspaces,
            outside=outside,
        )
        self._linked = linked
        self._group = asyncio.TaskGroup()
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.store.open()
        if await self.store.tenant(HOME) is None:
            await self.store.commit(Add(Tenant(id=HOME, name="Home", created_at=self.clock.now())))
        if await self.store.person(HOME, OWNER) is None:
            owner = Person(id=OWNER, tenant=HOME, name="Owner", role="owner", created_at=self.clock.now())
            links = [
                Add(Link(tenant=HOME, bridge=name, sender="ann", person=OWNER, created_at=self.clock.now()))
                for name in self.hub.bridges
                if self._linked
            ]
            await self.store.commit(Add(owner), *links)
        await self._group.__aenter__()
        await self.hub.spool.recover()
        self.hub.dispatcher.wake(*await self.store.lanes(self.clock.now(), 1000))
        self._work = self._group.create_task(self.hub.dispatcher.run(self.hub.work))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._work is not None
        self._work.cancel()
        await self._group.__aexit__(kind, error, trace)

    async def says(self, text: str, *, wish: str | None = None, reply_to: Message | None = None) -> Message:
        """Say something as the owner and wait until everything that follows from it is done."""
        message = await self.sends(text, wish=wish, reply_to=reply_to)
        await self.quiet()
        return await self.now(message)

    async def sends(
        self, text: str, *, wish: str | None = None, reply_to: Message | None = None, id: str = "", chat: str = "main"
    ) -> Message:
        """Say something and don't wait."""
        incoming = Incoming(
            address=Address(bridge="http", chat=f"owner/{chat}"),
            external_id=id or new_id(),
            sender=OWNER,
            parts=(Text(text),),
            sent_at=self.clock.now(),
            wish=wish,
            reply_to=reply_to.external_id if reply_to else None,
        )
        message, _ = await self.hub.inbox.keep(incoming)
        return message

    async def sends_as(self, name: str, text: str) -> Message:
        """Have somebody else say something in a chat of their own."""
        person = Person(id=PersonId(name), tenant=HOME, name=name, created_at=self.clock.now())
        await self.store.commit(Add(person))
        incoming = Incoming(
            address=Address(bridge="http", chat=f"{name}/main"),
            external_id=new_id(),
            sender=name,
            parts=(Text(text),),
            sent_at=self.clock.now(),
        )
        message, _ = await self.hub.inbox.keep(incoming)
        return message

    async def quiet(self) -> None:
        """Wait until no lane is worked on."""
        await until(lambda: not self.hub.dispatcher.busy, f"busy: {sorted(self.hub.dispatcher.busy)}")

    async def working(self) -> None:
        """Wait until a turn is being taken and the LLM has begun to speak."""
        spoken = len(self.llm.prompts)
        await until(lambda: bool(self.hub.turns.running) and len(self.llm.prompts) > spoken, "no turn was begun")
        await settle()

    def both_at_work(self) -> bool:
        """Say whether two answers are being written."""
        return len(self.llm.prompts) == 2

    async def now(self, message: Message) -> Message:
        """Return a message as it stands now."""
        found = await self.store.message(message.id)
        assert found is not None
        return found

    async def replies(self, message: Message) -> list[str]:
        """Return what was said in answer to a message."""
        return [reply.text for reply in await self.store.replies(message.id)]

    async def task(self, number: int) -> Task:
        """Return the owner's task of that number."""
        found = await self.store.task_by_number(HOME, OWNER, number)
        assert found is not None, f"no task {number}"
        return found

    async def transcript(self, number: int) -> list[str]:
        """Return what was said in a task, in order."""
        task = await self.task(number)
        return [message.text for message in await self.store.messages_of_task(task.id, limit=100)]


@asynccontextmanager
async def at_work(day: Day, *bridges: Bridge) -> AsyncIterator[None]:
    """Run bridges, each handing over to the hub."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(bridge.run(day.hub.inbox.accept)) for bridge in bridges]
        running.append(group.create_task(day.hub.showing.run()))
        running.append(group.create_task(day.hub.progress.run()))
        yield
        for run in running:
            run.cancel()


async def until(true: Callable[[], bool], otherwise: str) -> None:
    """Let everything go on until something is true; tools work in threads, so that may take some milliseconds."""
    for beat in range(3_000):
        await asyncio.sleep(0 if beat < 1_000 else 0.002)
        if true():
            return
    raise AssertionError(otherwise)


def overlap(prefix: str, text: str) -> float:
    """Score a text by the words it shares with what stands before it: what a scripted router goes by."""
    known = set(prefix.lower().split())
    words = text.lower().split()
    return sum(-1.0 if word in known else -6.0 for word in words)


__all__ = ["CHAT", "Day", "at_work", "overlap", "until"]
