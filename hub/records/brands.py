"""How a tenant's pages look, and by which host names they're reached."""

from datetime import datetime

from msgspec import Struct

from hub.records.ids import TenantId


class Brand(Struct, frozen=True, kw_only=True):
    """What a tenant's pages are called and how they look; what's empty is as the hub's own are."""

    tenant: TenantId
    name: str = ""
    accent: str = ""
    """As `#0f766e`: the colour of what can be pressed, in light pages."""
    accent_dark: str = ""
    """In dark pages; empty: the nearest shade of `accent` that can be read there."""
    logo: str = ""
    """In base64."""
    logo_type: str = ""
    """As `image/png`; empty: there's no logo."""
    changed_at: datetime


class HostName(Struct, frozen=True, kw_only=True):
    """A name by which a tenant's people reach the hub, instead of the hub's own: `chat.shop.example`."""

    name: str
    tenant: TenantId
    created_at: datetime
