"""Folders that authors work in: installed as they are, and again after each change.

A change goes the whole way of an installation: checked, scanned, with the permissions that were granted. What's faulty
is told in the log and in the list of installations, and what was there goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from hub.errors import AgentHostError, BadRequest, NotAllowed
from hub.packages.packing import files, zipped
from hub.ports import Clock
from hub.records import Package

log = logging.getLogger(__name__)

SOURCE = "dev: "
"""What a linked package's source begins with."""
SECONDS = 2.0
"""Between two looks at a folder."""

Install = Callable[[bytes, Collection[str], str], Awaitable[Package]]
Seen = tuple[tuple[str, int, int], ...]


class Linked:
    """Keeps linked packages as their folders are."""

    def __init__(
        self, clock: Clock, install: Install, packages: Callable[[], Awaitable[Sequence[Package]]], *, allowed: bool
    ) -> None:
        """`allowed` is what the config file says: nobody else can."""
        self._clock = clock
        self._install = install
        self._packages = packages
        self._allowed = allowed
        self._linked = asyncio.Event()
        self._seen: dict[str, Seen] = {}

    async def link(self, folder: str, grants: Collection[str]) -> Package:
        """Install a folder of this machine, and again whenever something in it changes.

        Raises NotAllowed unless the config file allows it, BadRequest for what's no folder, and what `install` does.
        """
        if not self._allowed:
            raise NotAllowed("packages.dev: is false; set it in the config file to link folders")
        path = Path(folder)
        if not path.is_absolute() or not await asyncio.to_thread(path.is_dir):
            raise BadRequest("folder", f"{folder[:200]!r} is no folder of the hub's machine; give its whole path")
        package = await self._take(path, grants)
        self._linked.set()
        return package

    async def run(self) -> None:
        """Look at linked folders until cancelled; without any, wait for one."""
        if not self._allowed:
            return
        while True:
            linked = [package for package in await self._packages() if package.now.source.startswith(SOURCE)]
            if not linked:
                self._linked.clear()
                await self._linked.wait()
                continue
            for package in linked:
                await self._look(Path(package.now.source.removeprefix(SOURCE)))
            await self._clock.sleep(SECONDS)

    async def _look(self, folder: Path) -> None:
        try:
            if await asyncio.to_thread(_seen, folder) != self._seen.get(str(folder)):
                package = await self._take(folder, ())
                log.info("package %s: taken anew from its folder", package.id)
        except (AgentHostError, OSError) as error:
            log.warning("%s: not taken anew: %s", folder, error)

    async def _take(self, folder: Path, grants: Collection[str]) -> Package:
        # Looked at first: what changes while it's packed is a change of its own.
        self._seen[str(folder)] = await asyncio.to_thread(_seen, folder)
        try:
            archive = await asyncio.to_thread(zipped, folder)
        except OSError as error:
            raise BadRequest("folder", f"{folder}: can't be read ({error.strerror})") from None
        return await self._install(archive, grants, f"{SOURCE}{folder}")


def _seen(folder: Path) -> Seen:
    """Return what changes when a file does."""
    stats = ((str(path), path.lstat()) for path in files(folder))
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
