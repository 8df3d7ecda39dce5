"""/v1/agents, /v1/plugins and their like, and /v1/tools: what can be used, and where it comes from."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from hub.errors import ManifestError, NotFound, StoreUnavailable
from hub.flow.offering import for_assignments
from hub.packages.kinds import Sheet
from hub.ports import Foreign, Outward, Packaged, Tool, ToolCall
from hub.records import PackageKind, TaskId, new_id
from hub.web.auth import RUNS, Asker, Hub
from hub.web.problems import PROBLEMS, shown
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.wishes import agents_for

TRIED = TaskId("tried")
"""The task of a call that's tried by hand."""
Origin = Literal["built in", "shipped", "folder", "package"]


class AgentView(Struct, frozen=True, kw_only=True):
    """An agent that can be wished for."""

    name: str
    version: str
    description: str
    model: str
    tools: tuple[str, ...]
    origin: Origin
    """shipped: it came with the hub. folder: from a folder of the operator's. package: it was installed."""


class UsableView(Struct, frozen=True, kw_only=True):
    """A plugin, script, skill or server that's in use."""

    name: str
    version: str
    description: str
    tools: tuple[str, ...]
    origin: Origin


class ToolView(Struct, frozen=True, kw_only=True):
    """Something that agents may call."""

    id: str
    description: str
    schema: dict[str, object]
    effect: str
    """none, idempotent, keyed or once: what a call changes, and what a repetition of it does."""
    origin: Origin
    package: str | None
    """The package that it came with, and its version."""
    version: str | None
    outside: bool
    """Its results are words of others than the person: what goes out after them needs leave."""
    outward: bool
    """It may tell something to somebody outside, or do what can't be undone."""
    for_assignments: bool
    """It's offered in assignments only."""


class Trial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool by hand."""

    arguments: dict[str, Any] = {}


class Tried(Struct, frozen=True, kw_only=True):
    """What came of it."""

    result: str
    failed: bool


class UsableController(Controller):
    """What can be used, and where it comes from."""

    path = "/v1"
    tags = ("packages",)

    @get("/agents", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List agents")
    async def agents(self, services: Hub, caller: Asker) -> Page[AgentView]:
        """Return the agents that can be wished for with this key."""
        known = await _origins(services, "agent")
        return Page(
            items=[
                AgentView(
                    name=agent.name,
                    version=agent.version,
                    description=agent.description,
                    model=agent.model,
                    tools=agent.tools,
                    origin=known[agent.name][1] if agent.name in known else "built in",
                )
                for agent in await agents_for(services, caller)
            ]
        )

    @get("/plugins", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List plugins")
    async def plugins(self, services: Hub) -> Page[UsableView]:
        """Return the plugins in use."""
        return await _usable(services, "plugin")

    @get("/scripts", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List scripts")
    async def scripts(self, services: Hub) -> Page[UsableView]:
        """Return the scripts in use."""
        return await _usable(services, "script")

    @get("/skills", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List skills")
    async def skills(self, services: Hub) -> Page[UsableView]:
        """Return the skills in use."""
        return await _usable(services, "skill")

    @get("/servers", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List MCP servers")
    async def servers(self, services: Hub) -> Page[UsableView]:
        """Return the MCP servers in use."""
        return await _usable(services, "server")

    @get("/tools", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="List tools")
    async def tools(self, services: Hub) -> Page[ToolView]:
        """Return the tools that there are, with the schemas of their arguments."""
        own = await asyncio.to_thread(services.own)
        shipped: dict[str, Origin] = {tool: one.origin for one in own for tool in one.sheet.tools}
        return Page(items=[_tool(tool, shipped) for tool in services.tools()])

    @post(
        "/tools/{id:str}/call",
        status_code=200,
        opt=RUNS,
        responses=PROBLEMS,
        summary="Try a tool",
    )
    async def call(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Trial]) -> Tried:
        """Call a tool as an agent would, on behalf of the key's person."""
        tool: Tool | None = next((tool for tool in services.tools() if tool.name == id), None)
        if tool is None:
            raise NotFound(f"tool: there's no {shown(id)}; GET /v1/tools lists them")
        call = ToolCall(
            tool=id,
            arguments=data.arguments,
            key=f"tried:{new_id()}",
            tenant=caller.tenant,
            person=caller.person,
            agent=services.config.agents.default,
            task=TRIED,
        )
        if services.halting.on:
            raise StoreUnavailable("everything is paused")
        if tool.effect != "none":
            await services.audit.note(caller.tenant, "tool.tried", f"tool/{id}", of=[id, data.arguments])
        called = await services.call(tool, call)
        return Tried(result=called.result, failed=called.failed)


async def _usable(services: Services, kind: PackageKind) -> Page[UsableView]:
    known = await _origins(services, kind)
    return Page(
        items=[
            UsableView(
                name=name,
                version=sheet.version,
                description=sheet.description,
                tools=sheet.tools,
                origin=origin,
            )
            for name, (sheet, origin) in sorted(known.items())
        ]
    )


async def _origins(services: Services, kind: PackageKind) -> Mapping[str, tuple[Sheet, Origin]]:
    """Return what there is of a kind, by name: the hub's own, and what's installed and enabled."""
    own = await asyncio.to_thread(services.own)
    known: dict[str, tuple[Sheet, Origin]] = {
        one.sheet.name: (one.sheet, one.origin) for one in own if one.sheet.kind == kind
    }
    installer = services.packages
    for package in await installer.packages() if installer else ():
        if installer and package.kind == kind and package.state == "enabled":
            try:
                known[package.id] = (await installer.sheet(package), "package")
            except ManifestError:
                continue  # Somebody meddled with its files: it isn't in use.
    return known


def _tool(tool: Tool, own: Mapping[str, Origin]) -> ToolView:
    packaged = tool if isinstance(tool, Packaged) else None
    return ToolView(
        id=tool.name,
        description=tool.description,
        schema=dict(tool.schema),
        effect=tool.effect,
        origin="package" if packaged else own.get(tool.name, "built in"),
        package=packaged.package if packaged else None,
        version=packaged.version if packaged else None,
        outside=isinstance(tool, Foreign) and tool.outside,
        outward=isinstance(tool, Outward),
        for_assignments=for_assignments(tool),
    )
