"""MCP servers as packages: their programs in the sandbox, or elsewhere by https; their tools as tools of agents."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

from hub.config import Config
from hub.errors import ManifestError, ToolError
from hub.manifests import places_hidden
from hub.manifests.servers import (
    BUNDLE,
    MANIFEST,
    Server,
    Setting,
    Value,
    filled,
    filled_in,
    host_of,
    load_server,
    secret_of,
    server_name,
)
from hub.packages import builds, listing
from hub.packages.connections import Connection
from hub.packages.doorway import Dial, nowhere
from hub.packages.elsewhere import asked
from hub.packages.kinds import Opened, Sheet
from hub.packages.sandbox import Program, Sandbox
from hub.packages.server_tools import ServerTool
from hub.packages.transport import LastWords, spoken
from hub.ports import Clock
from hub.records import Package, PackageId, PackageKind

log = logging.getLogger(__name__)


class Servers:
    """Packages with server.toml, or with the manifest.json of an MCP bundle."""

    kind: PackageKind = "server"
    manifest = MANIFEST
    others = (BUNDLE,)

    def __init__(
        self,
        sandbox: Sandbox,
        clock: Clock,
        folder: Path,
        *,
        dial: Dial = nowhere,
        settings: Mapping[tuple[str, str], Value] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Below `folder` lie the folders that servers may write to; `settings` are by package and key."""
        self._sandbox = sandbox
        self._clock = clock
        self._folder = folder
        self._dial = dial
        self._settings = dict(settings or {})
        self._secrets = dict(secrets or {})

    def name(self, manifest: bytes) -> str:
        """See Kind."""
        return server_name(manifest)

    def sheet(self, folder: Path) -> Sheet:
        """See Kind."""
        server = loaded(folder)
        tools = listing.kept(folder)
        shown = tuple(tool.short for tool in tools) if tools is not None else server.tools
        return sheet_of(server, shown, self._here(server))

    async def check(self, folder: Path) -> None:
        """There's nothing to check without letting it loose but its manifest."""
        await asyncio.to_thread(loaded, folder)

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """Run its install script, and ask it once for its tools; see Kind."""
        server = await asyncio.to_thread(loaded, folder)
        await asyncio.to_thread(builds.open_up, folder, _own_programs(server))
        if server.install:
            script = filled(server.install, {}, {"__dirname": await asyncio.to_thread(self._sandbox.inside, folder)})
            fixed = [name for name in (MANIFEST, BUNDLE) if (folder / name).is_file()]
            await builds.build(self._sandbox, server.name, script, folder, fixed, _hosts(server, grants), self._dial)
            await asyncio.to_thread(builds.open_up, folder, _own_programs(server))
        if set(server.asks) - set(grants) or self._unset(server):
            # It's listed when it has what it needs.
            return
        try:
            await self._list(server, folder, grants)
        except ToolError as error:
            raise ManifestError(f"{error}") from None

    async def open(self, package: Package, folder: Path) -> Opened:
        """See Kind. Its program is begun with the first call."""
        server = await asyncio.to_thread(loaded, folder)
        if unset := self._unset(server):
            raise ManifestError(f"{server.name}: {unset[0]}")
        grants = package.now.grants
        tools = await asyncio.to_thread(listing.kept, folder)
        if tools is None:
            try:
                tools = await self._list(server, folder, grants)
            except ToolError as error:
                raise ManifestError(f"{error}") from None
        connection = self._connection(server, folder, grants)
        hosts = _hosts(server, grants)
        made = partial(ServerTool, PackageId(server.name), package.now.version, package.now.digest)
        return Opened(tools=tuple(made(tool, hosts, connection) for tool in tools), close=connection.close)

    # --- inside

    async def _list(self, server: Server, folder: Path, grants: tuple[str, ...]) -> tuple[listing.Listed, ...]:
        connection = self._connection(server, folder, grants)
        try:
            tools, left = listing.looked_through(await connection.tools(), server.tools)
        finally:
            await connection.close()
        for line in left:
            log.warning("package %s: a tool is left out: %s", server.name, line)
        await asyncio.to_thread(listing.keep, folder, tools)
        return tools

    def _connection(self, server: Server, folder: Path, grants: tuple[str, ...]) -> Connection:
        names = [secret_of(server.name, key) for key, setting in server.settings.items() if setting.sensitive]
        given = {name: self._secrets[name] for name in names if name in self._secrets}
        return Connection(server.name, self._transport(server, folder, grants), self._clock, secrets=given)

    def _transport(
        self, server: Server, folder: Path, grants: tuple[str, ...]
    ) -> Callable[[LastWords], AbstractAsyncContextManager[Any]]:
        hosts = _hosts(server, grants)
        if server.url:
            return lambda _: asked(server.name, server.url, hosts, self._dial)

        def opened(words: LastWords) -> AbstractAsyncContextManager[Any]:
            return spoken(self._sandbox, self._program(server, folder, grants), hosts, self._dial, words)

        return opened

    def _program(self, server: Server, folder: Path, grants: tuple[str, ...]) -> Program:
        data = self._folder / server.name if "fs:data" in grants else None
        if data:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sandbox.give(data, server.name)
        values = self._values(server, self._sandbox.data(data) if data else "")
        places = {"__dirname": self._sandbox.inside(folder), "HOME": "/tmp", "/": "/", "pathSeparator": "/"}  # noqa: S108
        return Program(
            package=server.name,
            argv=filled(server.command, values, places),
            folder=folder,
            data=data,
            env={name: filled_in(value, values, places) for name, value in server.env.items()},
            proxied=bool(_hosts(server, grants)),
        )

    def _values(self, server: Server, data: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, setting in server.settings.items():
            value = self._value(server.name, key, setting)
            if setting.type in {"directory", "file"}:
                # Of this machine's folders it's shown none but its own.
                value = [data] if setting.multiple else data
            if value is not None:
                found[key] = value
        return found

    def _value(self, package: str, key: str, setting: Setting) -> Value | None:
        if setting.sensitive:
            return self._secrets.get(secret_of(package, key), setting.default)
        return self._settings.get((package, key), setting.default)

    def _unset(self, server: Server) -> tuple[str, ...]:
        """Return what the operator has to set before it can be used, in words."""
        lacks = [
            (key, setting)
            for key, setting in server.settings.items()
            if setting.required
            and setting.type not in {"directory", "file"}
            and self._value(server.name, key, setting) in (None, "", [])
        ]
        return tuple(
            f"secret {secret_of(server.name, key)} isn't set: put it into [[packages.secrets]]"
            if setting.sensitive
            else f"setting {key} isn't set: put it into [[packages.settings]]"
            for key, setting in lacks
        )

    def _here(self, server: Server) -> tuple[str, ...]:
        """Return what's so on this machine, in words."""
        open_to_all = self._sandbox.why_not if server.command else ""
        return (*((f"isn't confined here: {open_to_all}",) if open_to_all else ()), *self._unset(server))


def servers_of(config: Config, dial: Dial, clock: Clock) -> Servers:
    """Build what a config says of servers."""
    packages = config.packages
    values = {
        (one.package, one.key): list(one.value) if isinstance(one.value, tuple) else one.value
        for one in packages.settings
    }
    return Servers(
        Sandbox(allow_unsandboxed=packages.allow_unsandboxed, first_uid=packages.first_uid),
        clock,
        config.data / "servers",
        dial=dial,
        settings=values,
        secrets={secret.name: secret.value for secret in packages.secrets},
    )


def loaded(folder: Path) -> Server:
    """Read a server from its package's folder; raises ManifestError."""
    with places_hidden(folder):
        return load_server(folder)


def sheet_of(server: Server, tools: tuple[str, ...], here: tuple[str, ...] = ()) -> Sheet:
    """Return what a server is; `here` is what else is so on this machine, in words."""
    return Sheet(
        name=server.name,
        version=server.version,
        kind="server",
        description=server.description,
        tools=tuple(f"{server.name}.{tool}" for tool in tools),
        asks=server.asks,
        notes=(*_notes(server), *here, *server.notes),
    )


def _notes(server: Server) -> tuple[str, ...]:
    notes = [f"is elsewhere: whatever it's asked goes to {host_of(server.url)}"] if server.url else []
    if server.command:
        notes.append(f"runs {' '.join(server.command)[:120]}, a program that isn't part of the hub")
    if server.install:
        notes.append(f"runs {' '.join(server.install)[:120]} once, when it's installed")
    secret = [key for key, setting in server.settings.items() if setting.sensitive]
    if secret:
        notes.append(f"sees these secrets itself: {', '.join(secret)}")
    return tuple(notes)


def _hosts(server: Server, grants: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(grant.removeprefix("net:") for grant in grants if grant.startswith("net:") and grant in server.asks)


def _own_programs(server: Server) -> tuple[str, ...]:
    """Return the package's own files that are started as programs."""
    begun = (server.command[:1], server.install[:1])
    return tuple(word[0].removeprefix("${__dirname}/") for word in begun if word and "/" in word[0])
