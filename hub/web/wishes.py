"""Which agents a caller may wish for: those that its tenant and its key are let have."""

from collections.abc import Sequence

from hub.errors import BadRequest
from hub.web.auth import Caller
from hub.web.problems import shown
from hub.web.services import AgentInfo, Services


async def agents_for(services: Services, caller: Caller) -> Sequence[AgentInfo]:
    """Return the agents that a caller may wish for, in their order."""
    tenant = await services.store.tenant(caller.tenant)
    walls = [set(names) for names in (tenant.agents if tenant else (), caller.key.agents) if names]
    return [agent for agent in services.agents() if all(agent.name in wall for wall in walls)]


async def wished(services: Services, caller: Caller, name: str | None) -> str | None:
    """Return the agent that a new task gets, None for the hub's default; raises BadRequest for one that isn't theirs.

    Who may not have the default one, and wishes for none, gets the first of theirs. A key for some agents has one of
    them, whatever its person has chosen elsewhere.
    """
    theirs, default = [agent.name for agent in await agents_for(services, caller)], services.config.agents.default
    if not theirs:
        raise BadRequest("agent", "this key may have none of the agents that are installed")
    if name is None:
        bound = default if default in theirs else theirs[0]
        return bound if caller.key.agents or bound != default else None
    check_agent(theirs, name)
    return name


def check_agent(known: Sequence[str], name: str | None) -> None:
    """Raise BadRequest for an agent that isn't among those."""
    if name is not None and name not in known:
        raise BadRequest("agent", f"there's no {shown(name)}; installed: {', '.join(known)}")
