"""How the site looks, for whom and by which name: the hub's own look, and each tenant's over it."""

import base64
import re
from collections import OrderedDict
from collections.abc import Collection
from functools import cached_property
from hashlib import sha256
from html import escape
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hub.colours import fault_of, on, readable
from hub.errors import BadRequest, Conflict, Duplicate
from hub.logos import SVG, Logo, LogoRefused, logo_of
from hub.ports import Add, Clock, Remove, Save, Store
from hub.records import HOME, Brand, HostName, TenantId
from hub.sites import name_fault

OURS = "AgentHost"
ACCENT, ACCENT_DARK = "#0f766e", "#4fbfae"
"""AgentHost's own, as site.css has them."""
KNOWN_FOR = 5.0
"""Seconds for which what was read is believed."""
REMEMBERED = 10_000
MOST_NAMES = 20
"""Host names that a tenant may have."""
T = TypeVar("T")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


class Look(Struct, frozen=True, kw_only=True, dict=True):
    """What pages are called, and how they look."""

    name: str = OURS
    accent: str = ACCENT
    accent_dark: str = ACCENT_DARK
    logo: Logo | None = None

    @cached_property
    def plain(self) -> bool:
        """Whether it's AgentHost's own."""
        return self == Look()

    @cached_property
    def digest(self) -> str:
        """Another one for every look."""
        parts = (self.name, self.accent, self.accent_dark, self.logo.data if self.logo else b"")
        return sha256(repr(parts).encode()).hexdigest()[:12]

    @cached_property
    def style(self) -> str:
        """The colours, as a style sheet; what's written on them can be read."""
        light, dark = self.accent, self.accent_dark
        return (
            f":root {{ --accent: {light}; --on-accent: {on(light)}; }}\n"
            f':root[data-theme="dark"] {{ --accent: {dark}; --on-accent: {on(dark)}; }}\n'
            ".brand img { max-width: 9rem; object-fit: contain; }\n"
        )

    @cached_property
    def picture(self) -> Logo:
        """The logo, or where there's none the name's first letter."""
        return self.logo or Logo(media_type="image/svg+xml", data=_letter(self.name, self.accent).encode())


class Wish(Struct, frozen=True, kw_only=True):
    """What of a brand shall be otherwise; None leaves it as it is, what's empty is the hub's own again."""

    name: str | None = None
    accent: str | None = None
    accent_dark: str | None = None
    logo: bytes | None = None


class Brands:
    """Keeps how tenants' pages look, and tells it quickly."""

    def __init__(self, store: Store, clock: Clock, usual: Look, host: str | None = None) -> None:
        """`usual` is what the config says of the whole hub, `host` the name in the hub's own address."""
        self._store = store
        self._clock = clock
        self.usual = usual
        self._host = host
        self._brands: OrderedDict[str, tuple[float, Brand | None]] = OrderedDict()
        self._names: OrderedDict[str, tuple[float, TenantId | None]] = OrderedDict()

    async def of(self, tenant: TenantId) -> Look:
        """Return how a tenant's pages look: what it hasn't chosen is as the hub's own tenant or the config has it."""
        look = _over(self.usual, await self._brand(HOME))
        return look if tenant == HOME else _over(look, await self._brand(tenant))

    async def kept(self, tenant: TenantId) -> Brand | None:
        """Return what a tenant has chosen itself."""
        return await self._store.brand(tenant)

    async def change(self, tenant: TenantId, wish: Wish) -> Look:
        """Change how a tenant's pages look; raises BadRequest for what couldn't be read, or is no logo."""
        known = await self._store.brand(tenant)
        brand = known or Brand(tenant=tenant, changed_at=self._clock.now())
        brand = replace(_wished(brand, wish), changed_at=self._clock.now())
        await self._store.commit(Save(brand) if known else Add(brand))
        self._brands.pop(tenant, None)
        return await self.of(tenant)

    async def forget(self, tenant: TenantId) -> Look:
        """Have a tenant's pages look as the hub's own do."""
        if known := await self._store.brand(tenant):
            await self._store.commit(Remove(known))
        self._brands.pop(tenant, None)
        return await self.of(tenant)

    # --- host names

    async def at(self, name: str) -> TenantId | None:
        """Return whose a host name is, as it was some seconds ago at most."""
        now = self._clock.monotonic()
        since, tenant = self._names.get(name, (0.0, None))
        if name not in self._names or now - since > KNOWN_FOR:
            found = await self._store.host_name(name)
            tenant = found.tenant if found else None
            _remember(self._names, name, (now, tenant))
        return tenant

    async def names(self, tenant: TenantId) -> tuple[str, ...]:
        """Return the host names by which a tenant is reached, besides the hub's own."""
        return tuple(each.name for each in await self._store.host_names(tenant))

    async def name(self, tenant: TenantId, wished: Collection[str]) -> None:
        """Have a tenant be reached by these host names alone; raises BadRequest for what's none, or another's."""
        names = list(dict.fromkeys(self._checked(name) for name in wished))
        if len(names) > MOST_NAMES:
            raise BadRequest("hosts", f"has {len(names)} names, {MOST_NAMES} are the most; leave some out")
        known = {each.name: each for each in await self._store.host_names(tenant)}
        now = self._clock.now()
        gone = [Remove(each) for name, each in known.items() if name not in names]
        come = [Add(HostName(name=name, tenant=tenant, created_at=now)) for name in names if name not in known]
        try:
            await self._store.commit(*gone, *come)
        except (Duplicate, Conflict):
            taken = [name for name in names if name not in known and await self._store.host_name(name)]
            raise BadRequest(
                "hosts", f"{', '.join(taken)}: another tenant's already; take it from there first"
            ) from None
        for name in (*known, *names):
            self._names.pop(name, None)

    def _checked(self, name: str) -> str:
        try:
            plain = name.strip().rstrip(".").lower().encode("idna").decode()
        except UnicodeError:
            plain = ""
        if len(plain) > 253 or not re.fullmatch(rf"{LABEL}(\.{LABEL})+", plain) or plain.rpartition(".")[2].isdigit():
            raise BadRequest(
                "hosts", f"{name[:80]!r} isn't a host name; write it as chat.shop.example, without https://"
            )
        if plain == self._host or plain.endswith(".localhost"):
            raise BadRequest("hosts", f"{plain} is the hub's own; give one that's the tenant's alone")
        return plain

    async def _brand(self, tenant: TenantId) -> Brand | None:
        now = self._clock.monotonic()
        since, brand = self._brands.get(tenant, (0.0, None))
        if tenant not in self._brands or now - since > KNOWN_FOR:
            brand = await self._store.brand(tenant)
            _remember(self._brands, tenant, (now, brand))
        return brand


def look_of(name: str, accent: str, accent_dark: str, logo: Logo | None) -> Look:
    """Return a look with AgentHost's own in place of what's empty."""
    dark = accent_dark or (readable(accent, dark=True) if accent else ACCENT_DARK)
    return Look(name=name or OURS, accent=accent or ACCENT, accent_dark=dark, logo=logo)


def _over(look: Look, brand: Brand | None) -> Look:
    if brand is None:
        return look
    logo = Logo(media_type=brand.logo_type, data=base64.b64decode(brand.logo)) if brand.logo_type else None
    # Another's name goes with no logo but its own: the first letter stands for it.
    kept = look.logo if not brand.name else None
    dark = brand.accent_dark or (readable(brand.accent, dark=True) if brand.accent else look.accent_dark)
    return Look(name=brand.name or look.name, accent=brand.accent or look.accent, accent_dark=dark, logo=logo or kept)


def _wished(brand: Brand, wish: Wish) -> Brand:
    if wish.name is not None:
        if fault := name_fault(wish.name):
            raise BadRequest("name", fault)
        brand = replace(brand, name=wish.name)
    if wish.accent is not None:
        brand = replace(brand, accent=_colour("accent", wish.accent, dark=False))
    if wish.accent_dark is not None:
        brand = replace(brand, accent_dark=_colour("accent_dark", wish.accent_dark, dark=True))
    if wish.logo is not None:
        logo = _logo(wish.logo) if wish.logo else None
        data, kind = (base64.b64encode(logo.data).decode(), logo.media_type) if logo else ("", "")
        brand = replace(brand, logo=data, logo_type=kind)
    if brand.accent_dark and not brand.accent:
        raise BadRequest("accent_dark", "set without accent; give that for light pages, too")
    return brand


def _colour(field: str, colour: str, *, dark: bool) -> str:
    if colour and (fault := fault_of(colour, dark=dark)):
        raise BadRequest(field, fault)
    return colour.lower()


def _logo(data: bytes) -> Logo:
    try:
        return logo_of(data)
    except LogoRefused as error:
        raise BadRequest("logo", str(error)) from None


def _letter(name: str, accent: str) -> str:
    letter = escape(name[:1].upper())
    words = f'fill="{on(accent)}" font-family="system-ui, sans-serif" font-size="19" font-weight="700"'
    return (
        f'<svg xmlns="{SVG}" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="{accent}"/>'
        f'<text x="16" y="22.6" text-anchor="middle" {words}>{letter}</text></svg>'
    )


def _remember(known: OrderedDict[str, T], name: str, value: T) -> None:
    known[name] = value
    if len(known) > REMEMBERED:
        known.popitem(last=False)
