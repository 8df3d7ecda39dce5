"""One delivery to a webhook: signed, sent by the one way out, and what came of it."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from msgspec import Struct

from hub.errors import EgressError
from hub.flow.webhook_events import payload
from hub.flow.webhook_signing import bytes_of, signed
from hub.ports import Clock, Egress, Store
from hub.records import Webhook, WebhookDelivery
from hub.vault import Vault

SECONDS = 10.0
READ = 4_096
"""Bytes of an answer that are read, at most."""
SHOWN = 500
LONGEST_WAIT = 24 * 3600.0
"""Seconds that a receiver may ask to wait."""
GONE = 410
ABOUT_THIS = frozenset({400, 413, 415, 422})
"""Answers about what was sent, and not about who may send or whether anybody is there."""
UNLOCKABLE = (
    "its secret can't be opened: webhooks.key in the data folder isn't the one it was locked by; rotate the secret"
)
_UNSHOWN = re.compile(r"[^\S\n]*[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one try."""

    delivered: bool = False
    gone: bool = False
    """The receiver wants nothing any more."""
    refused: bool = False
    """The receiver won't have this one: the next may fare better."""
    status: int | None = None
    answer: str = ""
    error: str = ""
    ms: float = 0.0
    after: float = 0.0
    """Seconds that the receiver asks to wait."""


class Poster:
    """Sends deliveries."""

    def __init__(self, store: Store, clock: Clock, egress: Egress, vault: Vault, url: str) -> None:
        """`url` is how the hub is reached from outside."""
        self._store = store
        self._clock = clock
        self._egress = egress
        self._vault = vault
        self._url = url

    async def post(self, hook: Webhook, delivery: WebhookDelivery) -> Outcome:
        """Send a delivery once, and return what came of it. Raises StoreUnavailable."""
        now = self._clock.now()
        secrets = self._secrets(hook, now)
        if not secrets:
            return Outcome(error=UNLOCKABLE)
        body, timestamp = await payload(self._store, hook, delivery, self._url), int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "agenthost-webhooks",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signed(secrets, delivery.id, timestamp, body),
        }
        began = self._clock.monotonic()
        try:
            fetched = await self._egress.fetch(
                hook.url,
                method="POST",
                headers=headers,
                body=body,
                hosts=hosts_of(hook.url),
                limit=READ,
                seconds=SECONDS,
                redirects=0,
                cut=True,
            )
        except EgressError as error:
            # Without the address, which stands before the reason: some are secrets, and this is told and logged.
            reason = str(error).partition(": ")[2] or str(error)
            return Outcome(error=reason[:SHOWN], ms=self._since(began))
        return _told(fetched.status, fetched.headers.get("retry-after", ""), fetched.body, self._since(began), now)

    def _secrets(self, hook: Webhook, now: datetime) -> list[bytes]:
        locked = [hook.secret]
        if hook.old_secret and hook.old_until and now < hook.old_until:
            locked.append(hook.old_secret)
        opened = [self._vault.open(text, about=about(hook)) for text in locked]
        return [found for secret in opened if secret and (found := bytes_of(secret.decode()))]

    def _since(self, began: float) -> float:
        return round((self._clock.monotonic() - began) * 1000, 1)


def about(hook: Webhook) -> str:
    """Return what a webhook's secret is bound to."""
    return f"webhook/{hook.tenant}/{hook.id}"


def hosts_of(url: str) -> tuple[str, ...]:
    """Return whom alone the request may go to: this host at this port. http:// is left to what the operator allows."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return ()
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return (f"{host}:{parts.port or 443}",)


def _told(status: int, retry_after: str, body: bytes, ms: float, now: datetime) -> Outcome:
    delivered = 200 <= status < 300
    return Outcome(
        delivered=delivered,
        gone=status == GONE,
        refused=status in ABOUT_THIS,
        status=status,
        answer=_UNSHOWN.sub(" ", body.decode(errors="replace"))[:SHOWN],
        error="" if delivered else f"answered {status}",
        ms=ms,
        after=0.0 if delivered else _seconds(retry_after, now),
    )


def _seconds(retry_after: str, now: datetime) -> float:
    """Return how long a header asks to wait, in seconds or until a date; 0 if it's odd."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return min(float(text), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)
