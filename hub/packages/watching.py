"""What no limit of the kernel's covers for a program as a whole: its memory all together, and the disk it fills."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from hub.packages.sandbox import MEGABYTE, Program

EVERY = 1.0
"""Seconds between two looks."""
MOST_FILES = 20_000
_PAGE = os.sysconf("SC_PAGE_SIZE")


async def excess(pid: int, program: Program) -> str:
    """Return once a program takes more than it may, in words for a log; cancel it when the program ended."""
    limits = program.limits
    written = [
        folder for folder in (program.data, program.folder if program.fixed or program.writes else None) if folder
    ]
    while True:
        await asyncio.sleep(EVERY)
        memory, disk = await asyncio.to_thread(lambda: (memory_of(pid), sum(map(size_of, written))))
        if memory > limits.memory_mb * MEGABYTE:
            return f"it took {memory // MEGABYTE} MB of memory; {limits.memory_mb} MB are allowed"
        if disk > limits.disk_mb * MEGABYTE:
            return f"it wrote {disk // MEGABYTE} MB; {limits.disk_mb} MB are allowed"


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process and all below it have."""
    return sum(map(_resident, _family(pid)))


def size_of(folder: Path) -> int:
    """Return the bytes that a folder's files take; one of very many files counts as endless."""
    total = 0
    for count, path in enumerate(folder.rglob("*")):
        try:
            total += path.lstat().st_blocks * 512
        except OSError:
            continue
        if count > MOST_FILES:
            return 1 << 60
    return total


def _family(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, path.read_text().split())
            except OSError:
                continue


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
