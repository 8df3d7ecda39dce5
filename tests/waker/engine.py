"""A stand-in for Docker Engine: the part of its HTTP API that concerns one container, over a Unix socket.

Statuses, bodies and states are those of the Engine API's description; a container's end, and a slow one, are a test's.
"""

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

ID = "4f0e" * 16
LABEL = "agenthost.hub"
UP = {"running", "paused", "restarting"}


class Engine:
    """One engine with containers; used as `async with Engine(folder) as engine`."""

    def __init__(self, folder: Path, *, version: str = "1.47", oldest: str = "1.24") -> None:
        self.socket = folder / "docker.sock"
        self.version, self.oldest = version, oldest
        self.name, self.labels = "hub", {LABEL: "hub"}
        self.status, self.exit_code, self.error, self.killed = "created", 0, "", False
        self.twins = 1
        """Containers with the label."""
        self.there = True
        self.ports: dict[str, list[dict[str, str]] | None] = {"8080/tcp": None}
        self.ends_at_once: int | None = None
        """What whatever is started ends with at once."""
        self.refuses = ""
        """Why nothing can be started."""
        self.lies = False
        """It answers with yes and does nothing."""
        self.deaf = False
        """What runs in the container heeds no SIGTERM: it's killed when the time is up."""
        self.seconds: list[int] = []
        """How long each that was stopped was given."""
        self.asked: list[str] = []
        self.starts = 0
        self.broken = ""
        """Why nothing at all works."""
        self.gate = asyncio.Event()
        """Until it's set, whatever is deaf isn't killed."""
        app = web.Application(middlewares=[self._versioned])
        app.add_routes(
            [
                web.get("/_ping", self._ping),
                web.get("/{v}/containers/json", self._list),
                web.get("/{v}/containers/{id}/json", self._inspect),
                web.post("/{v}/containers/{id}/start", self._start),
                web.post("/{v}/containers/{id}/unpause", self._unpause),
                web.post("/{v}/containers/{id}/stop", self._stop),
            ]
        )
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        await self._runner.cleanup()

    @web.middleware
    async def _versioned(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.broken:
            return _problem(500, self.broken)
        version = request.match_info.get("v", "")
        if version and tuple(map(int, version[1:].split("."))) > tuple(map(int, self.version.split("."))):
            return _problem(
                400, f"client version {version[1:]} is too new. Maximum supported API version is {self.version}"
            )
        if version and tuple(map(int, version[1:].split("."))) < tuple(map(int, self.oldest.split("."))):
            return _problem(
                400, f"client version {version[1:]} is too old. Minimum supported API version is {self.oldest}"
            )
        found = request.match_info.get("id")
        if found is not None and not (self.there and found in {self.name, ID}):
            return _problem(404, f"No such container: {found}")
        result: web.StreamResponse = await handler(request)
        return result

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(text="OK", headers={"Api-Version": self.version, "Ostype": "linux"})

    async def _list(self, request: web.Request) -> web.Response:
        wanted = json.loads(request.query["filters"])["label"]
        good = self.there and wanted == [f"{key}={value}" for key, value in self.labels.items()]
        all_ = request.query.get("all") == "true" or self.status in UP
        return web.json_response([{"Id": ID, "State": self.status}] * (self.twins if good and all_ else 0))

    async def _inspect(self, request: web.Request) -> web.Response:
        state = {
            "Status": self.status,
            "Running": self.status in UP,
            "Paused": self.status == "paused",
            "Restarting": self.status == "restarting",
            "OOMKilled": self.killed,
            "Dead": self.status == "dead",
            "ExitCode": self.exit_code,
            "Error": self.error,
        }
        up = self.status in UP
        network = {"Ports": self.ports if up else {}, "Networks": {"bridge": {"IPAddress": "172.17.0.2" if up else ""}}}
        labels = {"Labels": self.labels}
        return web.json_response(
            {"Id": ID, "Name": f"/{self.name}", "State": state, "NetworkSettings": network, "Config": labels}
        )

    async def _start(self, request: web.Request) -> web.Response:
        if self.refuses:
            return _problem(500, self.refuses)
        if self.status == "paused":
            return _problem(409, "cannot start a paused container, try unpause instead")
        if self.status in {"dead", "removing"}:
            return _problem(409, "container is marked for removal and cannot be started")
        if self.status in UP:
            return web.Response(status=304)
        if self.ends_at_once is not None:
            self.status, self.exit_code = "exited", self.ends_at_once
        elif not self.lies:
            self.status, self.exit_code = "running", 0
            self.starts += 1
        return web.Response(status=204)

    async def _unpause(self, request: web.Request) -> web.Response:
        if self.status != "paused":
            return _problem(500, f"Container {ID} is not paused")
        self.status = "running"
        return web.Response(status=204)

    async def _stop(self, request: web.Request) -> web.Response:
        if self.status not in UP:
            return web.Response(status=304)
        self.seconds.append(int(request.query["t"]))
        if self.deaf:
            await self.gate.wait()
        if not self.lies:
            self.status, self.exit_code = "exited", 137 if self.deaf else 0
        return web.Response(status=204)


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
