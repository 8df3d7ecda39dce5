"""What was taken: the numbers that bills and quotas go by."""

from msgspec import Struct
from msgspec.structs import replace

from hub.records.ids import TenantId

NUMBERS = ("messages", "turns", "tokens_in", "tokens_out", "money", "bytes")
"""What's counted of everything."""
MICRO = 1_000_000
"""Parts of the prices' unit that money is counted in: sums of whole numbers lose nothing."""
KEPT = ""
"""In place of a day: what a tenant has now. Only `bytes` are counted there, up and down."""


class Taken(Struct, frozen=True, kw_only=True):
    """What one person took on one day (UTC) by one key and one agent; or, without these, a whole tenant."""

    tenant: TenantId
    day: str
    """As 2026-11-30."""
    person: str = ""
    """Empty: everybody of the tenant together."""
    key: str = ""
    """Whose messages came by it; empty: by a chat platform, or nobody's, as what's due by a schedule."""
    agent: str = ""
    """Who took the turns; empty for what no agent has to do with."""
    messages: int = 0
    """Said by people; commands aren't counted."""
    turns: int = 0
    tokens_in: int = 0
    """Read by models."""
    tokens_out: int = 0
    """Written by models."""
    money: int = 0
    """Spent on remote models, in millionths of the prices' unit."""
    bytes: int = 0
    """Of files, sent by people and by agents."""


def plus(one: Taken, other: Taken) -> Taken:
    """Return what both took together, under the first one's names."""
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in NUMBERS})


def size_by(taken: Taken, most: str) -> int:
    """Return how much was taken of one of the numbers, or of `tokens`, whichever way they went."""
    return taken.tokens_in + taken.tokens_out if most == "tokens" else int(getattr(taken, most))


def total(taken: Taken) -> Taken:
    """Return what counts for the whole tenant of what one of its people took."""
    return replace(taken, person="", key="", agent="")
