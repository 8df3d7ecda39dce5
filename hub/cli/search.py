"""`agenthost search`: packages in the registries that the hub's config names."""

import asyncio

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire_packages import Found, FoundPage
from hub.cli.words import console, plain, print_json, short, table

KINDS = ("plugin", "agent", "script", "skill", "server")
SORTS = ("relevance", "newest", "rating", "downloads")


@click.command(name="search")
@click.argument("words", nargs=-1)
@click.option("--kind", type=click.Choice(KINDS), help="Only packages of this kind.")
@click.option("--tag", help="Only packages with this tag.")
@click.option("--sort", type=click.Choice(SORTS), default="relevance", help="What comes first [relevance]")
@click.option("--registry", help="Only this one of the config's; its address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def command(
    place: Place,
    words: tuple[str, ...],
    kind: str | None,
    tag: str | None,
    sort: str,
    registry: str | None,
    as_json: bool,
) -> None:
    """Find packages by WORDS in the hub's registries; without words, all there are.

    What's found is its publisher's own description: `agenthost install` shows what it would be allowed to do.
    """
    query = {"q": " ".join(words) or None, "kind": kind, "tag": tag, "sort": sort, "registry": registry}
    raw = asyncio.run(_asked(place, query))
    page = msgspec.json.decode(raw, type=FoundPage)
    if as_json:
        print_json(raw)
    else:
        rows = table("package", "kind", "newest", "rating", "installs", "what it does", "here")
        for found in page.items:
            what = Text(short(found.description, 60))
            name = f"{found.publisher}/{found.name}"
            installs, here = str(found.installs), plain(found.installed)
            rows.add_row(name, plain(found.kind), plain(found.latest), _rated(found), installs, what, here)
        console().print(rows)
        if page.next or page.more:
            click.echo("There's more; narrow it down by further words, --kind or --tag.", err=True)
    for fault in page.faults:
        click.echo(plain(fault), err=True)
    if page.faults and not page.items:
        raise SystemExit(1)


async def _asked(place: Place, query: dict[str, str | None]) -> msgspec.Raw:
    async with Client(place) as hub:
        return await hub.get("/v1/registries/search", msgspec.Raw, query)


def _rated(found: Found) -> str:
    return f"{found.rating.mean:.1f} of 5 ({found.rating.n})" if found.rating.mean and found.rating.n else "none yet"
