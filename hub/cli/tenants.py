"""`agenthost tenants`: the customers of a hub, for whoever runs it."""

import asyncio
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire import FreshTenant, Tenant
from hub.cli.words import ago, console, plain, print_json, short, table

QUOTAS = ("messages", "tokens", "money", "storage_mb", "requests")
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="tenants")
def command() -> None:
    """List, make, suspend and resume the customers of this hub."""


@command.command(name="list")
@as_json_option
@place_options
def list_(place: Place, as_json: bool) -> None:
    """List who's a customer, with their ids and quotas."""
    found = asyncio.run(_listed(place))
    if as_json:
        print_json({"items": found, "next": None})
        return
    rows = table("id", "name", "made", "quotas", "state")
    for tenant in (msgspec.json.decode(raw, type=Tenant) for raw in found):
        quotas = ", ".join(f"{name} {most:g}" for name, most in tenant.quotas.items() if most is not None)
        made = ago(tenant.created_at) if tenant.created_at else ""
        rows.add_row(tenant.id, Text(short(tenant.name, 40)), made, quotas or "none", _state(tenant))
    console().print(rows)


def _state(tenant: Tenant) -> str:
    if tenant.leaving_at:
        return "is being erased"
    return f"suspended {ago(tenant.suspended_at)}" if tenant.suspended_at else "good"


async def _listed(place: Place) -> list[msgspec.Raw]:
    async with Client(place) as hub:
        return await hub.pages("/v1/tenants", msgspec.Raw, 100_000)


@command.command(name="create")
@click.argument("name")
@click.option("--messages", type=click.IntRange(0), help="The most messages a day [no end]")
@click.option("--tokens", type=click.IntRange(0), help="The most tokens a day [no end]")
@click.option("--money", type=click.FloatRange(0), help="The most money a month, by the config's prices [no end]")
@click.option("--storage-mb", type=click.IntRange(0), help="The most megabytes of files [no end]")
@click.option("--requests", type=click.IntRange(1), help="The most requests a minute [as the config says]")
@click.option("--agent", "agents", multiple=True, help="An agent that its people may have; more than once [all]")
@as_json_option
@place_options
def create(place: Place, name: str, agents: tuple[str, ...], as_json: bool, **quotas: float | None) -> None:
    """Make a customer called NAME, and show the key of its owner: this once, for the hub keeps only its hash."""
    given = {quota: most for quota, most in quotas.items() if most is not None}
    made = asyncio.run(_created(place, {"name": name, "quotas": given, "agents": list(agents)}))
    if as_json:
        print_json({"id": made.id, "key": made.key})
        return
    click.echo(made.key)
    click.echo(f"Keep it now: it isn't shown again. The tenant's id is {made.id}.", err=True)


async def _created(place: Place, body: dict[str, object]) -> FreshTenant:
    async with Client(place) as hub:
        return await hub.post("/v1/tenants", body, FreshTenant)


@command.command(name="suspend")
@click.argument("id")
@as_json_option
@place_options
def suspend(place: Place, id: str, as_json: bool) -> None:
    """Have no key of the tenant ID be good, until it's resumed; what it has is kept."""
    _changed(place, id, "suspend", "Suspended", as_json=as_json)


@command.command(name="resume")
@click.argument("id")
@as_json_option
@place_options
def resume(place: Place, id: str, as_json: bool) -> None:
    """Have the keys of the suspended tenant ID be good again."""
    _changed(place, id, "resume", "Resumed", as_json=as_json)


def _changed(place: Place, id: str, what: str, done: str, *, as_json: bool) -> None:
    found = asyncio.run(_change(place, id, what))
    if as_json:
        print_json(found)
    else:
        click.echo(f"{done}: {plain(msgspec.json.decode(found, type=Tenant).name)}")


async def _change(place: Place, id: str, what: str) -> msgspec.Raw:
    async with Client(place) as hub:
        return await hub.post(f"/v1/tenants/{quote(id, safe='')}/{what}", {}, msgspec.Raw)
