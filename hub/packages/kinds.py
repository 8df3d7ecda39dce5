"""What a kind of package has to be able to do: a module for each, and the installer knows no more of it than this."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from hub.errors import ManifestError
from hub.manifests import Agent
from hub.packages.archive import Entry
from hub.ports import Tool
from hub.records import Package, PackageKind


class Sheet(Struct, frozen=True, kw_only=True):
    """What a package is and what it asks for, in words for whoever decides about it."""

    name: str
    version: str
    kind: PackageKind
    description: str
    tools: tuple[str, ...]
    """A plugin's own tools; an agent's that it would use."""
    asks: tuple[str, ...] = ()
    """Permissions, as "fs:data"."""
    notes: tuple[str, ...] = ()
    """What else they should know: "runs node server.js in a sandbox"."""


async def _nothing() -> None:
    pass


class Opened(Struct, frozen=True, kw_only=True):
    """An edition of a package, ready for use."""

    tools: tuple[Tool, ...] = ()
    agent: Agent | None = None
    close: Callable[[], Awaitable[None]] = _nothing
    """Ends what was begun for it: processes, above all."""


class Readable(Protocol):
    """One kind of package, as far as reading goes. Each method raises ManifestError for what its author has to mend.

    `folder` is called what the package is called; a text that names a path names it from there, for where it lies on
    this machine is nobody's business.
    """

    kind: PackageKind
    manifest: str
    """The file at a package's top that makes it one of this kind."""

    def name(self, manifest: bytes) -> str:
        """Return the name that a manifest gives, or "" if it gives none that a folder could have.

        What's wrong with it is told by who reads it.
        """

    def sheet(self, folder: Path) -> Sheet:
        """Read what a package is; strictly. Blocks; is called in a thread."""


class Kind(Readable, Protocol):
    """One kind of package, ready to install its packages."""

    async def check(self, folder: Path) -> None:
        """Check all that can be checked without letting it loose: that its program can be read, its types."""

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """Do once what has to be done in the folder before it's used: an install script, in the sandbox.

        What it writes there stays. Killed, it's begun again in a fresh folder.
        """

    async def open(self, package: Package, folder: Path) -> Opened:
        """Make the edition `package.now` ready for use, with the permissions that it was granted."""


@runtime_checkable
class Several(Protocol):
    """A kind with more than one manifest, any of which makes a package one of it."""

    others: tuple[str, ...]
    """Besides `manifest`, which counts before them."""


AnyKind = TypeVar("AnyKind", bound=Readable)


def manifests(kind: Readable) -> tuple[str, ...]:
    """Return the files of which each makes a package one of a kind, the one that counts first."""
    return (kind.manifest, *(kind.others if isinstance(kind, Several) else ()))


def kind_of(entries: tuple[Entry, ...], kinds: Iterable[AnyKind]) -> tuple[AnyKind, Entry]:
    """Return what a package is, by the manifest at its top, and that; raises ManifestError."""
    known = {name: kind for kind in kinds for name in manifests(kind)}
    named = {entry.path: entry for entry in entries if entry.path in known}
    # Of a kind that reads several manifests, the first one counts.
    firsts = {known[path].kind: next(filter(named.get, manifests(known[path]))) for path in named}
    found = [(known[path], named[path]) for path in firsts.values()]
    if len(found) == 1:
        return found[0]
    *others, last = sorted(known)
    names = f"{', '.join(others)} or {last}"
    if found:
        which = " and ".join(sorted(entry.path for _, entry in found))
        raise ManifestError(f"archive: has {which}; a package has one of {names}")
    raise ManifestError(f"archive: has no {names} at its top; a package has one of them")
