"""A hub that three commands start, stop and look after: for whatever has a command line of its own."""

import asyncio
from collections.abc import Sequence
from typing import get_args

from hub.waker.providers import Described, ProviderFault, State

PATIENCE = 120.0
SHOWN = 200


class CommandProvider:
    """Runs commands, never through a shell."""

    def __init__(self, *, start: Sequence[str], stop: Sequence[str], state: Sequence[str]) -> None:
        self._start, self._stop, self._state = tuple(start), tuple(stop), tuple(state)

    async def describe(self) -> Described:
        words = (await printed(self._state)).split(maxsplit=1)
        state = next((known for known in get_args(State) if words and words[0].lower() == known), None)
        if state is None:
            said = " ".join(words)[:SHOWN]
            raise ProviderFault(f"{self._state[0]}: said {said!r}; it must print one of {', '.join(get_args(State))}")
        url = words[1].strip() if len(words) > 1 else ""
        return Described(state=state, url=url if url.startswith(("http://", "https://")) else "")

    async def start(self) -> None:
        await printed(self._start)

    async def stop(self) -> None:
        await printed(self._stop)

    async def close(self) -> None:
        """Nothing is held."""


async def printed(command: Sequence[str]) -> str:
    """Run a command, never through a shell, and return what it printed; raises ProviderFault if it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProviderFault(f"{command[0]}: can't be run ({error.strerror})") from None
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise ProviderFault(f"{command[0]}: didn't end within {PATIENCE:.0f} s") from None
    if process.returncode:
        said = (err or out).decode(errors="replace").strip()[-SHOWN:]
        raise ProviderFault(f"{command[0]}: ended with {process.returncode}: {said}")
    return out.decode(errors="replace").strip()
