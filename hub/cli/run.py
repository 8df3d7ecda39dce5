"""`agenthost run`: starts the hub in this terminal."""

import gc
import os
from pathlib import Path

import rich_click as click

from hub.cli.place import config_or_exit, config_path, overlay, refuse
from hub.errors import ConfigError, StartError

YOUNG, MIDDLE, OLD = 700, 10, 500
"""New objects, collections of those, and collections of what outlived these, until the next collection."""


@click.command(name="run")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
@click.option("--data", "-d", type=click.Path(path_type=Path), help="The folder for all that's kept [data]")
@click.option("--host", help="The address to listen at [127.0.0.1]")
@click.option("--port", "-p", type=click.IntRange(0, 65535), help="The port to listen at [8080]")
def command(config: Path | None, data: Path | None, host: str | None, port: int | None) -> None:
    """Start the hub, and serve until Ctrl-C.

    Without a config file everything has a default. A fault of the config is told with its key, and the hub doesn't
    start (exit status 2).
    """
    # Flags go into the environment, for they must still hold when the running hub loads its config again.
    os.environ.update(overlay(hub_data=data, hub_host=host, hub_port=port))
    settings = config_or_exit(config)
    # The hub's parts take a second to load: only after the config is known to be good, and only for this command.
    # What's made until it serves stays in memory: the collector needn't look through it now, and not later either.
    gc.disable()
    from hub.serving import serve  # noqa: PLC0415

    try:
        status = serve(settings, config_path(config), up=_collect)
    except (ConfigError, StartError) as error:
        refuse(*str(error).splitlines())
    raise SystemExit(status)


def _collect() -> None:
    gc.freeze()
    # All that's old is looked through once in a minute or more, however much there is to do: with a thousand readers
    # of events that takes a quarter of a second, in which nobody is answered.
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.enable()
