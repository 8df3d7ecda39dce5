"""What a hub's new machine is made with: its config, and every file that the config names for a secret."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import tomlkit

from hub import config as hub_config
from hub import reading
from hub.errors import ConfigError
from hub.waker.config import HubConfig
from hub.waker.providers import File, Host
from hub.waker.providers.cloudinit import HOME

THERE = "/etc/agenthost"
"""Where it lies on the machine; each file is its owner's alone."""
SUFFIX = "_file"
LARGEST = 64 * 1024
"""Bytes of a file that's brought along."""


def packed(hub: HubConfig, port: int) -> Host:
    """Return what a hub's machine is made with; `port` is where it must listen there. Raises ConfigError."""
    path = Path(hub.deploy.config).expanduser()
    if not hub.deploy.config:
        raise ConfigError("hubs.deploy.config: missing; name the config file that the hub is to have on its machine")
    known = hub_config.load(path, {})
    faults = list(_unreachable(str(path), known, port))
    tree = reading.read(path)
    files: list[File] = []
    for section, key, where in _named(tree, ""):
        if where == "waker.token_file":
            continue
        source = Path(str(section[key])).expanduser()
        try:
            content = source.read_bytes()
        except OSError as error:
            faults.append(
                f"{path}: {where}: {str(source)!r} can't be read ({error.strerror}); create it or mend its rights"
            )
            continue
        if len(content) > LARGEST:
            faults.append(f"{path}: {where}: {str(source)!r} has more than {LARGEST} bytes; put it into the image")
        target = f"{THERE}/{len(files)}-{source.name}"
        files.append(File(path=target, content=content))
        section[key] = target
    if faults:
        raise ConfigError(*faults)
    tree["waker"] = {"token_file": f"{THERE}/waker.token"}
    config = tomlkit.dumps(tree).encode()
    own = (
        File(path=f"{THERE}/config.toml", content=config),
        File(path=f"{THERE}/waker.token", content=hub.token.encode()),
    )
    command = (*hub.deploy.command, "--config", f"{THERE}/config.toml", "--data", f"{HOME}/data")
    return Host(files=(*own, *files), setup=hub.deploy.setup, command=command)


def _unreachable(path: str, config: hub_config.Config, port: int) -> Iterator[str]:
    host = config.hub.host
    if host == "localhost" or (host.replace(".", "").isdigit() and ip_address(host).is_loopback) or host == "::1":
        yield f"{path}: hub.host: nobody reaches {host} from outside the machine; set it to 0.0.0.0, behind a firewall"
    if config.hub.port != port:
        yield f"{path}: hub.port: it's {config.hub.port}, and the waker asks at {port}; set both to the same"


def _named(tree: Any, path: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield each key that names a file, with its section and its path."""
    match tree:
        case dict():
            for key, value in list(tree.items()):
                below = f"{path}.{key}" if path else key
                if key.endswith(SUFFIX) and isinstance(value, str) and value:
                    yield tree, key, below
                else:
                    yield from _named(value, below)
        case list():
            for number, each in enumerate(tree):
                yield from _named(each, f"{path}[{number}]")
