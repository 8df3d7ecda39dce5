"""What comes in over HTTP -> Incoming; pure functions."""

import re
from collections.abc import Iterable
from datetime import datetime

from hub.errors import BadRequest, TooLarge
from hub.records import Address, Incoming, PersonId, TenantId, Text

BRIDGE = "http"
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters that don't belong in a text, and halves of surrogate pairs."""


def address(person: PersonId, chat: str) -> Address:
    """Return the address of one of a person's chats."""
    return Address(bridge=BRIDGE, chat=f"{person}/{chat}")


def incoming(
    *,
    tenant: TenantId,
    person: PersonId,
    chat: str,
    texts: Iterable[str],
    external_id: str,
    sent_at: datetime,
    limit: int,
    reply_to: str | None = None,
    wish: str | None = None,
    agent: str | None = None,
) -> Incoming:
    """Return a message as the inbox takes it; raises BadRequest or TooLarge for a text that can't be kept as it is."""
    texts = tuple(texts)
    check_texts(texts, limit)
    return Incoming(
        tenant=tenant,
        address=address(person, chat),
        external_id=external_id,
        sender=person,
        parts=tuple(Text(text) for text in texts),
        sent_at=sent_at,
        reply_to=reply_to,
        wish=wish,
        agent=agent,
    )


def check_texts(texts: tuple[str, ...], limit: int, field: str = "text") -> None:
    """Raise BadRequest or TooLarge for a text that can't be kept as it is; nothing is ever taken out in silence."""
    for text in texts:
        check_text(text, field)
    if not any(text.strip() for text in texts):
        raise BadRequest(field, "is empty; say something")
    size = sum(len(text.encode()) for text in texts)
    if size > limit:
        raise TooLarge(
            f"{field}: has {size} bytes, more than limits.message_bytes = {limit}; send less, or raise it in the config"
        )


def check_text(text: str, field: str) -> None:
    """Raise BadRequest for characters that no chat shows and some can't carry."""
    found = UNFIT.search(text)
    if found:
        name = f"U+{ord(found.group()):04X}"
        raise BadRequest(field, f"has the control character {name} at position {found.start()}; take it out")


def keyed(key: str, idempotency: str) -> str:
    """Return the external id of a message that came with an idempotency key: the same for each repetition."""
    return f"key:{key}:{idempotency}"
