"""config.toml and the environment -> Config, strictly: unknown keys are errors, and every fault is told at once."""

import importlib.util
import logging
import os
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from hub import accounts, databases, issuers, outward, reading, shelves, sites
from hub.accounts import BridgeAccount
from hub.errors import ConfigError
from hub.issuers import SignInConfig
from hub.outward import EgressConfig, RegistryConfig
from hub.sections import (
    AlertsConfig,
    DecisionsConfig,
    FallbackConfig,
    HandoverConfig,
    HearingConfig,
    HubConfig,
    ImagesConfig,
    LLMConfig,
    Positive,
    Price,
    Seconds,
    Secret,
    SpeechConfig,
    StoreConfig,
    TelemetryConfig,
    ToolsConfig,
    WakerSection,
)
from hub.shelves import ShelfConfig
from hub.sites import SiteConfig

__all__ = [
    "MODEL_FILE",
    "MODEL_SHA256",
    "REPOSITORY",
    "SECRET_NAME",
    "AgentsConfig",
    "AlertsConfig",
    "Backend",
    "Config",
    "DecisionsConfig",
    "FallbackConfig",
    "HandoverConfig",
    "HearingConfig",
    "HubConfig",
    "ImagesConfig",
    "LLMConfig",
    "LimitsConfig",
    "PackagesConfig",
    "Reloader",
    "Secret",
    "SecretConfig",
    "SpeechConfig",
    "StoreConfig",
    "TelemetryConfig",
    "ToolsConfig",
    "WakerSection",
    "backends",
    "embedded_model",
    "load",
    "misgivings",
    "models_folder",
    "repository",
    "timezone",
]

log = logging.getLogger(__name__)

MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

REPOSITORY = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*?)(?<!\.gguf)(:(?P<file>[\w./+-]+\.gguf))?", re.ASCII
)

SHORTEST_TOKEN = 32
"""Characters."""

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")

Backend = LLMConfig | FallbackConfig | DecisionsConfig


class AgentsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[agents]: which one answers, and where they lie."""

    default: str = "default"
    folder: str = ""
    """Further agents beside those that ship with AgentHost."""


class SecretConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[packages.secrets]]: a value that packages send to their hosts and never see."""

    name: str = ""
    value: str = ""
    file: str = ""


class SettingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[packages.settings]]: a value that an MCP server's package asks for."""

    package: str
    key: str
    value: str | int | float | bool | tuple[str, ...]


class PackagesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[packages]: plugins, and what they may."""

    folder: str = ""
    """Further plugins and scripts beside those that ship with AgentHost."""
    scan: tuple[str, ...] = ()
    """A command that looks into each package before it's installed; it gets the package's folder as last argument."""
    updates: Literal["off", "ask", "auto"] = "ask"
    """What's done about newer versions in registries: nothing; they're shown; they're taken after a while."""
    cooldown_hours: Annotated[float, Meta(ge=0, le=8_760)] = 72.0
    """So long a version must have been listed before it's taken by itself."""
    dev: bool = False
    """The owner may link folders of this machine as packages."""
    secrets: tuple[SecretConfig, ...] = ()
    settings: tuple[SettingConfig, ...] = ()
    allow_unsandboxed: bool = False
    """Run packages' programs with all the hub's rights where they can't be confined."""
    first_uid: Annotated[int, Meta(ge=1000, le=4_000_000_000)] = 1_900_000_000
    """Where the hub is root: the first of the million users that packages' programs run as."""


class LimitsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[limits]: what keeps one sender, one message or one task from taking everything."""

    turns: Positive = 20
    tokens: Positive = 100_000
    minutes: Seconds = 120.0
    money_per_day: Price = 0.0
    """All that remote models may cost in a day, in the unit of their prices; 0 is no limit."""
    message_bytes: Positive = 262_144
    file_mb: Annotated[int, Meta(ge=1, le=2000)] = 20
    """The largest file that's taken over HTTP; each account of [[bridges]] has its own."""
    workspace_mb: Annotated[int, Meta(ge=1, le=10_000)] = 50
    """What the files of one task's workspace may have together."""
    workspace_days: Positive = 30
    """So long after a task has ended its workspace is kept."""
    waiting_per_person: Positive = 200
    """Unanswered messages; more are refused until some are answered."""
    requests_per_key: Annotated[int, Meta(ge=0, le=2**31)] = 1200
    """To the HTTP API, a minute, by one key or session that has no pace of its own; 0 is no limit. Those of admins of
    the hub's own tenant aren't held to it, nor to the next: they run the hub."""
    requests_per_person: Annotated[int, Meta(ge=0, le=2**31)] = 1200
    """By all keys and sessions of a person that have no pace of their own."""
    requests_per_tenant: Annotated[int, Meta(ge=0, le=2**31)] = 6000
    """By all of a tenant's, where it has no quota of its own; the hub's own tenant isn't held to it."""
    tasks_at_once: Positive = 8
    """Turns taken side by side."""
    depth: Annotated[int, Meta(ge=0, le=10)] = 3
    """How many tasks may stand above a subtask; 0: no task is split."""
    subtasks: Annotated[int, Meta(ge=1, le=50)] = 8
    """Of one task."""
    tool_tokens: Annotated[int, Meta(ge=50, le=20_000)] = 300
    """What the tools that are offered for a message may take of a prompt, about."""
    candidates: Annotated[int, Meta(ge=1, le=20)] = 5
    """Tasks that the router weighs."""
    reopen_hours: Seconds = 24.0
    """So long a finished task can still be taken up again by a message."""
    ask_below: Annotated[float, Meta(ge=0, le=1)] = 0.65
    """A best candidate less likely than this is asked about."""
    questions_per_hour: Annotated[int, Meta(ge=0)] = 4
    """Above it the router takes the best candidate without asking."""
    approval_minutes: Annotated[float, Meta(gt=0, le=10_080)] = 10.0
    """So long a call waits for its person's leave; unanswered, it isn't made."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole config file."""

    hub: HubConfig = HubConfig()
    store: StoreConfig = StoreConfig()
    waker: WakerSection = WakerSection()
    llm: LLMConfig = LLMConfig()
    agents: AgentsConfig = AgentsConfig()
    packages: PackagesConfig = PackagesConfig()
    tools: ToolsConfig = ToolsConfig()
    egress: EgressConfig = EgressConfig()
    limits: LimitsConfig = LimitsConfig()
    alerts: AlertsConfig = AlertsConfig()
    handover: HandoverConfig = HandoverConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    bridges: tuple[BridgeAccount, ...] = ()
    registries: tuple[RegistryConfig, ...] = ()
    registry: ShelfConfig = ShelfConfig()
    sign_in: SignInConfig = SignInConfig()
    site: SiteConfig = SiteConfig()

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return Path(self.hub.data).expanduser().absolute()


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the config file (none: all defaults), lay `AGENTHOST__SECTION__KEY` over it, and check everything.

    Raises ConfigError with a line for every fault, each starting with its key path.
    """
    tree = reading.read(path) if path else {}
    overlaid, faults = reading.overlay(tree, Config, environ)
    good = reading.good(tree, Config, "", faults)
    config = msgspec.convert(good, Config, strict=False)
    told = {_path(fault) for fault in faults}
    faults += [fault for fault in (*_check(config), *_check_accounts(config, told)) if _path(fault) not in told]
    faults = [
        f"{fault} (from the environment's {name})" if (name := overlaid.get(_path(fault))) else fault
        for fault in faults
    ]
    if faults:
        raise ConfigError(*map(reading.url_shown, faults))
    return _with_secrets(config)


def misgivings(config: Config) -> list[str]:
    """Return what doesn't keep the hub from starting but from answering, a line for each, as `load` tells faults.

    A model's file may be on a disk that's mounted later: until then messages are kept.
    """
    found = []
    for path, llm in backends(config):
        if llm.backend != "llamacpp" or not llm.model or Path(llm.model).expanduser().is_file():
            continue
        # One on the Hugging Face Hub is fetched when the hub starts.
        if not repository(llm.model):
            found.append(f"{path}.model: no file {llm.model!r}; give the path of a GGUF file, or leave it empty")
    for path, folder in (("agents.folder", config.agents.folder), ("packages.folder", config.packages.folder)):
        if folder and not Path(folder).expanduser().is_dir():
            found.append(f"{path}: no folder {folder!r}; create it, or leave it empty")
    return found


class Reloader:
    """Looks again at the config of a running hub, and keeps the last good one.

    The constructor loads it and raises ConfigError as `load` does.
    """

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._told: tuple[str, ...] = ()
        self.config = load(path, environ)

    def look(self) -> Config | None:
        """Return the config if it changed and is good, else None; faults are logged once for each change."""
        try:
            config = load(self._path, self._environ)
        except ConfigError as error:
            if error.faults != self._told:
                self._told = error.faults
                log.error("the config has faults, the last good one stays: %s", "; ".join(error.faults))
            return None
        self._told = ()
        if config == self.config:
            return None
        self.config = config
        return config


def backends(config: Config) -> list[tuple[str, Backend]]:
    """Return every section that names a model, with its path."""
    further = [(f"llm.fallback[{number}]", each) for number, each in enumerate(config.llm.fallback)]
    return [("llm", config.llm), *further, ("llm.decisions", config.llm.decisions)]


def timezone(config: Config) -> ZoneInfo:
    """Return the hub's time zone."""
    return ZoneInfo(config.hub.timezone)


def repository(model: str) -> tuple[str, str] | None:
    """Return the repository on the Hugging Face Hub and the file in it ("" for none) that a model's name means.

    A path is written otherwise: beginning with / or ~ or ., or ending in .gguf without a colon.
    """
    found = REPOSITORY.fullmatch(model)
    return (found["repo"], found["file"] or "") if found else None


def models_folder(environ: Mapping[str, str]) -> Path:
    """Return where models lie that were fetched: the embedded one, and those that were pulled."""
    return embedded_model(environ).parent


def embedded_model(environ: Mapping[str, str]) -> Path:
    """Return where `make venv` puts the embedded model."""
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".cache")
    return Path(cache) / "agenthost" / "models" / MODEL_FILE


def _path(fault: str) -> str:
    return fault.partition(":")[0]


def _check(config: Config) -> list[str]:
    faults = []
    if config.hub.timezone not in available_timezones():
        faults.append(f"hub.timezone: unknown time zone {config.hub.timezone!r}; use a name like Europe/Berlin")
    for path, llm in backends(config):
        if llm.backend == "remote" and not llm.url:
            faults.append(f"{path}.url: missing; a remote backend needs the server's URL, as http://127.0.0.1:8081/v1")
        if llm.backend == "remote" and not llm.model:
            faults.append(f"{path}.model: missing; name the model as the server calls it")
        if llm.backend == "remote" and not isinstance(llm, DecisionsConfig) and llm.mmproj:
            faults.append(f"{path}.mmproj: only for a model on this machine; the server has its own")
        if llm.url and not llm.url.startswith(("http://", "https://")):
            faults.append(f"{path}.url: must begin with http:// or https://; it is {llm.url!r}")
        if llm.key and llm.key_file:
            faults.append(f"{path}.key_file: set besides {path}.key; keep one of them")
        if llm.key_file and not os.access(Path(llm.key_file).expanduser(), os.R_OK):
            faults.append(f"{path}.key_file: {llm.key_file!r} can't be read; create it or mend its rights")
    faults += _check_waker(config.waker)
    faults += _check_telemetry(config.telemetry)
    faults += _check_secrets(config.packages.secrets)
    faults += [*databases.faults(config.store), *outward.faults(config.egress, config.registries)]
    faults += [*shelves.faults(config.registry), *issuers.faults(config.sign_in)]
    return [*faults, *sites.faults(config.site)]


def _check_waker(waker: WakerSection) -> list[str]:
    if waker.token and waker.token_file:
        return ["waker.token_file: set besides waker.token; keep one of them"]
    if waker.token and len(waker.token) < SHORTEST_TOKEN:
        advice = f"take {SHORTEST_TOKEN} at least: openssl rand -hex 32"
        return [f"waker.token: has {len(waker.token)} characters; {advice}"]
    if waker.token_file and not os.access(Path(waker.token_file).expanduser(), os.R_OK):
        return [f"waker.token_file: {waker.token_file!r} can't be read; create it or mend its rights"]
    return []


def _check_telemetry(telemetry: TelemetryConfig) -> list[str]:
    url = telemetry.otlp_url
    if url and not url.startswith(("http://", "https://")):
        return [f"telemetry.otlp_url: must begin with http:// or https://; it is {url!r}"]
    if url and not importlib.util.find_spec("opentelemetry"):
        return ["telemetry.otlp_url: needs a package that isn't installed: pip install 'agenthost[otel]'"]
    return []


def _check_secrets(secrets: tuple[SecretConfig, ...]) -> list[str]:
    faults = []
    names = [secret.name for secret in secrets]
    for number, secret in enumerate(secrets):
        path = f"packages.secrets[{number}]"
        if not SECRET_NAME.fullmatch(secret.name):
            faults.append(f"{path}.name: {secret.name!r} won't do; use capital letters, digits and _, as WEATHER_KEY")
        elif names.index(secret.name) != number:
            faults.append(f"{path}.name: {secret.name} is there already; keep one of them")
        if bool(secret.value) == bool(secret.file):
            faults.append(
                f"{path}.value: give the secret itself, or in its place {path}.file with the file that has it"
            )
        elif secret.file and not os.access(Path(secret.file).expanduser(), os.R_OK):
            faults.append(f"{path}.file: {secret.file!r} can't be read; create it or mend its rights")
        elif not (secret.value.isascii() and secret.value.isprintable()):
            faults.append(f"{path}.value: has letters that no header can carry; use plain ones")
    return faults


def _check_accounts(config: Config, told: set[str]) -> list[str]:
    # What's no section, or of no known kind, was told and is left out of the config.
    paths = (path for path in map("bridges[{}]".format, count()) if told.isdisjoint((path, f"{path}.kind")))
    return accounts.faults(dict(zip(paths, config.bridges, strict=False)))


def _with_secrets(config: Config) -> Config:
    llm = config.llm
    llm = replace(
        llm,
        key=accounts.secret(llm.key, llm.key_file),
        decisions=replace(llm.decisions, key=accounts.secret(llm.decisions.key, llm.decisions.key_file)),
        fallback=tuple(replace(each, key=accounts.secret(each.key, each.key_file)) for each in llm.fallback),
    )
    kept = tuple(replace(each, value=accounts.secret(each.value, each.file)) for each in config.packages.secrets)
    packages = replace(config.packages, secrets=kept)
    waker = replace(config.waker, token=accounts.secret(config.waker.token, config.waker.token_file))
    store, bridges = databases.with_secret(config.store), tuple(map(accounts.with_secret, config.bridges))
    ways_in = issuers.with_secrets(config.sign_in)
    return replace(config, store=store, llm=llm, waker=waker, packages=packages, bridges=bridges, sign_in=ways_in)
