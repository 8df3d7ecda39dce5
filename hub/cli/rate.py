"""`agenthost rate`: says in a registry how good a package is that this hub uses, with the hub's proof that it does."""

import asyncio
import os
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import rich_click as click
from msgspec import Raw, Struct

from hub.cli.client import Client, Trouble
from hub.cli.place import Place, place_options
from hub.cli.registries import TOKEN, Registry
from hub.cli.wire_packages import Installed, Receipt
from hub.config import Secret


class Me(Struct, frozen=True, kw_only=True):
    """Whose token it is."""

    name: str


@click.command(name="rate")
@click.argument("package")
@click.argument("stars", type=click.IntRange(1, 5))
@click.argument("text", default="")
@click.option("--registry", help="The registry's address [where the package was installed from]")
@click.option("--token", help=f"A token of your account there, with the scope rate [{TOKEN}]")
@place_options
def command(place: Place, package: str, stars: int, text: str, registry: str | None, token: str | None) -> None:
    """Rate PACKAGE (PUBLISHER/NAME) with 1 to 5 STARS, and a TEXT if you like; once more changes it.

    The hub must have it enabled: it signs a receipt, good for your account alone, and the registry checks that. Which
    hub it is, the registry knows by a key, not by a name.
    """
    secret = Secret(token or os.environ.get(TOKEN, ""))
    if not secret:
        raise click.UsageError(f"give a token by --token or {TOKEN}; your account's page at the registry makes one")
    rated = asyncio.run(_rate(place, package, stars, text, registry or "", secret))
    click.echo(f"{package} {rated.version}: {stars} of 5, told to {rated.registry}.")


async def _rate(place: Place, package: str, stars: int, text: str, registry: str, token: Secret) -> Receipt:
    async with Client(place) as hub:
        here = await _installed(hub, package)
        url = (registry or (here.now.origin.registry if here.now.origin else "")).rstrip("/")
        _check(url)
        async with Registry(url, token) as elsewhere:
            me = await elsewhere.get("/me", Me)
            receipt = await hub.post(f"/v1/packages/{quote(here.id, safe='')}/receipt", {"account": me.name}, Receipt)
            body = {
                "stars": stars,
                "text": text,
                "version": receipt.version,
                "hub": receipt.hub,
                "receipt": receipt.receipt,
            }
            await elsewhere.put(f"/packages/{receipt.name}/rating", body, Raw)
    return receipt


async def _installed(hub: Client, package: str) -> Installed:
    for here in await hub.pages("/v1/packages", Installed, 10_000):
        if here.now.origin and here.now.origin.name == package:
            return here
    raise Trouble(f"{package}: isn't installed from a registry; only who uses it rates it: agenthost install {package}")


def _check(url: str) -> None:
    """Raise Trouble for an address to which a token mustn't be sent."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)):
        return
    raise Trouble(f"{url}: anybody on the way could read the token; use https://")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
