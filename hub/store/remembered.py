"""Records that were looked up by their identity lately, as long as nobody changes them.

While a message is worked on, it, its task and its turn are asked for two dozen times, and mostly haven't changed. Only
for a store whose database nobody else writes.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

from hub.ports import Change, Count
from hub.records import Deed, Event, Record
from hub.store.keys import Identity, identity, identity_of

MOST = 1_024
"""Records: those of a hundred messages that are worked on, in about two megabytes."""

_Which = tuple[type, Identity]


class Remembered:
    """The records by kind and identity, those asked for longest ago going first."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Which, Record] = OrderedDict()
        self._changing: Counter[_Which] = Counter()

    def get(self, kind: type, where: Sequence[str], values: Identity) -> Record | None:
        """Return a record that's remembered; `where` says what the values are."""
        which = (kind, values)
        found = self._known.get(which) if identity_of(kind) == where else None
        if found is not None:
            self._known.move_to_end(which)
        return found

    def keep(self, record: Record) -> None:
        """Remember a record that was just read, unless it's being changed."""
        which = (type(record), identity(record))
        if which not in self._changing:
            self._known[which] = record
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    def change(self, changes: Sequence[Change]) -> Callable[[], None]:
        """Forget what changes; until the function that's returned is called, it isn't remembered again.

        What's read meanwhile may be as it was, so it's to be called when the changes are kept or refused, and not when
        who made them waits no longer.
        """
        touched = Counter((type(change.record), identity(change.record)) for change in changes if _is_kept(change))
        self._changing.update(touched)
        for which in touched:
            self._known.pop(which, None)

        def over() -> None:
            self._changing -= touched

        return over


def _is_kept(change: Change) -> bool:
    """Say whether a change is of one record that's there already, or known by its identity."""
    return not (isinstance(change, Count) or isinstance(change.record, Event | Deed))
