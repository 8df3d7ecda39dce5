"""Is a post from whom it says? Each kind of source proves it in its own way, by a secret that both know."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from hub.flow.webhook_signing import bytes_of, is_signed
from hub.records import InletProof

TOLERANCE = 300.0
"""Seconds that a signed time may be off."""
MOST = 10
"""Signatures in one header that are looked at."""

Headers = Mapping[str, str]
"""By lower-case names."""


def proved(proof: InletProof, secret: str, headers: Headers, body: bytes, now: datetime) -> bool:
    """Say whether a post proves that its sender knows the secret; `token`: whoever has the address does."""
    match proof:
        case "token":
            good = True
        case "bearer":
            good = _same(_bearer(headers), secret)
        case "gitlab":
            good = _same(headers.get("x-gitlab-token", ""), secret)
        case "github":
            good = _same(headers.get("x-hub-signature-256", ""), f"sha256={_hex(secret, body)}")
        case "sentry":
            good = _same(headers.get("sentry-hook-signature", ""), _hex(secret, body))
        case "stripe":
            good = _stripe(headers.get("stripe-signature", ""), secret, body, now)
        case "standard":
            good = _standard(headers, secret, body, now)
        case _:
            assert_never(proof)
    # Anybody can sign by a secret that's empty.
    return good and (proof == "token" or bool(secret))


def _bearer(headers: Headers) -> str:
    kind, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else headers.get("x-webhook-secret", "")


def _stripe(header: str, secret: str, body: bytes, now: datetime) -> bool:
    parts = [part.strip().partition("=") for part in header.split(",")[:MOST]]
    time = next((value for name, _, value in parts if name == "t"), "")
    if not _fresh(time, now):
        return False
    right = _hex(secret, time.encode() + b"." + body)
    return any(_same(value, right) for name, _, value in parts if name == "v1")


def _standard(headers: Headers, secret: str, body: bytes, now: datetime) -> bool:
    time, key = headers.get("webhook-timestamp", ""), bytes_of(secret)
    if key is None or not _fresh(time, now):
        return False
    return is_signed(key, headers.get("webhook-signature", ""), headers.get("webhook-id", ""), int(time), body)


def _fresh(time: str, now: datetime) -> bool:
    return time.isascii() and time.isdigit() and len(time) < 12 and abs(now.timestamp() - int(time)) <= TOLERANCE


def _hex(secret: str, said: bytes) -> str:
    return hmac.digest(secret.encode(), said, sha256().name).hex()


def _same(given: str, right: str) -> bool:
    return bool(right) and hmac.compare_digest(given.encode(errors="replace"), right.encode())
