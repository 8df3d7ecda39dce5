"""A small MCP server in plain Python, and packages of it."""

import json
from collections.abc import Mapping
from pathlib import Path

PROGRAM = """
import json, os, socket, sys, time

def tool(name, description, schema=None, **hints):
    return {"name": name, "description": description, "inputSchema": schema or {"type": "object"}, "annotations": hints}

NUMBER = {"type": "number"}
SUM = {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"]}
TOOLS = [
    tool("add", "Add two numbers.", SUM, readOnlyHint=True),
    tool("getEnv", "Tell the environment.", readOnlyHint=True),
    tool("write", "Write a file.", idempotentHint=True),
    tool("fail", "Fail."), tool("die", "Die."), tool("die-once", "Die once.", readOnlyHint=True), tool("hang", "Hang."),
    tool("slow", "Take a while, and say so."), tool("picture", "Return a picture."), tool("flood", "Write a lot."),
    tool("line", "Write an endless line."), tool("ask", "Ask the client something."), tool("reach", "Reach a host."),
    tool("count", "Count the calls."), tool("called-off", "Tell what was called off.", readOnlyHint=True),
]
if "extra" in sys.argv: TOOLS.append(tool("extra", "Not declared."))
calls, off, asked = 0, [], []

def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def text(words):
    return {"content": [{"type": "text", "text": str(words)}]}

def call(id, name, arguments, token):
    global calls
    calls += 1
    if name == "add": return text(arguments["a"] + arguments["b"])
    if name == "getEnv": return text(json.dumps(dict(os.environ)))
    if name == "write": open("/data/x", "a").write("x"); return text(os.path.getsize("/data/x"))
    if name == "fail": return {**text("no such thing"), "isError": True}
    if name == "die": os._exit(3)
    if name == "die-once":
        try: os.mkdir("/data/died")
        except FileExistsError: return text("alive")
        os._exit(3)
    if name == "hang": return None
    if name == "slow":
        for step in range(8):
            time.sleep(0.1)
            send(method="notifications/progress", params={"progressToken": token, "progress": step})
        return text("done")
    if name == "picture": return {"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]}
    if name == "flood": return text("x" * 100_000)
    if name == "line":
        while True: sys.stdout.write("x" * 1_000_000)
    if name == "ask":
        send(id="q1", method="sampling/createMessage", params={"messages": [], "maxTokens": 1})
        asked.append(id)
        return None
    if name == "reach":
        with socket.create_connection(("127.0.0.1", 3128), 5) as there:
            there.sendall(f"CONNECT {arguments['to']} HTTP/1.1\\\\r\\\\n\\\\r\\\\n".encode())
            return text(there.recv(200).decode())
    if name == "count": return text(calls)
    if name == "called-off": return text(off)

print("begun with s3cret", file=sys.stderr, flush=True)
if "broken" in sys.argv: sys.exit("it has no flux")
for line in sys.stdin:
    message = json.loads(line)
    id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
    if method == "initialize":
        send(id=id, result={"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                            "serverInfo": {"name": "stub", "version": "1"}})
    elif method == "tools/list":
        page = int(params.get("cursor") or 0)
        more = {"nextCursor": str(page + 4)} if page + 4 < len(TOOLS) else {}
        send(id=id, result={"tools": TOOLS[page:page + 4], **more})
    elif method == "tools/call":
        token = (params.get("_meta") or {}).get("progressToken")
        result = call(id, params["name"], params.get("arguments") or {}, token)
        if result: send(id=id, result=result)
    elif method == "notifications/cancelled": off.append(params.get("reason"))
    elif id == "q1": send(id=asked.pop(), result=text(json.dumps(message.get("error") or "allowed")))
    elif id is not None and method: send(id=id, error={"code": -32601, "message": "no such method"})
""".replace("\\\\r\\\\n", "\\r\\n")

MANIFEST = """\
name = "stub"
version = "1.0.0"
description = "A server to be tried out."

[server]
command = ["python3", "${__dirname}/server.py"MORE]
"""


def files(more: str = "", *, arguments: str = "", manifest: str = "") -> dict[str, bytes]:
    """Return a package with the server: `more` of its manifest, `arguments` of its command, or another manifest."""
    words = (manifest or MANIFEST).replace("MORE", arguments)
    return {"server.toml": f"{words}{more}".encode(), "server.py": PROGRAM.encode()}


def bundle(**more: object) -> dict[str, bytes]:
    """Return the server as an MCP bundle."""
    manifest = {
        "manifest_version": "0.3",
        "name": "Stub Server",
        "version": "1.0.0",
        "description": "A server to be tried out.",
        "author": {"name": "somebody"},
        "server": {
            "type": "python",
            "entry_point": "server.py",
            "mcp_config": {"command": "python", "args": ["${__dirname}/server.py"], "env": {}},
        },
        **more,
    }
    return {"manifest.json": json.dumps(manifest).encode(), "server.py": PROGRAM.encode()}


def lay(folder: Path, named: Mapping[str, bytes], name: str = "stub") -> Path:
    """Write a package's files where an installed one would lie, and return its folder."""
    place = folder / "1.0.0-abc" / name
    for path, data in named.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return place
