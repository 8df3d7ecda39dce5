"""A hub in a container: Docker Engine's HTTP API over its Unix socket, which podman serves too."""

import asyncio
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote

import httpcore
import msgspec
from msgspec import Struct, field

from hub.sections import Port, Positive
from hub.waker.providers import Described, ProviderFault, State

T = TypeVar("T")
LABEL = "agenthost.hub"
"""On a container that isn't called by its name: whose value is the hub's name."""
NEWEST, OLDEST = (1, 44), (1, 24)
"""Versions of the API that this was written by: the engine's own is taken if it's between them."""
QUICK = 10.0
CAP = 1 << 20
SHOWN = 200
STATES: dict[str, State] = {
    "created": "stopped",
    "running": "running",
    # It takes its memory and answers nothing; asked to start, it goes on.
    "paused": "running",
    "restarting": "starting",
    "removing": "stopping",
    "exited": "stopped",
    # Half removed: it can't be started any more.
    "dead": "missing",
}


class DockerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.docker]: the container that the hub runs in."""

    socket: str = "/var/run/docker.sock"
    container: str = ""
    """Its name or id; empty: the one with the label agenthost.hub=NAME."""
    port: Port = 0
    """The hub's port inside, to ask the engine where it's published; 0: the hub's url says where it answers."""
    stop_seconds: Positive = 30
    """The engine kills what hasn't ended so long after it was told to."""


class _State(Struct, frozen=True, rename="pascal"):
    status: str = ""
    exit_code: int = 0
    error: str = ""
    killed_for_memory: bool = field(default=False, name="OOMKilled")


class _Published(Struct, frozen=True, rename="pascal"):
    host_ip: str = ""
    host_port: str = ""


class _Address(Struct, frozen=True):
    ip: str = field(default="", name="IPAddress")


class _Network(Struct, frozen=True, rename="pascal"):
    ports: dict[str, tuple[_Published, ...] | None] | None = None
    networks: dict[str, _Address] | None = None


class _Inspected(Struct, frozen=True, rename="pascal"):
    id: str
    state: _State = _State()
    network_settings: _Network = _Network()


class _Listed(Struct, frozen=True, rename="pascal"):
    id: str


class _Refusal(Struct, frozen=True):
    message: str = ""


def faults(config: DockerConfig) -> Iterator[str]:
    """Say what's wrong, each line starting with the key."""
    if not config.socket.startswith("/"):
        yield f"docker.socket: must be a path from the root, as /var/run/docker.sock; it is {config.socket!r}"


class DockerProvider:
    """Starts and stops a container that's there; it neither makes nor removes one."""

    def __init__(self, config: DockerConfig, hub: str) -> None:
        """`hub` is the hub's name, which is what a container without a configured name is labelled with."""
        self._config = config
        self._hub = hub
        self._version = ""
        self._stopping = False
        # Stopping takes as long as the hub does, and must not keep anybody from asking how it is.
        self._pool = httpcore.AsyncConnectionPool(uds=config.socket, max_connections=4, keepalive_expiry=20.0)

    async def describe(self) -> Described:
        found = await self._find()
        if found is None:
            return Described(state="missing", detail=f"there's no container {self._called}")
        state = STATES.get(found.state.status)
        if state is None:
            raise ProviderFault(f"container {self._called}: in a state that isn't known, {found.state.status!r}")
        if state == "running" and self._stopping:
            state = "stopping"
        return Described(state=state, url=self._url(found.network_settings), detail=_detail(found.state))

    async def start(self) -> None:
        found = await self._find()
        if found is None:
            raise ProviderFault(
                f"container {self._called}: there's none; make it with docker create, and start no other"
            )
        what = "unpause" if found.state.status == "paused" else "start"
        await self._ask("POST", f"/containers/{found.id}/{what}", patience=60.0, fine=(204, 304))

    async def stop(self) -> None:
        found = await self._find()
        if found is None or STATES.get(found.state.status) in {"stopped", "missing"}:
            return
        wait = self._config.stop_seconds
        path = f"/containers/{found.id}/stop?t={wait}"
        self._stopping = True
        try:
            # One that's removed meanwhile is stopped too.
            await self._ask("POST", path, patience=wait + 30.0, fine=(204, 304, 404))
        finally:
            self._stopping = False

    async def close(self) -> None:
        await self._pool.aclose()

    @property
    def _called(self) -> str:
        return repr(self._config.container) if self._config.container else f"labelled {LABEL}={self._hub}"

    async def _find(self) -> _Inspected | None:
        name = self._config.container or await self._labelled()
        if not name:
            return None
        body = await self._ask("GET", f"/containers/{quote(name, safe='')}/json", fine=(200, 404))
        return _read(body, _Inspected) if body else None

    async def _labelled(self) -> str:
        filters = quote(msgspec.json.encode({"label": [f"{LABEL}={self._hub}"]}).decode(), safe="")
        body = await self._ask("GET", f"/containers/json?all=true&filters={filters}", fine=(200,))
        found = _read(body, tuple[_Listed, ...])
        if len(found) > 1:
            raise ProviderFault(f"{len(found)} containers are {self._called}; remove all but one, or name it")
        return found[0].id if found else ""

    def _url(self, network: _Network) -> str:
        """Return where the hub answers: at its published port, or else at the container's own address."""
        port = self._config.port
        if not port:
            return ""
        for each in (network.ports or {}).get(f"{port}/tcp") or ():
            host = "127.0.0.1" if each.host_ip in {"", "0.0.0.0", "::"} else each.host_ip  # noqa: S104 - compared, not bound
            return f"http://[{host}]:{each.host_port}" if ":" in host else f"http://{host}:{each.host_port}"
        own = next((each.ip for each in (network.networks or {}).values() if each.ip), "")
        return f"http://{own}:{port}" if own else ""

    # --- the API

    async def _ask(self, method: str, path: str, *, fine: tuple[int, ...], patience: float = QUICK) -> bytes:
        """Return the answer's body, empty for a 404 that's fine; raises ProviderFault."""
        if not self._version:
            self._version = await self._agreed()
        status, body, _ = await self._send(method, f"/v{self._version}{path}", patience)
        if status not in fine:
            if status == 400:
                self._version = ""  # perhaps another engine is there now: agree anew
            raise ProviderFault(f"container {self._called}: {method} answered {status}: {_said(body)}")
        return b"" if status == 404 else body

    async def _agreed(self) -> str:
        """Return the version of the API that both know."""
        status, _, headers = await self._send("GET", "/_ping", QUICK)
        told = headers.get(b"api-version", b"").decode("latin-1")
        try:
            major, minor = (int(word) for word in told.split("."))
        except ValueError:
            raise ProviderFault(f"{self._config.socket}: no Docker Engine (its /_ping answered {status})") from None
        if (major, minor) < OLDEST:
            raise ProviderFault(f"{self._config.socket}: speaks API {told}; 1.24 is the oldest that's understood")
        return "{}.{}".format(*min((major, minor), NEWEST))

    async def _send(self, method: str, path: str, patience: float) -> tuple[int, bytes, dict[bytes, bytes]]:
        waits = {"connect": 5.0, "read": patience, "write": 5.0, "pool": 5.0}
        headers = [("Host", "docker"), *([("Content-Length", "0")] if method == "POST" else [])]
        try:
            async with (
                asyncio.timeout(patience + 10.0),
                self._pool.stream(
                    method, f"http://docker{path}", headers=headers, extensions={"timeout": waits}
                ) as got,
            ):
                body = bytearray()
                async for chunk in got.aiter_stream():
                    body += chunk
                    if len(body) > CAP:
                        raise ProviderFault(f"{self._config.socket}: an answer is longer than {CAP} bytes")
                return got.status, bytes(body), {name.lower(): value for name, value in got.headers}
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            why = str(error) or type(error).__name__
            raise ProviderFault(
                f"{self._config.socket}: can't be asked ({why}); is the engine running, and may this user use it?"
            ) from None


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ProviderFault(f"the engine's answer isn't understood ({error})") from None


def _said(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).message[:SHOWN]
    except msgspec.MsgspecError:
        return body.decode(errors="replace").strip()[:SHOWN]


def _detail(state: _State) -> str:
    """Say what's worth telling people of a container that isn't simply up."""
    if state.status in {"running", "created"}:
        return ""
    if state.status == "dead":
        return "it's dead, as the engine has it: remove it and make it anew"
    if state.status in {"paused", "removing"}:
        return f"it's {state.status}"
    why = "it was killed for its memory" if state.killed_for_memory else f"it ended with {state.exit_code}"
    return f"{why}: {state.error[:SHOWN]}" if state.error else why
