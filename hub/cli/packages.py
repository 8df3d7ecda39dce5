"""`agenthost packages`: what's installed; switched on and off, and back to what it was."""

import asyncio
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire import Installed
from hub.cli.words import ago, console, print_json, short, table

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="packages")
def command() -> None:
    """List, enable, disable and roll back what's installed."""


@command.command(name="list")
@JSON
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List what's installed: versions, states, permissions."""
    found = asyncio.run(_packages(place))
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("id", "kind", "version", "state", "may", "what it does", "changed")
    for package in (msgspec.json.decode(raw, type=Installed) for raw in found):
        may = ", ".join(package.now.grants) or "nothing"
        what = Text(short(package.description, 50))
        rows.add_row(package.id, package.kind, package.now.version, package.state, may, what, ago(package.updated_at))
    console().print(rows)


@command.command(name="enable")
@click.argument("id")
@JSON
@place_options
def enable(place: Place, id: str, as_json: bool) -> None:
    """Have the tools or the agent of package ID used."""
    _told(_switched(place, id, "enable"), as_json=as_json)


@command.command(name="disable")
@click.argument("id")
@JSON
@place_options
def disable(place: Place, id: str, as_json: bool) -> None:
    """Have package ID not used; it stays installed."""
    _told(_switched(place, id, "disable"), as_json=as_json)


@command.command(name="rollback")
@click.argument("id")
@JSON
@place_options
def rollback(place: Place, id: str, as_json: bool) -> None:
    """Bring back what package ID was before its last update; once more, and that's undone."""
    _told(_switched(place, id, "rollback"), as_json=as_json)


def _switched(place: Place, id: str, how: str) -> Installed:
    async def switch() -> Installed:
        async with Client(place) as hub:
            return await hub.post(f"/v1/packages/{quote(id, safe='')}/{how}", {}, Installed)

    return asyncio.run(switch())


def _told(package: Installed, *, as_json: bool) -> None:
    if as_json:
        print_json(package)
    else:
        click.echo(f"{package.id} {package.now.version} is {package.state}.")


async def _packages(place: Place) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/packages", msgspec.Raw, 10_000)
