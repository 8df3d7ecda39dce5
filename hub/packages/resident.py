"""Programs that a hub has without installing them: those that ship with it, and those of the operator's folder."""

from collections.abc import Collection, Sequence
from pathlib import Path

from hub.config import Config
from hub.errors import ConfigError, ManifestError
from hub.manifests import load_plugins, load_scripts
from hub.packages.hosts import Supplies
from hub.packages.plugins import check, plugin_tools
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Documents, Egress, Tool, Workspaces

SEALED = "snapshot.key"
"""Of the data folder."""


def supplies_of(config: Config, egress: Egress, workspaces: Workspaces) -> Supplies:
    """Return what programs may be given, but for errands: who runs them comes later. Raises StartError."""
    return Supplies(
        egress=egress,
        workspaces=workspaces,
        secrets={secret.name: secret.value for secret in config.packages.secrets},
        seal=Seal.at(config.data / SEALED),
    )


async def resident_tools(
    config: Config,
    shipped: Sequence[Path],
    taken: Collection[str],
    scripts: Scripts,
    documents: Documents,
    supplies: Supplies,
) -> tuple[Tool, ...]:
    """Return the tools of the plugins and scripts below the shipped folders and the operator's own.

    Those of the operator's own are checked first. `taken` are the names of other tools. Raises ConfigError.
    """
    own = _own(config)
    try:
        for program in (*load_plugins(own).values(), *load_scripts(own).values()):
            await check(program, scripts)
        plugins, programs = load_plugins([*shipped, *own]), load_scripts([*shipped, *own])
        if both := sorted(plugins.keys() & programs.keys()):
            raise ManifestError(f"{both[0]}: there's a plugin and a script of that name; call one something else")
        return plugin_tools({**plugins, **programs}, tuple(taken), scripts, documents, supplies)
    except ManifestError as error:
        raise ConfigError(f"packages.folder: {error}") from None


def _own(config: Config) -> list[Path]:
    return [Path(config.packages.folder).expanduser()] if config.packages.folder else []
