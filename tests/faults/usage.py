"""What a running hub takes of the machine: memory, open files, threads, processor time."""

import os
from pathlib import Path
from typing import Self

from msgspec import Struct

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Usage(Struct, frozen=True, kw_only=True):
    """Of one process, at one moment."""

    rss: int
    """Bytes of memory that are really there."""
    files: int
    threads: int
    children: int
    cpu: float
    """Seconds of processor time since its start."""

    @classmethod
    def of(cls, pid: int) -> Self:
        """Look at a process."""
        place = Path(f"/proc/{pid}")
        fields = place.joinpath("stat").read_text().rpartition(") ")[2].split()
        children = place.joinpath("task", str(pid), "children")
        return cls(
            rss=int(place.joinpath("statm").read_text().split()[1]) * PAGE,
            files=len(os.listdir(place / "fd")),
            threads=int(fields[17]),
            children=len(children.read_text().split()) if children.exists() else 0,
            cpu=(int(fields[11]) + int(fields[12])) / TICKS,
        )
