"""Agents as packages: a prompt, the tools it may use, its limits; no code."""

from pathlib import Path

from hub.manifests import MANIFEST, load_agent, name_in, places_hidden
from hub.packages.kinds import Opened, Sheet
from hub.records import Package, PackageKind


class Agents:
    """Packages with agent.toml."""

    kind: PackageKind = "agent"
    manifest = MANIFEST

    def name(self, manifest: bytes) -> str:
        """See Kind."""
        return name_in(manifest)

    def sheet(self, folder: Path) -> Sheet:
        """See Kind."""
        with places_hidden(folder):
            agent = load_agent(folder)
        return Sheet(
            name=agent.name, version=agent.version, kind="agent", description=agent.description, tools=agent.tools
        )

    async def check(self, folder: Path) -> None:
        """There's nothing to run."""

    async def build(self, folder: Path, grants: tuple[str, ...]) -> None:
        """There's nothing to build."""

    async def open(self, package: Package, folder: Path) -> Opened:
        """See Kind."""
        with places_hidden(folder):
            return Opened(agent=load_agent(folder))
