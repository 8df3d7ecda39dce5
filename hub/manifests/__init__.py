"""What packages declare about themselves."""

from hub.manifests.agents import DATE, MANIFEST, PROMPT, PROMPT_CHARACTERS, Agent, load_agent, load_agents
from hub.manifests.permissions import Allowance, Permissions
from hub.manifests.plugins import Plugin, Shown, ToolManifest, load_plugin, load_plugins
from hub.manifests.reading import name_in, places_hidden
from hub.manifests.scripts import load_script, load_scripts
from hub.manifests.skills import Skill, load_skill, skill_name_in

__all__ = [
    "DATE",
    "MANIFEST",
    "PROMPT",
    "PROMPT_CHARACTERS",
    "Agent",
    "Allowance",
    "Permissions",
    "Plugin",
    "Shown",
    "Skill",
    "ToolManifest",
    "load_agent",
    "load_agents",
    "load_plugin",
    "load_plugins",
    "load_script",
    "load_scripts",
    "load_skill",
    "name_in",
    "places_hidden",
    "skill_name_in",
]
