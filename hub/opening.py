"""What a hub stands on, by the config: its store, models, tools, packages, bridges; opened here and closed in turn."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from itertools import chain
from pathlib import Path

import bridges as platforms
from hub import log as logs
from hub.accounts import kind_of, name_of, secrets_of
from hub.app import Hub
from hub.clock import SystemClock
from hub.config import Config, backends, timezone
from hub.egress.guard import GuardedEgress
from hub.errors import ConfigError, ManifestError
from hub.flow.aiming import FlowAims
from hub.flow.desk import FrontDesk
from hub.flow.errands import FlowErrands
from hub.flow.leftovers import Leftovers
from hub.flow.people import owner_secret
from hub.llms import Models
from hub.loading import SHIPPED_AGENTS, SHIPPED_PLUGINS, SHIPPED_SCRIPTS, folders, make_data_folder, own_plugins
from hub.manifests import Agent, load_agents
from hub.outward import at
from hub.packages.code import computing
from hub.packages.commands import Commands
from hub.packages.every import every_kind
from hub.packages.hosts import Supplies
from hub.packages.installer import Installer
from hub.packages.kinds import Kind
from hub.packages.own import Origin, found
from hub.packages.sandbox import Sandbox
from hub.packages.scanning import Scanner
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.packages.servers import servers_of
from hub.packages.sources import Sources
from hub.ports import Bridge, Checking, Clock, Documents, Egress, Files, Store, Tool, Workspaces
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.sql import SqlStore
from hub.store.workspaces import FolderWorkspaces
from hub.tools import built_in
from hub.tools.checks import Checks
from hub.tools.code import RunPython
from hub.tools.media import media
from hub.tools.shipped import Shipped


async def opened(
    config: Config,
    stack: AsyncExitStack,
    bridges: Mapping[str, Bridge],
    tools: Sequence[Tool],
    clock: Clock | None = None,
) -> tuple[Hub, str]:
    """Build a hub over what the config names, and return it with its owner's key; `stack` closes it.

    `bridges` and `tools` come along besides those that the config names; a bridge in place of one with its name. Raises
    ConfigError and StartError.
    """
    redaction = logs.configure(config.hub.log, config.hub.log_level, secrets=_secrets(config))
    data = config.data
    make_data_folder(data)
    store = SqlStore.at(config.store.url, data)
    await store.open()
    stack.push_async_callback(store.close)
    secret = owner_secret(data / "owner.key", os.environ.get("AGENTHOST_OWNER_KEY"))
    redaction.hide(secret)
    clock, documents, files = clock or SystemClock(), FileDocuments(data / "documents"), FileStore(data / "files")
    await files.open()
    workspaces = FolderWorkspaces(data / "workspaces", size=config.limits.workspace_mb << 20)
    await workspaces.open()
    ground = _Ground(config, store, clock, documents, files, workspaces, FlowErrands(), FlowAims())
    agents = agents_of(config)
    tools, installer, kinds, checking = await _outfit(ground, stack, tools, agents)
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
        tools=tools,
        installer=installer,
        errands=ground.errands,
        aims=ground.aims,
        checking=checking,
        workspaces=workspaces,
        sweeps=(Leftovers(store, workspaces, clock, timedelta(days=config.limits.workspace_days)).sweep,),
        own=cache(partial(found, kinds, _origins(config))),
    )
    await installer.open()
    await parts.people.ensure_owner(secret)
    return parts, secret


@dataclass(frozen=True)
class _Ground:
    """What everything else of a hub stands on."""

    config: Config
    store: Store
    clock: Clock
    documents: Documents
    files: Files
    workspaces: Workspaces
    errands: FlowErrands
    aims: FlowAims


def _secrets(config: Config) -> list[str]:
    models = (llm.key for _, llm in backends(config))
    return [*models, *chain(*map(secrets_of, config.bridges)), *(secret.value for secret in config.packages.secrets)]


def _origins(config: Config) -> Mapping[Origin, Sequence[Path]]:
    theirs = [*folders(config.agents.folder), *folders(config.packages.folder)]
    return {"shipped": [SHIPPED_AGENTS, SHIPPED_PLUGINS, SHIPPED_SCRIPTS], "folder": theirs}


async def _outfit(
    ground: _Ground, stack: AsyncExitStack, tools: Sequence[Tool], agents: Mapping[str, Agent]
) -> tuple[Sequence[Tool], Installer, Sequence[Kind], Checking]:
    """Return the tools that need no installing, what installs others, its kinds of packages, and what makes checks."""
    config, clock, documents = ground.config, ground.clock, ground.documents
    egress = GuardedEgress((*config.egress.allow, *map(at, config.registries)))
    scripts = Scripts()
    stack.push_async_callback(scripts.close)
    supplies = Supplies(
        egress=egress,
        workspaces=ground.workspaces,
        errands=ground.errands,
        secrets={secret.name: secret.value for secret in config.packages.secrets},
        seal=Seal.at(config.data / "snapshot.key"),
    )
    shipped = Shipped(
        clock=clock,
        zone=timezone(config),
        store=ground.store,
        files=ground.files,
        workspaces=ground.workspaces,
        egress=egress,
        errands=ground.errands,
        aims=ground.aims,
        search=config.data / "search",
    )
    stack.push_async_callback(shipped.close)
    code = RunPython(computing(scripts, documents, supplies), outside=True)
    tools = (*shipped.tools, *media(config.tools, ground.errands, ground.files), code, *tools)
    taken = [tool.name for tool in (*built_in(clock, timezone(config), documents), *tools)]
    known = (*(await own_plugins(config, taken, scripts, documents, supplies)), *tools)
    taken = [*taken, *(tool.name for tool in known)]
    kinds = (*every_kind(scripts, documents, supplies), servers_of(config, egress.dial, clock))
    installer = _installer(config, ground.store, kinds, clock, egress, taken, agents)
    stack.push_async_callback(installer.close)
    # Never unconfined, whatever packages are let: nobody has looked at a command that an agent made up.
    commands = Commands(Sandbox(first_uid=config.packages.first_uid), shipped.workspaces)
    return known, installer, kinds, Checks(shipped.workspaces, egress, shipped.extractor, commands.run)


def _installer(
    config: Config,
    store: Store,
    kinds: Sequence[Kind],
    clock: Clock,
    egress: Egress,
    tools: Sequence[str],
    agents: Mapping[str, Agent],
) -> Installer:
    """Return what keeps packages: `tools` and `agents` are the names that are taken."""
    return Installer(
        store,
        config.data / "packages",
        kinds,
        clock,
        tools=tools,
        agents=agents,
        sources=Sources(egress, [registry.url for registry in config.registries]),
        scanner=Scanner(config.packages.scan),
        dev=config.packages.dev,
    )


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
        agents = load_agents([SHIPPED_AGENTS, *folders(config.agents.folder)])
    except ManifestError as error:
        raise ConfigError(f"agents.folder: {error}") from None
    if config.agents.default not in agents:
        raise ConfigError(
            f"agents.default: there's no agent {config.agents.default!r}; there are: {', '.join(sorted(agents))}"
        )
    return agents
