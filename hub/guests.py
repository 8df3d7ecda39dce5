"""Guests, who write from other sites' pages to a hub that may be asleep: what its waker knows of them, and by what.

A pass carries a proof for the waker: HMAC-SHA256 (RFC 2104), by the token that hub and waker share, over the chat, whom
the pass names and when it ends. So the waker tells a pass of its hub's from any other without the key that passes are
signed with. What a pass opens is decided by the hub alone.
"""

import base64
import binascii
import hashlib
import hmac

import msgspec
from msgspec import Struct

KIND = "embed:"
"""How the kind of a guest begins that is a chat; its id comes behind it."""
PLACE = "/embed/"
"""Below it lies what such a page asks."""
VISITOR = "visitor-"
"""How the names begin of people whom a page's own server hasn't named."""
LONGEST = 4_096
"""Characters of a pass."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a chat looks, and whether somebody may write without a pass of the page's server."""

    title: str
    greeting: str
    colour: str
    ink: str = ""
    """What's written on the colour: white or black, whichever is read; empty where there's no colour."""
    visitors: bool


class Card(Struct, frozen=True, kw_only=True):
    """What a waker knows of a chat in other sites' pages."""

    origins: tuple[str, ...]
    settings: Settings


class Claims(Struct, frozen=True, kw_only=True):
    """What a pass says, whoever made it."""

    aud: str
    sub: str
    exp: int
    wake: str = ""
    """The proof; empty: its hub has no waker, or had none when it made the pass."""


def proof(token: str, embed: str, external: str, until: int) -> str:
    """Return what proves to the holder of a token that a pass is its hub's; `until` is in seconds since 1970."""
    said = msgspec.json.encode(("pass", embed, external, until))
    return hmac.new(token.encode(), said, hashlib.sha256).hexdigest()


def proven(claims: Claims, token: str) -> bool:
    """Say whether a pass was made by a hub that shares this token."""
    made = proof(token, claims.aud, claims.sub, claims.exp)
    return bool(token) and hmac.compare_digest(made.encode(), claims.wake.encode())


def claims_of(given: str) -> Claims | None:
    """Return what a pass says, unproven; None for what's no pass."""
    parts = given.split(".")
    if len(given) > LONGEST or len(parts) != 3:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=Claims)
    except (binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        return None
