"""Measures what it costs to call a tool of an MCP server in the sandbox."""

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from hub.cli.bench_figures import Figure, p50_and
from hub.clock import SystemClock
from hub.packages.connections import Connection
from hub.packages.doorway import nowhere
from hub.packages.sandbox import Program, Sandbox
from hub.packages.transport import spoken

WARM = 20
SERVER = """\
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
    if id is None: continue
    answer = {"jsonrpc": "2.0", "id": id}
    if method == "initialize":
        answer["result"] = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                            "serverInfo": {"name": "bench", "version": "1"}}
    elif method == "tools/list":
        answer["result"] = {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        found = params["arguments"]
        answer["result"] = {"content": [{"type": "text", "text": str(found["a"] + found["b"])}]}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
"""


async def calling(folder: Path, *, calls: int) -> list[Figure]:
    """Start a server and call its tool, one call after the other; nothing where there's no sandbox."""
    if Sandbox().why_not:
        return []
    _lay(folder, {"server.py": SERVER})
    program = Program(package="bench", argv=("python3", "/package/server.py"), folder=folder)
    connection = Connection("bench", lambda words: spoken(Sandbox(), program, (), nowhere, words), SystemClock())
    try:
        [first] = await _timed(lambda: connection.call("add", {"a": 1, "b": 2}, again=False), 1)
        values = await _timed(lambda: connection.call("add", {"a": 1, "b": 2}, again=False), calls)
    finally:
        await connection.close()
    start = Figure(name="an MCP server's start, with its first call", value=first * 1000, unit="ms", aim=2_000)
    return [start, *p50_and(99, "a call of an MCP server", values, (10.0, None))]


def _lay(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)


async def _timed(call: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Return how long each call took, after some that aren't counted; a single one is counted at once."""
    values = []
    for _ in range(times + (WARM if times > 1 else 0)):
        began = time.perf_counter()
        await call()
        values.append(time.perf_counter() - began)
    return values[WARM:] if times > 1 else values
