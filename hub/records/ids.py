"""Names of things, each a type of its own."""

import secrets
import threading
import time
from typing import NewType

TenantId = NewType("TenantId", str)
PersonId = NewType("PersonId", str)
MessageId = NewType("MessageId", str)
TaskId = NewType("TaskId", str)
TurnId = NewType("TurnId", str)
KeyId = NewType("KeyId", str)
EntryId = NewType("EntryId", str)
PackageId = NewType("PackageId", str)
PairingId = NewType("PairingId", str)
PauseId = NewType("PauseId", str)
InstallationId = NewType("InstallationId", str)

HOME = TenantId("home")
"""The tenant of a hub that serves only its owner."""

OWNER = PersonId("owner")


class _Ids:
    """Ids that only grow, even within a millisecond and when the clock is put back while the process lives."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        fresh = (time.time_ns() // 1_000_000) << 64 | secrets.randbits(63)
        with self._lock:
            self._last = max(fresh, self._last + 1 + secrets.randbits(40))
            return f"{self._last:028x}"


_ids = _Ids()


def new_id() -> str:
    """Return an id that sorts after every id this process made before: milliseconds and random bits, in hexadecimal."""
    return _ids.next()
