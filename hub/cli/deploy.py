"""`agenthost deploy`: makes the machine that a hub of the waker's sleeps on, or destroys it."""

import asyncio
import os
from pathlib import Path

import rich_click as click

from hub.cli.place import refuse
from hub.clock import SystemClock
from hub.errors import ConfigError, StartError
from hub.waker.config import HubConfig, WakerConfig, load
from hub.waker.deploying import Deployment, creating
from hub.waker.luggage import packed
from hub.waker.peer import Peer
from hub.waker.providers import Host, Provider, ProviderFault
from hub.waker.providers.loading import provider_of

CONFIG = Path("waker.toml")
WAIT = 900.0


@click.command(name="deploy")
@click.argument("name", required=False)
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The waker's config file [waker.toml]")
@click.option("--wait", default=WAIT, help=f"Seconds that the hub may take to answer [{WAIT:.0f}]")
@click.option("--destroy", is_flag=True, help="Destroy the machine, with all that's on it.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
def command(name: str | None, config: Path | None, wait: float, destroy: bool, yes: bool) -> None:
    """Make the machine of hub NAME in the waker's config, put the hub on it, and wait until it answers."""
    try:
        found = load(config or CONFIG, os.environ)
        hub = _named(found, name)
        provider = provider_of(hub, found.data, found.waker.name)
        creating(hub, provider)
        host = None if destroy else packed(hub, _port(hub))
    except ConfigError as error:
        refuse(*error.faults)
    except StartError as error:
        refuse(str(error))
    if destroy and not yes:
        click.confirm(f"Destroy the machine of hub {hub.name}, with all that's on it?", abort=True)
    try:
        asyncio.run(_done(hub, provider, host, wait))
    except (StartError, ProviderFault) as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


async def _done(hub: HubConfig, provider: Provider, host: Host | None, wait: float) -> None:
    deployment = Deployment(hub, provider, SystemClock(), click.echo)
    peer = Peer(lambda: deployment.url, hub.token)
    try:
        if host is None:
            await deployment.destroy()
            click.echo(f"Destroyed: {hub.name}")
        else:
            await deployment.make(host, peer, wait)
            click.echo(
                f"{hub.name} is ready at {deployment.url}; the waker starts it when it's wanted: agenthost waker"
            )
    finally:
        await peer.close()
        await provider.close()


def _named(config: WakerConfig, name: str | None) -> HubConfig:
    names = [hub.name for hub in config.hubs]
    if name is None and len(names) > 1:
        raise ConfigError(f"NAME: missing; say which of the hubs: {', '.join(names)}")
    found = next((hub for hub in config.hubs if name in {None, hub.name}), None)
    if found is None:
        raise ConfigError(f"hubs: there's no hub {name!r}; there are: {', '.join(names)}")
    return found


def _port(hub: HubConfig) -> int:
    return hub.fly.port if hub.provider == "fly" else hub.ec2.port
