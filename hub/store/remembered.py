"""Records that were looked up or changed lately, by their identity, as the store has them.

While a message is worked on, it, its task and its turn are asked for two dozen times, and what changes them was written
here. Only for a store whose database nobody else writes.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from hub.ports import Add, Change, Count, Save
from hub.records import Deed, Event, Record
from hub.store.keys import REVISED, Identity, identity, identity_of

MOST = 1_024
"""Records: those of a hundred messages that are worked on, in about two megabytes."""

_Which = tuple[type, Identity]


class Remembered:
    """The records by kind and identity, those asked for longest ago going first."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Which, Record | None] = OrderedDict()
        self._changing: Counter[_Which] = Counter()
        self._asked_for: set[type] = set()
        """Kinds that are looked up by their identity: others needn't be remembered when they're written."""

    def get(self, kind: type, where: Sequence[str], values: Identity) -> Record | UnsetType | None:
        """Return a record, None if there's none, or UNSET if it isn't remembered; `where` says what the values are."""
        if identity_of(kind) != where:
            return UNSET
        self._asked_for.add(kind)
        which = (kind, values)
        found = self._known.get(which, UNSET)
        if found is not UNSET:
            self._known.move_to_end(which)
        return found

    def keep(self, kind: type, where: Sequence[str], values: Identity, found: Record | None) -> None:
        """Remember what was just read, also that there's nothing, unless it's being changed."""
        if found is not None:
            self._keep((kind, identity(found)), found)
        elif identity_of(kind) == where:
            self._keep((kind, values), None)

    def change(self, changes: Sequence[Change]) -> Callable[[bool], None]:
        """Forget what changes; until the function that's returned is called, it isn't remembered again.

        What's read meanwhile may be as it was, so it's to be called when the changes are kept (True) or refused
        (False), and not when who made them waits no longer.
        """
        touched = Counter(_touched(changes))
        self._changing.update(touched)
        for which in touched:
            self._known.pop(which, None)

        def over(kept: bool) -> None:
            self._changing -= touched
            if kept:
                for change in changes:
                    self._written(change)

        return over

    def _written(self, change: Change) -> None:
        if type(change.record) in self._asked_for and _is_one(change):
            self._keep((type(change.record), identity(change.record)), _as_kept(change))

    def _keep(self, which: _Which, found: Record | None) -> None:
        if which not in self._changing:
            self._known[which] = found
            self._known.move_to_end(which)
            if len(self._known) > MOST:
                self._known.popitem(last=False)


def _touched(changes: Iterable[Change]) -> Iterator[_Which]:
    return ((type(change.record), identity(change.record)) for change in changes if _is_one(change))


def _is_one(change: Change) -> bool:
    """Say whether a change is of one record that's there already, or known by its identity."""
    return not (isinstance(change, Count) or isinstance(change.record, Event | Deed))


def _as_kept(change: Change) -> Record | None:
    """Return what the store has once a change is done."""
    if isinstance(change, Save) and isinstance(change.record, REVISED):
        return replace(change.record, revision=change.record.revision + 1)
    return change.record if isinstance(change, Add | Save) else None
