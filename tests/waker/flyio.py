"""Fly's Machines API as its documentation, its own clients and answers recorded by others have it; nothing real.

From the docs: states, addresses, the metadata filter, unique names, one request a second for each action and machine
with a burst of three. From recorded answers: 409 for a name that's there, 412 for a start from `created`, `stopping` or
while it runs, and a lease that somebody else holds.
"""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hub.waker.providers.fly import FlyConfig
from tests.waker.served import Asked, Served

APP, TOKEN = "our-app", "FlyV1 fm2_lJPECAAAAAAAAAAAAAAAAAAAAAAA"
MACHINES = re.compile(rf"/v1/apps/{APP}/machines(?:/(?P<id>[a-z0-9]+)(?:/(?P<action>start|stop))?)?")
BURST = 3


class Fly:
    """Fly on the loopback."""

    def __init__(self) -> None:
        self._served = Served(self._answer)
        self.now: Callable[[], float] = time.monotonic
        self.machines: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.lost: list[str] = []
        """Actions (create, start, stop, destroy, list) that are done, once each, and whose answer is lost."""
        self.lies: set[str] = set()
        """Actions that are answered with yes and not done."""
        self.broken: tuple[int, str] | None = None
        """What everything is answered with, if it isn't None."""
        self.boots = 1.0
        self.ends = 1.0
        self.leased = False
        self._often: dict[tuple[str, str], list[float]] = {}

    def start(self) -> None:
        self._served.start()

    def stop(self) -> None:
        self._served.stop()

    @property
    def config(self) -> FlyConfig:
        return FlyConfig(
            app=APP, token=TOKEN, image="registry.fly.io/our-app:1", volume="vol_1", api_url=self._served.url
        )

    def put(self, name: str, metadata: dict[str, str], state: str) -> str:
        """Have a machine that's there already; return its id."""
        return str(self._made({"name": name, "config": {"metadata": metadata}}, state)["id"])

    def _answer(self, asked: Asked) -> tuple[int, bytes] | None:
        where = urlsplit(asked.path)
        found = MACHINES.fullmatch(where.path)
        id, action = (found["id"] or "", found["action"] or "") if found else ("", "")
        action = action or {"GET": "list", "POST": "create", "DELETE": "destroy"}.get(asked.method, "")
        self.asked.append(action)
        if refused := self._refused(asked, bool(found), action, id):
            return _said(*refused)
        if action in self.lies:
            return 200, b'{"ok":true}'
        answer = self._done(action, id, asked.body, parse_qs(where.query))
        if action in self.lost:
            self.lost.remove(action)
            return None
        return answer

    def _refused(self, asked: Asked, found: bool, action: str, id: str) -> tuple[int, str] | None:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, "unauthenticated: invalid token"
        if not found:
            return 404, "not_found: app not found"
        if self._too_often(action, id):
            return 429, "resource_exhausted: rate limit exceeded"
        return self.broken

    def _too_often(self, action: str, id: str) -> bool:
        if action == "list":
            return False
        times = [at for at in self._often.get((action, id), []) if self.now() - at < 1.0]
        self._often[action, id] = [*times, self.now()]
        return len(times) >= BURST

    def _done(self, action: str, id: str, body: bytes, query: dict[str, list[str]]) -> tuple[int, bytes]:
        for machine in self.machines.values():
            self._age(machine)
        if action == "list":
            wanted = {key.removeprefix("metadata."): values[0] for key, values in query.items()}
            shown = [each for each in self.machines.values() if each["state"] != "destroyed"]
            shown = [each for each in shown if wanted.items() <= _known(each)["metadata"].items()]
            return 200, json.dumps(shown).encode()
        if action == "create":
            return self._create(json.loads(body))
        if id not in self.machines:
            return _said(404, "not_found: machine not found")
        if self.leased:
            return _said(409, "aborted: lease currently held by ops@example.com, expires at 2026-11-30T06:00:00Z")
        return self._move(action, self.machines[id])

    def _create(self, wanted: dict[str, Any]) -> tuple[int, bytes]:
        name = wanted["name"]
        for machine in self.machines.values():
            if machine["name"] == name and machine["state"] != "destroyed":
                id = machine["id"]
                text = (
                    f'already_exists: unique machine name violation, machine ID {id} already exists with name "{name}"'
                )
                return _said(409, text)
        return 200, json.dumps(self._made(wanted, "created")).encode()

    def _made(self, wanted: dict[str, Any], state: str) -> dict[str, Any]:
        number = len(self.machines) + 1
        machine = {
            "id": f"{0x148E000000000 + number:x}",
            "name": wanted["name"],
            "state": state,
            "region": wanted.get("region", "fra"),
            "instance_id": f"01J{number:023d}",
            "private_ip": f"fdaa:0:18:a7b:7d:1:{number:x}:2",
            "created_at": datetime.fromtimestamp(1_700_000_000 + number, UTC).isoformat().replace("+00:00", "Z"),
            "config": wanted["config"],
            "host_status": "ok",
            "since": self.now(),
        }
        self.machines[str(machine["id"])] = machine
        return machine

    def _move(self, action: str, machine: dict[str, Any]) -> tuple[int, bytes]:
        state = machine["state"]
        if action == "start":
            if state == "started":
                return _said(412, "failed_precondition: machine still active, refusing to start")
            if state not in {"stopped", "suspended"}:
                return _said(412, f"failed_precondition: unable to start machine from current state: '{state}'")
            machine |= {"state": "starting", "since": self.now()}
            return 200, json.dumps({"previous_state": state, "migrated": False, "new_host": ""}).encode()
        if action == "stop" and state in {"started", "starting"}:
            machine |= {"state": "stopping", "since": self.now()}
        if action == "destroy":
            machine |= {"state": "destroying", "since": self.now()}
        return 200, b'{"ok":true}'

    def _age(self, machine: dict[str, Any]) -> None:
        spans = {"created": (self.boots, "started"), "starting": (self.boots, "started")}
        spans |= {"stopping": (self.ends, "stopped"), "destroying": (self.ends, "destroyed")}
        span, then = spans.get(machine["state"], (0.0, ""))
        if then and self.now() - machine["since"] >= span:
            machine["state"] = then


def _said(status: int, text: str) -> tuple[int, bytes]:
    return status, json.dumps({"error": text}).encode()


def _known(machine: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = machine["config"] or machine["incomplete_config"]
    return config
