"""Which agent takes a task: the one wished for, the person's own choice, or the default; never one beyond the wall.

A tenant may have some of the hub's agents, or all. That binds wherever an agent is chosen, and again when a turn is
taken: what a tenant may not have any more doesn't go on for it.
"""

from collections.abc import Mapping

from hub.errors import BadRequest
from hub.flow.tenancy import Tenancy
from hub.manifests import Agent
from hub.ports import Documents
from hub.records import PersonId, Task, TenantId, preferences_of


class Choosing:
    """Chooses agents."""

    def __init__(self, agents: Mapping[str, Agent], default: str, preferences: Documents, tenancy: Tenancy) -> None:
        self._agents = agents
        self._default = default
        self._preferences = preferences
        self._tenancy = tenancy

    async def theirs(self, tenant: TenantId) -> list[str]:
        """Return the agents that a tenant's people may have, of those that are there."""
        return await self._tenancy.agents(tenant, self._agents)

    async def default(self, tenant: TenantId) -> str:
        """Return who takes the tasks of those who have chosen nobody that's there: the hub's default, or their first.

        Where a tenant may have none that's there, it's the hub's default by name; no turn is taken by it.
        """
        theirs = await self.theirs(tenant)
        return self._default if self._default in theirs or not theirs else theirs[0]

    async def agent(self, tenant: TenantId, person: PersonId, wished: str | None) -> str:
        """Return the agent for a new task."""
        chosen = wished or await self.chosen(tenant, person)
        return chosen if chosen in await self.theirs(tenant) else await self.default(tenant)

    async def bound(self, task: Task) -> Agent | None:
        """Return who takes a task's next turn; None where its tenant may have no agent that's there."""
        theirs = await self.theirs(task.tenant)
        if task.agent in theirs:
            return self._agents[task.agent]
        return self._agents[await self.default(task.tenant)] if theirs else None

    async def stand_in(self, task: Task) -> Agent:
        """Return an agent to reckon with where `bound` has none."""
        return await self.bound(task) or self._agents[self._default]

    async def chosen(self, tenant: TenantId, person: PersonId) -> str:
        """Return the agent that a person has chosen for their new tasks, or nothing."""
        kept = await self._preferences.get(preferences_of(tenant, person), "agent")
        return str(kept["name"]) if kept else ""

    async def choose(self, tenant: TenantId, person: PersonId, name: str) -> None:
        """Have an agent take a person's new tasks; raises BadRequest if there's no such agent for them."""
        await self.check(tenant, name)
        await self._preferences.put(preferences_of(tenant, person), "agent", {"name": name})

    async def check(self, tenant: TenantId, name: str | None) -> None:
        """Raise BadRequest for an agent that a tenant's people may not have."""
        theirs = await self.theirs(tenant)
        if name is not None and name not in theirs:
            raise BadRequest("agent", f"there's no agent {name!r}; there are: {', '.join(sorted(theirs))}")
