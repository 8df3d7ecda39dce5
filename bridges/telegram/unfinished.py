"""Messages that show what isn't finished: known to the next run too, for it finishes them or takes them away."""

from typing import Literal

from msgspec import Struct, convert, to_builtins

from hub.ports import Documents

Kind = Literal["answer", "progress"]
"""progress: what an earlier version left; it's taken away."""
PREFIX = "shown/"


class Shown(Struct, frozen=True, kw_only=True):
    """A message that's edited while work goes on."""

    chat: int
    message: int
    kind: Kind
    of: str
    """The turn whose answer it is."""


class Unfinished:
    """Keeps them, one for each turn's answer."""

    def __init__(self, documents: Documents, owner: str) -> None:
        self._documents = documents
        self._owner = owner
        self._shown: dict[tuple[str, Kind], Shown] = {}
        self._left: set[tuple[str, Kind]] = set()

    async def open(self) -> None:
        """Remember what the last run left."""
        for id, document in await self._documents.all(self._owner):
            if id.startswith(PREFIX):
                shown = convert(document, Shown)
                self._shown[shown.of, shown.kind] = shown
                self._left.add((shown.of, shown.kind))

    async def keep(self, shown: Shown) -> None:
        """Remember a message; raises StoreError."""
        self._shown[shown.of, shown.kind] = shown
        await self._documents.put(self._owner, _id(shown.of, shown.kind), to_builtins(shown))

    def find(self, of: str, kind: Kind) -> int | None:
        """Return the message of a turn."""
        shown = self._shown.get((of, kind))
        self._left.discard((of, kind))
        return shown.message if shown else None

    async def forget(self, of: str, kind: Kind) -> Shown | None:
        """Return a message, and know it no more."""
        shown = self._shown.pop((of, kind), None)
        self._left.discard((of, kind))
        if shown is not None:
            await self._documents.remove(self._owner, _id(of, kind))
        return shown

    async def abandoned(self) -> list[Shown]:
        """Return what the last run left and nobody has asked for since, and know it no more."""
        found = [await self.forget(of, kind) for of, kind in tuple(self._left)]
        return [shown for shown in found if shown]


def _id(of: str, kind: Kind) -> str:
    return f"{PREFIX}{kind}/{of}"
