"""What `agenthost doctor` asks of others: the running hub, whoever has its port, and the model's remote server."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import closing

import httpx
import msgspec
from msgspec import Struct

from hub.cli.client import Client, Refused, Trouble
from hub.cli.examine import Finding, fault, fine, warning
from hub.cli.folder import database, holder
from hub.cli.place import Place
from hub.cli.wire import Alert, Bridge, Dead, Listing, Model, Status
from hub.cli.wire_packages import Installed
from hub.config import Backend, Config, backends
from hub.ports import Bridge as Platform
from hub.ports import BridgeInfo, Probing
from hub.reading import url_shown

TIMEOUT = 5.0
TRIAL = 20.0
SHOWN = 3
CHECKS = {"model": "model answers", "waiting": "queues", "model-slow": "model's pace", "overdue": "tasks"}
"""What doctor calls what a hub tells by another name."""
DEAD = ("dead-letters", "refused")
"""What's told with its reasons by the listing of dead letters."""


class Health(Struct, frozen=True, kw_only=True):
    """What /healthz answers."""

    status: str


class RemoteModel(Struct, frozen=True, kw_only=True):
    """A model that a remote server has."""

    id: str


class RemoteModels(Struct, frozen=True, kw_only=True):
    """What a remote server answers to /models."""

    data: tuple[RemoteModel, ...] = ()


async def hub(place: Place, config: Config) -> Finding:
    """Does a hub answer, and is it the one of this data folder?"""
    held = holder(database(config))
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, verify=place.url.startswith("https:")) as client:
            response = await client.get(f"{place.url}/healthz")
        if msgspec.json.decode(response.content, type=Health).status != "ok":
            raise msgspec.DecodeError("not a hub")
    except msgspec.MsgspecError:
        mend = "Stop that program, or give the hub another port with --port or hub.port."
        return fault("hub", f"another program answers at {place.url}", mend)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _silent(place, config, held, error)
    if not held:
        mend = (
            f"It works in another data folder than {config.data}: name that with --data, or its config with --config."
        )
        return warning("hub", f"answers at {place.url}, but isn't this data folder's", mend)
    return fine("hub", f"answers at {place.url}")


def _silent(place: Place, config: Config, held: str, error: Exception) -> Finding:
    if held:
        mend = f"See its log; if it says nothing, end process {held} (nothing accepted is lost) and `agenthost run`."
        return fault("hub", f"a hub holds {config.data}, but doesn't answer at {place.url}", mend)
    if not isinstance(error, httpx.ConnectError):
        mend = "Stop the program that has this port, or give the hub another one with --port or hub.port."
        return fault("hub", f"something at {place.url} doesn't answer as a hub does ({type(error).__name__})", mend)
    if reason := _unbindable(config):
        return fault("hub", reason, "Give it another address with --host and --port, or in [hub].")
    return warning("hub", f"isn't running: nothing answers at {place.url}", "Start it with `agenthost run`.")


def _unbindable(config: Config) -> str:
    """Say why the hub couldn't listen, if it couldn't."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(config.hub.host, config.hub.port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return f"can't listen at {config.hub.host}:{config.hub.port}: {error.strerror}"
    return ""


async def inside(client: Client) -> list[Finding]:
    """Ask a running hub how it is: its models, and what it gave up."""
    try:
        status = await client.get("/v1/status", Status)
        dead = (await client.get("/v1/dead", Listing[Dead])).items
    except Refused as error:
        return [fault("key", error.message, "Name the hub's data folder with --data, or a key with --key.")]
    except Trouble as error:
        return [fault("hub", error.message, "See the hub's log.")]
    models = [("model answers", status.llm)]
    if status.decisions.model != status.llm.model or status.decisions.state != status.llm.state:
        models.append(("decisions", status.decisions))
    bridges = [of_bridge(f"{bridge.name} in the hub", bridge) for bridge in status.bridges if bridge.name != "http"]
    well = [found for found in (*(of_model(name, info) for name, info in models), *bridges) if found.state == "ok"]
    return [*(of_alert(alert) for alert in status.alerts if alert.name not in DEAD), *well, of_dead(dead)]


def of_alert(alert: Alert) -> Finding:
    """Say what a running hub says of itself."""
    check = f"{alert.about} in the hub" if alert.name == "bridge" else CHECKS.get(alert.name, alert.name)
    return Finding(check=check, state="fault" if alert.level == "fault" else "warn", text=alert.text, fix=alert.fix)


async def secrets(client: Client, config: Config) -> list[Finding]:
    """Have the packages that are used every secret that they ask for?"""
    try:
        packages = [
            package for package in await client.pages("/v1/packages", Installed, 1_000) if package.state == "enabled"
        ]
    except Trouble:
        return []
    known = {secret.name for secret in config.packages.secrets}
    asked = [
        (package.id, ask.removeprefix("secrets:"))
        for package in packages
        for ask in package.asks
        if ask.startswith("secrets:")
    ]
    if not asked:
        return []
    missing = [f"{package} asks for {name}" for package, name in asked if name not in known]
    if missing:
        mend = "Put them into [[packages.secrets]] of the config, and start the hub again; calls that need them fail."
        return [warning("secrets", "; ".join(missing), mend)]
    return [fine("secrets", f"{len(asked)} that packages ask for are there")]


def of_model(check: str, model: Model) -> Finding:
    text = ": ".join(filter(None, (f"{model.model} is {model.state}", model.detail)))
    match model.state:
        case "ready":
            return fine(check, text)
        case "loading" | "restarting":
            return warning(check, text, "Wait a minute; messages are kept meanwhile. If it stays so, see the log.")
        case _:
            return fault(check, text, "Mend [llm] in the config (see `model` above); messages are kept meanwhile.")


def of_bridge(check: str, bridge: Bridge | BridgeInfo) -> Finding:
    """Say how a bridge is, by its own account in a running hub or by a trial."""
    who = f"is {bridge.account}" if bridge.account else f"is {bridge.state}"
    match bridge.state:
        case "running":
            return fine(check, f"{who}, {bridge.waiting} to be delivered" if bridge.waiting else who)
        case "refused" | "stopped":
            mend = f"Mend the account {bridge.name} of [[bridges]]; what's to be delivered is kept meanwhile."
            return fault(check, bridge.detail or f"is {bridge.state}", mend)
        case _:
            mend = "See that its server can be reached from this machine; what's to be delivered is kept meanwhile."
            return warning(check, bridge.detail or f"is {bridge.state}", mend)


async def accounts(bridges: Mapping[str, Platform]) -> list[Finding]:
    """Try each account out: does the platform know us?

    One after another: reading one platform's library would keep another's answer waiting, and be told as its fault.
    """
    return [await _tried(bridge) for bridge in bridges.values()]


async def _tried(bridge: Platform) -> Finding:
    check = f"bridge {bridge.name}"
    if not isinstance(bridge, Probing):
        return warning(check, "can't be tried out", "Start the hub, and see `agenthost status`.")
    try:
        async with asyncio.timeout(TRIAL):
            return of_bridge(check, await bridge.probe())
    except TimeoutError:
        mend = "See that its server can be reached from this machine."
        return fault(check, f"says nothing within {TRIAL:.0f} s", mend)


def of_dead(dead: tuple[Dead, ...]) -> Finding:
    if not dead:
        return fine("dead letters", "none")
    told = "; ".join(f"{letter.entry}: {letter.error or 'no reason kept'}" for letter in dead[:SHOWN])
    mend = "Mend the reason, then POST /v1/dead/ENTRY/retry tries one again."
    return warning("dead letters", f"{len(dead)} given up ({told})", mend)


async def remote(config: Config, transport: httpx.AsyncBaseTransport | None = None) -> list[Finding]:
    """Ask each remote server that a model is configured from whether it's there, takes our key and has the model."""
    return [await _server(section, llm, transport) for section, llm in backends(config) if llm.backend == "remote"]


async def _server(section: str, llm: Backend, transport: httpx.AsyncBaseTransport | None) -> Finding:
    check = f"[{section}] server"
    headers, shown = {"Authorization": f"Bearer {llm.key}"} if llm.key else {}, url_shown(llm.url)
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, transport=transport, headers=headers) as client:
            response = await client.get(f"{llm.url.rstrip('/')}/models")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        return fault(check, f"{shown} can't be reached: {reason}", f"Start that server, or mend {section}.url.")
    if response.status_code in (401, 403):
        return fault(check, f"{shown} doesn't take the key", f"Mend {section}.key_file or {section}.key.")
    return _listed(check, section, llm, response)


def _listed(check: str, section: str, llm: Backend, response: httpx.Response) -> Finding:
    shown = url_shown(llm.url)
    if response.status_code >= 500:
        return fault(check, f"{shown} answers {response.status_code}", "See that server's log.")
    try:
        names = [model.id for model in msgspec.json.decode(response.content, type=RemoteModels).data]
    except msgspec.MsgspecError:
        mend = f"See that {section}.url is the API's root; it mostly ends in /v1."
        return warning(check, f"{shown}/models answers {response.status_code}, and not with a list of models", mend)
    if names and llm.model not in names:
        return fault(
            check, f"{shown} has no model {llm.model!r}", f"Set {section}.model to one of {', '.join(names[:9])}."
        )
    return fine(check, f"{shown} has {llm.model}")
