"""What comes in over HTTP -> Incoming; pure functions."""

from collections.abc import Iterable
from datetime import datetime

from hub.records import Address, Incoming, KeyId, Part, PersonId, TenantId

BRIDGE = "http"


def address(person: PersonId, chat: str) -> Address:
    """Return the address of one of a person's chats."""
    return Address(bridge=BRIDGE, chat=f"{person}/{chat}")


def incoming(
    *,
    tenant: TenantId,
    person: PersonId,
    chat: str,
    parts: Iterable[Part],
    external_id: str,
    sent_at: datetime,
    reply_to: str | None = None,
    wish: str | None = None,
    agent: str | None = None,
    key: KeyId | None = None,
) -> Incoming:
    """Return a message as the inbox takes it, letter by letter as it was sent."""
    return Incoming(
        tenant=tenant,
        address=address(person, chat),
        external_id=external_id,
        sender=person,
        parts=tuple(parts),
        sent_at=sent_at,
        reply_to=reply_to,
        wish=wish,
        agent=agent,
        key=key,
    )


def keyed(key: str, idempotency: str) -> str:
    """Return the external id of a message that came with an idempotency key: the same for each repetition."""
    return f"key:{key}:{idempotency}"
