"""Chats that stand in other sites' pages."""

from datetime import datetime

from msgspec import Struct

from hub.records.ids import EmbedId, TenantId


class Embed(Struct, frozen=True, kw_only=True):
    """A chat that a tenant puts into pages of its own: who may show it, who answers, how it looks."""

    id: EmbedId
    tenant: TenantId
    name: str
    origins: tuple[str, ...]
    """Whose pages may show it, as browsers say it: `https://shop.example`, with the port where it isn't the usual."""
    agent: str = ""
    """Who answers; empty: the default agent."""
    title: str = ""
    greeting: str = ""
    colour: str = ""
    """As `#0f766e`; empty: the hub's own."""
    visitors: bool = False
    """Whether somebody may write whom the page's own server hasn't named."""
    created_at: datetime
