"""A plugin's functions as tools of agents: offered by words, run in Monty, with what the plugin may use of the hub."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from hub.errors import ManifestError
from hub.manifests import Plugin, load_plugin, name_in, places_hidden
from hub.manifests.plugins import MANIFEST
from hub.packages.hosts import WAYS, Supplies, hosts, stubs
from hub.packages.kinds import Opened, Sheet
from hub.packages.pausing import Pauser, Run, about
from hub.packages.scripts import Hosts, Scripts
from hub.packages.signatures import Signature, signatures
from hub.packages.trail import Trail
from hub.ports import Documents, Effect, Example, ToolCall
from hub.records import Package, PackageKind

UNKNOWN = re.compile(r"Name `(\w+)` used when not defined")


class PluginTool:
    """One function of a plugin."""

    def __init__(
        self,
        plugin: Plugin,
        signature: Signature,
        scripts: Scripts,
        documents: Documents,
        supplies: Supplies,
        digest: str = "",
    ) -> None:
        """`plugin` has the permissions that it was granted; `digest` is its package's, if it's from one."""
        manifest = plugin.tools[signature.name]
        self.name = signature.name
        self.description = signature.description
        self.schema: Mapping[str, object] = signature.schema
        self.effect: Effect = manifest.effect
        self.ask = manifest.ask
        self.examples = tuple(Example(shown.text, shown.arguments) for shown in manifest.examples)
        self.others = manifest.others
        permissions = plugin.permissions
        self.outside = bool(permissions.net) or any(folder.startswith("workspace") for folder in permissions.folders)
        self._plugin = plugin
        self._signature = signature
        self._scripts = scripts
        self._documents = documents
        self._supplies = supplies
        self._pauser = Pauser(scripts, supplies.seal)
        # Which program it is, to the byte: what's kept of a paused call is for that one only.
        self.edition = digest or sha256(plugin.program.encode() + msgspec.json.encode(permissions)).hexdigest()
        self._words = re.compile("|".join(map(_pattern, manifest.words)), re.IGNORECASE)

    def fits(self, text: str) -> bool:
        """Say whether the message has one of the tool's words."""
        return bool(self._words.search(text))

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say whom it tells something, if it changes something there; see Outward."""
        hosts = self._plugin.permissions.net
        return f"it sends to {', '.join(hosts)}" if hosts and self.effect != "none" else ""

    async def call(self, call: ToolCall) -> str:
        """Run the function in the sandbox; raises ToolError, and Paused where it asks its person something."""
        run = self._run(call)
        if "ask:task" in self._plugin.permissions.messages:
            return await self._pauser.begin(run)
        return await self._scripts.call(run.program, run.expression, run.values, run.allowance, run.hosts(Trail()))

    async def resume(self, call: ToolCall, snapshot: str, answer: str) -> str:
        """Go on with a call that asked something; see Pausing."""
        return await self._pauser.resume(self._run(call), snapshot, answer)

    def _run(self, call: ToolCall) -> Run:
        arguments = dict(call.arguments)
        if self._signature.keyed:
            arguments["key"] = call.key
        wait = "await " if self._signature.waits else ""
        return Run(
            program=self._plugin.program,
            expression=f"{wait}{self._signature.function}(**_arguments)",
            values={"_arguments": arguments},
            allowance=self._plugin.permissions.limits,
            hosts=lambda trail: self._hosts(call, trail),
            about=about(call, self.edition),
        )

    def _hosts(self, call: ToolCall, trail: Trail) -> Hosts:
        plugin = self._plugin
        return hosts(plugin.name, plugin.permissions, self.effect, call, self._documents, self._supplies, trail)


class InstalledTool(PluginTool):
    """One function of a plugin that came with a package; see Packaged."""

    def __init__(
        self,
        package: Package,
        plugin: Plugin,
        signature: Signature,
        scripts: Scripts,
        documents: Documents,
        supplies: Supplies,
    ) -> None:
        super().__init__(plugin, signature, scripts, documents, supplies, package.now.digest)
        self.package = package.id
        self.version = package.now.version
        self.digest = package.now.digest


def plugin_tools(
    plugins: Mapping[str, Plugin],
    taken: Sequence[str],
    scripts: Scripts,
    documents: Documents,
    supplies: Supplies | None = None,
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
            tools.append(PluginTool(plugin, signature, scripts, documents, supplies or Supplies()))
    return tuple(tools)


class Plugins:
    """Packages with plugin.toml."""

    kind: PackageKind = "plugin"
    manifest = MANIFEST

    def __init__(self, scripts: Scripts, documents: Documents, supplies: Supplies | None = None) -> None:
        self._scripts = scripts
        self._documents = documents
        self._supplies = supplies or Supplies()

    def name(self, manifest: bytes) -> str:
        """See Kind."""
        return name_in(manifest)

    def sheet(self, folder: Path) -> Sheet:
        """See Kind."""
        plugin = self.load(folder)
        return sheet_of(plugin, self.kind, self._supplies.missing(plugin.permissions))

    async def check(self, folder: Path) -> None:
        """See Kind."""
        await check(await asyncio.to_thread(self.load, folder), self._scripts)

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """There's nothing to build."""

    async def open(self, package: Package, folder: Path) -> Opened:
        """See Kind."""
        plugin = await asyncio.to_thread(self.load, folder)
        # Enabled it has all that it asks for; what isn't granted isn't there all the same.
        granted = replace(plugin, permissions=plugin.permissions.within(package.now.grants))
        return Opened(
            tools=tuple(
                InstalledTool(package, granted, signature, self._scripts, self._documents, self._supplies)
                for signature in signatures(plugin).values()
            )
        )

    def load(self, folder: Path) -> Plugin:
        """Read a package of this kind; raises ManifestError."""
        return located(folder, load_plugin)


def sheet_of(plugin: Plugin, kind: PackageKind, notes: tuple[str, ...] = ()) -> Sheet:
    """Return what a plugin or a script is; raises ManifestError."""
    return Sheet(
        name=plugin.name,
        version=plugin.version,
        kind=kind,
        description=plugin.description,
        tools=tuple(signatures(plugin)),
        asks=plugin.permissions.asks,
        notes=notes,
    )


def located(folder: Path, load: Callable[[Path], Plugin]) -> Plugin:
    """Read a program from a folder, its path told from there."""
    with places_hidden(folder):
        plugin = load(folder)
        return replace(plugin, path=f"{folder.name}/{Path(plugin.path).name}")


async def check(plugin: Plugin, scripts: Scripts) -> None:
    """Check a plugin's program as it will be run: its types, and that Monty understands it; raises ManifestError."""
    effects = [tool.effect for tool in plugin.tools.values()]
    try:
        await scripts.check(plugin.path, plugin.program, stubs(plugin.permissions, effects))
    except ManifestError as error:
        unknown = UNKNOWN.search(str(error))
        if unknown and unknown[1] in WAYS:
            told = f"{unknown[1]}: it isn't given that function; {WAYS[unknown[1]]} asks for it"
            raise ManifestError(f"{str(error).partition(' error[')[0]} {told}") from None
        raise


def _pattern(word: str) -> str:
    inner = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+")
    begin = r"\b" if word[:1].isalnum() else ""
    end = "" if word.endswith("*") else (r"\b" if word[-1:].isalnum() else "")
    return f"{begin}{inner}{end}"
