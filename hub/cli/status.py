"""`agenthost status`: how the hub is, on one screen."""

import asyncio

import msgspec
import rich_click as click
from rich.text import Text

from hub.cli.client import Client
from hub.cli.place import Place, place_options
from hub.cli.wire import Bridge, Fellow, Model, Prompts, SignIn, Status
from hub.cli.words import ago, console, plain, print_json, size, state, table


@click.command(name="status")
@click.option("--link", is_flag=True, help="Print a fresh link that signs a browser in, good for an hour.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@place_options
def command(place: Place, link: bool, as_json: bool) -> None:
    """Show how the hub is: its model, its queues, its tasks."""
    raw = asyncio.run(_ask(place, link))
    if as_json:
        print_json(raw)
    elif link:
        click.echo(msgspec.json.decode(raw, type=SignIn).url)
    else:
        show(msgspec.json.decode(raw, type=Status), place.url)


async def _ask(place: Place, link: bool) -> msgspec.Raw:
    async with Client(place) as hub:
        if link:
            return await hub.post("/v1/sign-in/links", {}, msgspec.Raw)
        return await hub.get("/v1/status", msgspec.Raw)


def show(status: Status, url: str) -> None:
    """Print it."""
    rows = table("", "")
    rows.show_header = False
    lines: dict[str, Text | str] = {
        "hub": f"{status.version} at {url}, started {ago(status.started_at)}",
        "model": _model(status.llm),
        "decisions": _model(status.decisions),
        "router": " ".join(filter(None, (status.router.rule, status.router.model and f"for {status.router.model}"))),
        "prompts": _prompts(status.prompts),
        "queues": _counts(status.queues) or "empty",
        "tasks": _counts(status.tasks) or "none",
        "bridges": Text("\n").join(map(_bridge, status.bridges)),
        "hubs": Text("\n").join(_fellow(hub, status.boot) for hub in status.hubs) if len(status.hubs) > 1 else "",
        "requests": f"{status.requests} to be let in: agenthost pair list" if status.requests else "",
        "store": f"{status.store.path}, {size(status.store.bytes)}",
    }
    for name, value in lines.items():
        if value:
            rows.add_row(Text(name, "dim"), value)
    console().print(rows)


def _model(model: Model) -> Text:
    facts = [f"{model.tokens_per_second:.0f} tokens/s" if model.tokens_per_second else ""]
    facts += [f"{model.threads} threads" if model.threads else "", f"context {model.context}" if model.context else ""]
    facts += [f"{model.memory_mb:.0f} MB" if model.memory_mb else "", "sees images" if model.sees else ""]
    facts += [f"restarted {model.restarts} times" if model.restarts else ""]
    facts += [f"{model.money_today:.4g} spent today" if model.money_today else "", plain(model.detail)]
    return Text.assemble(plain(model.model), " ", state(model.state), ("  " + ", ".join(filter(None, facts)), "dim"))


def _prompts(sizes: Prompts | None) -> str:
    if sizes is None:
        return ""
    return f"at most {sizes.router} tokens for the router, {sizes.supervisor} supervisor, {sizes.agent} default agent"


def _bridge(bridge: Bridge) -> Text:
    facts = [f"as {plain(bridge.account)}" if bridge.account else ""]
    facts += [f"{bridge.waiting} to be delivered" if bridge.waiting else ""]
    facts += [f"heard {ago(bridge.heard_at)}" if bridge.heard_at else ""]
    facts += [f"lag {bridge.lag:.1f} s" if bridge.lag else "", plain(bridge.detail)]
    return Text.assemble(plain(bridge.name), " ", state(bridge.state), ("  " + ", ".join(filter(None, facts)), "dim"))


def _fellow(hub: Fellow, boot: str) -> Text:
    facts = ["this one" if hub.boot == boot else "", f"started {ago(hub.started_at)}"]
    facts += [f"has {', '.join(hub.leases)}" if hub.leases else ""]
    facts += [f"last seen {ago(hub.seen_at)}" if hub.state != "alive" else ""]
    return Text.assemble(plain(hub.name), " ", state(hub.state), ("  " + ", ".join(filter(None, facts)), "dim"))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
