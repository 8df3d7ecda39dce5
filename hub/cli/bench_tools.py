"""Measures what calling a tool costs: an MCP server in the sandbox, and a plugin's function beside the bare run."""

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from hub.cli.bench_figures import Figure, at, p50_and
from hub.clock import SystemClock
from hub.manifests import Allowance, load_plugin
from hub.packages.connections import Connection
from hub.packages.doorway import nowhere
from hub.packages.plugins import plugin_tools
from hub.packages.sandbox import Program, Sandbox
from hub.packages.scripts import Scripts
from hub.packages.transport import spoken
from hub.ports import ToolCall
from hub.records import HOME, OWNER, TaskId
from hub.store.documents import MemoryDocuments

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
PLUGIN = {
    "plugin.toml": """\
name = "bench"
version = "1.0.0"
description = "Adds."

[tools.add]
words = ["add"]
examples = [{ text = "Add 1 and 2", arguments = { a = 1, b = 2 } }]
others = ["Who are you?"]
""",
    "plugin.py": 'def add(a: int, b: int) -> int:\n    """Add two numbers."""\n    return a + b\n',
}


async def calling(folder: Path, *, calls: int) -> list[Figure]:
    """Call a tool of each kind, warm, one call after the other."""
    figures = await _plugin(folder / "bench", calls)
    if Sandbox().why_not:
        return figures
    return [*figures, *await _server(folder / "server", calls)]


async def _server(folder: Path, calls: int) -> list[Figure]:
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


async def _plugin(folder: Path, calls: int) -> list[Figure]:
    _lay(folder, PLUGIN)
    scripts = Scripts()
    plugin = load_plugin(folder)
    [tool] = plugin_tools({plugin.name: plugin}, (), scripts, MemoryDocuments())
    call = ToolCall(
        tool="add", arguments={"a": 1, "b": 2}, key="k", tenant=HOME, person=OWNER, agent="bench", task=TaskId("t")
    )
    try:
        whole = await _timed(lambda: tool.call(call), calls)
        bare = await _timed(lambda: scripts.call(plugin.program, "add(1, 2)", {}, Allowance(), {}), calls)
    finally:
        await scripts.close()
    beyond = (at(whole, 50) - at(bare, 50)) * 1000
    return [
        *p50_and(99, "a call of a plugin's function", whole, (None, None)),
        Figure(name="of which beyond the bare run, p50", value=max(beyond, 0.0), unit="ms", aim=1.0),
    ]


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
