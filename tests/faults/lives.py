"""Work without end, done by a forked process until it's killed, life after life: so each begins in a moment."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

LONGEST = 20.0


def say(text: str) -> None:
    """Tell whoever watches, at once: what was said before the kill was said."""
    os.write(1, f"{text}\n".encode())


def live(folder: Path, work: Callable[[Path, Random], Awaitable[None]]) -> None:
    """For each line of the input, SEED SECONDS FAILPOINT, have a process work until it's killed; say `dead STATUS`.

    Seconds 0: only the failpoint kills it. Failpoint -: only the time does.
    """

    async def working(seed: str) -> None:
        await work(folder, Random(int(seed)))

    for line in sys.stdin:
        seed, seconds, failpoint = line.split()
        child = os.fork()
        if child == 0:
            if failpoint != "-":
                os.environ["AGENTHOST_FAILPOINT"] = failpoint
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            # Whoever never comes by its failpoint is killed all the same.
            signal.setitimer(signal.ITIMER_REAL, float(seconds) or LONGEST)
            asyncio.run(working(seed))
        _, status = os.waitpid(child, 0)
        say(f"dead {status}")
