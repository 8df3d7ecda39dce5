"""/v1/packages: what's installed, what it may, and what it gives agents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import BadRequest, ManifestError, NotFound
from hub.packages.archive import Bounds
from hub.packages.installer import Installer
from hub.packages.kinds import Sheet
from hub.packages.meanings import KINDS, meaning
from hub.records import HOME, Edition, Installation, Package
from hub.web.auth import Hub
from hub.web.problems import MEDIA_TYPE, PROBLEMS, Problem, shown
from hub.web.resources import Page
from hub.web.services import Services

UPLOAD = Bounds().packed + 64 * 1024
"""The most bytes of an upload: a package and what frames it."""
REMEMBERED = 200
"""Installations that are looked at for what their scan found."""
REFUSED = {
    **PROBLEMS,
    422: ResponseSpec(
        Problem,
        description="The package is faulty; says how to mend it.",
        media_type=MEDIA_TYPE,
        generate_examples=False,
    ),
}
Grants = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=50)]


class EditionView(Struct, frozen=True, kw_only=True):
    """One version of a package."""

    version: str
    digest: str
    grants: list[str]
    source: str


class PermissionView(Struct, frozen=True, kw_only=True):
    """A permission that a package asks for."""

    id: str
    """As it's granted: "net:api.example.org"."""
    meaning: str
    """In a sentence, for whoever decides."""
    granted: bool


class PackageView(Struct, frozen=True, kw_only=True):
    """An installed package."""

    id: str
    kind: str
    state: str
    description: str
    tools: list[str]
    asks: list[str]
    """The permissions that it asks for."""
    permissions: list[PermissionView]
    """The same, in words, with which of them it has."""
    what: str
    """What its kind is, in words: whether it's code, and where that runs."""
    notes: list[str]
    """What else whoever decides about it should know."""
    found: list[str]
    """What a scan found odd."""
    now: EditionView
    before: EditionView | None
    created_at: datetime
    updated_at: datetime


class NewGrants(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a package may, all of it."""

    grants: Grants


class PackagesController(Controller):
    """What's installed, and what it gives agents."""

    path = "/v1"
    tags = ("packages",)

    @get("/packages", opt={"scope": "admin"}, responses=PROBLEMS, summary="List packages")
    async def list(self, services: Hub) -> Page[PackageView]:
        """Return everything that's installed, by name."""
        installer = _installer(services)
        coming = await services.store.installations(HOME, REMEMBERED)
        return Page(items=[await _view(installer, package, coming) for package in await installer.packages()])

    @post(
        "/packages",
        status_code=201,
        opt={"scope": "admin"},
        responses=REFUSED,
        summary="Install a package",
        request_max_body_size=UPLOAD,
    )
    async def install(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        grants: Annotated[
            str, QueryParameter(max_length=1000, description="Permissions to grant, with commas between.")
        ] = "",
        enable: Annotated[bool, QueryParameter(description="False: leave it disabled, to be looked at first.")] = True,
    ) -> PackageView:
        """Install or update a package from a zip file, sent as application/zip or as the field `file` of a form.

        It's enabled at once if it's granted all that it asks for.
        """
        installer = _installer(services)
        name, archive = await _uploaded(request)
        wanted = [grant.strip() for grant in grants.split(",") if grant.strip()]
        package = await installer.install(archive, wanted, f"uploaded: {name}", enable=enable)
        return await _seen(services, package)

    @get("/packages/{id:str}", opt={"scope": "admin"}, responses=PROBLEMS, summary="Read a package")
    async def read(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Return an installed package."""
        installer = _installer(services)
        return await _seen(services, await installer.package(id))

    @delete("/packages/{id:str}", opt={"scope": "admin"}, responses=PROBLEMS, summary="Remove a package")
    async def remove(self, services: Hub, id: FromPath[str]) -> None:
        """Remove a package and its files."""
        await _installer(services).remove(id)

    @put("/packages/{id:str}/grants", opt={"scope": "admin"}, responses=PROBLEMS, summary="Grant permissions")
    async def grant(self, services: Hub, id: FromPath[str], data: JSONBody[NewGrants]) -> PackageView:
        """Give a package exactly these permissions; without all that it asks for it's disabled."""
        installer = _installer(services)
        return await _seen(services, await installer.grant(id, data.grants))

    @post("/packages/{id:str}/enable", status_code=200, opt={"scope": "admin"}, responses=REFUSED, summary="Enable")
    async def enable(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Have its tools or its agent used."""
        installer = _installer(services)
        return await _seen(services, await installer.enable(id))

    @post(
        "/packages/{id:str}/disable", status_code=200, opt={"scope": "admin"}, responses=PROBLEMS, summary="Disable it"
    )
    async def disable(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Have it not used; it stays installed."""
        installer = _installer(services)
        return await _seen(services, await installer.disable(id))

    @post(
        "/packages/{id:str}/rollback",
        status_code=200,
        opt={"scope": "admin"},
        responses=REFUSED,
        summary="Roll it back",
    )
    async def roll_back(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Bring back what it was before its last update; once more, and that's undone."""
        installer = _installer(services)
        return await _seen(services, await installer.roll_back(id))


def _installer(services: Services) -> Installer:
    if services.packages is None:
        raise NotFound("packages: this hub keeps none")
    return services.packages


async def _uploaded(request: Request[Any, Any, Any]) -> tuple[str, bytes]:
    """Return the name and the bytes of what's uploaded; raises BadRequest."""
    kind, _ = request.content_type
    if kind in {"application/zip", "application/octet-stream"}:
        return "a zip file", await request.body()
    if kind == "multipart/form-data":
        file = (await request.form()).get("file")
        if isinstance(file, UploadFile):
            return file.filename, await file.read()
        raise BadRequest("file", "is missing; send the zip file as the form's field `file`")
    raise BadRequest("Content-Type", f"is {shown(kind)}; send application/zip, or a form with the field `file`")


async def _seen(services: Services, package: Package) -> PackageView:
    return await _view(_installer(services), package, await services.store.installations(HOME, REMEMBERED))


async def _view(installer: Installer, package: Package, coming: Sequence[Installation]) -> PackageView:
    try:
        sheet = await installer.sheet(package)
    except ManifestError as error:
        # Somebody meddled with its files: it's shown all the same, so that it can be removed.
        sheet = _unreadable(package, str(error))
    granted = set(package.now.grants)
    return PackageView(
        id=package.id,
        kind=package.kind,
        state=package.state,
        description=sheet.description,
        tools=[*sheet.tools],
        asks=[*sheet.asks],
        permissions=[PermissionView(id=ask, meaning=meaning(ask), granted=ask in granted) for ask in sheet.asks],
        what=KINDS[package.kind],
        notes=[*sheet.notes],
        found=_found(package, coming),
        now=_edition(package.now),
        before=_edition(package.before) if package.before else None,
        created_at=package.created_at,
        updated_at=package.updated_at,
    )


def _unreadable(package: Package, fault: str) -> Sheet:
    notes = (f"Its files can't be used: {fault}",)
    return Sheet(name=package.id, version=package.now.version, kind=package.kind, description="", tools=(), notes=notes)


def _found(package: Package, coming: Sequence[Installation]) -> list[str]:
    """Return what the scan found when a package came in the last time."""
    last = next((one for one in coming if one.package == package.id and one.state in ("installed", "enabled")), None)
    return [*last.found] if last else []


def _edition(edition: Edition) -> EditionView:
    return EditionView(version=edition.version, digest=edition.digest, grants=[*edition.grants], source=edition.source)
