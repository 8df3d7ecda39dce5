"""What was done, by whom and how: the audit log's rows, chained by their hashes within a tenant.

They name things by their ids and say no word of anybody's: what a digest was made of is kept elsewhere, and may go.
"""

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hub.chains import FIRST, linked
from hub.records.ids import KeyId, PersonId, TenantId

UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class Deed(Struct, frozen=True, kw_only=True):
    """Something that was done, kept in the same commit."""

    tenant: TenantId
    at: datetime
    who: PersonId | None
    """None: the hub by itself, or nobody who was known."""
    way: str
    """How they came: key, session, chat, agent (a turn of a task of theirs), hub."""
    key: KeyId | None = None
    action: str
    """What: a thing and what became of it, as `key.made`."""
    object: str
    """What it was done to: its kind and id, as `key/0019…`."""
    detail: str = ""
    """More of it in words of the hub's own: a role, scopes, a tool's name."""
    digest: str = ""
    """SHA-256, in hexadecimal, of all that's to be known of it; empty: there's no more."""
    seq: int = 0
    """Given by the store at commit: counts the tenant's deeds, from 1, without a gap."""
    previous: str = ""
    """The hash of the deed before."""
    hash: str = ""


class Chain(Struct, frozen=True, kw_only=True):
    """A tenant's newest deed: kept by the store, with each deed."""

    tenant: TenantId
    seq: int = 0
    hash: str = FIRST


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The last deed of a tenant that was pruned: what's left begins behind it."""

    tenant: TenantId
    seq: int = 0
    hash: str = FIRST
    at: datetime
    """When it was pruned."""


def hash_of(deed: Deed) -> str:
    """Return what a deed's hash must be."""
    return linked(
        (
            deed.tenant,
            deed.seq,
            deed.at,
            deed.who,
            deed.way,
            deed.key,
            deed.action,
            deed.object,
            deed.detail,
            deed.digest,
            deed.previous,
        )
    )


def chained(deed: Deed, before: Chain) -> Deed:
    """Return a deed as the next one of a chain, without characters that no database takes."""
    object, detail = (UNKEEPABLE.sub("\ufffd", words) for words in (deed.object, deed.detail))
    deed = replace(deed, object=object, detail=detail, seq=before.seq + 1, previous=before.hash)
    return replace(deed, hash=hash_of(deed))
