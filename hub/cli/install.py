"""`agenthost install`: a package from a folder, a zip file or elsewhere, with its permissions shown and asked for."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec
import rich_click as click

from hub.cli.client import Client, Trouble
from hub.cli.packing import packed
from hub.cli.place import Place, place_options
from hub.cli.wire import Coming, Installed
from hub.cli.words import print_json, sheet_lines

STEP = 0.7
"""Seconds between two looks at how far a package is."""
WAIT = "20"
"""Seconds that a request waits for it."""


@click.command(name="install")
@click.argument("source")
@click.option("--grant", "-g", multiple=True, help="A permission to grant; may be given several times.")
@click.option("--yes", "-y", is_flag=True, help="Grant all that it asks for, without a question.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; nothing is asked.")
@place_options
def command(place: Place, source: str, grant: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Install or update a package: from a folder, a zip file, an https URL, or PUBLISHER/NAME of a registry.

    Exit status: 0 installed and enabled; 3 installed but not enabled, for it lacks a permission or a scan found it odd.
    """
    package = asyncio.run(_install(place, source, _local(source), grant))
    missing = [ask.id for ask in package.permissions if not ask.granted]
    if not as_json:
        for line in sheet_lines(package):
            click.echo(line)
    if missing and (yes or (not as_json and _granted(package, missing))):
        package = asyncio.run(_grant(place, package))
    if as_json:
        print_json(package)
    else:
        click.echo(_outcome(package))
    if package.state != "enabled" or package.next:
        raise SystemExit(3)


def _outcome(package: Installed) -> str:
    lacks = [ask.id for ask in package.permissions if not ask.granted]
    why = f"it lacks {', '.join(lacks)}" if lacks else "look at it, then: agenthost packages enable " + package.id
    if package.next:
        return f"{package.id} {package.next.version} waits, and {package.now.version} goes on: {why}."
    if package.state == "enabled":
        return f"{package.id} {package.now.version} is installed and enabled."
    return f"{package.id} {package.now.version} is installed, but not enabled: {why}."


def _granted(package: Installed, missing: list[str]) -> bool:
    return click.confirm(f"Grant {', '.join(missing)} to {package.id}?", default=False)


def _local(source: str) -> bytes | None:
    """Return what lies at a path of this machine, as a zip file; None if that's no path but somewhere else."""
    path = Path(source)
    if path.exists():
        return packed(path)
    if "://" not in source and source.count("/") != 1:
        raise click.ClickException(
            f"{source}: there's no such file or folder; name one, an https URL or PUBLISHER/NAME."
        )
    return None


async def _install(place: Place, source: str, data: bytes | None, grants: tuple[str, ...]) -> Installed:
    async with Client(place) as hub:
        if data is not None:
            return await hub.upload("/v1/packages", data, Installed, {"grants": ",".join(grants) or None})
        return await fetched(hub, f"/v1/packages?wait={WAIT}", {"source": source, "grants": list(grants)})


async def fetched(hub: Client, path: str, body: Mapping[str, object]) -> Installed:
    """Have the hub fetch a package, and return it once it's installed; raises Trouble with why it can't be."""
    raw = await hub.post(path, body, msgspec.Raw)
    while "now" not in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]):
        coming = msgspec.json.decode(raw, type=Coming)
        if coming.state == "failed":
            raise Trouble(coming.error or "It failed.")
        if coming.state in ("installed", "enabled") and coming.package:
            return await hub.get(f"/v1/packages/{quote(coming.package, safe='')}", Installed)
        await asyncio.sleep(STEP)
        raw = await hub.get(f"/v1/packages/installations/{coming.id}", msgspec.Raw)
    return msgspec.json.decode(raw, type=Installed)


async def _grant(place: Place, package: Installed) -> Installed:
    where = f"/v1/packages/{quote(package.id, safe='')}"
    async with Client(place) as hub:
        await hub.put(f"{where}/grants", {"grants": package.asks}, Installed)
        return await hub.post(f"{where}/enable", {}, Installed)
