"""A call of a tool, as a turn would make it."""

from collections.abc import Mapping

from hub.ports import Tool, ToolCall
from hub.records import HOME, OWNER, PersonId, TaskId, TenantId


async def use(
    tool: Tool,
    *,
    key: str = "turn-1:1",
    person: PersonId = OWNER,
    tenant: TenantId = HOME,
    agent: str = "default",
    **arguments: object,
) -> str:
    """Call a tool with keyword arguments and return its result."""
    return await use_with(tool, arguments, key=key, person=person, tenant=tenant, agent=agent)


async def use_with(
    tool: Tool,
    arguments: Mapping[str, object],
    *,
    key: str = "turn-1:1",
    person: PersonId = OWNER,
    tenant: TenantId = HOME,
    agent: str = "default",
) -> str:
    """Call a tool and return its result."""
    return await tool.call(a_call(tool, arguments, key=key, tenant=tenant, person=person, agent=agent))


def a_call(
    tool: Tool,
    arguments: Mapping[str, object],
    *,
    key: str = "turn-1:1",
    person: PersonId = OWNER,
    tenant: TenantId = HOME,
    agent: str = "default",
) -> ToolCall:
    """Return a call as a turn would make it."""
    return ToolCall(
        tool=tool.name, arguments=arguments, key=key, tenant=tenant, person=person, agent=agent, task=TaskId("t")
    )
