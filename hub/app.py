"""Builds the parts, starts and stops them. The only file that names concrete classes, but for models (llms.py)."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

import hub
from hub import log as logs
from hub.clock import SystemClock
from hub.config import Config, Reloader, backends, timezone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.errors import ConfigError, ManifestError, StartError
from hub.flow import weights
from hub.flow.commands import Commands
from hub.flow.corrections import Corrections
from hub.flow.crowds import Slots
from hub.flow.endings import Endings
from hub.flow.inbox import Inbox
from hub.flow.journal import Journal
from hub.flow.letters import Letters
from hub.flow.outbox import Outbox
from hub.flow.people import People, owner_secret
from hub.flow.questions import Questions
from hub.flow.router import Router
from hub.flow.routes import Routes
from hub.flow.scheduler import Scheduler
from hub.flow.speaking import Speaker
from hub.flow.supervisor import Supervisor
from hub.flow.tasks import Tasks
from hub.flow.toolbox import Toolbox
from hub.flow.turns import Turns
from hub.flow.weigher import Weigher
from hub.llms import Models
from hub.manifests import Agent, load_agents, load_plugins
from hub.packages.plugins import check, plugin_tools
from hub.packages.scripts import Scripts
from hub.ports import LLM, Bridge, BridgeInfo, Clock, Documents, Store, Tool
from hub.records import new_id
from hub.spool import Spool
from hub.store.documents import FileDocuments
from hub.store.sql import SqlStore
from hub.store.sqlite import is_short
from hub.tools import built_in
from hub.web.app import build
from hub.web.server import Server
from hub.web.services import AgentInfo, RouterInfo, Services, StoreInfo

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a bridge that stumbled is begun again."""

SHIPPED_AGENTS = Path(__file__).parent.parent / "agents"
SHIPPED_PLUGINS = Path(__file__).parent.parent / "plugins"


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
        clock: Clock,
        agents: Mapping[str, Agent],
        bridges: Mapping[str, Bridge],
        tools: Sequence[Tool] = (),
    ) -> None:
        self.config = config
        self.store = store
        self.llm = llm
        self.decider = decider
        self.clock = clock
        self.agents = agents
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
        self.outbox = outbox = Outbox(store, spool, journal, clock, bridges)
        self.inbox = Inbox(store, spool, journal, outbox, clock, limits)
        endings = Endings(store, spool, journal, outbox, self.feed, clock, Supervisor(decider), zone)
        toolbox = Toolbox((*built_in(clock, timezone(config), documents), *tools), decider, llm)
        speaker = Speaker(store, self.feed, clock, llm, toolbox, config.llm, zone)
        self.turns = Turns(
            store, spool, journal, clock, llm, speaker, endings, Slots(limits.tasks_at_once), agents, default
        )
        self.tasks = tasks = Tasks(
            store, spool, journal, self.inbox, clock, self.turns, limits, zone, agents, default, documents
        )
        routes = Routes(store, spool, journal, clock, tasks)
        self.questions = Questions(store, routes, tasks)
        weigher = Weigher(decider, limits)
        self.router = Router(store, spool, journal, outbox, clock, routes, self.questions, weigher, limits)
        self.corrections = Corrections(store, spool, journal, clock, tasks, routes, self.turns)
        self.commands = Commands(
            store, spool, journal, outbox, clock, tasks, self.corrections, agents, llm, decider, zone
        )
        self.letters = Letters(store, journal)
        keep = timedelta(days=config.store.keep_events_days)
        self.scheduler = Scheduler(store, clock, self.dispatcher, routes.expire, keep)

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
            inbox=self.inbox,
            tasks=self.tasks,
            corrections=self.corrections,
            questions=self.questions,
            letters=self.letters,
            llm=self.llm,
            decisions=self.decider,
            agents=lambda: [
                AgentInfo(name=agent.name, description=agent.description, model=agent.model, tools=agent.tools)
                for agent in self.agents.values()
            ],
            bridges=lambda: [BridgeInfo(name="http", kind="http"), *(bridge.info for bridge in self.bridges.values())],
            router=self._router_info,
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


def serve(
    config: Config,
    config_path: Path | None = None,
    *,
    bridges: Mapping[str, Bridge] | None = None,
    tools: Sequence[Tool] = (),
) -> int:
    """Run a hub until SIGINT or SIGTERM; return the exit code. Raises ConfigError and StartError.

    SIGHUP has the config looked at again: a changed and good one takes over, a bad one is logged and changes nothing.
    `bridges` and `tools` come along besides those that the config names.
    """
    return asyncio.run(_serve(config, config_path, bridges or {}, tools))


async def _serve(config: Config, config_path: Path | None, bridges: Mapping[str, Bridge], tools: Sequence[Tool]) -> int:
    reloader = Reloader(config_path, os.environ)
    running: Config | None = config
    while running is not None:
        async with AsyncExitStack() as stack:
            hub_, secret = await _opened(running, stack, bridges, tools)
            listening = stack.enter_context(_listening(running))
            fresh = await _served(hub_, secret, listening, reloader)
        running = _kept(config, fresh) if fresh else None
    return 0


def _kept(config: Config, fresh: Config) -> Config:
    """Return a fresh config; where the hub listens and keeps its data stays as it was until the next start."""
    hub_ = replace(fresh.hub, data=config.hub.data, host=config.hub.host, port=config.hub.port)
    return replace(fresh, hub=hub_)


async def _opened(
    config: Config, stack: AsyncExitStack, bridges: Mapping[str, Bridge], tools: Sequence[Tool]
) -> tuple[Hub, str]:
    """Build a hub over what the config names; `stack` closes it."""
    secrets = [llm.key for _, llm in backends(config) if llm.key]
    redaction = logs.configure(config.hub.log, config.hub.log_level, secrets=secrets)
    data = config.data
    _make_folder(data)
    agents = _agents(config)
    store = SqlStore.at(config.store.url, data)
    await store.open()
    stack.push_async_callback(store.close)
    secret = owner_secret(data / "owner.key", os.environ.get("AGENTHOST_OWNER_KEY"))
    redaction.hide(secret)
    documents, clock = FileDocuments(data / "documents"), SystemClock()
    installed = await _plugins(config, stack, documents)
    models = Models(config, os.environ, documents, clock)
    await models.open()
    stack.push_async_callback(models.close)
    parts = Hub(
        config,
        store=store,
        llm=models.chat,
        decider=models.decider,
        documents=documents,
        clock=clock,
        agents=agents,
        bridges=bridges,
        tools=(*installed, *tools),
    )
    await parts.people.ensure_owner(secret)
    return parts, secret


async def _served(parts: Hub, secret: str, listening: socket.socket, reloader: Reloader) -> Config | None:
    """Serve until told to stop (return None) or until a changed config is to take over (return it)."""
    server = Server(build(parts.services(secret)), closing=parts.closing)
    fresh: list[Config] = []

    def stop() -> None:
        server.should_exit = True

    in_terminal = os.isatty(0)

    def reload() -> None:
        if in_terminal and not os.isatty(0):
            stop()  # the terminal was closed: that's a hangup in the old sense
        elif config := reloader.look():
            fresh.append(config)
            stop()

    loop = asyncio.get_running_loop()
    for number, handler in ((signal.SIGINT, stop), (signal.SIGTERM, stop), (signal.SIGHUP, reload)):
        loop.add_signal_handler(number, handler)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(parts.run())
        group.create_task(_greet(parts, server, listening))
        await server.serve(sockets=[listening])
        work.cancel()
    return fresh[-1] if fresh else None


async def _greet(parts: Hub, server: Server, listening: socket.socket) -> None:
    """Print the sign-in link once the page can be had."""
    while not server.started:
        if server.should_exit:
            return
        await parts.clock.sleep(0.02)
    host, port = listening.getsockname()[:2]
    base = parts.config.hub.url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    sys.stdout.write(
        f"AgentHost {hub.__version__} is at {base} – this link signs you in, for an hour:\n"
        f"{base}/sign-in#{parts.people.new_code()}\n"
    )
    sys.stdout.flush()


@contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    """Return a socket at the configured address; raises StartError if that can't be had."""
    where = (config.hub.host, config.hub.port)
    try:
        family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server(where, family=family, backlog=1024)
    except OSError as error:
        raise StartError(
            f"hub.port: can't listen at {where[0]}:{where[1]} ({error.strerror}); stop what's there, or take another"
            " with --port"
        ) from None
    with listening:
        yield listening


def _agents(config: Config) -> dict[str, Agent]:
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


async def _plugins(config: Config, stack: AsyncExitStack, documents: Documents) -> tuple[Tool, ...]:
    """Return the tools of the plugins that are there; those of the operator's own folder are checked first."""
    scripts = Scripts()
    stack.push_async_callback(scripts.close)
    own = _folders(config.packages.folder)
    taken = [tool.name for tool in built_in(SystemClock(), timezone(config), documents)]
    try:
        for plugin in load_plugins(own).values():
            await check(plugin, scripts)
        return plugin_tools(load_plugins([SHIPPED_PLUGINS, *own]), taken, scripts, documents)
    except ManifestError as error:
        raise ConfigError(f"packages.folder: {error}") from None


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"hub.data: {data} can't be made ({error.strerror}); name another with --data, or mend its rights"
        ) from None
