"""MCP servers as packages: installed, listed, called, killed, and what a hostile one can't do."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.errors import EgressError, ManifestError, SandboxMissing, ToolError
from hub.packages import connections
from hub.packages.kinds import Opened
from hub.packages.sandbox import Sandbox
from hub.packages.server_tools import ServerTool
from hub.packages.servers import Servers
from hub.ports import Foreign, Outward, Packaged, Tool, ToolCall
from hub.records import HOME, OWNER, Edition, Package, PackageId, TaskId
from tests.unit.packages.confining import needs_sandbox
from tests.unit.packages.mcp_stub import bundle, files, lay
from tests.unit.packages.test_sandbox import running, wait_for

pytestmark = needs_sandbox
DATA = '[permissions]\nfs = "data"\n'
NET = '[permissions]\nnet = ["api.example.org", "other.example.org:8443"]\n'


def a_package(name: str = "stub", *grants: str) -> Package:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    edition = Edition(version="1.0.0", digest="abc", grants=grants)
    return Package(
        id=PackageId(name), tenant=HOME, kind="server", state="enabled", now=edition, created_at=now, updated_at=now
    )


def a_call(tool: str, **arguments: object) -> ToolCall:
    return ToolCall(
        tool=tool, arguments=arguments, key="k", tenant=HOME, person=OWNER, agent="default", task=TaskId("t")
    )


class Stage:
    """Servers, and what was opened with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = Servers(Sandbox(), SystemClock(), folder / "data", dial=self.dial)
        self.dialled: list[tuple[str, int]] = []
        self.opened: list[Opened] = []

    async def dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.dialled.append((host, port))
        raise EgressError("nobody is there")

    async def tools(self, named: dict[str, bytes] | None = None, *grants: str, name: str = "stub") -> dict[str, Tool]:
        """Build and open a package and return its tools."""
        place = lay(self.folder, named or files(), name)
        await self.servers.check(place)
        await self.servers.build(place, grants)
        opened = await self.servers.open(a_package(name, *grants), place)
        self.opened.append(opened)
        return {tool.name.partition(".")[2]: tool for tool in opened.tools}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for opened in stage.opened:
        await opened.close()
    assert wait_for(lambda: not [pid for pid in running("${__dirname}/server.py") if pid])


async def said(tool: Tool, **arguments: object) -> str:
    return await tool.call(a_call(tool.name, **arguments))


def pids() -> list[int]:
    """Return the processes of stub servers."""
    return [int(pid) for pid in running("/package/server.py")]


async def test_tools_are_listed_page_by_page_and_called(stage: Stage) -> None:
    tools = await stage.tools()

    assert len(tools) == 15
    assert await said(tools["add"], a=2, b=3) == "5"
    assert tools["add"].name == "stub.add"
    assert tools["getenv"].description == "Tell the environment."


async def test_no_program_runs_until_a_tool_is_called(stage: Stage) -> None:
    tools = await stage.tools()
    assert wait_for(lambda: not pids())

    await said(tools["add"], a=1, b=1)
    assert pids()


async def test_effects_are_taken_from_hints_and_else_are_the_worst(stage: Stage) -> None:
    tools = await stage.tools(files(DATA), "fs:data")

    assert [tools[name].effect for name in ("add", "write", "fail")] == ["none", "idempotent", "once"]


async def test_what_it_says_is_a_strangers_word_and_what_it_does_goes_out(stage: Stage) -> None:
    tools = await stage.tools()
    add, fail = tools["add"], tools["fail"]

    for ability in (Foreign, Outward, Packaged):
        assert isinstance(add, ability)
    assert isinstance(add, ServerTool)
    assert isinstance(fail, ServerTool)
    assert add.outside
    assert add.goes_out(a_call("stub.add"), "") == ""
    assert "may change" in fail.goes_out(a_call("stub.fail"), "")


async def test_with_a_network_everything_goes_out(stage: Stage) -> None:
    tools = await stage.tools(files(NET), "net:api.example.org", "net:other.example.org:8443")

    assert isinstance(tools["add"], ServerTool)
    assert "api.example.org" in tools["add"].goes_out(a_call("stub.add"), "")


async def test_an_error_is_told_in_its_own_words(stage: Stage) -> None:
    tools = await stage.tools()

    with pytest.raises(ToolError, match="no such thing"):
        await said(tools["fail"])


async def test_a_picture_is_noted_and_a_flood_is_cut(stage: Stage) -> None:
    tools = await stage.tools()

    assert await said(tools["picture"]) == "[image/png, 3 bytes, isn't shown]"
    assert len(await said(tools["flood"])) < 21_000


async def test_its_environment_has_nothing_of_the_hubs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "s3cret")
    tools = await stage.tools()

    assert "PLANTED" not in json.loads(await said(tools["getenv"]))


async def test_what_it_writes_to_its_errors_is_in_no_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tools = await stage.tools()
    await said(tools["add"], a=1, b=1)
    await stage.opened[0].close()

    assert "s3cret" not in caplog.text


# --- dying


async def test_a_server_that_was_killed_is_there_again_at_once(stage: Stage) -> None:
    tools = await stage.tools()
    await said(tools["add"], a=1, b=1)
    for pid in pids():
        with contextlib.suppress(ProcessLookupError):  # The first one took the others along.
            os.kill(pid, signal.SIGKILL)

    began = time.monotonic()
    assert await said(tools["add"], a=2, b=2) == "4"

    # How fast is measured by `agenthost bench --only tools`: a busy machine takes as long as it takes.
    assert time.monotonic() - began < 20


async def test_a_call_that_changes_nothing_is_repeated_when_the_server_dies_over_it(stage: Stage) -> None:
    tools = await stage.tools(files(DATA), "fs:data")

    assert await said(tools["die-once"]) == "alive"


async def test_a_call_that_may_change_something_is_not_repeated(stage: Stage) -> None:
    tools = await stage.tools()

    with pytest.raises(ToolError, match="nobody knows whether it's done"):
        await said(tools["die"])


async def test_one_that_dies_again_and_again_has_to_wait(stage: Stage) -> None:
    tools = await stage.tools()
    for _ in range(5):
        with contextlib.suppress(ToolError):
            await said(tools["die"])

    with pytest.raises(ToolError, match="times at once"):
        await said(tools["add"], a=1, b=1)


async def test_one_without_an_answer_is_called_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SOFT", 0.3)
    tools = await stage.tools()

    with pytest.raises(ToolError, match="no answer in time"):
        await said(tools["hang"])
    assert "cancel" in await said(tools["called-off"])


async def test_progress_gives_it_more_time_but_not_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SOFT", 0.4)
    tools = await stage.tools()
    assert await said(tools["slow"]) == "done"

    monkeypatch.setattr(connections, "HARD", 0.45)
    with pytest.raises(ToolError, match="no answer in time"):
        await said(tools["slow"])


async def test_a_task_that_is_stopped_calls_its_call_off(stage: Stage) -> None:
    tools = await stage.tools()
    await said(tools["add"], a=1, b=1)
    async with asyncio.TaskGroup() as group:
        call = group.create_task(said(tools["hang"]))
        await asyncio.sleep(0.1)
        call.cancel()

    assert "cancel" in await said(tools["called-off"])


async def test_calls_run_side_by_side(stage: Stage) -> None:
    tools = await stage.tools()

    answers = await asyncio.gather(*(said(tools["add"], a=n, b=n) for n in range(20)))

    assert answers == [str(2 * n) for n in range(20)]


async def test_closed_nothing_of_it_is_left(stage: Stage) -> None:
    tools = await stage.tools()
    await said(tools["add"], a=1, b=1)

    await stage.opened[0].close()

    assert wait_for(lambda: not pids())


# --- hostile ones


async def test_a_line_without_end_ends_the_server(stage: Stage) -> None:
    tools = await stage.tools()

    with pytest.raises(ToolError):
        await said(tools["line"])
    assert await said(tools["add"], a=1, b=1) == "2"


async def test_what_it_asks_of_the_model_is_declined(stage: Stage) -> None:
    tools = await stage.tools()

    assert "allowed" not in await said(tools["ask"])


async def test_it_reaches_only_hosts_that_were_granted(stage: Stage) -> None:
    tools = await stage.tools(files(NET), "net:api.example.org", "net:other.example.org:8443")

    assert " 403 " in await said(tools["reach"], to="evil.example.org:443")
    assert " 403 " in await said(tools["reach"], to="api.example.org:80")
    assert " 403 " in await said(tools["reach"], to="127.0.0.1:8080")
    assert stage.dialled == []
    assert " 502 " in await said(tools["reach"], to="api.example.org:443")
    assert stage.dialled == [("api.example.org", 443)]


async def test_without_a_granted_host_there_is_no_port_at_all(stage: Stage) -> None:
    tools = await stage.tools()

    with pytest.raises(ToolError):
        await said(tools["reach"], to="api.example.org:443")


async def test_its_folder_outlives_it_and_nothing_else_does(stage: Stage) -> None:
    tools = await stage.tools(files(DATA), "fs:data")
    assert await said(tools["write"]) == "1"
    await stage.opened[0].close()

    assert await said(tools["write"]) == "2"


async def test_tools_that_its_manifest_does_not_name_are_left_out(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    named = files(arguments=', "extra"]\ntools = ["add"')

    assert list(await stage.tools(named)) == ["add"]
    assert "'extra': the manifest doesn't name it" in caplog.text


async def test_one_that_cannot_start_is_refused_with_its_last_words(stage: Stage) -> None:
    with pytest.raises(ManifestError, match="stub can't be started: it has no flux"):
        await stage.tools(files(arguments=', "broken"'))


async def test_without_a_sandbox_it_is_not_even_listed(tmp_path: Path) -> None:
    servers = Servers(Sandbox(which=lambda _: None), SystemClock(), tmp_path / "data")
    place = lay(tmp_path, files())

    with pytest.raises(SandboxMissing, match="don't run here: bwrap isn't installed"):
        await servers.build(place, ())
    assert any("isn't confined here" in note for note in servers.sheet(place).notes)


# --- MCP bundles


async def test_a_bundle_is_used_as_it_is(stage: Stage) -> None:
    tools = await stage.tools(bundle(), name="stub-server")

    assert tools["add"].name == "stub-server.add"
    assert await said(tools["add"], a=1, b=2) == "3"


async def test_settings_reach_a_bundle_and_secrets_are_named_and_asked_for(stage: Stage, tmp_path: Path) -> None:
    config = {
        "api_key": {"type": "string", "title": "Key", "description": "A key", "sensitive": True, "required": True},
        "units": {"type": "string", "title": "Units", "description": "Units", "default": "metric"},
    }
    run = {"command": "python", "args": ["${__dirname}/server.py"]}
    env = {"KEY": "${user_config.api_key}", "UNITS": "${user_config.units}"}
    named = bundle(
        user_config=config, server={"type": "python", "entry_point": "server.py", "mcp_config": {**run, "env": env}}
    )
    place = lay(tmp_path, named, "stub-server")
    sheet = stage.servers.sheet(place)
    assert sheet.asks == ("secrets:STUB_SERVER_API_KEY",)
    assert "secret STUB_SERVER_API_KEY isn't set: put it into [[packages.secrets]]" in sheet.notes
    with pytest.raises(ManifestError, match="STUB_SERVER_API_KEY isn't set"):
        await stage.servers.open(a_package("stub-server", *sheet.asks), place)

    stage.servers = Servers(Sandbox(), SystemClock(), tmp_path / "data", secrets={"STUB_SERVER_API_KEY": "canary-7"})
    tools = await stage.tools(named, *sheet.asks, name="stub-server")
    env = json.loads(await said(tools["getenv"]))

    # It has the secret, and says it: what's handed on, to models and into answers, has its name in its place.
    assert (env["KEY"], env["UNITS"]) == ("{{STUB_SERVER_API_KEY}}", "metric")


async def test_a_server_that_dies_of_a_secret_does_not_tell_it(stage: Stage, tmp_path: Path) -> None:
    config = {"api_key": {"type": "string", "title": "Key", "description": "A key", "sensitive": True}}
    script = "import os, sys; sys.stderr.write('no good: ' + os.environ['KEY']); sys.exit(1)"
    env = {"KEY": "${user_config.api_key}"}
    run = {"command": "python", "args": ["-c", script], "env": env}
    named = bundle(user_config=config, server={"type": "python", "entry_point": "server.py", "mcp_config": run})
    stage.servers = Servers(Sandbox(), SystemClock(), tmp_path / "data", secrets={"STUB_SERVER_API_KEY": "canary-7"})

    with pytest.raises(ManifestError, match=r"no good: \{\{STUB_SERVER_API_KEY\}\}"):
        await stage.tools(named, "secrets:STUB_SERVER_API_KEY", name="stub-server")


# --- install scripts


async def test_an_install_script_writes_to_its_package(stage: Stage) -> None:
    script = {"install.py": b"open('/package/made.txt', 'w').write('made')"}
    await stage.tools({**files('[install]\nscript = "install.py"\n'), **script})

    place = stage.folder / "1.0.0-abc" / "stub"
    assert (place / "made.txt").read_text() == "made"
    assert (place / "made.txt").stat().st_uid == os.geteuid()


HOSTILE = {
    "fails": ("import sys; print('no compiler'); sys.exit(4)", "exit status 4: no compiler"),
    "leaves a link out": ("import os; os.symlink('/etc/shadow', '/package/x')", "a link out of the package, x"),
    "changes its manifest": ("open('/package/server.toml', 'a').write('x')", "Read-only file system|Permission"),
    "replaces its manifest": ("import os; os.rename('/package/server.py', '/package/server.toml')", "busy|Permission"),
    "reaches the network": ("import socket; socket.create_connection(('1.1.1.1', 53), 2)", "Network is unreachable"),
    "makes a pipe": ("import os; os.mkfifo('/package/pipe')", "neither a file nor a folder"),
    "makes a second name": ("import os; os.link('/package/server.py', '/package/b')", "second name"),
}


@pytest.mark.parametrize("way", HOSTILE)
async def test_an_install_script_is_refused_that(way: str, stage: Stage) -> None:
    program, told = HOSTILE[way]
    named = {**files('[install]\nscript = "install.py"\n'), "install.py": program.encode()}

    with pytest.raises(ManifestError, match=told):
        await stage.tools(named)
