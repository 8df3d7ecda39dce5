"""`agenthost pair`: who asks to be let in, who's known by which accounts, and a code for one more of yours."""

import asyncio
from typing import TypeVar
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire import Knock, Listing, PairingCode, Person
from hub.cli.words import ago, console, plain, print_json, short, table

Answer = TypeVar("Answer", Knock, Person)


@click.group(name="pair")
def command() -> None:
    """Let people in, and link your accounts on chat platforms."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List the strangers who ask to be let in."""
    raw = asyncio.run(_get(place, "/v1/pairings"))
    if as_json:
        print_json(raw)
        return
    rows = table("id", "bridge", "who", "account", "asked", "expires")
    for knock in msgspec.json.decode(raw, type=Listing[Knock]).items:
        who, account = Text(short(knock.name, 40)), Text(short(knock.sender, 60))
        rows.add_row(knock.id, knock.bridge, who, account, ago(knock.created_at), ago(knock.expires_at))
    console().print(rows if rows.row_count else "Nobody asks to be let in.")


@command.command(name="people")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def people(place: Place, as_json: bool) -> None:
    """List who's known, with their accounts."""
    raw = asyncio.run(_get(place, "/v1/people"))
    if as_json:
        print_json(raw)
        return
    rows = table("id", "name", "role", "accounts")
    for person in msgspec.json.decode(raw, type=Listing[Person]).items:
        accounts = ", ".join(f"{account.bridge} {plain(account.sender)}" for account in person.accounts)
        rows.add_row(person.id, Text(short(person.name, 40)), person.role, Text(accounts))
    console().print(rows)


@command.command(name="approve")
@click.argument("code")
@click.option("--as", "person", help="The id of a person who's known: it's one more account of theirs.")
@place_options
def approve(place: Place, code: str, person: str | None) -> None:
    """Let in the stranger whom the hub gave this CODE (or whose request has this id)."""
    let_in(place, code, person)


@command.command(name="deny")
@click.argument("code")
@place_options
def deny(place: Place, code: str) -> None:
    """Refuse the stranger with this CODE, or request id: they're told once, and not heard for a day."""
    knock = asyncio.run(_answer(place, code, "deny", {}, Knock))
    click.echo(f"{plain(knock.name or knock.sender)} isn't let in.")


@command.command(name="code")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def code(place: Place, as_json: bool) -> None:
    """Make a code that links one more account to you, good for an hour."""
    made = asyncio.run(_code(place))
    if as_json:
        print_json(made)
        return
    click.echo(f"Write {made.say} to the hub from your other account, within the hour.")
    for way in made.ways:
        click.echo(f"{way.bridge}: {plain(way.link or way.account)}")


@command.command(name="unlink")
@click.argument("person")
@click.argument("bridge")
@click.argument("sender")
@place_options
def unlink(place: Place, person: str, bridge: str, sender: str) -> None:
    """Take an account (BRIDGE SENDER) off a PERSON, by id or `me`: who writes from it is a stranger again."""
    asyncio.run(_unlink(place, person, bridge, sender))
    click.echo(f"Unlinked: {plain(sender)} on {plain(bridge)}")


def let_in(place: Place, code: str, person: str | None) -> None:
    """Approve a request, and say who's in."""
    found = asyncio.run(_answer(place, code, "approve", {"person": person} if person else {}, Person))
    click.echo(f"{plain(found.name)} is let in.")


async def _get(place: Place, path: str) -> msgspec.Raw:
    async with Client(place) as hub:
        return await hub.get(path, msgspec.Raw)


async def _answer(place: Place, code: str, how: str, body: dict[str, object], kind: type[Answer]) -> Answer:
    async with Client(place) as hub:
        return await hub.post(f"/v1/pairings/{quote(code, safe='')}/{how}", body, kind)


async def _code(place: Place) -> PairingCode:
    async with Client(place) as hub:
        return await hub.post("/v1/pairings", {}, PairingCode)


async def _unlink(place: Place, person: str, bridge: str, sender: str) -> None:
    async with Client(place) as hub:
        await hub.delete(f"/v1/people/{quote(person, safe='')}/accounts", {"bridge": bridge, "sender": sender})
