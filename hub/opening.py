"""What a hub stands on, by the config: its store, models, tools, packages, bridges; opened here and closed in turn."""

import json
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from itertools import chain
from pathlib import Path

import msgspec

import bridges as platforms
from hub import issuers, reading, shelves
from hub import log as logs
from hub.accounts import api_of, kind_of, name_of, secrets_of
from hub.app import Hub
from hub.business import Outside
from hub.clock import SystemClock
from hub.config import Config, backends, timezone
from hub.databases import database_of
from hub.dispatch.company import Company, joined, name_of_hub
from hub.egress.guard import GuardedEgress
from hub.errors import ConfigError, ManifestError, StartError, StatementError
from hub.flow.aiming import FlowAims
from hub.flow.auditing import Audit, audited
from hub.flow.desk import FrontDesk
from hub.flow.errands import FlowErrands
from hub.flow.forgetting import Forgetting
from hub.flow.humans import FlowHumans
from hub.flow.leftovers import Leftovers
from hub.flow.lending import FlowLending
from hub.flow.litter import Litter
from hub.flow.people import owner_secret
from hub.flow.retention import Retention
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
from hub.packages.lookout import Rules
from hub.packages.own import Origin, found
from hub.packages.registry import Registries
from hub.packages.sandbox import Sandbox
from hub.packages.scanning import Scanner
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.packages.servers import servers_of
from hub.packages.sources import Sources
from hub.ports import Bridge, Checking, Clock, Documents, Egress, Files, Hubs, Store, Tool, Workspaces
from hub.records import new_id
from hub.statements import SigningKey
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.postgres_fence import HubFence
from hub.store.postgres_server import url_of
from hub.store.postgres_writer import Fence
from hub.store.sql import SqlStore
from hub.store.workspaces import FolderWorkspaces
from hub.times.zones import Zones
from hub.tools import built_in
from hub.tools.checks import Checks
from hub.tools.code import RunPython
from hub.tools.lent import lent_tools
from hub.tools.library import forget
from hub.tools.media import media
from hub.tools.shipped import Shipped
from hub.vault import Vault


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
    make_data_folder(config.data)
    boot, fence, clock = new_id(), HubFence(), clock or SystemClock()
    store = audited(store_of(config, boot, fence), clock)
    await store.open()
    stack.push_async_callback(store.close)
    company = await _company(config, stack, store, clock, boot, [*map(name_of, config.bridges), *bridges])
    if company:
        fence.boot = boot
    # What's made at the first start is made by one hub, and read by the others.
    async with company.hubs.alone("start") if company else nullcontext():
        secret = owner_secret(config.data / "owner.key", os.environ.get("AGENTHOST_OWNER_KEY"))
        redaction.hide(secret)
        ground = await _ground(config, store, clock, _documents_of(config, stack))
        parts = await _built(ground, stack, bridges, tools, company)
        await parts.people.ensure_owner(secret)
        await Audit(store, clock).configured(_plainly(config))
    return parts, secret


def _plainly(config: Config) -> str:
    """Return all of a config but its secrets."""
    told = msgspec.json.encode(config, enc_hook=str).decode()
    for secret in sorted(filter(None, _secrets(config)), key=len, reverse=True):
        told = told.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "")
    return told


async def _ground(config: Config, store: Store, clock: Clock, documents: Documents) -> "_Ground":
    files = FileStore(config.data / "files")
    await files.open()
    workspaces = FolderWorkspaces(config.data / "workspaces", size=config.limits.workspace_mb << 20)
    await workspaces.open()
    return _Ground(
        config, store, clock, documents, files, workspaces, FlowErrands(), FlowAims(), FlowHumans(), FlowLending(store)
    )


async def _built(
    ground: "_Ground",
    stack: AsyncExitStack,
    bridges: Mapping[str, Bridge],
    tools: Sequence[Tool],
    company: Company | None,
) -> Hub:
    config, store, clock, documents, files = ground.config, ground.store, ground.clock, ground.documents, ground.files
    agents = agents_of(config)
    hubs = company.hubs if company else None
    tools, installer, kinds, checking = await _outfit(ground, stack, tools, agents, hubs)
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
        humans=ground.humans,
        checking=checking,
        sweeps=_sweeps(ground),
        workspaces=ground.workspaces,
        unindex=partial(forget, config.data / "search"),
        own=cache(partial(found, kinds, _origins(config))),
        company=company,
        lending=ground.lending,
        vault=Vault.at(config.data / "sign-in.key"),
        outside=Outside(GuardedEgress(config.egress.allow), Vault.at(config.data / "webhooks.key")),
    )
    stack.push_async_callback(parts.watch.close)
    await installer.open()
    return parts


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
    humans: FlowHumans
    lending: FlowLending


def store_of(config: Config, boot: str = "", fence: Fence | None = None) -> Store:
    """Return the store that the config names, to be opened; on PostgreSQL `fence` keeps an ended hub from writing."""
    place = database_of(config.store, config.data)
    if isinstance(place, Path):
        return SqlStore(place)
    # Here and below: only a hub whose records are there takes the time to load it.
    from hub.store.postgres import PostgresStore  # noqa: PLC0415

    # By this name others end its connections once it's dead.
    url = url_of(place).update_query_dict({"application_name": f"agenthost {boot}"}) if boot else url_of(place)
    return PostgresStore(url, fence=fence)


async def _company(
    config: Config, stack: AsyncExitStack, store: Store, clock: Clock, boot: str, bridges: Collection[str]
) -> Company | None:
    """Join the other hubs where the store can be shared."""
    place = database_of(config.store, config.data)
    if isinstance(place, Path):
        return None
    url = url_of(place).set(drivername="postgresql").render_as_string(hide_password=False)
    name, slots = name_of_hub(config), config.limits.tasks_at_once
    return await joined(stack, url, store, clock, boot=boot, name=name, bridges=bridges, slots=slots)


def _documents_of(config: Config, stack: AsyncExitStack) -> Documents:
    """Return where the documents are kept: with several hubs, files would lose each other's changes."""
    place = database_of(config.store, config.data)
    if isinstance(place, Path):
        return FileDocuments(config.data / "documents")
    from hub.store.postgres_documents import PostgresDocuments  # noqa: PLC0415

    documents = PostgresDocuments(url_of(place))
    stack.push_async_callback(documents.close)
    return documents


def _sweeps(ground: _Ground) -> Sequence[Callable[[], Awaitable[None]]]:
    """Return what's done every few hours: forgetting what's old."""
    config, store, clock, workspaces = ground.config, ground.store, ground.clock, ground.workspaces
    leftovers = Leftovers(store, workspaces, clock, timedelta(days=config.limits.workspace_days))
    retention = Retention(store, Forgetting(store, workspaces), clock, config.store)
    audit, days = Audit(store, clock), config.store.keep_audit_days

    async def prune() -> None:
        if days:
            await audit.prune(timedelta(days=days))

    return leftovers.sweep, retention.sweep, Litter(store, ground.files, clock).sweep, prune


def _secrets(config: Config) -> list[str]:
    models = (llm.key for _, llm in backends(config))
    return [
        config.store.password,
        config.waker.token,
        *models,
        *chain(*map(secrets_of, config.bridges)),
        *chain(*map(reading.passwords_in, _addresses(config))),
        *(secret.value for secret in config.packages.secrets),
        *shelves.secrets_of(config.registry),
        *issuers.secrets_of(config.sign_in),
    ]


def _addresses(config: Config) -> Sequence[str]:
    """Return the addresses that somebody may have put a password into: it's sent along to them."""
    return (config.telemetry.otlp_url, *(llm.url for _, llm in backends(config)), *map(api_of, config.bridges))


def _origins(config: Config) -> Mapping[Origin, Sequence[Path]]:
    theirs = [*folders(config.agents.folder), *folders(config.packages.folder)]
    return {"shipped": [SHIPPED_AGENTS, SHIPPED_PLUGINS, SHIPPED_SCRIPTS], "folder": theirs}


async def _outfit(
    ground: _Ground, stack: AsyncExitStack, tools: Sequence[Tool], agents: Mapping[str, Agent], hubs: Hubs | None
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
        zones=Zones(documents, config.hub.timezone),
        store=ground.store,
        files=ground.files,
        workspaces=ground.workspaces,
        egress=egress,
        errands=ground.errands,
        outlining=ground.errands,
        splits=ground.errands,
        aims=ground.aims,
        humans=ground.humans,
        search=config.data / "search",
    )
    stack.push_async_callback(shipped.close)
    code = RunPython(computing(scripts, documents, supplies), outside=True)
    lent = lent_tools(ground.lending)
    tools = (*shipped.tools, *lent, *media(config.tools, ground.errands, ground.files), code, *tools)
    taken = [tool.name for tool in (*built_in(clock, timezone(config), documents), *tools)]
    known = (*(await own_plugins(config, taken, scripts, documents, supplies)), *tools)
    taken = [*taken, *(tool.name for tool in known)]
    kinds = (*every_kind(scripts, documents, supplies), servers_of(config, egress.dial, clock))
    installer = _installer(ground, kinds, egress, taken, agents, hubs)
    stack.push_async_callback(installer.close)
    # Never unconfined, whatever packages are let: nobody has looked at a command that an agent made up.
    commands = Commands(Sandbox(first_uid=config.packages.first_uid), shipped.workspaces)
    return known, installer, kinds, Checks(shipped.workspaces, egress, shipped.extractor, commands.run)


def _installer(
    ground: _Ground,
    kinds: Sequence[Kind],
    egress: Egress,
    tools: Sequence[str],
    agents: Mapping[str, Agent],
    hubs: Hubs | None,
) -> Installer:
    """Return what keeps packages: `tools` and `agents` are the names that are taken."""
    config, clock = ground.config, ground.clock
    registries = Registries(config.registries, egress, ground.documents, clock, identity_of(config))
    return Installer(
        ground.store,
        config.data / "packages",
        kinds,
        clock,
        tools=tools,
        agents=agents,
        sources=Sources(egress, registries),
        scanner=Scanner(config.packages.scan),
        dev=config.packages.dev,
        hubs=hubs,
        rules=Rules(updates=config.packages.updates, cooldown=timedelta(hours=config.packages.cooldown_hours)),
    )


def identity_of(config: Config) -> SigningKey:
    """Return the key by which the hub proves to registries what it fetched; it's in no backup. Raises StartError."""
    path = config.data / "hub.key"
    try:
        return SigningKey.kept(path)
    except OSError as error:
        raise StartError(f"{path}: can't be read or made ({error.strerror}); mend the data folder's rights") from None
    except StatementError as error:
        raise StartError(str(error)) from None


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
