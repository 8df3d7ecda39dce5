"""Builds the parts: the only file that names concrete classes, but for models (llms.py)."""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cache, partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

import bridges as platforms
import hub
from hub import log as logs
from hub.accounts import kind_of, name_of, secrets_of, threads_of
from hub.clock import SystemClock
from hub.config import Config, backends, timezone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.egress.guard import GuardedEgress
from hub.errors import ConfigError, ManifestError, StartError
from hub.flow import weights
from hub.flow.access import Access
from hub.flow.commands import Commands, Handler
from hub.flow.corrections import Corrections
from hub.flow.crowds import Slots
from hub.flow.desk import FrontDesk
from hub.flow.doors import Doors
from hub.flow.edits import Edits
from hub.flow.elsewhere import Elsewhere
from hub.flow.endings import Endings
from hub.flow.following import FollowCommands, Following
from hub.flow.guard import Guard
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.flow.labels import Labels
from hub.flow.letters import Letters
from hub.flow.links import Links
from hub.flow.meant import Meant
from hub.flow.moving import Moving
from hub.flow.outbox import Outbox
from hub.flow.pairing import Pairings
from hub.flow.people import People, owner_secret
from hub.flow.questions import Questions
from hub.flow.retraction import Retraction
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
from hub.flow.weigher import Weigher
from hub.llms import Models
from hub.manifests import Agent, load_agents, load_plugins, load_scripts
from hub.outward import at
from hub.packages.agents import Agents
from hub.packages.hosts import Supplies
from hub.packages.installer import Installed, Installer
from hub.packages.own import Origin, Own, found
from hub.packages.plugins import Plugins, check, plugin_tools
from hub.packages.programs import Programs
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.packages.servers import servers_of
from hub.packages.skills import Skills
from hub.ports import LLM, Bridge, Clock, Documents, Files, Store, Tool
from hub.records import new_id
from hub.spool import Spool
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.sql import SqlStore
from hub.store.sqlite import is_short
from hub.tools import built_in
from hub.web.services import AgentInfo, RouterInfo, Services, StoreInfo

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a bridge that stumbled is begun again."""

SHIPPED_AGENTS = Path(__file__).parent.parent / "agents"
SHIPPED_PLUGINS = Path(__file__).parent.parent / "plugins"
SHIPPED_SCRIPTS = Path(__file__).parent.parent / "scripts"


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
        own: Callable[[], Sequence[Own]] = tuple,
    ) -> None:
        self.config = config
        self.store = store
        self.llm = llm
        self.decider = decider
        self.files = files
        self.uploads = Uploads(store, files, documents, clock, config.limits.file_mb)
        self.clock = clock
        self.agents = agents = dict(agents)
        self.installer, self.own = installer, own
        self.bridges = bridges
        self.boot = new_id()
        self.started_at = clock.now()
        self.closing = asyncio.Event()
        zone, limits, default = config.hub.timezone, config.limits, config.agents.default
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
        endings = Endings(store, spool, journal, outbox, self.feed, clock, Supervisor(decider), zone, following)
        self.toolbox = toolbox = Toolbox((*built_in(clock, timezone(config), documents), *tools), decider, llm)
        if installer:
            installer.watch(self._equipping(toolbox, agents))
        self.sizes = Sizes(llm, decider, toolbox, agents[default], limits)
        speaker = Speaker(store, files, self.feed, clock, llm, toolbox, config.llm, zone)
        self.turns = Turns(
            store, spool, journal, clock, llm, speaker, endings, Slots(limits.tasks_at_once), agents, default
        )
        self.tasks = Tasks(
            store, spool, journal, self.inbox, clock, self.turns, limits, zone, agents, default, documents
        )
        self._route(journal, following, {name for name, account in accounts.items() if not threads_of(account)})
        self.letters = Letters(store, journal)
        keep = timedelta(days=config.store.keep_events_days)
        self.scheduler = Scheduler(store, clock, self.dispatcher, self.routes.expire, keep)

    def _route(self, journal: Journal, following: Following, threadless: Collection[str]) -> None:
        """Build what finds the task that a message is about, and what obeys commands."""
        store, spool, outbox, clock, tasks = self.store, self.spool, self.outbox, self.clock, self.tasks
        limits, zone, decider = self.config.limits, self.config.hub.timezone, self.decider
        retraction = Retraction(store, outbox)
        edits = Edits(store, spool, journal, clock, self.turns, retraction)
        routes = self.routes = Routes(store, spool, journal, clock, tasks, following, threadless)
        self.corrections = Corrections(store, spool, journal, clock, tasks, routes, self.turns, retraction)
        meant = Meant(store)
        moving = Moving(store, clock, meant, self.corrections, limits.reopen_hours)
        questions = self.questions = Questions(store, routes, tasks, moving)
        self.router = Router(
            store, spool, journal, outbox, clock, routes, questions, Weigher(decider, limits), limits, edits, threadless
        )
        follow = FollowCommands(following, meant)
        others: dict[str, Handler] = {
            **Doors(store, self.pairings, self.bridges).commands,
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
            call=self.toolbox.call,
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


async def opened(
    config: Config, stack: AsyncExitStack, bridges: Mapping[str, Bridge], tools: Sequence[Tool]
) -> tuple[Hub, str]:
    """Build a hub over what the config names, and return it with its owner's key; `stack` closes it.

    `bridges` and `tools` come along besides those that the config names; a bridge in place of one with its name. Raises
    ConfigError and StartError.
    """
    secrets = [*(llm.key for _, llm in backends(config)), *chain(*map(secrets_of, config.bridges))]
    secrets += [secret.value for secret in config.packages.secrets]
    redaction = logs.configure(config.hub.log, config.hub.log_level, secrets=secrets)
    data = config.data
    _make_folder(data)
    store = SqlStore.at(config.store.url, data)
    await store.open()
    stack.push_async_callback(store.close)
    secret = owner_secret(data / "owner.key", os.environ.get("AGENTHOST_OWNER_KEY"))
    redaction.hide(secret)
    clock, documents, files = SystemClock(), FileDocuments(data / "documents"), FileStore(data / "files")
    await files.open()
    agents = agents_of(config)
    egress = GuardedEgress((*config.egress.allow, *map(at, config.registries)))
    scripts = Scripts()
    stack.push_async_callback(scripts.close)
    supplies = Supplies(
        egress=egress,
        secrets={secret.name: secret.value for secret in config.packages.secrets},
        seal=Seal.at(data / "snapshot.key"),
    )
    known = (*(await _plugins(config, scripts, documents, supplies)), *tools)
    taken = [tool.name for tool in (*built_in(clock, timezone(config), documents), *known)]
    given, servers = (scripts, documents, supplies), servers_of(config, egress.dial, clock)
    kinds = (Plugins(*given), Programs(*given), Agents(), Skills(), servers)
    installer = Installer(store, data / "packages", kinds, clock, tools=taken, agents=agents)
    stack.push_async_callback(installer.close)
    folders = [*_folders(config.agents.folder), *_folders(config.packages.folder)]
    origins: Mapping[Origin, Sequence[Path]] = {"shipped": [SHIPPED_AGENTS, SHIPPED_PLUGINS], "folder": folders}
    models = Models(config, os.environ, documents, clock)
    await models.open()
    stack.push_async_callback(models.close)
    parts = Hub(
        config,
        store=store,
        llm=models.chat,
        decider=models.decider,
        documents=documents,
        files=files,
        clock=clock,
        agents=agents,
        bridges={**accounts(config, store, files, documents, clock), **bridges},
        tools=known,
        installer=installer,
        own=cache(partial(found, kinds, origins)),
    )
    await installer.open()
    await parts.people.ensure_owner(secret)
    return parts, secret


def accounts(config: Config, store: Store, files: Files, documents: Documents, clock: Clock) -> dict[str, Bridge]:
    """Return the bridge of each account that the config names; raises ConfigError if one can't be loaded."""
    named = {name_of(account): account for account in config.bridges}
    desk = FrontDesk(store, clock, config.limits.reopen_hours, named)
    return {
        name_of(account): platforms.load(kind_of(account))(
            account, files=files, desk=desk, documents=documents, clock=clock
        )
        for account in config.bridges
    }


def agents_of(config: Config) -> dict[str, Agent]:
    """Return all agents by name; raises ConfigError if one is faulty, or the default one isn't there."""
    try:
        agents = load_agents([SHIPPED_AGENTS, *_folders(config.agents.folder)])
    except ManifestError as error:
        raise ConfigError(f"agents.folder: {error}") from None
    if config.agents.default not in agents:
        raise ConfigError(
            f"agents.default: there's no agent {config.agents.default!r}; there are: {', '.join(sorted(agents))}"
        )
    return agents


def _folders(own: str) -> list[Path]:
    return [Path(own).expanduser()] if own else []


async def _plugins(config: Config, scripts: Scripts, documents: Documents, supplies: Supplies) -> tuple[Tool, ...]:
    """Return the tools of the plugins and scripts that are there; those of the operator's own are checked first."""
    own = _folders(config.packages.folder)
    taken = [tool.name for tool in built_in(SystemClock(), timezone(config), documents)]
    try:
        for plugin in (*load_plugins(own).values(), *load_scripts(own).values()):
            await check(plugin, scripts)
        plugins = load_plugins([SHIPPED_PLUGINS, *own])
        programs = load_scripts([SHIPPED_SCRIPTS, *own])
        if both := sorted(plugins.keys() & programs.keys()):
            raise ManifestError(
                f"{both[0]}: there's a plugin and a script of that name; call one of them something else"
            )
        return plugin_tools({**plugins, **programs}, taken, scripts, documents, supplies)
    except ManifestError as error:
        raise ConfigError(f"packages.folder: {error}") from None


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"hub.data: {data} can't be made ({error.strerror}); name another with --data, or mend its rights"
        ) from None
