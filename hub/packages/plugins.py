"""A plugin's functions as tools of agents: offered by words, run in Monty, with what the plugin may use of the hub."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from hub.errors import ManifestError, TooLarge
from hub.manifests import Plugin, load_plugin, name_in, places_hidden
from hub.manifests.plugins import MANIFEST, PROGRAM
from hub.packages.kinds import Opened, Sheet
from hub.packages.scripts import Hosts, Scripts
from hub.packages.signatures import Signature, signatures
from hub.ports import Documents, Effect, Example, ToolCall
from hub.records import Package, PackageKind

STUBS = """\
from typing import Any
async def read(id: str) -> dict[str, Any] | None: ...
async def write(id: str, document: dict[str, Any]) -> None: ...
async def erase(id: str) -> bool: ...
async def ids() -> list[str]: ...
"""
"""What a plugin with `fs = "data"` may call."""
ID = re.compile(r"[\w.:@-]{1,100}")


class PluginTool:
    """One function of a plugin."""

    def __init__(self, plugin: Plugin, signature: Signature, scripts: Scripts, documents: Documents) -> None:
        manifest = plugin.tools[signature.name]
        self.name = signature.name
        self.description = signature.description
        self.schema: Mapping[str, object] = signature.schema
        self.effect: Effect = manifest.effect
        self.ask = manifest.ask
        self.examples = tuple(Example(shown.text, shown.arguments) for shown in manifest.examples)
        self.others = manifest.others
        self._plugin = plugin
        self._signature = signature
        self._scripts = scripts
        self._documents = documents
        self._words = re.compile("|".join(map(_pattern, manifest.words)), re.IGNORECASE)

    def fits(self, text: str) -> bool:
        """Say whether the message has one of the tool's words."""
        return bool(self._words.search(text))

    async def call(self, call: ToolCall) -> str:
        """Run the function in the sandbox; raises ToolError."""
        arguments = dict(call.arguments)
        if self._signature.keyed:
            arguments["key"] = call.key
        wait = "await " if self._signature.waits else ""
        return await self._scripts.call(
            self._plugin.program,
            f"{wait}{self.name}(**_arguments)",
            {"_arguments": arguments},
            self._plugin.permissions.limits,
            self._hosts(call),
        )

    def _hosts(self, call: ToolCall) -> Hosts:
        if "data" not in self._plugin.permissions.folders:
            return {}
        owner = "/".join(quote(part, safe="") for part in ("plugin", call.tenant, self._plugin.name, call.person))
        return _Data(self._documents, owner).hosts


class _Data:
    """A plugin's own documents about one person."""

    def __init__(self, documents: Documents, owner: str) -> None:
        self._documents = documents
        self._owner = owner
        self.hosts: Hosts = {"read": self.read, "write": self.write, "erase": self.erase, "ids": self.ids}

    async def read(self, id: object) -> object:
        kept = await self._documents.get(self._owner, _id(id))
        return None if kept is None else dict(kept)

    async def write(self, id: object, document: object) -> None:
        if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
            raise TypeError("a document is a dictionary with texts as keys")
        try:
            # What can't be JSON can't be kept; and what's kept is a copy of its own.
            plain = msgspec.json.decode(msgspec.json.encode(document))
            await self._documents.put(self._owner, _id(id), plain)
        except TooLarge as error:
            raise ValueError(str(error)) from None

    async def erase(self, id: object) -> bool:
        return await self._documents.remove(self._owner, _id(id))

    async def ids(self) -> list[str]:
        return [id for id, _ in await self._documents.all(self._owner)]


def plugin_tools(
    plugins: Mapping[str, Plugin], taken: Sequence[str], scripts: Scripts, documents: Documents
) -> tuple[PluginTool, ...]:
    """Return the tools of plugins; raises ManifestError where two tools have one name (`taken`: the hub's own)."""
    tools: list[PluginTool] = []
    owners = dict.fromkeys(taken, "the hub itself")
    for plugin in plugins.values():
        for name, signature in signatures(plugin).items():
            if name in owners:
                raise ManifestError(
                    f"{plugin.path}: {name}: {owners[name]} has a tool of that name; call it something else"
                )
            owners[name] = f"plugin {plugin.name}"
            tools.append(PluginTool(plugin, signature, scripts, documents))
    return tuple(tools)


class Plugins:
    """Packages with plugin.toml."""

    kind: PackageKind = "plugin"
    manifest = MANIFEST

    def __init__(self, scripts: Scripts, documents: Documents) -> None:
        self._scripts = scripts
        self._documents = documents

    def name(self, manifest: bytes) -> str:
        """See Kind."""
        return name_in(manifest)

    def sheet(self, folder: Path) -> Sheet:
        """See Kind."""
        plugin = _load(folder)
        return Sheet(
            name=plugin.name,
            version=plugin.version,
            kind="plugin",
            description=plugin.description,
            tools=tuple(signatures(plugin)),
            asks=plugin.permissions.asks,
        )

    async def check(self, folder: Path) -> None:
        """See Kind."""
        await check(await asyncio.to_thread(_load, folder), self._scripts)

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """There's nothing to build."""

    async def open(self, package: Package, folder: Path) -> Opened:
        """See Kind."""
        plugin = await asyncio.to_thread(_load, folder)
        return Opened(tools=plugin_tools({plugin.name: plugin}, (), self._scripts, self._documents))


def _load(folder: Path) -> Plugin:
    with places_hidden(folder):
        return replace(load_plugin(folder), path=f"{folder.name}/{PROGRAM}")


async def check(plugin: Plugin, scripts: Scripts) -> None:
    """Check a plugin's program as it will be run: its types, and that Monty understands it; raises ManifestError."""
    await scripts.check(plugin.path, plugin.program, STUBS if "data" in plugin.permissions.folders else "")


def _id(id: object) -> str:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError("an id has 1 to 100 letters, digits and . : @ _ -")
    return id


def _pattern(word: str) -> str:
    inner = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+")
    begin = r"\b" if word[:1].isalnum() else ""
    end = "" if word.endswith("*") else (r"\b" if word[-1:].isalnum() else "")
    return f"{begin}{inner}{end}"
