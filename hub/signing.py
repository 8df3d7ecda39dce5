"""What hub and waker say to each other is signed: by a token that both know, for one request, for five minutes, once.

HMAC-SHA256 (RFC 2104) over time, nonce, method, path and the body's SHA-256.
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict

HEADER = "agenthost-signature"
WINDOW = 300.0
"""Seconds that a signature's time may be off."""
REMEMBERED = 20_000
"""Nonces at most: older ones than the window are forgotten first."""
_FORM = re.compile(r"t=(?P<time>\d{1,12}),n=(?P<nonce>[0-9a-f]{32}),v=(?P<mac>[0-9a-f]{64})", re.ASCII)


def sign(token: str, method: str, path: str, body: bytes, now: float) -> str:
    """Return the header's value for a request; `now` is in seconds since 1970."""
    time, nonce = int(now), secrets.token_hex(16)
    return f"t={time},n={nonce},v={_mac(token, time, nonce, method, path, body)}"


class Checker:
    """Says whether requests are signed, each signature good for one."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._seen: OrderedDict[str, float] = OrderedDict()

    def good(self, signature: str, method: str, path: str, body: bytes, now: float) -> bool:
        """Say whether a request carries a fresh signature by the token's holder."""
        found = _FORM.fullmatch(signature)
        if found is None or not self._token:
            return False
        time, nonce = int(found["time"]), found["nonce"]
        mac = _mac(self._token, time, nonce, method, path, body)
        if not hmac.compare_digest(mac, found["mac"]) or abs(now - time) > WINDOW:
            return False
        self._forget(now)
        # Full of fresh ones, it refuses: forgetting one of them would let it be used again.
        if nonce in self._seen or len(self._seen) >= REMEMBERED:
            return False
        self._seen[nonce] = now
        return True

    def _forget(self, now: float) -> None:
        while self._seen and abs(now - next(iter(self._seen.values()))) > 2 * WINDOW:
            self._seen.popitem(last=False)


def _mac(token: str, time: int, nonce: str, method: str, path: str, body: bytes) -> str:
    said = f"{time}.{nonce}.{method.upper()}.{path}.{hashlib.sha256(body).hexdigest()}"
    return hmac.new(token.encode(), said.encode(), hashlib.sha256).hexdigest()
