"""`agenthost approve`: lets somebody in; short for `agenthost pair approve`."""

import rich_click as click

from hub.cli.pair import let_in
from hub.cli.place import Place, place_options


@click.command(name="approve")
@click.argument("code")
@click.option("--as", "person", help="The id of a person who's known: it's one more account of theirs.")
@place_options
def command(place: Place, code: str, person: str | None) -> None:
    """Let in the stranger whom the hub gave this CODE (or whose request has this id)."""
    let_in(place, code, person)
