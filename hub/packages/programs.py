"""Scripts as packages: a plugin's way of running, with one tool for the whole program."""

from pathlib import Path

from hub.manifests import Plugin, load_script
from hub.manifests.scripts import MANIFEST
from hub.packages.plugins import Plugins, located
from hub.records import PackageKind


class Programs(Plugins):
    """Packages with script.toml."""

    kind: PackageKind = "script"
    manifest = MANIFEST

    def load(self, folder: Path) -> Plugin:
        """Read a script; raises ManifestError."""
        return located(folder, load_script)
