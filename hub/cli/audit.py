"""`agenthost audit`: what was done, by whom and how, and the proof that nobody has changed what's told of it."""

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec
import rich_click as click
from msgspec import Struct
from rich.text import Text

from hub.chains import FIRST
from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.words import ago, console, print_json, short, table
from hub.records import Deed, TenantId, hash_of


class Row(Struct, frozen=True, kw_only=True):
    """A deed as the hub tells it."""

    seq: int
    at: datetime
    who: str | None = None
    way: str = ""
    key: str | None = None
    action: str
    object: str
    detail: str = ""
    digest: str = ""
    previous: str = ""
    hash: str = ""


class Proof(Struct, frozen=True, kw_only=True):
    """Whether the log is whole."""

    whole: bool
    first: int
    last: int
    hash: str
    fault: str = ""


@click.group(name="audit")
def command() -> None:
    """List what was done, prove that the list is whole, and take it along."""


@command.command(name="list")
@click.option("--who", help="Only what this person did, by id.")
@click.option("--action", help="Only this, as key.made.")
@click.option("--object", "object_", help="Only what was done to this, as key/ID.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def list_(place: Place, who: str | None, action: str | None, object_: str | None, limit: int, as_json: bool) -> None:
    """List what was done, newest first."""
    found = asyncio.run(_deeds(place, limit, {"who": who, "action": action, "object": object_}))
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("seq", "when", "who", "by", "what", "to", "more")
    for row in (msgspec.json.decode(raw, type=Row) for raw in found):
        more = Text(short(row.detail, 40))
        rows.add_row(str(row.seq), ago(row.at), row.who or "–", row.way, row.action, Text(short(row.object, 50)), more)
    console().print(rows)


async def _deeds(place: Place, limit: int, query: dict[str, str | None]) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/audit", msgspec.Raw, limit, query)


@command.command(name="verify")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--noted", help="SEQ:HASH of a deed, as this command told it earlier.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def verify(place: Place, file: Path | None, noted: str | None, as_json: bool) -> None:
    """Prove that nothing in the audit log was altered or left out, or say what was; then it exits with 1.

    With a FILE it's that which is proved, an export as JSON lines. What's printed last is SEQ:HASH of the newest deed:
    kept elsewhere and given back as --noted, it proves that not even somebody who may write to the database, and could
    write all of it anew, has done so.
    """
    seq, _, hash = (noted or "").partition(":")
    if noted and not (seq.isdigit() and len(hash) == len(FIRST)):
        raise click.UsageError(f"--noted: {noted!r} isn't SEQ:HASH, as this command prints it.")
    if file is not None:
        proof = _verified(file, (int(seq), hash) if noted else None)
    else:
        proof = asyncio.run(_verify(place, {"seq": seq, "hash": hash} if noted else {}))
    if as_json:
        print_json(proof)
    else:
        click.echo(f"The audit log is whole: deeds {proof.first} to {proof.last}." if proof.whole else proof.fault)
        click.echo(f"{proof.last}:{proof.hash}")
    if not proof.whole:
        raise SystemExit(1)


async def _verify(place: Place, query: dict[str, str | None]) -> Proof:
    async with Client(place) as hub:
        return await hub.get("/v1/audit/verify", Proof, query, patient=True)


def _verified(file: Path, noted: tuple[int, str] | None) -> Proof:
    """Prove an export: each deed's hash, and that each has that of the one before."""
    first, seq, before, tenant, fault = 0, 0, "", TenantId(""), ""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError as error:
                raise click.ClickException(f"{file}: line {number}: is no deed ({error})") from None
            tenant = tenant or row.tenant
            deed = msgspec.convert(msgspec.to_builtins(row), Deed)
            if hash_of(deed) != row.hash or row.tenant != tenant:
                fault = f"deed {row.seq} was altered"
            elif seq and row.seq != seq + 1:
                fault = f"deed {seq + 1} is missing"
            elif seq and row.previous != before:
                fault = f"deed {row.seq} doesn't follow deed {seq}: one of the two was altered"
            elif noted and noted[0] == row.seq and noted[1] != row.hash:
                fault = f"deed {row.seq} isn't the one that was noted"
            first, seq, before = first or row.seq, row.seq, row.hash
            if fault:
                break
    if not fault and noted and not first <= noted[0] <= seq:
        fault = f"deed {noted[0]}, which was noted, is missing"
    return Proof(whole=not fault, first=first, last=seq, hash=before or FIRST, fault=fault)


class _Line(Row, frozen=True, kw_only=True):
    tenant: TenantId


@command.command(name="export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@place_options
def export(place: Place, file: Path, form: str) -> None:
    """Write everything that was done into FILE, oldest first."""
    if file.exists():
        raise click.ClickException(f"{file}: exists already; name another file.")
    asyncio.run(_export(place, file, form))
    click.echo(f"Written: {file}")


async def _export(place: Place, file: Path, form: str) -> None:
    async with Client(place) as hub:
        with file.open("xb") as written:
            async for piece in hub.download(f"/v1/audit/export?format={form}"):
                written.write(piece)
