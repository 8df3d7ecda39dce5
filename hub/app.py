"""Builds the parts: the only file that names concrete classes, but for models (llms.py)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

import hub
from hub.accounts import name_of, threads_of
from hub.config import Config, timezone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.flow import weights
from hub.flow.access import Access
from hub.flow.agreeing import Agreeing
from hub.flow.aiming import FlowAims, Told
from hub.flow.calling import Calls
from hub.flow.checking import Checks
from hub.flow.commands import Commands, Handler
from hub.flow.corrections import Corrections
from hub.flow.crowds import Slots
from hub.flow.doors import Doors
from hub.flow.edits import Edits
from hub.flow.elsewhere import Elsewhere
from hub.flow.endings import Endings
from hub.flow.errands import FlowErrands, Parts
from hub.flow.following import FollowCommands, Following
from hub.flow.guard import Guard
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.flow.labels import Labels
from hub.flow.leave import Leave
from hub.flow.letters import Letters
from hub.flow.links import Links
from hub.flow.meant import Meant
from hub.flow.moving import Moving
from hub.flow.offering import Offering
from hub.flow.outbox import Outbox
from hub.flow.pairing import Pairings
from hub.flow.people import People
from hub.flow.pinning import Pinning
from hub.flow.questions import Questions
from hub.flow.retraction import Retraction
from hub.flow.rights import Rights
from hub.flow.router import Router
from hub.flow.routes import Routes
from hub.flow.scheduler import Scheduler
from hub.flow.showing import Showing
from hub.flow.sizes import Sizes
from hub.flow.speaking import Speaker
from hub.flow.supervisor import Supervisor
from hub.flow.tasks import Tasks
from hub.flow.toolbox import Toolbox
from hub.flow.turns import Turns
from hub.flow.uploads import Uploads
from hub.flow.waits import Waits
from hub.flow.watching import Watching
from hub.flow.weigher import Weigher
from hub.manifests import Agent
from hub.packages.installer import Installed, Installer
from hub.packages.own import Own
from hub.ports import LLM, Bridge, Checking, Clock, Documents, Files, Store, Tool, Workspaces
from hub.records import new_id
from hub.spool import Spool
from hub.store.ranking import FullTextRanking
from hub.store.sqlite import is_short
from hub.tools import built_in
from hub.web.services import AgentInfo, RouterInfo, Services, StoreInfo

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a bridge that stumbled is begun again."""


class Hub:
    """All parts of a hub, built from outside ones: store, LLMs, documents, clock, bridges."""

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        llm: LLM,
        decider: LLM,
        documents: Documents,
        files: Files,
        clock: Clock,
        agents: Mapping[str, Agent],
        bridges: Mapping[str, Bridge],
        tools: Sequence[Tool] = (),
        installer: Installer | None = None,
        sweeps: Sequence[Callable[[], Awaitable[None]]] = (),
        own: Callable[[], Sequence[Own]] = tuple,
        errands: FlowErrands | None = None,
        aims: FlowAims | None = None,
        checking: Checking | None = None,
        workspaces: Workspaces | None = None,
    ) -> None:
        self.config = config
        self._checking, self._workspaces = checking, workspaces
        self.store, self.files = store, files
        self.llm, self.decider = llm, decider
        self.uploads = Uploads(store, files, documents, clock, config.limits.file_mb)
        self.clock = clock
        self.agents = agents = dict(agents)
        self.installer, self.own = installer, own
        self.bridges = bridges
        self.boot = new_id()
        self.started_at = clock.now()
        self.closing = asyncio.Event()
        limits, default = config.limits, config.agents.default
        self.feed = LocalFeed()
        self.dispatcher = LocalDispatcher(clock)
        journal = Journal(store, self.feed, self.dispatcher, clock)
        self.spool = spool = Spool(store, self.boot)
        self.people = People(store, clock)
        accounts = {name_of(account): account for account in config.bridges}
        guard = Guard(clock, accounts)
        labels, elsewhere = Labels(store, clock, limits.reopen_hours), Elsewhere(store, clock, bridges)
        self.outbox = outbox = Outbox(store, spool, journal, clock, bridges, labels, elsewhere, guard)
        links, following = Links(store), Following(store, clock)
        self.pairings = Pairings(store, journal, outbox, links, clock)
        access = Access(store, links, self.pairings, clock, accounts)
        self.showing = Showing(store, self.feed, clock, bridges, labels)
        self.inbox = Inbox(store, spool, journal, outbox, clock, limits, access, guard)
        self.toolbox = toolbox = _toolbox(config, clock, documents, tools, decider, llm)
        if installer:
            installer.watch(self._equipping(toolbox, agents))
        self.sizes = Sizes(llm, decider, toolbox, agents[default], limits)
        self.turns = self._turns(journal, following)
        self.leave = Leave(store, journal, clock, toolbox)
        self.tasks = self._tasks(journal, documents, errands or FlowErrands(), aims or FlowAims())
        self._route(journal, following, {name for name, account in accounts.items() if not threads_of(account)})
        self.letters = Letters(store, journal)
        keep = timedelta(days=config.store.keep_events_days)
        self.scheduler = Scheduler(store, clock, self.dispatcher, self.routes.expire, keep, sweeps)

    def _tasks(self, journal: Journal, documents: Documents, errands: FlowErrands, aims: FlowAims) -> Tasks:
        """Build what changes tasks, and have tools' errands run from now on."""
        store, clock, agents, zone = self.store, self.clock, self.agents, self.config.hub.timezone
        limits, default = self.config.limits, self.config.agents.default
        self.agreeing = Agreeing(store, journal, self.outbox, clock)
        tasks = Tasks(
            store,
            self.spool,
            journal,
            self.inbox,
            clock,
            self.turns,
            limits,
            zone,
            agents,
            default,
            documents,
            self.checks,
            self.agreeing,
        )
        rights = Rights(store, clock)
        errands.open(Parts(store, journal, self.outbox, clock, tasks, self.toolbox, rights, agents, zone))
        aims.open(Told(store, clock, self.agreeing, self.checks, self.watching, agents, zone))
        return tasks

    def _criteria(self, agent: str) -> str:
        found = self.agents.get(agent)
        return found.supervisor if found else ""

    def _turns(self, journal: Journal, following: Following) -> Turns:
        """Build what takes turns: what an agent says, which calls it may make, how it ends."""
        config, store, spool, clock, feed, llm = self.config, self.store, self.spool, self.clock, self.feed, self.llm
        zone, limits, rights = config.hub.timezone, config.limits, Rights(store, clock)
        waits, supervisor = Waits(store, journal, clock, zone), Supervisor(self.decider, self._criteria)
        watching = self.watching = Watching(store, self._checking, clock, zone)
        outbox, workspaces = self.outbox, self._workspaces
        endings = Endings(
            store,
            spool,
            journal,
            outbox,
            feed,
            clock,
            supervisor,
            zone,
            following,
            waits,
            watching,
            self.toolbox,
            workspaces,
        )
        pinning = Pinning(store, clock, self.installer.editions if self.installer else None)
        self.checks = checks = Checks(self._checking, self.toolbox, rights, pinning, clock, self._workspaces)
        calls = Calls(store, clock, self.toolbox, rights, limits.approval_minutes, pinning)
        speaker = Speaker(store, self.files, feed, clock, llm, self.toolbox, calls, config.llm, zone)
        slots, default = Slots(limits.tasks_at_once), config.agents.default
        return Turns(
            store,
            spool,
            journal,
            clock,
            llm,
            speaker,
            endings,
            slots,
            rights,
            self.agents,
            default,
            pinning,
            checks,
            watching,
        )

    def _route(self, journal: Journal, following: Following, threadless: Collection[str]) -> None:
        """Build what finds the task that a message is about, and what obeys commands."""
        store, spool, outbox, clock, tasks = self.store, self.spool, self.outbox, self.clock, self.tasks
        limits, zone, decider = self.config.limits, self.config.hub.timezone, self.decider
        retraction = Retraction(store, outbox, clock)
        edits = Edits(store, spool, journal, clock, self.turns, retraction)
        routes = self.routes = Routes(store, spool, journal, clock, tasks, following, threadless)
        self.corrections = Corrections(store, spool, journal, clock, tasks, routes, self.turns, retraction)
        meant = Meant(store)
        moving = Moving(store, clock, meant, self.corrections, limits.reopen_hours)
        questions = self.questions = Questions(store, routes, tasks, moving, self.leave, self.agreeing)
        self.router = Router(
            store,
            spool,
            journal,
            outbox,
            clock,
            routes,
            questions,
            Weigher(decider, limits, self.toolbox.wants_one),
            limits,
            edits,
            threadless,
        )
        follow = FollowCommands(following, meant)
        others: dict[str, Handler] = {
            **Doors(store, self.pairings, self.bridges, self.leave).commands,
            "move": moving.move,
            "follow": follow.follow,
            "unfollow": follow.unfollow,
        }
        self.commands = Commands(
            store, spool, journal, outbox, clock, tasks, self.agents, self.llm, decider, zone, meant, questions, others
        )

    @staticmethod
    def _equipping(toolbox: Toolbox, agents: dict[str, Agent]) -> Callable[[Installed], None]:
        """Return what has installed tools and agents used: from the next turn on, a running one ends as it began."""
        own = dict(agents)

        def equip(installed: Installed) -> None:
            toolbox.equip(installed.tools)
            agents.clear()
            agents.update({**own, **installed.agents})

        return equip

    async def work(self, lane: str) -> None:
        """Do what waits in a lane."""
        match lane.partition(":")[0]:
            case "chat":
                await self.router.route(lane)
            case "now":
                await self.commands.obey(lane)
            case "task":
                await self.turns.take(lane)
            case _:
                await self.outbox.deliver(lane)

    async def run(self) -> None:
        """Take up what waits, then work until cancelled."""
        recovered = await self.spool.recover()
        if recovered:
            log.info("taking up %d entries that the last run had begun", len(recovered))
        self.dispatcher.wake(*await self.store.lanes(self.clock.now(), 100_000))
        self.scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.dispatcher.run(self.work))
                group.create_task(self.showing.run())
                if self.installer:
                    group.create_task(self.installer.run())
                for bridge in self.bridges.values():
                    group.create_task(self.connect(bridge))
        finally:
            self.scheduler.stop()
            self.feed.close()

    async def connect(self, bridge: Bridge) -> None:
        """Run a bridge until cancelled; one that stumbles is begun again after a while, and the rest goes on."""
        pause = FIRST_PAUSE
        while True:
            began = self.clock.monotonic()
            try:
                await bridge.run(self.inbox.accept)
            except Exception:
                log.exception("bridge %s: stumbled, begun again in %.0f s", bridge.name, pause)
            await self.clock.sleep(pause)
            lasted = self.clock.monotonic() - began
            pause = FIRST_PAUSE if lasted > 2 * LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)

    def services(self, secret: str) -> Services:
        """Return what the web needs."""
        return Services(
            config=self.config,
            version=hub.__version__,
            boot=self.boot,
            started_at=self.started_at,
            clock=self.clock,
            store=self.store,
            feed=self.feed,
            people=self.people,
            pairings=self.pairings,
            leave=self.leave,
            inbox=self.inbox,
            tasks=self.tasks,
            corrections=self.corrections,
            questions=self.questions,
            letters=self.letters,
            llm=self.llm,
            decisions=self.decider,
            agents=lambda: [
                AgentInfo(
                    name=agent.name,
                    description=agent.description,
                    model=agent.model,
                    tools=agent.tools,
                    version=agent.version,
                )
                for agent in self.agents.values()
            ],
            bridges=self.bridges,
            uploads=self.uploads,
            packages=self.installer,
            own=self.own,
            tools=self.toolbox.all,
            call=self.toolbox.tried,
            router=self._router_info,
            prompts=self.sizes.measured,
            store_info=self._store_info,
            unready=self._unready,
            secret=sha256(f"forgery:{secret}".encode()).digest(),
            closing=self.closing,
        )

    def _unready(self) -> str | None:
        if self.config.data.is_dir() and is_short(self.config.data):
            return "the disk is nearly full: no new messages are taken; make room"
        return None

    def _router_info(self) -> RouterInfo:
        info = self.decider.info
        return RouterInfo(rule="trained" if info.sha256 == weights.MODEL_SHA256 else "untrained", model=info.model)

    def _store_info(self) -> StoreInfo:
        path = self.config.data / "hub.db"
        return StoreInfo(path=str(path), bytes=path.stat().st_size if path.exists() else 0)


def _toolbox(
    config: Config, clock: Clock, documents: Documents, tools: Sequence[Tool], decider: LLM, llm: LLM
) -> Toolbox:
    offering = Offering(FullTextRanking(), config.limits.tool_tokens)
    return Toolbox((*built_in(clock, timezone(config), documents), *tools), decider, llm, offering=offering)
