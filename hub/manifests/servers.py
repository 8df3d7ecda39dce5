"""MCP servers: packages with server.toml, or with the manifest.json of an MCP bundle (MCPB), which we read as it is."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from hub.errors import ManifestError
from hub.manifests.permissions import Permissions, fault
from hub.manifests.reading import NAME, Tags, common_faults, name_in, one_line, read, refuse, text

MANIFEST, BUNDLE = "server.toml", "manifest.json"
MISSING = f"an MCP server is a folder with {MANIFEST}, or with the {BUNDLE} of an MCP bundle"
VERSIONS = ("0.1", "0.2", "0.3", "0.4")
"""Of MCPB's manifests, that we know."""
KNOWN = frozenset(
    {"$schema", "manifest_version", "dxt_version", "name", "display_name", "version", "description", "long_description"}
    | {"author", "repository", "homepage", "documentation", "support", "icon", "icons", "screenshots", "localization"}
    | {"server", "tools", "tools_generated", "prompts", "prompts_generated", "keywords", "license", "privacy_policies"}
    | {"compatibility", "user_config", "_meta"}
)
_PLACE = re.compile(r"\$\{([^}]*)\}")
_EXACT = re.compile(r"\$\{user_config\.([^}]+)\}")

Value = str | int | float | bool | list[str]


class Setting(Struct, frozen=True, kw_only=True):
    """Something that the operator sets for a server, in MCPB's words."""

    type: Literal["string", "number", "boolean", "directory", "file"] = "string"
    title: str = ""
    description: str = ""
    required: bool = False
    sensitive: bool = False
    multiple: bool = False
    default: Value | None = None


class Server(Struct, frozen=True, kw_only=True):
    """An MCP server: a program of the package's, or one somewhere else."""

    name: str
    version: str
    description: str
    command: tuple[str, ...] = ()
    """Its program and arguments, with places such as ${__dirname} to be filled in."""
    env: Mapping[str, str] = {}
    url: str = ""
    """Where it is, if it isn't a program."""
    tools: tuple[str, ...] = ()
    """Those that the manifest names; if it names any, there are no others."""
    permissions: Permissions = Permissions()
    settings: Mapping[str, Setting] = {}
    install: tuple[str, ...] = ()
    """What runs once before it's used."""
    notes: tuple[str, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """All that has to be granted: secret settings and the server's own host are named, too."""
        secrets = (
            f"secrets:{secret_of(self.name, key)}" for key, setting in self.settings.items() if setting.sensitive
        )
        folders = any(setting.type in {"directory", "file"} for setting in self.settings.values())
        host = (f"net:{host_of(self.url)}",) if self.url else ()
        own = (*self.permissions.asks, *host, *secrets, *(("fs:data",) if folders else ()))
        return tuple(dict.fromkeys(own))


class _Run(Struct, frozen=True, kw_only=True):
    command: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    url: str = ""
    env: dict[str, str] = {}
    tools: Annotated[tuple[str, ...], Meta(max_length=200)] = ()


class _Install(Struct, frozen=True, kw_only=True):
    script: str | tuple[str, ...] = ()


class _Manifest(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    tags: Tags = ()
    server: _Run
    permissions: Permissions = Permissions()
    config: dict[str, Setting] = {}
    install: _Install = _Install()


class _McpConfig(Struct, frozen=True, kw_only=True):
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    platform_overrides: dict[str, Any] = {}


class _BundleServer(Struct, frozen=True, kw_only=True):
    type: Literal["node", "python", "binary", "uv"]
    entry_point: str = ""
    mcp_config: _McpConfig = _McpConfig()


class _Named(Struct, frozen=True, kw_only=True):
    name: str


class _Bundle(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    description: str
    server: _BundleServer
    manifest_version: str = ""
    dxt_version: str = ""
    tools: tuple[_Named, ...] = ()
    tools_generated: bool = False
    user_config: dict[str, Setting] = {}


def load_server(folder: Path) -> Server:
    """Read a server from a folder that is called what it is called; raises ManifestError.

    Of a folder with both manifests only server.toml is read: so a bundle can be given permissions without a change.
    """
    server = _own(folder) if (folder / MANIFEST).is_file() else _bundled(folder)
    odd = [key for key in server.settings if not re.fullmatch(r"[A-Za-z][\w-]{0,63}", key, re.ASCII)]
    if odd:
        raise ManifestError(f"{folder}/{MANIFEST}: config: {odd[0]!r} can't be a key; use letters, digits and _")
    return server


def server_name(manifest: bytes) -> str:
    """Return the name that either manifest gives, made fit for a folder, or ""."""
    try:
        name = json.loads(manifest)["name"]
    except (ValueError, KeyError, TypeError):
        return name_in(manifest)
    return _fit(name) if isinstance(name, str) else ""


def secret_of(package: str, key: str) -> str:
    """Return how a secret setting is called among the operator's secrets: WEATHER_API_KEY is weather's api_key."""
    return re.sub(r"\W", "_", f"{package}_{key}", flags=re.ASCII).upper()[:64]


def host_of(url: str) -> str:
    """Return a URL's host, with its port if that isn't 443."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port not in {None, 443} else str(parts.hostname)


def filled(words: tuple[str, ...], values: Mapping[str, Value], places: Mapping[str, str]) -> tuple[str, ...]:
    """Fill settings and places into a command; a setting of several values makes as many words, one of none none."""
    found: list[str] = []
    for word in words:
        exact = _EXACT.fullmatch(word)
        value = values.get(exact[1]) if exact else None
        if exact and (isinstance(value, list) or value is None):
            found += value or []
        else:
            found.append(filled_in(word, values, places))
    return tuple(found)


def filled_in(word: str, values: Mapping[str, Value], places: Mapping[str, str]) -> str:
    """Fill settings and places into a text."""

    def one(found: "re.Match[str]") -> str:
        name = found[1]
        if name.startswith("user_config."):
            return _written(values.get(name.removeprefix("user_config."), ""))
        return places.get(name, "")

    return _PLACE.sub(one, word)


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def _own(folder: Path) -> Server:
    path = folder / MANIFEST
    manifest = read(path, _Manifest, missing=MISSING, hints={"command": "it stands in [server]"})
    run = manifest.server
    faults = common_faults(manifest.name, manifest.version, manifest.description)
    refuse(path, manifest, faults, folder.absolute().name)
    if wrong := fault(manifest.permissions):
        raise ManifestError(f"{path}: permissions.{wrong}")
    if bool(run.command) == bool(run.url):
        raise ManifestError(f'{path}: server: needs either command, as ["node", "server.js"], or url')
    if run.url and not _https(run.url):
        raise ManifestError(f"{path}: server.url: {run.url!r} won't do; write it as https://mcp.example.org/mcp")
    script = manifest.install.script
    install = _script(script) if isinstance(script, str) else script
    return Server(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        command=run.command,
        env=run.env,
        url=run.url,
        tools=run.tools,
        permissions=manifest.permissions,
        settings=manifest.config,
        install=install,
    )


def _bundled(folder: Path) -> Server:
    path = folder / BUNDLE
    words = text(path, MISSING)
    try:
        bundle = msgspec.json.decode(words, type=_Bundle)
        keys = set(msgspec.json.decode(words, type=dict[str, Any]))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ManifestError(f"{path}: {error}; see the specification of MCP bundles") from None
    version = bundle.manifest_version or bundle.dxt_version
    if version not in VERSIONS:
        raise ManifestError(f"{path}: manifest_version: {version!r} isn't known here; {', '.join(VERSIONS)} are")
    if bundle.server.type == "uv":
        raise ManifestError(
            f"{path}: server.type: 'uv' would fetch packages at each start; bundle them, as type python"
        )
    named = replace(bundle, name=_fit(bundle.name), description=_line(bundle.description))
    refuse(path, named, common_faults(named.name, named.version, named.description), folder.absolute().name)
    odd = sorted(keys - KNOWN)
    return Server(
        name=named.name,
        version=named.version,
        description=named.description,
        command=_command(path, bundle.server),
        env=_config(bundle.server).env,
        tools=() if bundle.tools_generated else tuple(tool.name for tool in bundle.tools),
        settings=bundle.user_config,
        notes=(f"{BUNDLE} has keys that mean nothing here: {', '.join(odd)[:200]}",) if odd else (),
    )


def _command(path: Path, server: _BundleServer) -> tuple[str, ...]:
    config = _config(server)
    if config.command:
        return (config.command, *config.args)
    if not server.entry_point:
        raise ManifestError(f"{path}: server: has neither mcp_config.command nor entry_point; name one")
    entry = f"${{__dirname}}/{server.entry_point}"
    return {"node": ("node", entry), "python": ("python", entry)}.get(server.type, (entry,))


def _config(server: _BundleServer) -> _McpConfig:
    config = server.mcp_config
    other = config.platform_overrides.get(sys.platform)
    if not isinstance(other, dict):
        return config
    return msgspec.convert({**msgspec.to_builtins(config), **other}, _McpConfig)


def _script(script: str) -> tuple[str, ...]:
    inside = f"${{__dirname}}/{script}"
    runner = {".py": ("python",), ".sh": ("sh",), ".js": ("node",), ".mjs": ("node",)}.get(Path(script).suffix, ())
    return (*runner, inside)


def _https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not parts.username and (parts.port or 443) > 0
    except ValueError:
        return False


def _fit(name: str) -> str:
    """Return a bundle's name as a folder's: npm's scopes, capitals and blanks have no place there."""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower().removeprefix("@")).strip("-")[:64]
    return short if NAME.fullmatch(short) else ""


def _line(description: str) -> str:
    line = " ".join(description.split())
    return line if one_line(line) else line[:199] + "…" if line else line
