"""A hub as a systemd unit, through systemctl: of the system, or of the user that the waker runs as."""

import re
from collections.abc import Iterator

from msgspec import Struct

from hub.waker.providers import Described, ProviderFault, State
from hub.waker.providers.command import printed

UNIT = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]{0,250}\.service")
ASKED = ("LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "Job")
STATES: dict[str, State] = {
    "active": "running",
    "reloading": "running",
    "refreshing": "running",
    "activating": "starting",
    "deactivating": "stopping",
    "maintenance": "stopping",
    "inactive": "stopped",
    "failed": "stopped",
}


class SystemdConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.systemd]: the unit that runs the hub."""

    unit: str = ""
    user: bool = False
    """It's a unit of the waker's own user, not of the system."""
    systemctl: str = "systemctl"


def faults(config: SystemdConfig) -> Iterator[str]:
    """Say what's wrong, each line starting with the key."""
    if not UNIT.fullmatch(config.unit):
        yield f"systemd.unit: name the unit that runs the hub, as agenthost.service; it is {config.unit!r}"


class SystemdProvider:
    """Starts and stops a unit that's there."""

    def __init__(self, config: SystemdConfig) -> None:
        self._unit = config.unit
        self._systemctl = (config.systemctl, *(("--user",) if config.user else ()), "--no-pager", "--no-ask-password")

    async def describe(self) -> Described:
        shown = await printed((*self._systemctl, "show", f"--property={','.join(ASKED)}", "--", self._unit))
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        loaded, active = found.get("LoadState", ""), found.get("ActiveState", "")
        if loaded == "not-found" and active == "inactive":
            return Described(state="missing", detail=f"there's no unit {self._unit}")
        state = STATES.get(active)
        if state is None:
            raise ProviderFault(f"{self._unit}: in a state that isn't known, {active!r}")
        # Asked to start and not begun yet, as while what it depends on starts.
        queued = found.get("Job", "") not in {"", "0"}
        return Described(state="starting" if state == "stopped" and queued else state, detail=_detail(found))

    async def start(self) -> None:
        # Not waited for: a unit that tells when it's up is otherwise not asked how it is until it is.
        await printed((*self._systemctl, "--no-block", "start", "--", self._unit))

    async def stop(self) -> None:
        try:
            await printed((*self._systemctl, "--no-block", "stop", "--", self._unit))
        except ProviderFault:
            # A unit that isn't there can't be told to stop, and is.
            if (await self.describe()).state != "missing":
                raise

    async def close(self) -> None:
        """Nothing is held."""


def _detail(found: dict[str, str]) -> str:
    """Say what's worth telling people of a unit that isn't simply up."""
    loaded, sub, result = (found.get(name, "") for name in ("LoadState", "SubState", "Result"))
    if loaded not in {"loaded", ""}:
        return f"its unit is {loaded}"
    if found.get("ActiveState") == "failed" or sub == "auto-restart":
        status = found.get("ExecMainStatus", "")
        return f"it failed by {result}" + (f", with {status}" if status not in {"", "0"} else "")
    return ""
