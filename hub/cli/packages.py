"""`agenthost packages`: what's installed; switched on and off, and back to what it was; and one's own tried out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.packing import packed
from hub.cli.place import Place, place_options
from hub.cli.wire import Listing
from hub.cli.wire_packages import Installed, Signer
from hub.cli.words import ago, console, plain, print_json, sheet_lines, short, standing_lines, table

if TYPE_CHECKING:
    from hub.cli.trying import Report

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="packages")
def command() -> None:
    """List, show, enable, disable and roll back what's installed; say whom to trust; try out your own."""


@command.command(name="list")
@JSON
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List what's installed: versions, states, permissions."""
    found = asyncio.run(_packages(place))
    if as_json:
        print_json({"items": found, "next": None})
        return
    _print([msgspec.json.decode(raw, type=Installed) for raw in found])


def _print(packages: Sequence[Installed]) -> None:
    rows = table("id", "kind", "version", "state", "may", "what it does", "changed")
    for package in packages:
        may = ", ".join(package.now.grants) or "nothing"
        what = Text(short(package.description, 50))
        rows.add_row(package.id, package.kind, package.now.version, package.state, may, what, ago(package.updated_at))
    console().print(rows)
    for package in packages:
        for line in standing_lines(package):
            name = package.now.origin.name if package.now.origin else package.id
            click.echo(f"{name} {package.now.version}: {plain(line)}")


@command.command(name="check")
@JSON
@place_options
def check(place: Place, as_json: bool) -> None:
    """Ask the registries now whether what's installed was taken back, and whether there's something newer.

    What its registry took away is switched off.
    """
    raw = asyncio.run(_asked(place, "POST", "/v1/packages/check"))
    found = msgspec.json.decode(raw, type=Listing[Installed]).items
    if as_json:
        print_json(raw)
    else:
        _print(found)


@command.command(name="trust")
@click.argument("publisher")
@click.argument("id", required=False, metavar="[KEY]")
@click.option("--forget", is_flag=True, help="Forget the pinned key: their next package pins one anew.")
@JSON
@place_options
def trust(place: Place, publisher: str, id: str | None, forget: bool, as_json: bool) -> None:
    """Show the key that's pinned for PUBLISHER, or trust another KEY by your word: its id, or itself in base64.

    A hub pins a publisher's key with the first package of theirs. Ask them for the new key's id elsewhere than in the
    registry before you trust it.
    """
    if id and forget:
        raise click.UsageError("give KEY or --forget, not both")
    signer = asyncio.run(_trust(place, publisher, id or "", forget=forget))
    if as_json:
        print_json(signer)
    elif forget:
        click.echo(f"Forgotten: the key of {publisher}.")
    elif signer is None:
        click.echo(f"No key of {publisher} is pinned.")
    else:
        click.echo(f"{signer.publisher}: the key {signer.key}, pinned {ago(signer.pinned_at)} ({HOW[signer.by]}).")


@command.command(name="show")
@click.argument("id")
@JSON
@place_options
def show(place: Place, id: str, as_json: bool) -> None:
    """Show what package ID is, where it's from, and what it may."""
    raw = asyncio.run(_asked(place, "GET", _path(id)))
    if as_json:
        print_json(raw)
        return
    package = msgspec.json.decode(raw, type=Installed)
    for line in sheet_lines(package):
        click.echo(line)


@command.command(name="test")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--no-own-tests", is_flag=True, help="Leave out its test_*.py, which run as you and in no sandbox.")
@click.option("--net", is_flag=True, help="Let it ask the hosts that it names; without it no request goes out.")
@JSON
def test(folder: Path, no_own_tests: bool, net: bool, as_json: bool) -> None:
    """Try out the package in FOLDER as a hub would use it, and run its own tests. Needs no hub.

    It's packed, checked, installed into a hub that's thrown away, given what it asks for, and its tools are called with
    their examples; what lies in its folder examples/ is then in the task's workspace. Exit status 1 if anything wants
    mending.
    """
    from hub.cli.trying import tried  # noqa: PLC0415 - brings a hub's parts along, which the other commands don't need

    report = asyncio.run(tried(folder, packed(folder), net=net, own_tests=not no_own_tests))
    if as_json:
        print_json(report)
    else:
        _show_report(report)
    if report.faults:
        raise SystemExit(1)


def _show_report(report: "Report") -> None:
    click.echo(f"{report.id} {report.version}".strip() + (f", of kind {report.kind}" if report.kind else ""))
    for check in report.checks:
        took = f" ({check.ms:.0f} ms)" if check.ms else ""
        first, *rest = plain(check.words).splitlines() or [""]
        click.echo(f"  {check.state:<8}{plain(check.what)}: {first}{took}")
        for line in rest:
            click.echo(f"          {line}")
    words = "1 fault" if report.faults == 1 else f"{report.faults} faults"
    click.echo(f"{words}." if report.faults else "All is well.")


def _switching(how: str, words: str) -> click.Command:
    """Return a command that has the hub do one thing with a package."""

    @command.command(name=how, help=words)
    @click.argument("id")
    @JSON
    @place_options
    def switch(place: Place, id: str, as_json: bool) -> None:
        raw = asyncio.run(_asked(place, "POST", f"{_path(id)}/{how}"))
        package = msgspec.json.decode(raw, type=Installed)
        if as_json:
            print_json(raw)
        else:
            click.echo(f"{package.id} {package.now.version} is {package.state}.")

    return switch


_switching("enable", "Have the tools or the agent of package ID used.")
_switching("disable", "Have package ID not used; it stays installed.")
_switching("rollback", "Forget an update of package ID that waits, else bring back what it was before its last one.")


@command.command(name="update")
@click.argument("id")
@JSON
@place_options
def update(place: Place, id: str, as_json: bool) -> None:
    """Fetch package ID again from where it came from; what asks for more waits until that's granted.

    Exit status: 0 the newest version is used; 3 it waits.
    """
    raw = asyncio.run(_asked(place, "POST", f"{_path(id)}/update"))
    if as_json:
        print_json(raw)
        return
    try:
        package = msgspec.json.decode(raw, type=Installed)
    except msgspec.ValidationError:
        click.echo(f"{id} is being fetched; `agenthost packages list` shows it when it's there.")
        raise SystemExit(3) from None
    for line in sheet_lines(package):
        click.echo(line)
    if package.next:
        raise SystemExit(3)


HOW = {
    "first": "it came with their first package",
    "rotation": "the key before stated it",
    "admin": "by an admin's word",
}


async def _trust(place: Place, publisher: str, id: str, *, forget: bool) -> Signer | None:
    where = f"/v1/publishers/{quote(publisher, safe='')}/key"
    async with Client(place) as hub:
        if forget:
            await hub.delete(where)
            return None
        if id:
            return await hub.put(where, {"key": id}, Signer)
        known = await hub.pages("/v1/publishers", Signer, 10_000)
        return next((signer for signer in known if signer.publisher == publisher), None)


def _path(id: str) -> str:
    return f"/v1/packages/{quote(id, safe='')}"


async def _asked(place: Place, method: str, path: str) -> msgspec.Raw:
    async with Client(place) as hub:
        if method == "GET":
            return await hub.get(path, msgspec.Raw)
        return await hub.post(path, {}, msgspec.Raw)


async def _packages(place: Place) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/packages", msgspec.Raw, 10_000)
