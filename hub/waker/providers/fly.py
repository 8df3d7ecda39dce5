"""A hub on a machine of Fly.io, over its Machines API; its machines are known by their metadata."""

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hub.sections import Port, Positive
from hub.waker.providers import Described, Found, Host, ProviderFault, State, Tag, chosen
from hub.waker.providers.asking import Answered, Asking
from hub.waker.providers.cloudinit import HOME
from hub.waker.providers.pace import Pace

WAKER, HUB = "agenthost_waker", "agenthost_hub"
"""The metadata's names."""
STATES: Mapping[str, State] = {
    "creating": "starting",
    # It starts by itself: we make none that waits.
    "created": "starting",
    "starting": "starting",
    "restarting": "starting",
    "updating": "starting",
    "replacing": "starting",
    "started": "running",
    "stopping": "stopping",
    "suspending": "stopping",
    "stopped": "stopped",
    "suspended": "stopped",
    "failed": "stopped",
    "launch_failed": "stopping",
    "destroying": "stopping",
    "destroyed": "missing",
    "replaced": "missing",
    "migrated": "missing",
}
GOING = ("destroying", "launch_failed", "destroyed", "replaced", "migrated")
BUSY = 429
PAUSE = 1.0
"""Seconds: each action may be asked for once in that time."""


class FlyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.fly]: which app, and what its machine is made from."""

    app: str = ""
    token: str = ""
    """A deploy token of that app."""
    token_file: str = ""
    port: Port = 8080
    """Where the hub listens there; it's reached over Fly's private network."""
    image: str = ""
    """What `agenthost deploy` makes it from; so are the next."""
    region: str = ""
    volume: str = ""
    """The id of a volume in that region: all else on the machine is gone once it's stopped."""
    cpu_kind: Literal["shared", "performance"] = "shared"
    cpus: Positive = 1
    memory_mb: Positive = 1024
    api_url: str = "https://api.machines.dev"


class _Settings(Struct):
    metadata: dict[str, str] | None = None


class _Machine(Struct):
    id: str
    state: str
    created_at: str = ""
    private_ip: str = ""
    config: _Settings | None = None
    incomplete_config: _Settings | None = None
    """What's known of the config while the machine's host can't be reached."""

    def meta(self, key: str) -> str:
        known = self.config or self.incomplete_config
        return ((known and known.metadata) or {}).get(key, "")

    @property
    def born(self) -> float:
        try:
            return datetime.fromisoformat(self.created_at).timestamp()
        except ValueError:
            return 0.0


def faults(config: FlyConfig) -> Iterator[str]:
    """Yield what's wrong with the section, each line starting with its key path."""
    if not config.app:
        yield "fly.app: missing; say which app of Fly's the machine is in"
    if bool(config.token) == bool(config.token_file):
        yield "fly.token: give a deploy token itself, or in its place fly.token_file with the file that has it"
    elif config.token_file and not os.access(Path(config.token_file).expanduser(), os.R_OK):
        yield f"fly.token_file: {config.token_file!r} can't be read; create it or mend its rights"


class FlyProvider:
    """One hub's machine at Fly."""

    def __init__(self, config: FlyConfig, tag: Tag, now: Callable[[], float] = time.monotonic) -> None:
        self.place = f"fly {config.app}"
        self._config = config
        self._tag = tag
        self._pace = Pace(now)
        self._asking = Asking("Fly", config.token)

    async def describe(self) -> Described:
        return await self._pace.described(self._look)

    async def start(self) -> None:
        async def do() -> None:
            machine = await self._mine()
            if machine is None or machine.state in GOING:
                raise ProviderFault(f"there's no machine; make it with: agenthost deploy {self._tag.hub}")
            if STATES.get(machine.state) not in {"running", "starting"}:
                await self._do(f"starting {machine.id}", "POST", f"/{machine.id}/start")

        await self._pace.ask("start", do)

    async def stop(self) -> None:
        async def do() -> None:
            machine = await self._mine()
            if machine is not None and STATES.get(machine.state) in {"running", "starting"}:
                wanted = {"signal": "SIGTERM", "timeout": "30s"}
                await self._do(f"stopping {machine.id}", "POST", f"/{machine.id}/stop", wanted)

        await self._pace.ask("stop", do)

    async def close(self) -> None:
        await self._asking.close()

    # --- creating, and finding what nobody owns

    async def create(self, host: Host) -> None:
        if not self._config.image:
            raise ProviderFault(
                "hubs.fly.image: missing; say what the machine is made from, as registry.fly.io/APP:TAG"
            )
        if not self._config.volume:
            raise ProviderFault("hubs.fly.volume: missing; what isn't on a volume is gone once the machine is stopped")
        if host.setup:
            raise ProviderFault(
                "hubs.deploy.setup: Fly's machines are made from an image that has AgentHost; leave it empty"
            )
        await self._pace.ask("create", lambda: self._create(self._wanted(host)))

    async def destroy(self) -> None:
        async def do() -> None:
            for machine in await self._tagged():
                if machine.meta(HUB) == self._tag.hub and machine.state not in GOING:
                    await self.discard(machine.id)

        await self._pace.ask("destroy", do)

    async def found(self) -> tuple[Found, ...]:
        living = (each for each in await self._tagged() if each.state not in GOING)
        return tuple(map(_found, living))

    async def discard(self, id: str) -> None:
        answer = await self._asked("DELETE", f"/{quote(id)}?force=true")
        if answer.status >= 400 and answer.status != 404:
            raise self._asking.refused(f"destroying {id}", answer)

    # --- below

    async def _create(self, wanted: dict[str, object]) -> None:
        machine = await self._mine()
        if machine is not None and machine.state not in GOING:
            return
        # Names are unique within an app: asked twice it's refused the second time.
        answer = await self._asked("POST", "", wanted)
        if answer.status >= 400 and b"already_exists" not in answer.body:
            raise self._asking.refused("making the machine", answer)

    def _wanted(self, host: Host) -> dict[str, object]:
        config = self._config
        files = [
            {"guest_path": file.path, "raw_value": b64encode(file.content).decode(), "mode": 0o600}
            for file in host.files
        ]
        # Whoever made it starts and stops it: it must not come up again by itself, nor go by itself.
        machine: dict[str, object] = {
            "image": config.image,
            "guest": {"cpu_kind": config.cpu_kind, "cpus": config.cpus, "memory_mb": config.memory_mb},
            "metadata": {WAKER: self._tag.waker, HUB: self._tag.hub},
            "files": files,
            "mounts": [{"volume": config.volume, "path": HOME}],
            "restart": {"policy": "on-failure", "max_retries": 3},
            "auto_destroy": False,
        }
        machine |= {"init": {"exec": list(host.command)}} if host.command else {}
        wanted: dict[str, object] = {"name": f"agenthost-{self._tag.waker}-{self._tag.hub}", "config": machine}
        return wanted | ({"region": config.region} if config.region else {})

    async def _look(self) -> Described:
        machine = await self._mine()
        if machine is None:
            return Described(state="missing", detail=f"no machine in {self.place} has {HUB}={self._tag.hub}")
        state = STATES.get(machine.state)
        if state is None:
            raise ProviderFault(f"Fly: machine {machine.id} is {machine.state!r}, a state that isn't known here")
        return Described(
            state=state,
            url=f"http://[{machine.private_ip}]:{self._config.port}" if machine.private_ip else "",
            detail=f"{machine.id} {machine.state}",
        )

    async def _mine(self) -> _Machine | None:
        """Return the hub's own machine; one that's being destroyed only if there's no other."""
        machines = {each.id: each for each in await self._tagged()}
        lasting = [_found(each) for each in machines.values() if each.state not in GOING]
        own = chosen(lasting, self._tag.hub) or chosen([*map(_found, machines.values())], self._tag.hub)
        return machines[own.id] if own else None

    async def _tagged(self) -> list[_Machine]:
        answer = await self._asked("GET", f"?metadata.{WAKER}={quote(self._tag.waker)}")
        if answer.status >= 400:
            raise self._asking.refused("listing machines", answer)
        machines: list[_Machine] = answer.json(list[_Machine])
        # It's looked at once more: an API that overlooks a filter would have us stop others' machines.
        return [each for each in machines if each.meta(WAKER) == self._tag.waker and each.state != "destroyed"]

    async def _do(self, what: str, method: str, path: str, body: object = None) -> None:
        answer = await self._asked(method, path, body)
        if answer.status >= 400:
            raise self._asking.refused(what, answer)

    async def _asked(self, method: str, path: str, body: object = None) -> Answered:
        url = f"{self._config.api_url.rstrip('/')}/v1/apps/{quote(self._config.app)}/machines{path}"
        headers = {"Authorization": f"Bearer {self._config.token}", "Content-Type": "application/json"}
        sent = b"" if body is None else msgspec.json.encode(body)
        answer = await self._asking.ask(method, url, headers, sent)
        if answer.status == BUSY:
            await asyncio.sleep(PAUSE)
            answer = await self._asking.ask(method, url, headers, sent)
        return answer


def _found(machine: _Machine) -> Found:
    state = STATES.get(machine.state, "running")
    return Found(id=machine.id, hub=machine.meta(HUB), state=state, born=machine.born)
