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
HandoverId = NewType("HandoverId", str)
DraftId = NewType("DraftId", str)
NoteId = NewType("NoteId", str)
WebhookId = NewType("WebhookId", str)
WebhookDeliveryId = NewType("WebhookDeliveryId", str)
InletId = NewType("InletId", str)
EmbedId = NewType("EmbedId", str)
InvitationId = NewType("InvitationId", str)

HOME = TenantId("home")
"""The tenant of a hub that serves only its owner."""

OWNER = PersonId("owner")


LENGTH = 28
"""Characters of an id: 48 bits of milliseconds, 64 that are random or counted on."""


class _Ids:
    """Ids that only grow, even within a millisecond and when the clock is put back while the process lives."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        fresh = (time.time_ns() // 1_000_000) << 64 | secrets.randbits(63)
        with self._lock:
            self._last = max(fresh, self._last + 1 + secrets.randbits(40))
            return f"{self._last:0{LENGTH}x}"

    def rise_above(self, id: str) -> None:
        if len(id) == LENGTH:
            with self._lock:
                self._last = max(self._last, int(id, 16))


_ids = _Ids()


def new_id() -> str:
    """Return an id that sorts after every id this process made before: milliseconds and random bits, in hexadecimal."""
    return _ids.next()


def rise_above(id: str) -> None:
    """Have all ids made from now on sort after one that was made before, perhaps when the clock said a later time."""
    _ids.rise_above(id)
