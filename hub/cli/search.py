"""`agenthost search`: packages in the registries that the config names; needs no hub."""

import asyncio
from urllib.parse import urlencode

import rich_click as click
from msgspec import Struct
from rich.text import Text

from hub.cli.client import Trouble
from hub.cli.place import config_options
from hub.cli.registries import Registry
from hub.cli.words import console, plain, print_json, short, table
from hub.config import Config, Secret

KINDS = ("plugin", "agent", "script", "skill", "server")
SORTS = ("relevance", "newest", "rating", "downloads")


class Stars(Struct, frozen=True, kw_only=True):
    """How a package is rated."""

    mean: float | None = None
    n: int = 0


class Found(Struct, frozen=True, kw_only=True):
    """A package in a registry."""

    publisher: str
    name: str
    kind: str
    description: str = ""
    latest: str = ""
    downloads: int = 0
    installs: int = 0
    rating: Stars = Stars()


class Page(Struct, frozen=True, kw_only=True):
    """What a registry found."""

    items: tuple[Found, ...]
    next: str | None = None


@click.command(name="search")
@click.argument("words", nargs=-1)
@click.option("--kind", type=click.Choice(KINDS), help="Only packages of this kind.")
@click.option("--tag", help="Only packages with this tag.")
@click.option("--sort", type=click.Choice(SORTS), default="relevance", help="What comes first [relevance]")
@click.option("--registry", "url", help="The registry's address [all of the config's]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_options
def command(
    config: Config,
    words: tuple[str, ...],
    kind: str | None,
    tag: str | None,
    sort: str,
    url: str | None,
    as_json: bool,
) -> None:
    """Find packages by WORDS in the registries of the config; without words, all there are.

    What's found is its publisher's own description: `agenthost install` shows what it would be allowed to do.
    """
    urls = [url] if url else [each.url for each in config.registries]
    if not urls:
        raise click.UsageError("name a registry with --registry URL, or under [[registries]] in the config file")
    asked = {"q": " ".join(words), "kind": kind, "tag": tag, "sort": sort}
    query = urlencode({name: value for name, value in asked.items() if value})
    pages, faults = asyncio.run(_asked([each.rstrip("/") for each in urls], query))
    if as_json:
        print_json({"items": [_row(at, found) for at, page in pages.items() for found in page.items], "next": None})
    else:
        _print(pages)
    for fault in faults:
        click.echo(plain(fault), err=True)
    if not pages:
        raise SystemExit(1)


def _print(pages: dict[str, Page]) -> None:
    rows = table("package", "kind", "newest", "rating", "hubs", "what it does")
    for page in pages.values():
        for found in page.items:
            name, what = f"{found.publisher}/{found.name}", Text(short(found.description, 60))
            version, installs = short(found.latest, 40), str(found.installs)
            rows.add_row(short(name, 80), short(found.kind, 20), version, _rated(found.rating), installs, what)
    console().print(rows)
    if any(page.next for page in pages.values()):
        click.echo("There's more; narrow it down by further words, --kind or --tag.", err=True)


async def _asked(urls: list[str], query: str) -> tuple[dict[str, Page], list[str]]:
    """Return what each registry found, and why those didn't answer that didn't."""
    pages: dict[str, Page] = {}
    faults: list[str] = []
    for url in urls:
        try:
            async with Registry(url, Secret("")) as registry:
                pages[url] = await registry.get(f"/search?{query}", Page)
        except Trouble as trouble:
            faults.append(trouble.message)
    return pages, faults


def _row(url: str, found: Found) -> dict[str, object]:
    return {
        "registry": url,
        "publisher": found.publisher,
        "name": found.name,
        "kind": found.kind,
        "description": found.description,
        "latest": found.latest,
        "downloads": found.downloads,
        "installs": found.installs,
        "rating": found.rating,
    }


def _rated(stars: Stars) -> str:
    return f"{stars.mean:.1f} of 5 ({stars.n})" if stars.mean and stars.n else "none yet"
