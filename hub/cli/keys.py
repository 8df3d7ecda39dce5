"""`agenthost keys`: what lets programs and other machines in. A key is shown once, when it's created."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.keyring import begun, ended, key_of, known_to, path_of, publisher_of
from hub.cli.place import Place, place_options
from hub.cli.registries import Registry, registry_options
from hub.cli.wire import Key
from hub.cli.words import ago, console, print_json, short, table
from hub.records import SCOPES
from hub.releases import Rotation
from hub.statements import shown

SPANS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


@click.group(name="keys")
def command() -> None:
    """Create, list, rotate and revoke API keys."""


@command.command(name="create")
@click.argument("name")
@click.option("--scopes", "-s", required=True, help=f"What it may do, with commas between: {', '.join(SCOPES)}.")
@click.option("--expires", "-e", help="How long it's good, as 12h, 90d, 8w or 1y [for ever]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: {id, key}.")
@place_options
def create(place: Place, name: str, scopes: str, expires: str | None, as_json: bool) -> None:
    """Create a key called NAME, and show it: this once, for the hub keeps only its hash."""
    wanted = [scope for scope in re.split(r"[,\s]+", scopes) if scope]
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise click.UsageError(f"--scopes: unknown {', '.join(unknown) or 'and empty'}; known are {', '.join(SCOPES)}.")
    body: dict[str, object] = {"name": name, "scopes": wanted}
    if expires:
        body["expires_at"] = expiry(expires, datetime.now(UTC)).isoformat()
    made = asyncio.run(_create(place, body))
    if as_json:
        print_json({"id": made.id, "key": made.key})
        return
    click.echo(made.key)
    click.echo(f"Keep it now: it isn't shown again. Its id is {made.id}.", err=True)


def expiry(text: str, now: datetime, option: str = "--expires") -> datetime:
    """Return when a key made now with `--expires TEXT` ends."""
    found = re.fullmatch(r"(\d{1,4})([hdwy])", text)
    if not found or not int(found[1]):
        raise click.UsageError(f"{option}: {text!r} isn't a span; write it as 12h, 90d, 8w or 1y.")
    return now + int(found[1]) * SPANS[found[2]]


async def _create(place: Place, body: dict[str, object]) -> Key:
    async with Client(place) as hub:
        return await hub.post("/v1/keys", body, Key)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List the keys: their names and what they may do, never the keys themselves."""
    found = asyncio.run(_keys(place))
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("id", "name", "scopes", "made", "used", "state")
    for key in (msgspec.json.decode(raw, type=Key) for raw in found):
        rows.add_row(
            key.id,
            Text(short(key.name, 40)),
            ", ".join(key.scopes),
            ago(key.created_at),
            key.last_used or "never",
            _state(key),
        )
    console().print(rows)


def _state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {ago(key.revoked_at)}"
    if key.expires_at:
        return f"{'expired' if key.expires_at <= datetime.now(UTC) else 'expires'} {ago(key.expires_at)}"
    return "good"


async def _keys(place: Place) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/keys", msgspec.Raw, 10_000)


@command.command(name="rotate")
@click.argument("id")
@click.option("--overlap", default="24h", show_default=True, help="How long the old secret stays good, as 12h or 7d.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: {id, key}.")
@place_options
def rotate(place: Place, id: str, overlap: str, as_json: bool) -> None:
    """Give the key with this ID a fresh secret, and show it: this once. The old one is good for the overlap."""
    now = datetime.now(UTC)
    hours = 0.0 if overlap in ("0", "0h") else (expiry(overlap, now, "--overlap") - now) / timedelta(hours=1)
    made = asyncio.run(_rotate(place, id, hours))
    if as_json:
        print_json({"id": made.id, "key": made.key})
        return
    click.echo(made.key)
    click.echo(f"Keep it now: it isn't shown again. The old one is good for {overlap} more.", err=True)


async def _rotate(place: Place, id: str, hours: float) -> Key:
    async with Client(place) as hub:
        return await hub.post(f"/v1/keys/{quote(id, safe='')}/rotate", {"overlap_hours": hours}, Key)


@command.command(name="revoke")
@click.argument("id")
@place_options
def revoke(place: Place, id: str) -> None:
    """Revoke the key with this ID: from now on it opens nothing."""
    asyncio.run(_revoke(place, id))
    click.echo(f"Revoked: {id}")


async def _revoke(place: Place, id: str) -> None:
    async with Client(place) as hub:
        await hub.delete(f"/v1/keys/{quote(id, safe='')}")


@command.command(name="publisher")
@click.option("--publisher", help="Whose key it is [your account's only one]")
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="The private key's file [made for you]")
@click.option("--rotate", is_flag=True, help="Put a new key in its place, which the old one signs.")
@click.option("--lost", is_flag=True, help="Make a new key without the old one, for an admin to let in.")
@registry_options
def publisher(
    registry: Registry, config: object, publisher: str | None, key_file: Path | None, rotate: bool, lost: bool
) -> None:
    """Show, make or replace the key that you sign what you publish by; it never leaves this machine.

    Who installed a package of yours before takes the new key by the old one's word. Lost the old one? A registry's
    admin can let a new one in, and everybody is asked whether they trust it.
    """
    if rotate and lost:
        raise click.UsageError("--rotate needs the old key, and --lost says that it's gone: give one of them.")
    click.echo(asyncio.run(_publisher(registry, publisher or "", key_file, rotate=rotate, lost=lost)))


async def _publisher(registry: Registry, wanted: str, file: Path | None, *, rotate: bool, lost: bool) -> str:
    async with registry:
        found = await publisher_of(registry, wanted)
        key = key_of(found, file, lost=lost)
        if lost and found.key and found.key.id != key.id:
            return f"Ask an admin of the registry to let in for {found.name} the key {key.id}: {shown(key.public)}"
        await known_to(registry, found, key)
        if not rotate:
            return f"{found.name} signs by the key {key.id}: {shown(key.public)}"
        path = path_of(found.name, file)
        fresh = begun(path)
        rotation = key.seal(Rotation.of(found.name, key, fresh.public, datetime.now(UTC)))
        body = {"public": shown(fresh.public), "rotation": msgspec.json.decode(rotation)}
        await registry.post(f"/publishers/{found.name}/keys", body, type(None))
        ended(path, key.id)
        return f"{found.name} signs by the key {fresh.id} now; the old one is {path}.{key.id}: {shown(fresh.public)}"
