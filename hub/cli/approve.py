"""`agenthost approve`: the calls that wait for your leave; with a code, short for `agenthost pair approve`."""

import asyncio
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.pair import let_in
from hub.cli.place import Place, place_options
from hub.cli.wire import Asked, Listing
from hub.cli.words import ago, console, plain, print_json, short, table

ID = 20
"""Ids are longer than this, codes are shorter."""


@click.command(name="approve")
@click.argument("code", required=False)
@click.option("--as", "person", help="With a CODE: the id of a person who's known; it's one more account of theirs.")
@click.option("--deny", is_flag=True, help="Refuse the call instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def command(place: Place, code: str | None, person: str | None, deny: bool, as_json: bool) -> None:
    """List the tool calls that wait for your leave, or allow the one with an ID from that list.

    With a CODE (or the id of a request, with `agenthost pair`) it lets in the stranger whom the hub gave that code.
    """
    if code is None:
        _list(place, as_json=as_json)
        return
    asked = asyncio.run(_named(place, code)) if len(code) > ID else None
    if asked is None:
        if deny:
            raise click.UsageError(f"there's no call {code!r} that waits; `agenthost pair deny` refuses a stranger")
        let_in(place, code, person)
        return
    decided = asyncio.run(_decide(place, asked.id, "deny" if deny else "approve"))
    click.echo(f"{plain(decided.tool)}: {decided.answer}")


def _list(place: Place, *, as_json: bool) -> None:
    raw = asyncio.run(_get(place))
    if as_json:
        print_json(raw)
        return
    found = msgspec.json.decode(raw, type=Listing[Asked]).items
    rows = table("id", "task", "tool", "why", "until")
    for asked in found:
        task = Text(short(f"#{asked.task.number} {asked.task.title}" if asked.task else "", 40))
        rows.add_row(asked.id, task, asked.tool, Text(short(asked.why, 80)), ago(asked.expires_at))
    console().print(rows if rows.row_count else "Nothing waits for your leave.")
    for asked in found:
        # To the letter, and not as a cell of a table, which might cut it.
        click.echo(f"\n{asked.id} {plain(asked.tool)}\n{plain(asked.shown)}")


async def _get(place: Place) -> msgspec.Raw:
    async with Client(place) as hub:
        return await hub.get("/v1/approvals", msgspec.Raw)


async def _named(place: Place, id: str) -> Asked | None:
    async with Client(place) as hub:
        found = await hub.get("/v1/approvals", Listing[Asked])
    return next((asked for asked in found.items if asked.id == id), None)


async def _decide(place: Place, id: str, how: str) -> Asked:
    async with Client(place) as hub:
        return await hub.post(f"/v1/approvals/{quote(id, safe='')}/{how}", {}, Asked)
