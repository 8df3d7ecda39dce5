"""`agenthost remove`: a package and its files are gone."""

import asyncio
from urllib.parse import quote

import rich_click as click

from hub.cli.client import Client
from hub.cli.place import Place, place_options


@click.command(name="remove")
@click.argument("id")
@place_options
def command(place: Place, id: str) -> None:
    """Remove package ID and its files; agents that use its tools go on without them."""
    asyncio.run(_remove(place, id))
    click.echo(f"Removed: {id}")


async def _remove(place: Place, id: str) -> None:
    async with Client(place) as hub:
        await hub.delete(f"/v1/packages/{quote(id, safe='')}")
