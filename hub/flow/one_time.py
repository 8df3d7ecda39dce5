"""Codes that are good once: those of an authenticator app (TOTP, RFC 6238), and recovery codes for when it's lost."""

import hmac
import re
import secrets
from datetime import datetime
from hashlib import sha256

import pyotp

STEP = 30
"""Seconds that an app shows a code."""
DRIFT = 1
"""Steps that an app's clock may be off, either way."""
RECOVERY = 10
"""Recovery codes that somebody is given."""
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 16


def new_secret() -> str:
    """Return a secret for an app, of 160 random bits, in base32."""
    return pyotp.random_base32()


def uri_of(secret: str, email: str, hub: str) -> str:
    """Return what an app reads from the picture: the secret, and whose it is where."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=hub)


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """Return the time step that a code is of; None if it's wrong, or not newer than the step `after`."""
    given = re.sub(r"\s", "", code).encode("utf-8", "surrogatepass")
    totp, current = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > after:
            found = step
    return found


def new_recovery_codes() -> tuple[str, ...]:
    """Return codes of 79 random bits, as people write them down."""
    return tuple("-".join(_letters() for _ in range(LENGTH // 4)) for _ in range(RECOVERY))


def hash_of(code: str) -> str:
    """Return what's kept of a recovery code, however it's written."""
    plain = re.sub(r"[\s-]", "", code).lower()
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _letters() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(4))
