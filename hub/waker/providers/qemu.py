"""A hub in a virtual machine of this computer, run by QEMU, which is asked by QMP how the machine is."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct, field

from hub.sections import Positive
from hub.waker.providers import Described, ProviderFault, State
from hub.waker.providers.process import ProcessProvider

QUICK = 5.0
LONGEST = 1 << 20
LONGEST_PATH = 107
"""Bytes of a Unix socket's path: what the kernel's sockaddr_un holds."""
STATES: dict[str, State] = {
    "prelaunch": "starting",
    "inmigrate": "starting",
    # It has powered off, and QEMU was told to stay nevertheless.
    "shutdown": "stopping",
}


class QemuConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[hubs.qemu]: the machine that the hub runs in."""

    program: str = "qemu-system-x86_64"
    arguments: tuple[str, ...] = ()
    """What the machine is: its memory, disks and network; the waker adds what it needs itself."""
    stop_seconds: Positive = 30
    """The machine is turned off that hasn't done it so long after its power button was pressed."""


def faults(config: QemuConfig) -> Iterator[str]:
    """Say what's wrong, each line starting with the key."""
    if not config.arguments:
        yield 'qemu.arguments: missing; say what the machine is, as ["-m", "1G", "-hda", "hub.img"]'
    if taken := [word for word in config.arguments if word in {"-qmp", "-daemonize", "-no-shutdown", "-S"}]:
        yield f"qemu.arguments: {taken[0]} is the waker's own matter; leave it out"


class QemuProvider:
    """Runs QEMU in a session of its own, so that the machine outlives the waker and is found again by the next."""

    def __init__(self, config: QemuConfig, hub: str, data: Path) -> None:
        """`data` is the waker's folder; the machine's monitor listens there."""
        self._config = config
        self._socket = data / f"{hub}.qmp"
        own = ("-name", f"agenthost-{hub}", "-display", "none", "-qmp", f"unix:{self._socket},server=on,wait=off")
        self._process = ProcessProvider((config.program, *config.arguments, *own), data / f"{hub}.qemu")
        self._asked_at: float | None = None

    async def describe(self) -> Described:
        found = await self._process.describe()
        if found.state == "stopped":
            return found
        try:
            status = await self._ask("query-status")
        except (OSError, TimeoutError, ProviderFault):
            # It has only begun, or is about to end: the process is there, and that's what costs.
            status = "its monitor doesn't answer"
        state = STATES.get(status, "running")
        return Described(state="stopping" if self._asked_at is not None else state, detail=f"{found.detail}: {status}")

    async def start(self) -> None:
        if len(os.fsencode(self._socket)) > LONGEST_PATH:
            raise ProviderFault(f"{self._socket}: longer than a socket's path may be; take another waker.data")
        self._asked_at = None
        await self._process.start()

    async def stop(self) -> None:
        """Press the power button once; turn off what doesn't heed it, and then end what doesn't turn off."""
        if (await self._process.describe()).state == "stopped":
            return
        now = asyncio.get_running_loop().time()
        if self._asked_at is None:
            self._asked_at = now
            if await self._execute("system_powerdown"):
                return
        elif now - self._asked_at <= self._config.stop_seconds:
            return
        # QEMU itself may hang: the process is told too, and killed if that doesn't help either.
        await self._execute("quit")
        await self._process.stop()

    async def close(self) -> None:
        """Leave the machine alone."""

    async def _execute(self, command: str) -> bool:
        """Have the monitor do something; return whether it was heard."""
        with suppress(OSError, TimeoutError, ProviderFault):
            await self._ask(command)
            return True
        return False

    async def _ask(self, command: str) -> str:
        """Return the status in the monitor's answer, if it has one; raises ProviderFault, OSError or TimeoutError."""
        async with asyncio.timeout(QUICK):
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=LONGEST)
            try:
                await reader.readline()  # it greets
                for each in ("qmp_capabilities", command):
                    writer.write(msgspec.json.encode({"execute": each}) + b"\n")
                    answer = await _answer(reader)
                return answer
            finally:
                writer.close()


class _Status(Struct, frozen=True):
    status: str = ""


class _Said(Struct, frozen=True):
    """What a monitor says: the answer to a command, a refusal, or news that nobody asked for."""

    returned: _Status | msgspec.UnsetType = field(default=msgspec.UNSET, name="return")
    error: dict[str, str] | None = None


async def _answer(reader: asyncio.StreamReader) -> str:
    """Return the status in the next answer; news is passed over."""
    while line := await reader.readline():
        try:
            said = msgspec.json.decode(line, type=_Said)
        except msgspec.MsgspecError as error:
            raise ProviderFault(f"the machine's monitor isn't understood ({error})") from None
        if said.error is not None:
            raise ProviderFault(f"the machine's monitor refuses: {said.error.get('desc', 'it says no more')}")
        if said.returned is not msgspec.UNSET:
            return said.returned.status
    raise ProviderFault("the machine's monitor hung up")
