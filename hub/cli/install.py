"""`agenthost install`: a plugin or an agent from a folder or a zip file, with its permissions shown and asked for."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import rich_click as click

from hub.cli.client import Client
from hub.cli.packing import packed
from hub.cli.place import Place, place_options
from hub.cli.wire import Installed
from hub.cli.words import print_json, sheet_lines


@click.command(name="install")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--grant", "-g", multiple=True, help="A permission to grant; may be given several times.")
@click.option("--yes", "-y", is_flag=True, help="Grant all that it asks for, without a question.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; nothing is asked.")
@place_options
def command(place: Place, path: Path, grant: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Install or update the package in PATH: a folder with plugin.toml or agent.toml, or a zip file of one.

    Exit status: 0 installed and enabled; 3 installed but not enabled, for it lacks a permission.
    """
    package = asyncio.run(_install(place, path, grant))
    missing = [ask for ask in package.asks if ask not in package.now.grants]
    if not as_json:
        for line in sheet_lines(package):
            click.echo(line)
    if missing and (yes or (not as_json and _granted(package, missing))):
        package = asyncio.run(_grant(place, package))
    if as_json:
        print_json(package)
    elif package.state == "enabled":
        click.echo(f"{package.id} {package.now.version} is installed and enabled.")
    else:
        click.echo(f"{package.id} {package.now.version} is installed, but not enabled: it lacks {', '.join(missing)}.")
    if package.state != "enabled":
        raise SystemExit(3)


def _granted(package: Installed, missing: list[str]) -> bool:
    return click.confirm(f"Grant {', '.join(missing)} to {package.id}?", default=False)


async def _install(place: Place, path: Path, grants: tuple[str, ...]) -> Installed:
    data = packed(path)
    async with Client(place) as hub:
        return await hub.upload("/v1/packages", data, Installed, {"grants": ",".join(grants) or None})


async def _grant(place: Place, package: Installed) -> Installed:
    where = f"/v1/packages/{quote(package.id, safe='')}"
    async with Client(place) as hub:
        await hub.put(f"{where}/grants", {"grants": package.asks}, Installed)
        return await hub.post(f"{where}/enable", {}, Installed)
