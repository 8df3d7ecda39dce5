"""Who's behind what is done now, for the audit log: known where somebody comes in, asked where it's committed.

It goes along by itself, as the ids of log lines do: no service between the two has to hand it on, or could forget to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from hub.records import KeyId, PersonId


class Doer(Struct, frozen=True, kw_only=True):
    """Somebody at work, and by which way they came: key, session, chat, agent, hub."""

    person: PersonId | None = None
    way: str = "hub"
    key: KeyId | None = None


_now: ContextVar[Doer] = ContextVar("doer", default=Doer())  # noqa: B039 - it's frozen


def doer() -> Doer:
    """Return who's at work here; the hub itself where nobody came in."""
    return _now.get()


def comes(by: Doer) -> None:
    """Have whatever this task of the event loop does from now on be somebody's doing."""
    _now.set(by)


@contextmanager
def doing(by: Doer) -> Iterator[None]:
    """Have what's done within be somebody's doing."""
    before = _now.set(by)
    try:
        yield
    finally:
        _now.reset(before)
