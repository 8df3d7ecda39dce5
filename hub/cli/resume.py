"""`agenthost resume all`: have everything go on that `agenthost pause all` has stopped."""

import asyncio

import rich_click as click

from hub.cli.client import Client
from hub.cli.place import Place, place_options


@click.command(name="resume")
@click.argument("what", type=click.Choice(["all"]))
@place_options
def command(place: Place, what: str) -> None:
    """Have ALL go on where it was stopped."""
    asyncio.run(_resume(place))
    click.echo("Everything goes on.")


async def _resume(place: Place) -> None:
    async with Client(place) as hub:
        await hub.delete("/v1/pause")
