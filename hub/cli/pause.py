"""`agenthost pause all`: stop everything at once; hub.cli.resume has it go on."""

import asyncio
from datetime import datetime

import rich_click as click
from msgspec import Struct

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.words import print_json


class Paused(Struct, frozen=True, kw_only=True):
    """Whether everything is paused."""

    paused: bool
    since: datetime | None = None
    by: str | None = None
    why: str = ""


@click.command(name="pause")
@click.argument("what", type=click.Choice(["all"]))
@click.option("--why", default="", help="Told by `agenthost status` and `agenthost doctor`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def command(place: Place, what: str, why: str, as_json: bool) -> None:
    """Stop ALL turns and everything that goes out, on every hub, within two seconds. What's said is kept meanwhile."""
    paused = asyncio.run(_pause(place, why))
    if as_json:
        print_json(paused)
        return
    click.echo("Everything is paused: no turn is taken, and nothing goes out. agenthost resume all has it go on.")


async def _pause(place: Place, why: str) -> Paused:
    async with Client(place) as hub:
        return await hub.put("/v1/pause", {"why": why}, Paused)
