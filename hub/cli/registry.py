"""`agenthost registry`: the service where anybody uploads, finds, downloads and rates packages."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import rich_click as click

from hub.cli.place import config_or_exit, refuse
from hub.cli.publish import seeded, told
from hub.cli.registries import Registry, registry_options
from hub.config import Config
from hub.errors import PersonError, StartError
from hub.loading import SHIPPED_AGENTS, SHIPPED_PLUGINS, SHIPPED_SCRIPTS
from hub.registry.parts import Parts

PORT = 8070
Answer = TypeVar("Answer")


@click.group(name="registry", invoke_without_command=True)
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
@click.option("--data", "-d", type=click.Path(path_type=Path), help="The registry's folder [registry in the hub's]")
@click.option("--host", help="The address to listen at [127.0.0.1]")
@click.option("--port", "-p", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port.")
@click.pass_context
def command(context: click.Context, config: Path | None, data: Path | None, host: str | None, port: int) -> None:
    """Serve a registry of packages, until Ctrl-C. Its settings are [registry] in the config file."""
    where = data.absolute() if data else None
    context.obj = config_or_exit(config, registry_data=where, hub_host=host, hub_port=port)
    if context.invoked_subcommand is None:
        from hub.registry.serving import serve  # noqa: PLC0415 - it takes a second to load

        try:
            raise SystemExit(serve(context.obj))
        except StartError as error:
            refuse(*str(error).splitlines())


@command.command(name="account")
@click.argument("name")
@click.option("--publisher", help="What its packages are published under [its name]")
@click.option("--email", default="", help="Where it's written to; never shown.")
@click.pass_obj
def account(config: Config, name: str, publisher: str | None, email: str) -> None:
    """Open an account called NAME, also where nobody else may; the password is asked for.

    On SQLite the registry must not be running meanwhile.
    """
    password = getpass.getpass("Password: ")

    async def open_it(parts: Parts) -> None:
        await parts.accounts.create(name, email, password, publisher or name)

    _within(config, open_it)
    click.echo(f"{name} may sign in, and publish as {publisher or name}.")


@command.command(name="audit")
@click.pass_obj
def audit(config: Config) -> None:
    """Say whether the log of what was done is whole; exit status 1 if a row was changed or left out."""
    from hub.registry.auditing import fault  # noqa: PLC0415

    async def look(parts: Parts) -> str:
        return await parts.shelf.read(fault)

    found = _within(config, look)
    click.echo(found or "The audit log is whole.")
    raise SystemExit(1 if found else 0)


def _within(config: Config, use: Callable[[Parts], Awaitable[Answer]]) -> Answer:
    """Return what's found in a registry that's opened for it; ends with its faults."""
    from hub.clock import SystemClock  # noqa: PLC0415
    from hub.registry.parts import opened  # noqa: PLC0415

    async def within() -> Answer:
        async with opened(config.registry, config.data, "", SystemClock()) as parts:
            return await use(parts)

    try:
        return asyncio.run(within())
    except (StartError, PersonError) as error:
        refuse(*str(error).splitlines())


@command.command(name="seed")
@click.option("--publisher", help="Whose it is [your account's only one]")
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="Your private key's file [made for you]")
@registry_options
def seed(registry: Registry, config: object, publisher: str | None, key_file: Path | None) -> None:
    """Publish in a registry that's running what comes along with AgentHost: its agents, plugins and scripts."""
    folders = [
        path.parent
        for root in (SHIPPED_AGENTS, SHIPPED_PLUGINS, SHIPPED_SCRIPTS)
        for manifest in ("agent.toml", "plugin.toml", "script.toml")
        for path in sorted(root.glob(f"*/{manifest}"))
    ]
    for who, found in asyncio.run(seeded(registry, folders, publisher or "", key_file)):
        click.echo(told(who, found))
