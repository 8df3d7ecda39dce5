"""Where the hub is and who we are to it: from options, the environment, the config and the owner's key file."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import rich_click as click
from msgspec import Struct

from hub.config import Config, Secret, load
from hub.errors import ConfigError
from hub.reading import PREFIX

CONFIG = Path("config.toml")
OWNER_KEY = "owner.key"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  (we don't bind: it says where to knock)


class Place(Struct, frozen=True, kw_only=True):
    """A hub, as a client reaches it."""

    url: str
    key: Secret
    key_from: str
    """What the key was taken from, to tell it when it isn't accepted; empty: there's none."""
    data: Path


def config_path(config: Path | None) -> Path | None:
    """Return the config file: the one named, else config.toml if it lies in the current folder."""
    return config or (CONFIG if CONFIG.is_file() else None)


def overlay(**flags: object) -> dict[str, str]:
    """Return flags as the environment would say them: `hub_port=9000` lays 9000 over hub.port."""
    given = {name: str(value) for name, value in flags.items() if value is not None}
    return {PREFIX + name.upper().replace("_", "__", 1): value for name, value in given.items()}


def read_config(config: Path | None, **flags: object) -> Config:
    """Load the config with flags laid over it; raises ConfigError."""
    return load(config_path(config), os.environ | overlay(**flags))


def find(environ: Mapping[str, str], config: Config, *, url: str | None = None, key: str | None = None) -> Place:
    """Return where to reach the hub of a config, and with which key."""
    found, source = _key(environ, config.data / OWNER_KEY, key)
    return Place(
        url=(url or environ.get("AGENTHOST_URL") or _url(config)).rstrip("/"),
        key=Secret(found),
        key_from=source,
        data=config.data,
    )


def _url(config: Config) -> str:
    host = EVERYWHERE.get(config.hub.host, config.hub.host)
    return f"http://[{host}]:{config.hub.port}" if ":" in host else f"http://{host}:{config.hub.port}"


def _key(environ: Mapping[str, str], file: Path, key: str | None) -> tuple[str, str]:
    if key:
        return key, "--key"
    if value := environ.get("AGENTHOST_KEY"):
        return value, "AGENTHOST_KEY"
    try:
        if value := file.read_text(encoding="utf-8").strip():
            return value, str(file)
    except OSError:
        pass
    value = environ.get("AGENTHOST_OWNER_KEY", "")
    return value, "AGENTHOST_OWNER_KEY" if value else ""


# --- options that commands share


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config` and `--data`; it's called with the config, or ends with its faults."""

    @click.option("--config", "-c", type=click.Path(path_type=Path), help="The config file [config.toml, if there]")
    @click.option("--data", "-d", type=click.Path(path_type=Path), help="The data folder, in place of the config's.")
    @wraps(function)
    def command(config: Path | None, data: Path | None, **rest: Any) -> Any:
        return function(config=config_or_exit(config, hub_data=data), **rest)

    return command


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config`, `--data`, `--url` and `--key`; it's called with the place."""

    @click.option("--url", help="Where the hub is [AGENTHOST_URL, else by the config]")
    @click.option("--key", help="The API key [AGENTHOST_KEY, else the owner's from the data folder]")
    @config_options
    @wraps(function)
    def command(config: Config, url: str | None, key: str | None, **rest: Any) -> Any:
        return function(place=find(os.environ, config, url=url, key=key), **rest)

    return command


def config_or_exit(config: Path | None, **flags: object) -> Config:
    """Load the config, or print every fault and exit with 2."""
    try:
        return read_config(config, **flags)
    except ConfigError as error:
        refuse(*error.faults)


def refuse(*faults: str) -> NoReturn:
    """Print faults, a line for each, and exit with 2."""
    for fault in faults:
        click.echo(fault, err=True)
    raise SystemExit(2)
