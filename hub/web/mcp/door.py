"""POST /mcp: lets a key in, and loads the official SDK when somebody asks for the first time."""

import asyncio
from importlib import import_module
from typing import Any

from litestar import asgi
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.types import Receive, Scope, Send

from hub.web.auth import ANY
from hub.web.once import OWN
from hub.web.programs import visit_of

SERVING = "hub.web.mcp.serving"
"""What has the SDK loaded: some 25 MB, and a second or two, which only hubs that are asked here pay."""


@asgi("/mcp", opt={"scope": ANY, OWN: True}, copy_scope=True)
async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of MCP's streamable HTTP: each stands for itself; there's no session, and no stream to GET."""
    visit = visit_of(ASGIConnection[Any, Any, Any, Any](scope, receive, send))
    if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"Allow": "POST"})
    serving = await asyncio.to_thread(import_module, SERVING)
    await serving.answer(visit, scope, receive, send)
