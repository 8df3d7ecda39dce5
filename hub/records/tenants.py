"""The wall between customers, and what each may take."""

from datetime import datetime

from msgspec import Struct

from hub.records.ids import TenantId


class Quotas(Struct, frozen=True, kw_only=True):
    """The most that a tenant may take; None is as much as the hub's own limits let it."""

    messages: int | None = None
    """Said by its people, a day (in UTC)."""
    tokens: int | None = None
    """Read and written by models for it, a day (in UTC)."""
    money: float | None = None
    """Spent on remote models for it, a calendar month (in UTC); in the currency of the config's prices."""
    storage_mb: int | None = None
    """Of files that its people sent and tasks made."""
    requests: int | None = None
    """To the HTTP API, a minute, by all of its keys together."""


class Tenant(Struct, frozen=True, kw_only=True):
    """A customer of this hub: what one has, no other can see, name or guess at. The hub's own people are `HOME`'s."""

    id: TenantId
    name: str
    created_at: datetime
    suspended_at: datetime | None = None
    """Since when none of its keys and sessions is good; what it has is kept."""
    leaving_at: datetime | None = None
    """Since when all that it has is being erased; at the end it's gone."""
    quotas: Quotas = Quotas()
    agents: tuple[str, ...] = ()
    """Which agents its people may wish for; none named: all there are."""
