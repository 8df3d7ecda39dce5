"""Names in a registry: which will do, and which look like others."""

import re

from hub.errors import BadRequest

NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]")
RESERVED = frozenset(
    ("admin", "agenthost", "anthropic", "api", "registry", "root", "support", "system", "official", "security")
)
"""Names that only an admin may give."""


_FOLDED = str.maketrans("0134567892i", "oleasgtbgzl", "-_.")
"""What a digit looks like as a letter, and i as l; what only parts a name's words goes."""
_PAIRS = (("rn", "m"), ("vv", "w"))


def check_name(field: str, name: str, *, reserved: bool = False) -> None:
    """Raise BadRequest for a name that an account, a publisher or a package can't have.

    `reserved`: one that only admins may give will do, too.
    """
    if not NAME.fullmatch(name):
        raise BadRequest(field, f"{name[:60]!r} won't do; 2 to 40 of a-z, 0-9 and single - between them")
    if name in RESERVED and not reserved:
        raise BadRequest(field, f"{name!r} is reserved; choose another")


def skeleton(name: str) -> str:
    """Return what a name looks like at a glance: names that look alike have the same."""
    plain = name.lower().translate(_FOLDED)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return plain


def near(one: str, other: str) -> bool:
    """Say whether a text becomes another by one letter put in, left out or changed, or none."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest = same if len(short) < len(long) else same + 1
    return short[rest:] == long[same + 1 :]
