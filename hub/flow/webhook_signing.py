"""Signatures after Standard Webhooks: HMAC-SHA256 over id, time and body, by secrets that begin with whsec_."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret."""


def fresh_secret() -> str:
    """Return a secret of 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def bytes_of(secret: str) -> bytes | None:
    """Return the bytes of a secret; None if it's none that Standard Webhooks knows."""
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if LEAST <= len(found) <= MOST else None


def signed(secrets: Sequence[bytes], id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature for each secret."""
    return " ".join(f"v1,{_mac(secret, id, timestamp, body)}" for secret in secrets)


def is_signed(secret: bytes, signatures: str, id: str, timestamp: int, body: bytes) -> bool:
    """Say whether one of the signatures is by this secret."""
    right = f"v1,{_mac(secret, id, timestamp, body)}".encode()
    found = [hmac.compare_digest(right, given.encode()) for given in signatures.split(" ")[:10]]
    return any(found)


def _mac(secret: bytes, id: str, timestamp: int, body: bytes) -> str:
    said = f"{id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(secret, said, sha256().name)).decode()
