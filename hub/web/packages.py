"""/v1/packages: what's installed, what it may, and what it gives agents."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import BadRequest, ManifestError, NotAllowed, NotFound
from hub.packages.archive import Bounds
from hub.packages.installer import Installer
from hub.packages.kinds import Sheet
from hub.packages.meanings import KINDS, meaning
from hub.records import OWNER, Edition, Installation, Package, Provenance
from hub.web.auth import RUNS, Asker, Hub
from hub.web.problems import MEDIA_TYPE, PROBLEMS, Problem, fault_of, shown
from hub.web.resources import Page
from hub.web.services import Services

UPLOAD = Bounds().packed + 64 * 1024
"""The most bytes of an upload: a package and what frames it."""
INSTALL_SECONDS = 60
"""So long a request waits for a package that's fetched, unless it says otherwise."""
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
    found: list[str]
    """What a scan found odd in it."""
    origin: Provenance | None
    """Which version in which registry it is, and the id of the key that signed it; null: nobody signed it."""


class NewerView(Struct, frozen=True, kw_only=True):
    """A version in the registry that's newer."""

    version: str
    since: datetime
    """When it was listed there."""


class StandingView(Struct, frozen=True, kw_only=True):
    """What its registry said last of a package."""

    yanked: str
    """Why its publisher took it back; empty: it wasn't."""
    revoked: str
    """Why the registry took it away, so that it can't be used; empty: it wasn't."""
    newer: NewerView | None
    fault: str
    """Why nothing later is known; empty: all is well."""
    looked_at: datetime


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
    """The permissions that it asks for, and those that an update asks for which waits."""
    permissions: list[PermissionView]
    """The same, in words, with which of them it has."""
    what: str
    """What its kind is, in words: whether it's code, and where that runs."""
    notes: list[str]
    """What else whoever decides about it should know."""
    found: list[str]
    """What a scan found odd in it, or in an update that waits."""
    now: EditionView
    before: EditionView | None
    next: EditionView | None
    """An update that isn't used yet: it lacks a permission, a scan found it odd, or it's to be looked at first."""
    standing: StandingView | None
    """null: it isn't from a registry, or wasn't looked at yet."""
    created_at: datetime
    updated_at: datetime


class InstallationView(Struct, frozen=True, kw_only=True):
    """A package on its way in, or one that came in, or failed to."""

    id: str
    source: str
    grants: list[str]
    state: str
    package: str | None
    """What's installed of it."""
    found: list[str]
    """What a scan found odd."""
    error: str
    created_at: datetime
    updated_at: datetime


class NewPackage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a package is to be fetched from."""

    source: Annotated[str, Meta(min_length=1, max_length=2000)]
    """An https URL of a zip file, or PUBLISHER/NAME or PUBLISHER/NAME@VERSION in a registry."""
    grants: Grants = []


class NewLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder that's to be linked."""

    folder: Annotated[str, Meta(min_length=1, max_length=1000)]
    """Its whole path on the hub's machine."""
    grants: Grants = []


class NewGrants(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a package may, all of it."""

    grants: Grants


LATER = {
    **REFUSED,
    202: ResponseSpec(
        InstallationView, description="It takes longer than ?wait, and goes on.", generate_examples=False
    ),
}
Wait = Annotated[float, QueryParameter(ge=0, le=300, description="Seconds to wait until it's installed.")]


class PackagesController(Controller):
    """What's installed, and what it gives agents."""

    path = "/v1"
    tags = ("packages",)

    @get("/packages", opt=RUNS, responses=PROBLEMS, summary="List packages")
    async def list(self, services: Hub) -> Page[PackageView]:
        """Return everything that's installed, by name."""
        installer = _installer(services)
        return Page(items=[await _view(installer, package) for package in await installer.packages()])

    @post(
        "/packages",
        status_code=201,
        opt=RUNS,
        responses=LATER,
        summary="Install a package",
        request_max_body_size=UPLOAD,
    )
    async def install(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        grants: Annotated[
            str, QueryParameter(max_length=1000, description="Permissions to grant, with commas between.")
        ] = "",
        enable: Annotated[bool, QueryParameter(description="False: leave it disabled, to be looked at first.")] = True,
        wait: Wait = INSTALL_SECONDS,
    ) -> Response[PackageView | InstallationView]:
        """Install or update a package from a zip file, sent as application/zip or as the field `file` of a form.

        Or have it fetched: JSON `{source, grants}` names an https URL, or PUBLISHER/NAME in a registry. It's enabled at
        once if it's granted all that it asks for and a scan found nothing odd. What takes longer than ?wait goes on,
        and this answers 202.
        """
        installer = _installer(services)
        wanted = [grant.strip() for grant in grants.split(",") if grant.strip()]
        if request.content_type[0] == "application/json":
            new = _new(await request.body())
            installation = await installer.request(new.source, [*new.grants, *wanted], caller.person, enable=enable)
            return await _arrived(installer, installation, wait)
        name, archive = await _uploaded(request)
        package = await installer.install(archive, wanted, f"uploaded: {name}", caller.person, enable=enable)
        return Response(await _view(installer, package), status_code=201)

    @post("/packages/check", status_code=200, opt=RUNS, responses=PROBLEMS, summary="Check packages")
    async def check(self, services: Hub) -> Page[PackageView]:
        """Ask the registries now whether what's installed was taken back, and whether there's something newer.

        What its registry took away is disabled at once. Returns everything that's installed, by name.
        """
        installer = _installer(services)
        await installer.lookout.look()
        return Page(items=[await _view(installer, package) for package in await installer.packages()])

    @post("/packages/dev", status_code=201, opt=RUNS, responses=REFUSED, summary="Link a folder")
    async def link(self, services: Hub, caller: Asker, data: JSONBody[NewLink]) -> PackageView:
        """Install a folder of the hub's machine, and again after each change in it.

        Only for the owner, and only where `packages.dev` is true in the config file.
        """
        if caller.person != OWNER:
            raise NotAllowed("only the owner links folders")
        installer = _installer(services)
        return await _view(installer, await installer.link(data.folder, data.grants))

    @get("/packages/installations", opt=RUNS, responses=PROBLEMS, summary="List installations")
    async def installations(self, services: Hub) -> Page[InstallationView]:
        """Return the packages that are on their way in, came in or failed to; the newest first."""
        return Page(items=[_on_its_way(each) for each in await _installer(services).installations()])

    @get("/packages/installations/{id:str}", opt=RUNS, responses=PROBLEMS, summary="Read an installation")
    async def installation(self, services: Hub, id: FromPath[str]) -> InstallationView:
        """Return how far a package is on its way in."""
        return _on_its_way(await _installer(services).installation(id))

    @post("/packages/{id:str}/update", status_code=201, opt=RUNS, responses=LATER, summary="Update it")
    async def update(
        self, services: Hub, caller: Asker, id: FromPath[str], wait: Wait = INSTALL_SECONDS
    ) -> Response[PackageView | InstallationView]:
        """Fetch a package again from the URL or the registry that it came from.

        An update that asks for more than is granted, or is odd, waits as `next`; what's enabled goes on meanwhile.
        """
        installer = _installer(services)
        return await _arrived(installer, await installer.update(id, caller.person), wait)

    @get("/packages/{id:str}", opt=RUNS, responses=PROBLEMS, summary="Read a package")
    async def read(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Return an installed package."""
        installer = _installer(services)
        return await _view(installer, await installer.package(id))

    @delete("/packages/{id:str}", opt=RUNS, responses=PROBLEMS, summary="Remove a package")
    async def remove(self, services: Hub, id: FromPath[str]) -> None:
        """Remove a package and its files."""
        await _installer(services).remove(id)

    @put("/packages/{id:str}/grants", opt=RUNS, responses=PROBLEMS, summary="Grant permissions")
    async def grant(self, services: Hub, id: FromPath[str], data: JSONBody[NewGrants]) -> PackageView:
        """Give a package exactly these permissions; without all that it asks for it's disabled."""
        installer = _installer(services)
        return await _view(installer, await installer.grant(id, data.grants))

    @post("/packages/{id:str}/enable", status_code=200, opt=RUNS, responses=REFUSED, summary="Enable")
    async def enable(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Have its tools or its agent used; those of an update, if one waits."""
        installer = _installer(services)
        return await _view(installer, await installer.enable(id))

    @post("/packages/{id:str}/disable", status_code=200, opt=RUNS, responses=PROBLEMS, summary="Disable it")
    async def disable(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Have it not used; it stays installed."""
        installer = _installer(services)
        return await _view(installer, await installer.disable(id))

    @post(
        "/packages/{id:str}/rollback",
        status_code=200,
        opt=RUNS,
        responses=REFUSED,
        summary="Roll it back",
    )
    async def roll_back(self, services: Hub, id: FromPath[str]) -> PackageView:
        """Forget an update that waits; else bring back what it was before its last one. Once more undoes the latter."""
        installer = _installer(services)
        return await _view(installer, await installer.roll_back(id))


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


def _new(body: bytes) -> NewPackage:
    try:
        return msgspec.json.decode(body, type=NewPackage)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise fault_of(error) from None


async def _arrived(
    installer: Installer, installation: Installation, wait: float
) -> Response[PackageView | InstallationView]:
    """Answer with the package once it's installed, or after a while with how far it is; raises why it failed."""
    package = await installer.wait(installation.id, wait)
    if package is None:
        return Response(_on_its_way(await installer.installation(installation.id)), status_code=202)
    return Response(await _view(installer, package), status_code=201)


def _on_its_way(installation: Installation) -> InstallationView:
    return InstallationView(
        id=installation.id,
        source=installation.source,
        grants=[*installation.grants],
        state=installation.state,
        package=installation.package,
        found=[*installation.found],
        error=installation.error,
        created_at=installation.created_at,
        updated_at=installation.updated_at,
    )


async def _view(installer: Installer, package: Package) -> PackageView:
    try:
        sheet, coming = await installer.sheet(package), await installer.next_sheet(package)
    except ManifestError as error:
        # Somebody meddled with its files: it's shown all the same, so that it can be removed.
        sheet, coming = _unreadable(package, str(error)), None
    editions = [edition for edition in (package.now, package.next) if edition]
    granted = {grant for edition in editions for grant in edition.grants}
    asks = dict.fromkeys((*sheet.asks, *(coming.asks if coming else ())))
    return PackageView(
        id=package.id,
        kind=package.kind,
        state=package.state,
        description=sheet.description,
        tools=[*sheet.tools],
        asks=[*asks],
        permissions=[PermissionView(id=ask, meaning=meaning(ask), granted=ask in granted) for ask in asks],
        what=KINDS[package.kind],
        notes=[*dict.fromkeys((*sheet.notes, *(coming.notes if coming else ())))],
        found=[*dict.fromkeys(found for edition in editions for found in edition.found)],
        now=_edition(package.now),
        before=_edition(package.before) if package.before else None,
        next=_edition(package.next) if package.next else None,
        standing=await _standing(installer, package),
        created_at=package.created_at,
        updated_at=package.updated_at,
    )


async def _standing(installer: Installer, package: Package) -> StandingView | None:
    standing = await installer.standing(package)
    if standing is None:
        return None
    newest = standing.newer[0] if standing.newer and installer.lookout.rules.updates != "off" else None
    return StandingView(
        yanked=standing.yanked,
        revoked=standing.revoked,
        newer=NewerView(version=newest.version, since=newest.since) if newest else None,
        fault=standing.fault,
        looked_at=standing.looked_at,
    )


def _unreadable(package: Package, fault: str) -> Sheet:
    notes = (f"Its files can't be used: {fault}",)
    return Sheet(name=package.id, version=package.now.version, kind=package.kind, description="", tools=(), notes=notes)


def _edition(edition: Edition) -> EditionView:
    return EditionView(
        version=edition.version,
        digest=edition.digest,
        grants=[*edition.grants],
        source=edition.source,
        found=[*edition.found],
        origin=edition.origin,
    )
