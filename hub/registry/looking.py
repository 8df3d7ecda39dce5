"""What an archive holds and asks for, so that its publisher sees what they're about to sign."""

import asyncio
from hashlib import sha256

from msgspec import Struct

from hub.packages.inspecting import inspected
from hub.packages.meanings import KINDS, meaning
from hub.packages.oddities import odd
from hub.records import PackageKind

AT_ONCE = 2
"""Archives that are looked into at a time: each takes a processor."""


class Ask(Struct, frozen=True, kw_only=True):
    """A permission that a package asks for."""

    id: str
    """As "net:api.example.org"."""
    meaning: str


class Look(Struct, frozen=True, kw_only=True):
    """What an archive holds; nothing of it is kept."""

    name: str
    version: str
    kind: PackageKind
    what: str
    """What its kind is, in words."""
    description: str
    asks: list[Ask]
    """What its statement has to name as its permissions."""
    tools: tuple[str, ...]
    notes: tuple[str, ...]
    findings: list[str]
    """What the registry's own rules find odd; an operator's scan may find more."""
    sha256: str
    size: int


class Looking:
    """Looks into archives; nothing of them is kept."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    async def look(self, archive: bytes) -> Look:
        """Return what an archive holds; raises ManifestError."""
        async with self._free:
            return await asyncio.to_thread(_looked, archive)


def _looked(archive: bytes) -> Look:
    found = inspected(archive)
    sheet = found.sheet
    return Look(
        name=sheet.name,
        version=sheet.version,
        kind=sheet.kind,
        what=KINDS[sheet.kind],
        description=sheet.description,
        asks=[Ask(id=ask, meaning=meaning(ask)) for ask in sheet.asks],
        tools=sheet.tools,
        notes=sheet.notes,
        findings=list(odd(found.entries, sheet)),
        sha256=sha256(archive).hexdigest(),
        size=len(archive),
    )
