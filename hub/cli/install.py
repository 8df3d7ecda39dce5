"""`agenthost install`: a package from a folder, a zip file, a URL or a registry, with its permissions shown first."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import msgspec
import rich_click as click

from hub.cli.client import Client, Trouble
from hub.cli.packing import packed
from hub.cli.place import Place, place_options
from hub.cli.wire_packages import Edition, Installation, Installed
from hub.cli.words import print_json, sheet_lines

PAUSE = 1.0
"""Seconds between two looks at a package that's being fetched."""


@click.command(name="install")
@click.argument("source")
@click.option("--grant", "-g", multiple=True, help="A permission to grant; may be given several times.")
@click.option("--yes", "-y", is_flag=True, help="Grant all that it asks for, without a question.")
@click.option("--dev", is_flag=True, help="Link a folder on the hub's machine: it's used as it is, and read again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; nothing is asked.")
@place_options
def command(place: Place, source: str, grant: tuple[str, ...], yes: bool, dev: bool, as_json: bool) -> None:
    """Install or update a package from SOURCE, a folder or a zip file, an https URL, or PUBLISHER/NAME[@VERSION].

    What a scan found odd is enabled only after a question, never by --yes. Exit status: 0 installed and enabled; 3
    installed but not enabled, or an update that waits, for it lacks a permission or is odd.
    """
    path = Path(source)
    archive = packed(path) if path.exists() and not dev else None
    package = asyncio.run(_install(place, source, grant, archive, str(path.absolute()) if dev else ""))
    if not as_json:
        for line in sheet_lines(package):
            click.echo(line)
    missing = [ask for ask in package.asks if ask not in _latest(package).grants]
    agreed = (yes and not _latest(package).found) or (not as_json and not yes and _agreed(package, missing))
    if _waits(package) and agreed:
        package = asyncio.run(_grant(place, package))
        missing = []
    elif missing and yes:
        # Enabled it isn't: somebody has to look at what was found.
        package = asyncio.run(_grant(place, package, enable=False))
        missing = []
    if as_json:
        print_json(package)
    else:
        click.echo(_told(package, missing))
    if _waits(package):
        raise SystemExit(3)


def _latest(package: Installed) -> Edition:
    return package.next or package.now


def _waits(package: Installed) -> bool:
    return package.state != "enabled" or package.next is not None


def _told(package: Installed, missing: list[str]) -> str:
    latest = _latest(package)
    if not _waits(package):
        return f"{package.id} {latest.version} is installed and enabled."
    why = f"it lacks {', '.join(missing)}" if missing else ""
    why = why or ("a scan found it odd" if latest.found else "it was disabled")
    text = f"{package.id} {latest.version} is installed, but not enabled: {why}."
    goes_on = f" {package.now.version} goes on." if package.next and package.state == "enabled" else ""
    return f"{text}{goes_on} Have a look, then `agenthost packages enable {package.id}`."


def _agreed(package: Installed, missing: list[str]) -> bool:
    if missing:
        return click.confirm(f"Grant {', '.join(missing)} to {package.id}?", default=False)
    if _latest(package).found:
        return click.confirm(f"Enable {package.id} though a scan found it odd?", default=False)
    return False


async def _install(place: Place, source: str, grants: tuple[str, ...], archive: bytes | None, dev: str) -> Installed:
    async with Client(place) as hub:
        if dev:
            return await hub.post("/v1/packages/dev", {"folder": dev, "grants": grants}, Installed)
        if archive is not None:
            return await hub.upload("/v1/packages", archive, Installed, {"grants": ",".join(grants) or None})
        raw = await hub.post("/v1/packages?wait=20", {"source": source, "grants": grants}, msgspec.Raw)
        return await _arrived(hub, raw)


async def _arrived(hub: Client, raw: msgspec.Raw) -> Installed:
    """Return the package of an answer, once it's there; raises Trouble if it fails to come."""
    try:
        return msgspec.json.decode(raw, type=Installed)
    except msgspec.ValidationError:
        coming = msgspec.json.decode(raw, type=Installation)
    while coming.state not in {"installed", "enabled", "failed"}:
        await asyncio.sleep(PAUSE)
        coming = await hub.get(f"/v1/packages/installations/{coming.id}", Installation)
    if coming.package is None:
        raise Trouble(coming.error)
    return await hub.get(f"/v1/packages/{quote(coming.package, safe='')}", Installed)


async def _grant(place: Place, package: Installed, *, enable: bool = True) -> Installed:
    where = f"/v1/packages/{quote(package.id, safe='')}"
    async with Client(place) as hub:
        granted = await hub.put(f"{where}/grants", {"grants": package.asks}, Installed)
        return await hub.post(f"{where}/enable", {}, Installed) if enable else granted
