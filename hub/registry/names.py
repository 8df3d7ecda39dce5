"""Names in a registry: which will do, and which look like others."""

import re

from hub.errors import BadRequest

NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]")
RESERVED = frozenset(
    ("admin", "agenthost", "anthropic", "api", "registry", "root", "support", "system", "official", "security")
)
"""Names that only an admin may give."""


def check_name(field: str, name: str) -> None:
    """Raise BadRequest for a name that an account, a publisher or a package can't have."""
    if not NAME.fullmatch(name):
        raise BadRequest(field, f"{name[:60]!r} won't do; 2 to 40 of a-z, 0-9 and single - between them")
    if name in RESERVED:
        raise BadRequest(field, f"{name!r} is reserved; choose another")
