"""Messages that show what isn't finished: known to the next run too, for it finishes them or takes them away."""

from typing import Literal

from msgspec import Struct, convert, to_builtins

from hub.ports import Documents
from hub.records import TurnId

Kind = Literal["answer", "progress"]
PREFIX = "shown/"


class Shown(Struct, frozen=True, kw_only=True):
    """A message that's edited while a turn is at work."""

    chat: int
    message: int
    kind: Kind
    turn: TurnId


class Unfinished:
    """Keeps them, one for each turn and kind."""

    def __init__(self, documents: Documents, owner: str) -> None:
        self._documents = documents
        self._owner = owner
        self._shown: dict[tuple[TurnId, Kind], Shown] = {}
        self._left: set[tuple[TurnId, Kind]] = set()

    async def open(self) -> None:
        """Remember what the last run left."""
        for id, document in await self._documents.all(self._owner):
            if id.startswith(PREFIX):
                shown = convert(document, Shown)
                self._shown[shown.turn, shown.kind] = shown
                self._left.add((shown.turn, shown.kind))

    async def keep(self, shown: Shown) -> None:
        """Remember a message; raises StoreError."""
        self._shown[shown.turn, shown.kind] = shown
        await self._documents.put(self._owner, _id(shown.turn, shown.kind), to_builtins(shown))

    def of(self, turn: TurnId, kind: Kind) -> int | None:
        """Return a turn's message."""
        shown = self._shown.get((turn, kind))
        self._left.discard((turn, kind))
        return shown.message if shown else None

    async def forget(self, turn: TurnId, kind: Kind) -> Shown | None:
        """Return a turn's message, and know it no more."""
        shown = self._shown.pop((turn, kind), None)
        self._left.discard((turn, kind))
        if shown is not None:
            await self._documents.remove(self._owner, _id(turn, kind))
        return shown

    async def abandoned(self) -> list[Shown]:
        """Return what the last run left and nobody has asked for since, and know it no more."""
        found = [await self.forget(turn, kind) for turn, kind in tuple(self._left)]
        return [shown for shown in found if shown]


def _id(turn: TurnId, kind: Kind) -> str:
    return f"{PREFIX}{kind}/{turn}"
