"""Builds the parts: the only file that names concrete classes, but for models (llms.py)."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from hub.accounts import name_of, threads_of
from hub.business import Business, Desk, Outside
from hub.config import Config
from hub.dispatch.company import Company, by_itself, name_of_hub
from hub.duties import DUTIES, Duty, see_to
from hub.flow.access import Access
from hub.flow.agreeing import Agreeing
from hub.flow.aiming import FlowAims, Told
from hub.flow.artefacts import Artefacts
from hub.flow.auditing import audited
from hub.flow.calling import Calls
from hub.flow.catching_up import CatchingUp
from hub.flow.checking import Checks
from hub.flow.clockwatch import ClockWatch
from hub.flow.commands import Commands, Handler
from hub.flow.connecting import connect
from hub.flow.corrections import Corrections
from hub.flow.crowds import Slots
from hub.flow.daily import Daily
from hub.flow.desks import Desks
from hub.flow.direct import Direct
from hub.flow.doors import Doors
from hub.flow.edits import Edits
from hub.flow.elsewhere import Elsewhere
from hub.flow.endings import Endings
from hub.flow.errands import FlowErrands, Parts
from hub.flow.family import Family
from hub.flow.following import FollowCommands, Following
from hub.flow.forgetting import Forgetting
from hub.flow.guard import Guard
from hub.flow.habits import Habits
from hub.flow.halting import Halting
from hub.flow.humans import FlowHumans
from hub.flow.idling import Idling
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.flow.labels import Labels
from hub.flow.leave import Leave
from hub.flow.leaving import Leaving, Unindex
from hub.flow.lending import FlowLending
from hub.flow.letters import Letters
from hub.flow.links import Links
from hub.flow.meant import Meant
from hub.flow.moving import Moving
from hub.flow.outbox import Outbox
from hub.flow.outlines import Outlines
from hub.flow.pairing import Pairings
from hub.flow.people import People
from hub.flow.pinning import Pinning
from hub.flow.portrait import Portraits
from hub.flow.preferences import Preferences
from hub.flow.progress import Progress
from hub.flow.questions import Questions
from hub.flow.quiet import Quiet
from hub.flow.relaying import Relay
from hub.flow.retraction import Retraction
from hub.flow.rights import Rights
from hub.flow.router import Router
from hub.flow.routes import Routes
from hub.flow.scheduler import Scheduler
from hub.flow.showing import Showing
from hub.flow.sizes import Sizes
from hub.flow.speaking import Speaker
from hub.flow.splitting import Splitting
from hub.flow.stopping import Stopping
from hub.flow.supervisor import Supervisor
from hub.flow.tasks import Tasks
from hub.flow.timetable import Timetable
from hub.flow.toolbox import Toolbox
from hub.flow.turns import Turns
from hub.flow.uploads import Uploads
from hub.flow.waits import Waits
from hub.flow.watching import Watching
from hub.flow.weigher import Weigher
from hub.loading import toolbox_of
from hub.log import about
from hub.manifests import Agent
from hub.packages.installer import Installed, Installer
from hub.packages.own import Own
from hub.ports import LLM, Bridge, Checking, Clock, Documents, Files, Store, Tool, Workspaces
from hub.records import Link, Person, new_id
from hub.spool import Spool
from hub.times.zones import Zones
from hub.vault import Vault
from hub.watching import Watch

log = logging.getLogger(__name__)


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
        sweeps: Sequence[Duty] = (),
        own: Callable[[], Sequence[Own]] = tuple,
        errands: FlowErrands | None = None,
        aims: FlowAims | None = None,
        humans: FlowHumans | None = None,
        checking: Checking | None = None,
        company: Company | None = None,
        workspaces: Workspaces | None = None,
        unindex: Unindex | None = None,
        lending: FlowLending | None = None,
        vault: Vault | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.config, self.files, self.store = config, files, (store := audited(store, clock))
        self.llm, self.decider, self.clock, self.bridges = llm, decider, clock, bridges
        self.installer, self.own, self.agents = installer, own, (agents := dict(agents))
        self.artefacts = Artefacts(store, workspaces, files) if workspaces else None
        company = company or by_itself(new_id(), name_of_hub(config), clock)
        self.company, self.lending = company, lending or FlowLending(store)
        self.hubs, self.feed, self.dispatcher = company.hubs, company.feed, company.dispatcher
        self.boot, self.started_at, self.closing = company.hubs.boot, clock.now(), asyncio.Event()
        limits, self.watch = config.limits, (watch := Watch(config, store, clock, (llm, decider), bridges))
        journal, spool = Journal(store, self.feed, self.dispatcher, clock, watch.witness), Spool(store, self.boot)
        guard = Guard(clock, accounts := {name_of(account): account for account in config.bridges})
        elsewhere, self.zones = Elsewhere(store, clock, bridges), Zones(documents, config.hub.timezone)
        self.spool, self.preferences, check = spool, Preferences(documents, self.zones), self.hubs.check
        self.halting = halting = Halting(store, documents, self.hubs, clock, self.dispatcher.wake)
        labels, desks = Labels(store, clock, limits.reopen_hours), Desks(store, config.handover)
        showing = labels, elsewhere, guard, Quiet(store, self.preferences, clock), check, desks.signature
        self.outbox = outbox = Outbox(store, spool, journal, clock, bridges, *showing, lambda: halting.on)
        links, self.desk = Links(store), Desk(store, journal, outbox, clock, desks, humans)
        following, self.people, self.vault = Following(store, clock), People(store, clock), vault or Vault.fresh()
        self.business = self._business(documents, journal, elsewhere, outside)
        self.pairings = pairings = Pairings(store, journal, outbox, links, clock)
        access, allowance = Access(store, links, pairings, clock, accounts), self.business.allowance
        self.showing = Showing(store, self.feed, clock, bridges, labels, self._runs)
        self.inbox = Inbox(
            store, spool, journal, outbox, clock, limits, access, guard, allowance, config.handover.words
        )
        self.idling, self.toolbox = self._idling(journal), toolbox_of(config, clock, documents, tools, decider, llm)
        self.sizes = Sizes(llm, decider, self.toolbox, agents[config.agents.default], limits)
        self.turns = self._turns(journal, following, checking, workspaces)
        self.tasks = self._tasks(journal, errands or FlowErrands(), aims or FlowAims())
        self._route(journal, following, {name for name, account in accounts.items() if not threads_of(account)})
        self._upkeep(documents, links, Forgetting(store, workspaces), unindex)
        self._begin(journal, documents, sweeps)

    def _business(
        self, documents: Documents, journal: Journal, elsewhere: Elsewhere, outside: Outside | None
    ) -> Business:
        """Build what businesses have of the hub, but for what needs the inbox."""
        found = Business(self.store, self.clock, self.people, self.config, self.agents, documents, self.vault)
        found.tell(self.config, journal, self.outbox, elsewhere, self.feed, self.hubs, outside, lambda: self.halting.on)
        return found

    def _begin(self, journal: Journal, documents: Documents, sweeps: Sequence[Duty]) -> None:
        """Build what looks after the hub, and begins things at their time."""
        watch, sweep = self.watch, self.business.webhooks.sweep
        watch.open(journal, self.outbox, documents, lambda: self.turns.running)
        self.scheduler = self._scheduler(journal, (*sweeps, watch.health.check, sweep), watch)
        self.clockwatch = ClockWatch(self.store, self.clock, documents, self._clock_set)

    def _tell(self, journal: Journal, following: Following) -> None:
        """Build what tells people unasked how their tasks are, and keeps when they want to be told."""
        store, clock, outbox, preferences = self.store, self.clock, self.outbox, self.preferences
        self.progress = Progress(store, journal, outbox, following, self.feed, self.dispatcher, clock, preferences)
        self.daily = Daily(store, journal, outbox, clock, preferences)
        self.habits = Habits(preferences, outbox, self.daily, clock)

    def _scheduler(self, journal: Journal, sweeps: Sequence[Duty], watch: Watch) -> Scheduler:
        """Build what begins things at their time."""
        store, clock, keep = self.store, self.clock, timedelta(days=self.config.store.keep_events_days)
        catching_up = CatchingUp(store, journal, self.outbox, clock, self.zones)
        late, ticked = catching_up.look, watch.meters.ticked
        return Scheduler(store, clock, self.dispatcher, self._expire, late, keep, sweeps, ticked, self._on_duty)

    def _tasks(self, journal: Journal, errands: FlowErrands, aims: FlowAims) -> Tasks:
        """Build what changes tasks, and have tools' errands run from now on."""
        self.leave, self.letters = Leave(self.store, journal, self.clock, self.toolbox), Letters(self.store, journal)
        store, clock, agents, zones = self.store, self.clock, self.agents, self.zones
        if self.installer:
            self.installer.watch(self._equipping(self.toolbox, agents))
        limits, choosing, agreeing = self.config.limits, self.business.choosing, self.agreeing
        spool, inbox, turns, family = self.spool, self.inbox, self.turns, Family(store, journal, clock)
        tasks = Tasks(store, spool, journal, inbox, clock, turns, limits, zones, choosing, family, agreeing)
        rights = Rights(store, clock)
        splitting = Splitting(store, journal, clock, tasks, rights, limits, agents, choosing)
        self.outlines = outlines = Outlines(store, journal, clock)
        box = self.toolbox
        errands.open(Parts(store, journal, self.outbox, clock, tasks, box, rights, outlines, splitting, agents, zones))
        aims.open(Told(store, clock, agreeing, self.checks, self.watching, agents, zones))
        self.direct = Direct(store, journal, self.outbox, clock, tasks, box, rights, agents, self.config)
        return tasks

    def _idling(self, journal: Journal) -> Idling:
        """Build what knows whether there's anything to be up for."""
        parts, busy = (self.store, journal, self.inbox, self.clock), lambda: self.dispatcher.busy
        return Idling(*parts, lanes=busy, running=lambda: self.turns.running, others=self.business.webhooks.waiting)

    async def _expire(self) -> None:
        """See to entries that were held for a time: questions nobody answered, what quiet hours held back."""
        await self.routes.expire()
        await self.outbox.release()

    def _upkeep(self, documents: Documents, links: Links, forgetting: Forgetting, unindex: Unindex | None) -> None:
        """Build what hands a person's own data over, and what erases it."""
        self.business.open(self.inbox)
        self.relay = Relay(self.hubs, documents)

        def forgotten(person: Person, theirs: Sequence[Link]) -> None:
            self.people.forget()
            for link in theirs:
                links.forget(link.tenant, link.bridge, link.sender)

        store, files, cancel = self.store, self.files, self.tasks.cancel
        most = self.config.limits.file_mb
        self.uploads = Uploads(store, files, documents, self.clock, most, self.business.allowance)
        self.portraits = Portraits(store, files, documents, self.clock)
        self.leaving = Leaving(
            store, files, documents, self.clock, forgetting, cancel=cancel, forgotten=forgotten, unindex=unindex
        )
        self.business.erase_by(self.leaving, forgetting, self.desk.handing.forget)

    def _criteria(self, agent: str) -> str:
        found = self.agents.get(agent)
        return found.supervisor if found else ""

    def _turns(
        self, journal: Journal, following: Following, checking: Checking | None, workspaces: Workspaces | None
    ) -> Turns:
        """Build what takes turns: what an agent says, which calls it may make, how it ends."""
        self._tell(journal, following)
        config, store, spool, clock, feed, llm = self.config, self.store, self.spool, self.clock, self.feed, self.llm
        zone, limits, rights = config.hub.timezone, config.limits, Rights(store, clock)
        family = Family(store, journal, clock)
        waits, supervisor = Waits(store, journal, clock, zone), Supervisor(self.decider, self._criteria)
        watching = self.watching = Watching(checking, clock, zone)
        outbox, progress, made, box = self.outbox, self.progress, self.artefacts, self.toolbox
        saying = outbox, feed, clock, supervisor, zone, following, waits
        files = made, workspaces, self.business.allowance
        drafting = self.desk.drafting
        endings = Endings(store, spool, journal, *saying, watching, box, family, progress, drafting, *files)
        pinning = Pinning(store, clock, self.installer.editions if self.installer else None)
        self.checks = checks = Checks(checking, box, rights, pinning, clock, workspaces)
        self.agreeing = Agreeing(store, journal, outbox, clock, checks)
        calls = Calls(store, clock, self.toolbox, rights, limits.approval_minutes, pinning)
        speaker = Speaker(
            store, self.files, feed, clock, llm, self.toolbox, calls, config.llm, zone, self.business.allowance
        )
        self.stopping = stopping = Stopping(store, self.hubs, clock)
        made_of = store, spool, journal, clock, llm, speaker, endings, Slots(limits.tasks_at_once, clock), rights
        seen_to = stopping, family, checks, watching, drafting, self.business.allowance
        return Turns(*made_of, self.business.choosing, pinning, *seen_to)

    def _runs(self, bridge: str) -> bool:
        return self.hubs.holds(f"bridge:{bridge}")

    def _on_duty(self) -> bool:
        return self.hubs.holds(DUTIES)

    def _route(self, journal: Journal, following: Following, threadless: Collection[str]) -> None:
        """Build what finds the task that a message is about, and what obeys commands."""
        store, spool, outbox, clock, tasks = self.store, self.spool, self.outbox, self.clock, self.tasks
        limits, decider = self.config.limits, self.decider
        retraction = Retraction(store, outbox, clock)
        edits = Edits(store, spool, journal, clock, self.turns, retraction)
        routes = self.routes = Routes(store, spool, journal, clock, tasks, following, threadless)
        self.corrections = Corrections(store, spool, journal, clock, tasks, routes, self.turns, retraction)
        meant = Meant(store)
        moving = Moving(store, clock, meant, self.corrections, limits.reopen_hours)
        timetable = self.timetable = Timetable(store, journal, clock, tasks, self.zones, meant)
        agreeing = self.agreeing
        questions = self.questions = Questions(store, routes, tasks, moving, self.leave, timetable.plan, agreeing)
        weigher = Weigher(decider, limits, self.toolbox.wants_one)
        first = store, spool, journal, outbox, clock, routes, questions
        self.router = Router(*first, weigher, limits, edits, threadless)
        follow = FollowCommands(following, meant)
        others: dict[str, Handler] = {
            **Doors(store, self.pairings, self.bridges, self.leave).commands,
            **timetable.commands,
            "human": self.desk.commands.human,
            "move": moving.move,
            "quiet": self.habits.quiet,
            "digest": self.habits.digest,
            "follow": follow.follow,
            "unfollow": follow.unfollow,
        }
        agents, llm, made = self.agents, self.llm, self.artefacts
        self.commands = Commands(
            store,
            spool,
            journal,
            outbox,
            clock,
            tasks,
            agents,
            self.business.choosing,
            llm,
            decider,
            meant,
            questions,
            others,
            made,
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

    def _clock_set(self) -> None:
        self.scheduler.anew()
        self.watch.health.clock_set()

    async def work(self, lane: str) -> None:
        """Do what waits in a lane."""
        with about(lane=lane):
            match lane.partition(":")[0]:
                case "chat":
                    await self.halting.unless(self.router.route(lane))
                case "now":
                    await self.commands.obey(lane)
                case "task":
                    await self.halting.unless(self.turns.take(lane))
                case "progress":
                    await self.halting.unless(self.progress.look(lane))
                case _:
                    await self.outbox.deliver(lane)

    async def run(self) -> None:
        """Take up what waits, then work until cancelled; raises HubEnded if others took over meanwhile."""
        await self._take_over()
        await self.halting.look()
        await self.outbox.release()
        if not self.company.find:
            self.dispatcher.wake(*await self.store.lanes(self.clock.now(), 100_000))
        # What fell due while the hub was away is seen to before anything else is.
        await self.scheduler.tick()
        await self.scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.hubs.run(self._take_over))
                group.create_task(self.dispatcher.run(self.work))
                group.create_task(self.showing.run())
                group.create_task(self.stopping.run(self.turns.stop_here))
                group.create_task(self.leaving.run())
                group.create_task(self.halting.run())
                group.create_task(self.business.clearing.run())
                group.create_task(see_to(self.hubs, self.clock, self._duties()))
                if self.installer:
                    group.create_task(self.installer.run())
                if self.company.tell:
                    group.create_task(self.company.tell())
                    group.create_task(self.lending.share(self.relay))
                for bridge in self.bridges.values():
                    group.create_task(connect(bridge, self.inbox.accept, self.hubs, self.clock))
        finally:
            self.scheduler.stop()
            self.feed.close()

    async def _take_over(self) -> None:
        """Take up what hubs had begun that live no more."""
        recovered = await self.spool.recover(await self.hubs.living())
        if recovered:
            log.info("taking up %d entries that an earlier run, or another hub, had begun", len(recovered))

    def _duties(self) -> Sequence[Duty]:
        """Return what one hub does for all."""

        async def find_lost() -> None:
            await self.company.find_lost(self.store, self.clock)

        told = self.progress.run, self.daily.run, self.desk.overdue.run, self.watch.herald.run
        return self.clockwatch.run, *told, self.business.webhooks.run, find_lost
