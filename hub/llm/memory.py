"""How much memory a model's process may take, and what of it is left for the context."""

import sys
from contextlib import suppress
from pathlib import Path

MB = 1024 * 1024
BESIDES = 150 * MB
"""What the process takes beside the model's file and its context: Python, numpy, llama.cpp and its buffers."""

LEAST = 512
"""Tokens of a context below which nothing sensible can be asked."""


def limit(megabytes: int) -> None:
    """Have the system refuse this process more memory of its own; what it maps from files isn't counted there."""
    if not megabytes or sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - there's none elsewhere

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * MB, megabytes * MB))


def context(wanted: int, *, megabytes: int, file: int, cell: int, spare: float) -> int:
    """Return how many tokens of context fit, `wanted` at most; raises ValueError if too few do.

    A token takes `cell` bytes, and there are `spare` times as many cells as tokens, but 1,024 more at least.
    """
    if not megabytes:
        return wanted
    room = (megabytes * MB - file - BESIDES) // max(1, cell)
    found = min(wanted, int(room / spare), room - 1024)
    if found < min(LEAST, wanted):
        needed = -(-(file + BESIDES + cell * (LEAST + 1024)) // MB)
        raise ValueError(
            f"it needs {needed} MB at least, and llm.memory_mb allows {megabytes}; raise that, or take a smaller model"
        )
    return found


def resident(pid: int) -> float:
    """Return the megabytes that a process takes of the machine's memory, its model's file included; 0 if unknown."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * _page() / MB
    return 0.0


def _page() -> int:
    import resource  # noqa: PLC0415 - there's none on some systems, and there's no /proc on those

    return resource.getpagesize()
