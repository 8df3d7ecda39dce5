"""A GPU host's REST API in the shape of RunPod's, with `desiredStatus` and `costPerHr`; nothing real."""

import json
import time
from collections.abc import Callable

from hub.waker.providers.http import HttpConfig
from tests.waker.served import Asked, Served

KEY = "rpa_0123456789ABCDEFGHIJ"


class RunPod:
    """One pod on the loopback."""

    def __init__(self) -> None:
        self._served = Served(self._answer)
        self.now: Callable[[], float] = time.monotonic
        self.there = True
        self.status = "EXITED"
        self.asked: list[str] = []
        self.lies: set[str] = set()
        """Actions (start, stop) that are answered with 200 and not done: runpod-python's issue 450."""
        self.lost: list[str] = []
        self.broken: tuple[int, str] | None = None

    def start(self) -> None:
        self._served.start()

    def stop(self) -> None:
        self._served.stop()

    @property
    def config(self) -> HttpConfig:
        pod = f"{self._served.url}/v1/pods/podrun123abc"
        return HttpConfig(
            state=f"GET {pod}",
            start=f"POST {pod}/start",
            stop=f"POST {pod}/stop",
            headers=("Authorization: Bearer {secret}",),
            secret=KEY,
            state_at="/desiredStatus",
            states=("RUNNING = running", "EXITED = stopped", "TERMINATED = missing"),
            url_at="/env/HUB_URL",
            price_at="/costPerHr",
        )

    def _answer(self, asked: Asked) -> tuple[int, bytes] | None:
        action = asked.path.rpartition("/")[2] if asked.method == "POST" else "state"
        self.asked.append(action)
        if asked.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, b'{"error":"unauthorized"}'
        if self.broken:
            return self.broken[0], json.dumps({"error": self.broken[1], "status": self.broken[0]}).encode()
        if not self.there:
            return 404, b'{"error":"pod not found","status":404}'
        if action in {"start", "stop"} and action not in self.lies:
            self.status = "RUNNING" if action == "start" else "EXITED"
        if action in self.lost:
            self.lost.remove(action)
            return None
        pod = {
            "id": "podrun123abc",
            "desiredStatus": self.status,
            "costPerHr": 3.29,
            "gpuCount": 1,
            "publicIp": "203.0.113.10" if self.status == "RUNNING" else "",
            "portMappings": {"22": 10406} if self.status == "RUNNING" else None,
            "env": {"HUB_URL": "https://podrun123abc-8080.proxy.example"},
        }
        return 200, json.dumps(pod).encode()
