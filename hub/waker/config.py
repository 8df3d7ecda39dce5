"""waker.toml and the environment -> WakerConfig, as strictly as the hub's own config."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from hub import accounts, reading
from hub.accounts import BridgeAccount, XmppAccount
from hub.errors import ConfigError
from hub.sections import Port, Positive, Price, Seconds
from hub.waker.providers import docker, ec2, fly, http, qemu, systemd
from hub.waker.providers.docker import DockerConfig
from hub.waker.providers.ec2 import Ec2Config
from hub.waker.providers.fly import FlyConfig
from hub.waker.providers.http import HttpConfig
from hub.waker.providers.qemu import QemuConfig
from hub.waker.providers.systemd import SystemdConfig

NAME = re.compile("[a-z0-9-]{1,32}")
SHORTEST = 32
"""Characters of a token."""
COMMANDS = ("start", "stop", "state")
ProviderName = Literal["process", "command", "systemd", "docker", "qemu", "ec2", "fly", "http"]


class ListenConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[waker]: where it listens and keeps what it heard."""

    host: str = "127.0.0.1"
    port: Port = 8090
    data: str = "waker-data"
    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    name: str = "waker"
    """What the machines are tagged with, beside their hub's name; two wakers on one account have two."""
    destroy_orphans: bool = False
    """Machines with our tag that no hub has are destroyed, and not only told of."""


class DeployConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.deploy]: what `agenthost deploy` puts on the machine that it makes."""

    config: str = ""
    """The hub's config file; the files that it names for its secrets are brought along."""
    setup: tuple[str, ...] = ()
    """Lines for the machine's shell, once, before the hub is started; none if AgentHost is in its image."""
    command: tuple[str, ...] = ("agenthost", "run")
    """What runs AgentHost there; the hub's own config and data folder are added."""


class HubConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[hubs]]: a hub that sleeps."""

    name: str = "hub"
    provider: ProviderName = "process"
    url: str = "http://127.0.0.1:8080"
    """Where the hub answers once it's up; empty: where the provider says."""
    hostname: str = ""
    """The name in requests that this hub answers to; empty: all that no other hub answers to."""
    token: str = ""
    """What hub and waker sign by: the hub's [waker] token."""
    token_file: str = ""
    command: tuple[str, ...] = ()
    """process: what runs the hub, and ends with it."""
    start: tuple[str, ...] = ()
    """command: what starts the hub; stop and state likewise."""
    stop: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    """command: prints running, starting, stopping, stopped or missing."""
    systemd: SystemdConfig = SystemdConfig()
    docker: DockerConfig = DockerConfig()
    qemu: QemuConfig = QemuConfig()
    ec2: Ec2Config = Ec2Config()
    fly: FlyConfig = FlyConfig()
    http: HttpConfig = HttpConfig()
    deploy: DeployConfig = DeployConfig()
    idle_minutes: Seconds = 5.0
    """So long nothing happens before the hub is stopped."""
    start_seconds: Seconds = 120.0
    """A start that takes longer has failed."""
    hold_seconds: Seconds = 60.0
    """A request waits so long for the hub to be up."""
    visitors: bool = False
    """It's woken by visitors of chats in other sites' pages, too, whom nobody knows yet, where the chat takes them."""
    waiting: Positive = 1_000
    """Requests that wait at a time; more are sent away."""
    starts_per_hour: Positive = 12
    price_per_hour: Price = 0.0
    """What an hour of the hub's machine costs, where its provider doesn't say."""
    money_per_month: Price = 0.0
    """No start once so much was spent in a calendar month (UTC); 0 is no limit."""
    lifetime_hours: Annotated[float, Meta(ge=0)] = 0.0
    """It's stopped after so long whatever it does; 0 is never."""


class WakerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of waker.toml."""

    waker: ListenConfig = ListenConfig()
    hubs: tuple[HubConfig, ...] = ()
    bridges: tuple[BridgeAccount, ...] = ()
    """Accounts that are heard here; each has besides what it has in the hub's config the name of its `hub`."""
    heard: tuple[str, ...] = ()
    """For each account, its hub: laid apart from [[bridges]], not a key of its own."""

    @property
    def data(self) -> Path:
        """The folder of the spool, absolute."""
        return Path(self.waker.data).expanduser().absolute()


def load(path: Path | None, environ: Mapping[str, str]) -> WakerConfig:
    """Read waker.toml, lay `AGENTHOST__SECTION__KEY` over it, and check everything.

    Raises ConfigError with a line for every fault, each starting with its key path.
    """
    tree = reading.read(path) if path else {}
    tree, heard = _apart(tree)
    _, faults = reading.overlay(tree, WakerConfig, environ)
    good = reading.good(tree, WakerConfig, "", faults)
    config = msgspec.convert(good, WakerConfig, strict=False)
    faults += [*_hubs(config), *accounts.faults({f"bridges[{n}]": each for n, each in enumerate(config.bridges)})]
    faults += [*_heard(config, heard), *_components(config)]
    if faults:
        raise ConfigError(*map(reading.url_shown, faults))
    return _with_secrets(config, heard)


def hub_of(config: WakerConfig, account: BridgeAccount) -> HubConfig:
    """Return the hub that an account is heard for."""
    name = config.heard[config.bridges.index(account)]
    return next(hub for hub in config.hubs if hub.name == name)


def secrets_of(hub: HubConfig) -> tuple[str, ...]:
    """Return what must never be read in a log."""
    return tuple(filter(None, (hub.token, hub.fly.token, hub.http.secret)))


def _apart(tree: dict[str, Any]) -> tuple[dict[str, Any], list[object]]:
    """Take the hubs' names out of [[bridges]], which are otherwise as in a hub's own config."""
    bridges = tree.get("bridges")
    if not isinstance(bridges, list):
        return tree, []
    heard = [each.get("hub", "") if isinstance(each, dict) else "" for each in bridges]
    plain = [{k: v for k, v in each.items() if k != "hub"} if isinstance(each, dict) else each for each in bridges]
    return {**tree, "bridges": plain}, heard


def _hubs(config: WakerConfig) -> Iterator[str]:
    if not NAME.fullmatch(config.waker.name):
        yield f"waker.name: takes a-z, 0-9 and -, at most 32 of them; it is {config.waker.name!r}"
    if not config.hubs:
        yield "hubs: missing; name the hub that's woken in a section [[hubs]]"
    names = [hub.name for hub in config.hubs]
    for number, hub in enumerate(config.hubs):
        path = f"hubs[{number}]"
        if not NAME.fullmatch(hub.name):
            yield f"{path}.name: takes a-z, 0-9 and -, at most 32 of them; it is {hub.name!r}"
        elif names.index(hub.name) != number:
            yield f"{path}.name: {hub.name!r} is there already; give each hub a name of its own"
        if bool(hub.token) == bool(hub.token_file):
            yield f"{path}.token: give the token itself, or in its place {path}.token_file with the file that has it"
        elif hub.token and len(hub.token) < SHORTEST:
            yield f"{path}.token: has {len(hub.token)} characters; take {SHORTEST} at least: openssl rand -hex 32"
        elif hub.token_file and not os.access(Path(hub.token_file).expanduser(), os.R_OK):
            yield f"{path}.token_file: {hub.token_file!r} can't be read; create it or mend its rights"
        url = urlsplit(hub.url)
        if hub.url and (url.scheme not in {"http", "https"} or not url.hostname):
            yield f"{path}.url: write it as http://127.0.0.1:8080; it is {hub.url!r}"
        yield from (f"{path}.{fault}" for fault in _of_provider(hub))


def _of_provider(hub: HubConfig) -> Iterator[str]:
    if hub.provider == "process" and not hub.command:
        yield 'command: missing; say what runs the hub, as ["agenthost", "run", "--config", "config.toml"]'
    if hub.provider == "command":
        yield from (f"{key}: missing; say which command does that" for key in COMMANDS if not getattr(hub, key))
    if hub.provider == "systemd":
        yield from systemd.faults(hub.systemd)
    if hub.provider == "docker":
        yield from docker.faults(hub.docker)
    if hub.provider == "qemu":
        yield from qemu.faults(hub.qemu)
    if hub.provider == "ec2":
        yield from ec2.faults(hub.ec2)
    if hub.provider == "fly":
        yield from fly.faults(hub.fly)
    if hub.provider == "http":
        yield from http.faults(hub.http)


def _heard(config: WakerConfig, heard: list[object]) -> Iterator[str]:
    names = [hub.name for hub in config.hubs]
    for number, name in enumerate(heard):
        if not (name in names or (name == "" and len(names) == 1)):
            known = ", ".join(names) or "none"
            yield f"bridges[{number}].hub: there's no hub {name!r}; there are: {known}"


def _components(config: WakerConfig) -> Iterator[str]:
    for number, account in enumerate(config.bridges):
        if isinstance(account, XmppAccount) and account.component:
            yield (
                f"bridges[{number}].component: a component has one connection, which the hub needs to speak by; "
                "name an account instead, or leave it to a hub that doesn't sleep"
            )


def _with_secrets(config: WakerConfig, heard: list[object]) -> WakerConfig:
    hubs = tuple(map(_with_own, config.hubs))
    names = tuple(str(name) or hubs[0].name for name in heard)
    return replace(config, hubs=hubs, bridges=tuple(map(accounts.with_secret, config.bridges)), heard=names)


def _with_own(hub: HubConfig) -> HubConfig:
    hub = replace(hub, token=accounts.secret(hub.token, hub.token_file))
    if hub.provider == "fly":
        hub = replace(hub, fly=replace(hub.fly, token=accounts.secret(hub.fly.token, hub.fly.token_file)))
    if hub.provider == "http":
        hub = replace(hub, http=replace(hub.http, secret=accounts.secret(hub.http.secret, hub.http.secret_file)))
    return hub
