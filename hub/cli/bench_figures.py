"""What a measurement is: a figure with its aim; and the folders and processes that measuring takes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Literal

from msgspec import Struct

TICKS = os.sysconf("SC_CLK_TCK")


class Figure(Struct, frozen=True, kw_only=True):
    """One measured value."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    better: Literal["less", "more"] = "less"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None if there's none."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.better == "less" else self.value >= self.aim


def at(values: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def p50_and(percent: int, name: str, values: Sequence[float], aims: tuple[float | None, float | None]) -> list[Figure]:
    """Return the median and another percentile of seconds, in milliseconds."""
    return [
        Figure(name=f"{name}, p50", value=at(values, 50) * 1000, unit="ms", aim=aims[0]),
        Figure(name=f"{name}, p{percent}", value=at(values, percent) * 1000, unit="ms", aim=aims[1]),
    ]


@asynccontextmanager
async def process(*arguments: str, log: Path | None = None) -> AsyncGenerator[Process, None]:
    """Run Python with arguments; it's ended with the block."""
    with log.open("ab") if log else open(os.devnull, "wb") as errors:  # noqa: ASYNC230 - a log, opened once
        started = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=errors
        )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.communicate()


async def line_of(started: Process) -> str:
    """Return the next line that a process prints; raises RuntimeError if it ends instead."""
    assert started.stdout is not None  # noqa: S101 - it's piped above
    async with asyncio.timeout(60):
        line = (await started.stdout.readline()).decode().strip()
    if not line:
        raise RuntimeError("it ended before it was up")
    return line


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """Return the megabytes of memory that a process has."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith("VmRSS:"))
    return int(found.split()[1]) / 1024


def children(pid: int) -> list[int]:
    """Return a process's children, and theirs."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listed.read_text().split()):
            found += [child, *children(child)]
    return found
