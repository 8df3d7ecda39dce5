"""Fetches a model: resumed where it was cut off, checked by its SHA-256, and seen as a model only once it's whole."""

import asyncio
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from hub.errors import PullError
from hub.weights import shelf
from hub.weights.names import Offer, Repo, chosen, is_model

if TYPE_CHECKING:
    from hub.weights.hugging import HuggingFace, Listing

log = logging.getLogger(__name__)

TRIES = 5
"""In a row without a byte more, until a download is given up."""

PAUSE = 1.0
"""Seconds before the second try; they double."""

SPARE = 256 << 20
"""Bytes that the disk keeps free."""

BLOCK = 1 << 20
SHARE = 0.7
"""Of this machine's memory, what a model's file may take."""


class Progress(Struct, frozen=True):
    """How far a download is."""

    name: str
    done: int
    size: int
    why: str = ""
    """Why it's this file, if none was named."""


Report = Callable[[Progress], None]


class Pull:
    """A model on its way into a folder."""

    def __init__(
        self, repo: Repo, folder: Path, environ: Mapping[str, str], *, pause: float = PAUSE, memory: int | None = None
    ) -> None:
        self._repo = repo
        self._folder = folder
        self._environ = environ
        self._pause = pause
        self._memory = memory

    async def run(self, report: Report) -> shelf.Pulled:
        """Fetch it, and return where it lies; raises PullError. Cancelled or failed, the next run goes on from there.

        What's there already, whole, isn't fetched again.
        """
        if there := await asyncio.to_thread(shelf.find, self._folder, self._repo):
            return there
        # Here and not above: httpx takes 20 MB, and a hub mostly has its models.
        from hub.weights.hugging import HuggingFace  # noqa: PLC0415

        hub = HuggingFace(self._environ)
        try:
            listing = await hub.models(self._repo)
            offer, why = self._choose(listing)
            return await self._fetch(
                hub, listing, offer, lambda done: report(Progress(offer.name, done, offer.size, why))
            )
        finally:
            await hub.close()

    def _choose(self, listing: "Listing") -> tuple[Offer, str]:
        if self._repo.file:
            for offer in listing.offers:
                if offer.name == self._repo.file:
                    return offer, ""
        whole = [offer for offer in listing.offers if is_model(offer.name)]
        names = ", ".join(offer.name for offer in whole[:40])
        if self._repo.file:
            raise PullError(f"{self._repo.name} has no {self._repo.file}; it has: {names or 'no GGUF file'}")
        if not whole:
            raise PullError(
                f"{self._repo.name} has no whole model as a GGUF file; look for a repository that has one (mostly named"
                " …-GGUF)"
            )
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if self._memory is None else self._memory
        return chosen(whole, int(memory * SHARE))

    async def _fetch(
        self, hub: "HuggingFace", listing: "Listing", offer: Offer, report: Callable[[int], None]
    ) -> shelf.Pulled:
        path = shelf.place(self._folder, self._repo, offer.name)
        draft = path.with_name(f".{path.name}.{offer.sha256[:12]}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(draft) as file:
                part = await asyncio.to_thread(_Part, file, offer.size)
                _check_room(path.parent, offer.size - part.done)
                await self._all(hub, listing, offer, part, report)
                if part.sha256 != offer.sha256:
                    draft.unlink()
                    raise PullError(
                        f"{offer.name} came with the SHA-256 {part.sha256[:16]}…, not {offer.sha256[:16]}…: damaged on"
                        " the way; it was thrown away, pull it again"
                    )
                pulled = shelf.Pulled(
                    path=str(path),
                    repo=self._repo.name,
                    revision=listing.revision,
                    sha256=offer.sha256,
                    size=offer.size,
                )
                await asyncio.to_thread(shelf.keep, file, draft, pulled)
        except OSError as error:
            raise PullError(f"{path} can't be written ({error.strerror}); make room, or mend its rights") from None
        return pulled

    async def _all(
        self, hub: "HuggingFace", listing: "Listing", offer: Offer, part: "_Part", report: Callable[[int], None]
    ) -> None:
        """Read until it's whole; a connection that breaks is followed by another, from where it broke."""
        tries, pause = 0, self._pause
        report(part.done)
        while part.done < offer.size:
            before = part.done
            try:
                await self._some(hub, listing, offer, part, report)
            except PullError as error:
                tries, pause = (tries + 1, pause * 2) if part.done == before else (1, self._pause)
                if not error.passes or tries >= TRIES:
                    raise
                log.info("%s; going on from %d of %d bytes", error, part.done, offer.size)
                await asyncio.sleep(pause)

    async def _some(
        self, hub: "HuggingFace", listing: "Listing", offer: Offer, part: "_Part", report: Callable[[int], None]
    ) -> None:
        before = part.done
        async with hub.reading(self._repo, listing, offer, part.done) as response:
            if response.status_code == 200:
                part.clear()  # this server can't begin in the middle
            async for block in response.aiter_bytes():
                if part.done + len(block) > offer.size:
                    raise PullError(f"{offer.name} is longer than the {offer.size} bytes that were announced")
                await asyncio.to_thread(part.write, block)
                report(part.done)
        if part.done <= before and part.done < offer.size:
            raise PullError(f"{offer.name}: nothing more came", passes=True)


class _Part:
    """What there is of a download."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        if file.seek(0, os.SEEK_END) > size:
            file.truncate(0)
        file.seek(0)
        while block := file.read(BLOCK):
            self._digest.update(block)
        self.done = file.tell()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self._digest.update(block)
        self.done += len(block)

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.done = 0


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """Open what there is of a download; raises PullError if another process is at it."""
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullError(f"{part.name} is being fetched already by another process", passes=True) from None
        yield file


def _check_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise PullError(
            f"{folder} has {free / 1e9:.1f} GB free, and {(wanted + SPARE) / 1e9:.1f} GB are needed; make room, or let"
            " XDG_CACHE_HOME name a folder on another disk"
        )
