"""MCP servers that are no programs of ours: asked by https, through the same doorway as what's in the sandbox."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hub.packages.doorway import Dial, Doorway


@asynccontextmanager
async def asked(
    package: str, url: str, hosts: tuple[str, ...], dial: Dial, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Any]:
    """Yield the streams that MCP's client speaks by to a server elsewhere.

    MCP's library connects by itself; so that it reaches nobody but this server, at an address that was checked, it's
    given a proxy that does, behind a password that only it knows.
    """
    import httpx2  # noqa: PLC0415 - comes with mcp, which only hubs with servers load
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    password = secrets.token_urlsafe()
    door = await asyncio.start_server(Doorway(package, hosts, dial, password).serve, host="127.0.0.1", port=0)
    try:
        port = door.sockets[0].getsockname()[1]
        proxy = httpx2.Proxy(f"http://127.0.0.1:{port}", auth=("hub", password))
        async with (
            httpx2.AsyncClient(
                proxy=proxy, verify=trust or True, trust_env=False, follow_redirects=False, timeout=60.0
            ) as client,
            streamable_http_client(url, http_client=client) as streams,
        ):
            yield streams
    finally:
        door.close()
