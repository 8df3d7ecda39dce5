"""What becomes of a package's record by a grant, an update, a switch: pure functions, committed by the installer."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from hub.errors import BadRequest, ManifestError
from hub.packages.kinds import Sheet
from hub.records import HOME, Edition, Package, PackageId


def check_grants(grants: Collection[str], *sheets: Sheet) -> None:
    """Raise BadRequest for a grant that nobody asks for."""
    asked = [ask for sheet in sheets for ask in sheet.asks]
    if odd := sorted(set(grants) - set(asked)):
        asks = ", ".join(dict.fromkeys(asked)) or "nothing"
        raise BadRequest("grants", f"{odd[0]!r} isn't asked for; {sheets[0].name} asks for {asks}")


def granted(edition: Edition, sheet: Sheet, grants: Collection[str]) -> Edition:
    """Return an edition with those of the grants that it asks for."""
    return replace(edition, grants=tuple(sorted(set(grants).intersection(sheet.asks))))


def switched(package: Package) -> Package:
    """Return a package with the update that waited in use."""
    return replace(package, now=package.next or package.now, before=package.now, next=None)


def arrived(known: Package | None, sheet: Sheet, edition: Edition, now: datetime, *, enable: bool) -> Package:
    """Return a package as an edition that came makes it; raises ManifestError if it's another package than is known."""
    if known:
        _check_same(known, sheet, edition)
    ready = not set(sheet.asks) - set(edition.grants)
    package = Package(
        id=PackageId(sheet.name),
        tenant=HOME,
        kind=sheet.kind,
        state="enabled" if ready and enable and not edition.found else "disabled",
        now=edition,
        created_at=known.created_at if known else now,
        updated_at=now,
    )
    if known is None:
        return package
    if known.now.digest == edition.digest:
        # Whoever enabled it knows by now what's odd about it.
        state = known.state if ready and (edition.found or not enable) else package.state
        return replace(package, before=known.before, state=state)
    if known.state == "enabled" and package.state == "disabled":
        return replace(known, next=edition, updated_at=now)
    return replace(package, before=known.now)


def dated(package: Package, was: Package | None, now: datetime) -> Package:
    """Return a package whose edition says since when it's enabled; `was`: as it was before."""
    since = None
    if package.state == "enabled":
        goes_on = was and was.state == "enabled" and was.now.digest == package.now.digest
        since = was.now.since if was and goes_on and was.now.since else now
    return replace(package, now=replace(package.now, since=since))


def _check_same(known: Package, sheet: Sheet, edition: Edition) -> None:
    if known.kind != sheet.kind:
        raise ManifestError(f"{sheet.name}: there's a package of that name, of kind {known.kind}; remove it first")
    # Else whoever takes a name in a registry could pass theirs off as an update of somebody else's.
    if known.now.origin and edition.origin and known.now.origin.name != edition.origin.name:
        here, there = known.now.origin.name, edition.origin.name
        raise ManifestError(f"{sheet.name}: {here} is installed under that name, and {there} isn't it; remove it first")
