"""Answers MCP requests by the official SDK: one server for each request, made for the key that asks."""

import base64
import logging
import secrets
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import Tool as Listed

from hub.errors import AgentHostError
from hub.flow.direct import Lent
from hub.flow.taming import tame
from hub.ports import Foreign, Outward
from hub.web.mcp import resources
from hub.web.mcp.lending import call_lent, lent_to, told
from hub.web.mcp.own import OWN, OwnTool, call_own, schema_of
from hub.web.programs import Visit

log = logging.getLogger(__name__)

BODY = 1024 * 1024
"""The most bytes of a request."""
WORDS = "send_message speaks to the hub's agents; tools that aren't about messages and tasks are the agents' own."
Context = ServerRequestContext[Any]


async def answer(visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one HTTP request."""
    manager = StreamableHTTPSessionManager(Visiting(visit).server(), stateless=True, max_request_body_size=BODY)
    async with manager.run():
        await manager.handle_request(scope, receive, send)  # type: ignore[arg-type]  # ASGI, as Litestar types it


class Visiting:
    """What one key is offered and may do."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def server(self) -> Server[Any]:
        """Return the SDK's server for it."""
        return Server(
            "agenthost",
            version=self._visit.services.version,
            instructions=WORDS,
            # Arguments are checked here, by the tool itself; else all tools would be listed for each call.
            get_tool_input_schema=lambda _: None,
            on_list_tools=self.tools,
            on_call_tool=self.call,
            on_list_resources=self.resources,
            on_list_resource_templates=self.templates,
            on_read_resource=self.read,
        )

    async def tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        """Return the tools that the key may call."""
        own = [_own(tool) for tool in OWN.values() if self._visit.caller.may(tool.scope)]
        lent = [_lent(name, tool) for name, tool in (await lent_to(self._visit)).items()]
        return ListToolsResult(tools=own + lent)

    async def call(self, _: Context, params: CallToolRequestParams) -> CallToolResult:
        """Call a tool; what went wrong is told to the model that called it, but nothing of how the hub works inside."""
        try:
            arguments = params.arguments or {}
            if own := OWN.get(params.name):
                return _structured(await call_own(own, self._visit, arguments))
            outcome = await call_lent(self._visit, params.name, arguments)
            return _text(told(outcome, self._visit.base), failed=outcome.failed)
        except AgentHostError as error:
            return _text(str(error), failed=True)
        except Exception as error:
            id = secrets.token_hex(4)
            log.error("MCP: tool %s failed, id %s", params.name[:64], id, exc_info=error)
            return _text(f"the hub failed at this; its log tells more under the id {id}.", failed=True)

    async def resources(self, _: Context, __: PaginatedRequestParams | None) -> ListResourcesResult:
        """Return the transcripts of the latest tasks."""
        return ListResourcesResult(
            resources=[
                Resource(
                    name=f"#{task.number} {task.title}",
                    uri=resources.TRANSCRIPT.format(task=task.number),
                    mime_type="text/markdown",
                )
                for task in await resources.listed(self._visit)
            ]
        )

    async def templates(self, _: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        """Return what the resources are called."""
        return ListResourceTemplatesResult(
            resource_templates=[
                ResourceTemplate(name="transcript", uri_template=resources.TRANSCRIPT, mime_type="text/markdown"),
                ResourceTemplate(name="artefact", uri_template=resources.ARTEFACT),
            ]
        )

    async def read(self, _: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Return what a resource holds."""
        uri = str(params.uri)
        try:
            found = await resources.read(self._visit, uri)
        except AgentHostError as error:
            raise MCPError(INVALID_PARAMS, str(error), {"uri": uri[:200]}) from None
        if found.is_text:
            text = found.data.decode(errors="replace")
            return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=found.media_type, text=text)])
        blob = base64.b64encode(found.data).decode()
        return ReadResourceResult(contents=[BlobResourceContents(uri=uri, mime_type=found.media_type, blob=blob)])


def _own(tool: OwnTool) -> Listed:
    return Listed(
        name=tool.name,
        description=tool.description,
        input_schema=schema_of(tool.takes),
        output_schema=schema_of(tool.gives),
        annotations=ToolAnnotations(
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.reads or tool.idempotent,
            open_world_hint=False,
        ),
    )


def _lent(name: str, lent: Lent) -> Listed:
    tool = lent.tool
    return Listed(
        name=name,
        description=tool.description,
        input_schema=dict(tame(tool.schema)),
        annotations=ToolAnnotations(
            read_only_hint=tool.effect == "none",
            destructive_hint=tool.effect == "once",
            idempotent_hint=tool.effect in ("none", "idempotent"),
            open_world_hint=isinstance(tool, Outward) or (isinstance(tool, Foreign) and tool.outside),
        ),
    )


def _structured(told: msgspec.Struct) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(text=msgspec.json.encode(told).decode())], structured_content=msgspec.to_builtins(told)
    )


def _text(text: str, *, failed: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=failed)
