"""Passes: short-lived tokens by which somebody writes from another site's page (JSON Web Tokens, RFC 7519).

They are signed by the hub alone, with a key that's in no database; a page's server asks for them with a key of its own.
"""

from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from hub.guests import proof
from hub.records import EmbedId

ALGORITHM = "HS256"
ISSUER = "agenthost"
NEEDED = ["iss", "aud", "sub", "exp"]


class Pass(Struct, frozen=True, kw_only=True):
    """Who may write in which chat, until when."""

    embed: EmbedId
    external: str
    """What the page's server calls its person."""
    name: str
    expires_at: datetime


class BadPass(Exception):
    """A token that opens nothing; its text says why."""


def signed(found: Pass, secret: bytes, waker: str = "") -> str:
    """Return the token of a pass; `secret` stays the same over restarts.

    `waker` is what a waker shares with the hub: to it, the pass proves itself while the hub sleeps.
    """
    # Late, here and below: it brings along half of a library for certificates.
    import jwt  # noqa: PLC0415

    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": found.embed,
        "sub": found.external,
        "name": found.name,
        "exp": (until := int(found.expires_at.timestamp())),
    }
    if waker:
        claims["wake"] = proof(waker, found.embed, found.external, until)
    return jwt.encode(claims, _key(secret), algorithm=ALGORITHM)


def read(token: str, embed: EmbedId, secret: bytes, now: datetime) -> Pass:
    """Return the pass of a token for one chat; raises BadPass for any other token, and once it's over."""
    import jwt  # noqa: PLC0415

    try:
        # The time is looked at below: the hub's clock counts, not the library's.
        claims = jwt.decode(
            token,
            _key(secret),
            algorithms=[ALGORITHM],
            audience=embed,
            issuer=ISSUER,
            options={"require": NEEDED, "verify_exp": False, "verify_iat": False},
        )
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        external, name = str(claims["sub"]), str(claims.get("name", ""))
    except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError) as error:
        raise BadPass(f"it isn't one of this chat's ({type(error).__name__})") from None
    if expires_at <= now:
        raise BadPass("its time is over")
    return Pass(embed=embed, external=external, name=name, expires_at=expires_at)


def _key(secret: bytes) -> bytes:
    return sha256(b"pass:" + secret).digest()
