"""What's there before the hub is built: its data folder, plugins and scripts that need no installing, its toolbox."""

from collections.abc import Sequence
from pathlib import Path

from hub.config import Config, timezone
from hub.errors import ConfigError, ManifestError, StartError
from hub.flow.offering import Offering
from hub.flow.toolbox import Toolbox
from hub.manifests import load_plugins, load_scripts
from hub.packages.hosts import Supplies
from hub.packages.plugins import check, plugin_tools
from hub.packages.scripts import Scripts
from hub.ports import LLM, Clock, Documents, Tool
from hub.store.ranking import FullTextRanking
from hub.tools import built_in

SHIPPED_AGENTS = Path(__file__).parent.parent / "agents"
SHIPPED_PLUGINS = Path(__file__).parent.parent / "plugins"
SHIPPED_SCRIPTS = Path(__file__).parent.parent / "scripts"


def folders(own: str) -> list[Path]:
    """Return the folder that a config names, if it names one."""
    return [Path(own).expanduser()] if own else []


async def own_plugins(
    config: Config, taken: Sequence[str], scripts: Scripts, documents: Documents, supplies: Supplies
) -> tuple[Tool, ...]:
    """Return the tools of the plugins and scripts that are there; those of the operator's own are checked first.

    None may be called as one that's `taken`. Raises ConfigError.
    """
    own = folders(config.packages.folder)
    try:
        for plugin in (*load_plugins(own).values(), *load_scripts(own).values()):
            await check(plugin, scripts)
        plugins = load_plugins([SHIPPED_PLUGINS, *own])
        programs = load_scripts([SHIPPED_SCRIPTS, *own])
        if both := sorted(plugins.keys() & programs.keys()):
            raise ManifestError(
                f"{both[0]}: there's a plugin and a script of that name; call one of them something else"
            )
        return plugin_tools({**plugins, **programs}, taken, scripts, documents, supplies)
    except ManifestError as error:
        raise ConfigError(f"packages.folder: {error}") from None


def make_data_folder(data: Path) -> None:
    """Make the data folder, for this user alone; raises StartError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"hub.data: {data} can't be made ({error.strerror}); name another with --data, or mend its rights"
        ) from None


def toolbox_of(
    config: Config, clock: Clock, documents: Documents, tools: Sequence[Tool], decider: LLM, llm: LLM
) -> Toolbox:
    """Return what offers and calls tools: the built-in ones and these."""
    offering = Offering(FullTextRanking(), config.limits.tool_tokens)
    return Toolbox((*built_in(clock, timezone(config), documents), *tools), decider, llm, offering=offering)
