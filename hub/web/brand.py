"""/v1/brand: what a tenant's pages are called and how they look; and the files that pages load for it.

A page is whose host name it was asked for by, or else whoever's session came along; the hub's own for everybody else.
"""

import logging
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.colours import on
from hub.errors import StoreError
from hub.flow.brands import Look, Wish
from hub.records import HOME, TenantId
from hub.web.auth import ANY, Asker, Caller, Hub, caller_of
from hub.web.problems import PROBLEMS
from hub.web.services import Services
from hub.web.shield import name_in
from hub.web.site import address

FOR_GOOD = {"Cache-Control": "max-age=31536000, immutable"}
ASKED_FOR = {"Cache-Control": "no-cache"}
AS_PICTURE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""A logo that's opened by itself is a picture still, whatever stands in it."""
log = logging.getLogger(__name__)
Words = Annotated[str, Meta(max_length=100)]


class ChangedBrand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a brand shall be otherwise; what isn't named stays, what's empty is the hub's own again."""

    name: Words | None = None
    accent: Words | None = None
    """As `#0f766e`; words of it have to be readable in light pages (WCAG AA)."""
    accent_dark: Words | None = None
    """For dark pages; without it, the nearest shade of `accent` that can be read there."""
    logo: bytes | None = None
    """An SVG, PNG or WebP file in base64, 64 KiB at most."""


class BrandView(Struct, frozen=True, kw_only=True):
    """What pages are called and how they look."""

    name: str
    accent: str
    on_accent: str
    """What's written on it: white or black."""
    accent_dark: str
    logo: str
    """Where the logo lies, below the hub's address."""
    style: str
    """And the style sheet with the colours."""
    own: tuple[str, ...]
    """What of it your tenant chose itself: `name`, `accent`, `accent_dark`, `logo`."""
    hosts: tuple[str, ...]
    """By which host names your people reach their pages, besides the hub's own; who runs the hub gives them."""


class BrandController(Controller):
    """What a tenant's pages are called and how they look."""

    path = "/v1/brand"
    tags = ("brand",)

    @get(opt={"scope": ANY}, responses=PROBLEMS, summary="How your pages look")
    async def read(self, services: Hub, caller: Asker) -> BrandView:
        """Return what your tenant's pages are called and how they look."""
        return await _view(services, caller)

    @patch(opt={"scope": "admin"}, responses=PROBLEMS, summary="Change how your pages look")
    async def change(self, services: Hub, caller: Asker, data: JSONBody[ChangedBrand]) -> BrandView:
        """Change what your tenant's pages are called and how they look; colours that couldn't be read are refused."""
        wish = Wish(name=data.name, accent=data.accent, accent_dark=data.accent_dark, logo=data.logo)
        await services.business.brands.change(caller.tenant, wish)
        return await _view(services, caller)

    @delete(status_code=200, opt={"scope": "admin"}, responses=PROBLEMS, summary="Look as the hub does")
    async def forget(self, services: Hub, caller: Asker) -> BrandView:
        """Have your tenant's pages look as the hub's own do."""
        await services.business.brands.forget(caller.tenant)
        return await _view(services, caller)


class BrandFiles(Controller):
    """What pages load for their look; its address is another one after every change, so browsers keep it for good."""

    path = "/brand/{digest:str}"
    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012 - Litestar reads it from the class

    @get("/look.css", sync_to_thread=False)
    def style(self, look: NamedDependency[Look], digest: FromPath[str]) -> Response[str]:
        """Give the colours."""
        return Response(look.style, media_type="text/css", headers=_kept(look, digest))

    @get("/logo", sync_to_thread=False)
    def logo(self, look: NamedDependency[Look], digest: FromPath[str]) -> Response[bytes]:
        """Give the logo."""
        picture = look.picture
        return Response(picture.data, media_type=picture.media_type, headers={**AS_PICTURE, **_kept(look, digest)})


async def provide_look(request: Request[Any, Any, Any], services: Hub) -> Look:
    """Give `look` to endpoints: how the page looks that's asked for; while the store is away, as the config has it."""
    try:
        return await services.business.brands.of(await tenant_of(request, services))
    except StoreError as error:
        log.warning("pages look as the config has it: %s", error)
        return services.business.brands.usual


async def tenant_of(connection: ASGIConnection[Any, Any, Any, Any], services: Services) -> TenantId:
    """Return whose pages are asked for: by the host's name, or else by who is signed in."""
    host = name_in(connection.headers.get("host", ""))
    named = await services.business.brands.at(host) if host else None
    caller = caller_of(connection)
    return named or (caller.tenant if caller else HOME)


def _kept(look: Look, digest: str) -> dict[str, str]:
    return FOR_GOOD if digest == look.digest else ASKED_FOR


async def _view(services: Services, caller: Caller) -> BrandView:
    brands = services.business.brands
    look, kept = await brands.of(caller.tenant), await brands.kept(caller.tenant)
    chosen = (
        {"name": kept.name, "accent": kept.accent, "accent_dark": kept.accent_dark, "logo": kept.logo_type}
        if kept
        else {}
    )
    return BrandView(
        name=look.name,
        accent=look.accent,
        on_accent=on(look.accent),
        accent_dark=look.accent_dark,
        logo=f"{address()}/icon.svg" if look.plain else f"/brand/{look.digest}/logo",
        style=f"/brand/{look.digest}/look.css",
        own=tuple(name for name, value in chosen.items() if value),
        hosts=await brands.names(caller.tenant),
    )
