"""The proxy that's the only way out, and MCP servers elsewhere that are asked through it."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from mcp.server import MCPServer

from hub.clock import SystemClock
from hub.errors import EgressError, ToolError
from hub.packages.connections import Connection
from hub.packages.doorway import Doorway
from hub.packages.elsewhere import asked

HOST = "mcp.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for a host that isn't ours, with its key, that nobody else trusts."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            folder / "key.pem",
            "-out",
            folder / "cert.pem",
            "-subj",
            f"/CN={HOST}",
            "-addext",
            f"subjectAltName=DNS:{HOST}",
        ],
        check=True,
        capture_output=True,
    )
    return folder


@asynccontextmanager
async def a_server(certificate: Path) -> AsyncIterator[int]:
    """Serve an MCP server by https, and yield its port."""
    made = MCPServer("elsewhere")

    @made.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    app = made.streamable_http_app(stateless_http=True, json_response=True, host=HOST)
    config = uvicorn.Config(
        app,
        port=0,
        ssl_certfile=certificate / "cert.pem",
        ssl_keyfile=certificate / "key.pem",
        log_level="critical",
        ws="none",
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        await serving


async def test_a_server_elsewhere_is_asked_through_the_doorway_only(certificate: Path) -> None:
    dialled: list[tuple[str, int]] = []
    async with a_server(certificate) as port:

        async def dial(host: str, at: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            dialled.append((host, at))
            return await asyncio.open_connection("127.0.0.1", port)

        trust = ssl.create_default_context(cafile=certificate / "cert.pem")
        connection = Connection(
            "elsewhere", lambda _: asked("elsewhere", f"https://{HOST}/mcp", (HOST,), dial, trust), SystemClock()
        )
        assert [tool.name for tool in await connection.tools()] == ["add"]
        assert await connection.call("add", {"a": 2, "b": 3}, again=False) == "5"
        await connection.close()

    assert set(dialled) == {(HOST, 443)}


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    async with a_server(certificate) as port:

        async def dial(host: str, at: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        connection = Connection(
            "elsewhere", lambda _: asked("elsewhere", f"https://{HOST}/mcp", (HOST,), dial), SystemClock()
        )
        with pytest.raises(ToolError, match="can't be started"):
            await connection.tools()
        await connection.close()


async def asked_through(door: Doorway, request: str) -> str:
    """Return the first line of a doorway's answer."""
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(request.encode())
    line = (await reader.readline()).decode().strip()
    writer.close()
    server.close()
    await asyncio.sleep(0)
    return line


async def nobody(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    raise EgressError("nobody is there")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("CONNECT mcp.example.org:443 HTTP/1.1", 502),
        ("CONNECT MCP.example.org:443 HTTP/1.1", 502),
        ("CONNECT mcp.example.org:80 HTTP/1.1", 403),
        ("CONNECT mcp.example.org.:443 HTTP/1.1", 403),
        ("CONNECT mcp.example.org:443@evil.org:443 HTTP/1.1", 403),
        ("CONNECT mcp.example.org:0443 HTTP/1.1", 403),
        ("CONNECT 127.0.0.1:443 HTTP/1.1", 403),
        ("CONNECT [::1]:443 HTTP/1.1", 403),
        ("CONNECT evil.example.org:443 HTTP/1.1", 403),
        ("CONNECT evilmcp.example.org:443 HTTP/1.1", 403),
        ("CONNECT  HTTP/1.1", 403),
        ("CONNECT", 403),
        ("GET http://mcp.example.org/ HTTP/1.1", 405),
        ("POST http://169.254.169.254/latest HTTP/1.1", 405),
    ],
)
async def test_only_what_was_granted_is_dialled(request_line: str, status: int) -> None:
    line = await asked_through(Doorway("p", (HOST,), nobody), f"{request_line}\r\n\r\n")

    assert line.split()[1] == str(status)


async def test_who_has_no_password_is_let_nowhere() -> None:
    door = Doorway("p", (HOST,), nobody, "s3cret")

    assert "407" in await asked_through(door, f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n")
    wrong = f"CONNECT {HOST}:443 HTTP/1.1\r\nProxy-Authorization: Basic aHViOnM=\r\n\r\n"
    assert "407" in await asked_through(door, wrong)
