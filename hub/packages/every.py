"""Every kind of package that there is: the one list, for the hub and for who tries a package out."""

from hub.packages.agents import Agents
from hub.packages.hosts import Supplies
from hub.packages.kinds import Kind
from hub.packages.plugins import Plugins
from hub.packages.programs import Programs
from hub.packages.scripts import Scripts
from hub.packages.skills import Skills
from hub.ports import Documents


def every_kind(scripts: Scripts, documents: Documents, supplies: Supplies) -> tuple[Kind, ...]:
    """Return each kind, ready to install its packages."""
    return Plugins(scripts, documents, supplies), Programs(scripts, documents, supplies), Agents(), Skills()
