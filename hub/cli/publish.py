"""`agenthost publish`: a package of one's own, signed on this machine, in a registry."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click
from msgspec import Struct

from hub.cli.client import Trouble
from hub.cli.keyring import key_of, known_to, publisher_of
from hub.cli.packing import packed
from hub.cli.registries import Registry, registry_options
from hub.cli.words import plain, print_json
from hub.errors import ManifestError
from hub.packages.inspecting import inspected
from hub.releases import Release
from hub.statements import SigningKey

REFERENCE = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+)(?:@([0-9A-Za-z.+-]{1,64}))?")


class Published(Struct, frozen=True, kw_only=True):
    """A version, as the registry took it."""

    version: str
    sha256: str
    state: str
    reason: str = ""
    findings: tuple[str, ...] = ()


@click.command(name="publish")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--publisher", help="Whose it is [your account's only one]")
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="Your private key's file [made for you]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@registry_options
def command(
    registry: Registry, config: object, folder: Path, publisher: str | None, key_file: Path | None, as_json: bool
) -> None:
    """Publish the package in FOLDER (or a zip file), signed by your key, which stays on this machine.

    The same bytes again are no error; a version's bytes never change: give a changed package another version. Exit
    status 3: it's there, but not listed yet.
    """
    archive = packed(folder)
    who, found = asyncio.run(_publish(registry, archive, publisher or "", key_file))
    if as_json:
        print_json(found)
    else:
        click.echo(told(who, found))
        for finding in found.findings:
            click.echo(f"  found: {plain(finding)}")
    if found.state != "listed":
        raise SystemExit(3)


def told(who: str, found: Published) -> str:
    """Return what came of it, in a line."""
    if found.state == "listed":
        return f"{who}@{found.version} is published: agenthost install {who}"
    why = f" ({found.reason})" if found.reason else ""
    return f"{who}@{found.version} is there, but not listed yet: it's {found.state}{why}."


def named(reference: str) -> tuple[str, str, str]:
    """Return publisher, name and version ("" if there's none) of a reference; raises UsageError."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise click.UsageError(f"{reference!r} won't do; write it as PUBLISHER/NAME or PUBLISHER/NAME@1.0.0.")
    return found[1], found[2], found[3] or ""


async def sent(registry: Registry, archive: bytes, publisher: str, key: SigningKey) -> tuple[str, Published]:
    """Sign an archive and send it; return PUBLISHER/NAME and what the registry made of it. Raises Trouble."""
    try:
        sheet = inspected(archive).sheet
    except ManifestError as error:
        raise Trouble(str(error)) from None
    who = f"{publisher}/{sheet.name}"
    release = Release.of(who, sheet.version, archive, sheet.asks, datetime.now(UTC))
    parts = {"archive": archive, "statement": key.seal(release)}
    found = await registry.upload(f"/packages/{who}/versions/{sheet.version}", parts, Published)
    return who, found


async def _publish(registry: Registry, archive: bytes, wanted: str, file: Path | None) -> tuple[str, Published]:
    async with registry:
        publisher = await publisher_of(registry, wanted)
        key = key_of(publisher, file)
        await known_to(registry, publisher, key)
        return await sent(registry, archive, publisher.name, key)


async def seeded(
    registry: Registry, folders: Sequence[Path], wanted: str, file: Path | None
) -> list[tuple[str, Published]]:
    """Publish what lies in folders, one after the other; raises Trouble."""
    async with registry:
        publisher = await publisher_of(registry, wanted)
        key = key_of(publisher, file)
        await known_to(registry, publisher, key)
        return [await sent(registry, packed(folder), publisher.name, key) for folder in folders]
