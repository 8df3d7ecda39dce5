"""`agenthost people`: who's known, and what a person may ask for: all that's kept of them, or that nothing is."""

import asyncio
import os
import secrets
from pathlib import Path
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client, Refused
from hub.cli.place import Place, place_options
from hub.cli.wire import Person
from hub.cli.words import console, plain, print_json, short, size, table

WAIT = 0.5
PATIENCE = 600.0
"""Seconds until it's said that an erasure goes on by itself."""


@click.group(name="people")
def command() -> None:
    """List people, hand over what's kept of one, or erase it."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List who's known, with their ids."""
    found = asyncio.run(_people(place))
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("id", "name", "role", "accounts")
    for person in (msgspec.json.decode(raw, type=Person) for raw in found):
        accounts = ", ".join(f"{account.bridge}:{account.sender}" for account in person.accounts)
        state = "is being erased" if person.leaving_at else person.role
        rows.add_row(person.id, Text(short(person.name, 40)), state, Text(short(accounts, 60)))
    console().print(rows)


async def _people(place: Place) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/people", msgspec.Raw, 100_000)


@command.command(name="export")
@click.argument("person")
@click.argument("file", type=click.Path(path_type=Path))
@place_options
def export(place: Place, person: str, file: Path) -> None:
    """Write all that's kept of a PERSON, by id or `me`, into FILE, a zip.

    In it are messages, tasks, turns and receipts as JSON lines, conversations to read, files, memory; no secrets.
    """
    if file.exists():
        raise click.ClickException(f"{file}: exists already; name another file.")
    asyncio.run(_export(place, person, file))
    click.echo(f"{file}: {size(file.stat().st_size)}")


async def _export(place: Place, person: str, file: Path) -> None:
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        async with Client(place) as hub:
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
                async for chunk in hub.download(f"/v1/people/{quote(person, safe='')}/export"):
                    target.write(chunk)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


@command.command(name="erase")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Don't ask whether you're sure.")
@place_options
def erase(place: Place, person: str, yes: bool) -> None:
    """Erase all that's a PERSON's, by id or `me`, for good: what they said and were told, tasks, files, memory, keys.

    What's running for them is stopped first. Backups that were made before still have it.
    """
    found = asyncio.run(_person(place, person))
    if not yes:
        click.confirm(f"Erase {plain(found.name)} and all that's theirs, for good?", abort=True)
    gone = asyncio.run(_erase(place, found.id))
    if gone:
        click.echo(f"Erased: {plain(found.name)}. Backups that were made before still have their data.")
    else:
        click.echo(f"{plain(found.name)} has left; what's theirs is still being erased, also after a restart.")


async def _person(place: Place, person: str) -> Person:
    async with Client(place) as hub:
        return await hub.get(f"/v1/people/{quote(person, safe='')}", Person)


async def _erase(place: Place, id: str) -> bool:
    path = f"/v1/people/{quote(id, safe='')}"
    async with Client(place) as hub:
        await hub.delete(path)
        for _ in range(int(PATIENCE / WAIT)):
            try:
                await hub.get(path, Person)
            except Refused as error:
                # Who erases themselves has no key any more, and can't look how far it is.
                return error.status == 404
            await asyncio.sleep(WAIT)
    return False
