"""A package on its way through a hub that's thrown away afterwards: what its author wants to know before others do.

It's packed, checked, installed and called by the very parts that a hub has; only what stands around them is made up.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from hub.cli.around import TASK, Door, Notebook, lay_out
from hub.clock import SystemClock
from hub.errors import AgentHostError, ToolError
from hub.flow.schemas import fit
from hub.packages.archive import unpacked
from hub.packages.every import every_kind
from hub.packages.hosts import Supplies
from hub.packages.installer import Installed, Installer
from hub.packages.kinds import Sheet
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Example, Exemplary, Paused, Tool, ToolCall
from hub.records import HOME, OWNER
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.store.workspaces import FolderWorkspaces
from hub.tools import built_in

SECONDS = 30.0
"""For one call, as in a turn."""
PATIENCE = 300.0
"""Seconds for its own tests."""
SHOWN = 300
"""Characters of a result."""


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "fault", "skipped"]
    words: str = ""
    ms: float = 0.0


class Report(Struct, frozen=True, kw_only=True):
    """What came of it all."""

    id: str
    kind: str
    version: str
    asks: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def faults(self) -> int:
        """How many things want mending."""
        return sum(check.state == "fault" for check in self.checks)


async def tried(folder: Path, archive: bytes, *, net: bool = False, own_tests: bool = True) -> Report:
    """Try out a package: `archive` as it would be sent, and the tests that lie in `folder`.

    Without `net` no request goes out, whatever it asks for.
    """
    checks: list[Check] = []
    async with _stage(folder, net=net) as stage:
        sheet = await _installed(stage.installer, archive, checks)
        for tool in stage.tools():
            checks += await _called(tool, stage)
    if own_tests:
        checks.append(await _own_tests(folder))
    if sheet is None:
        return Report(id=_name(folder), kind="", version="", asks=(), checks=tuple(checks))
    return Report(id=sheet.name, kind=sheet.kind, version=sheet.version, asks=sheet.asks, checks=tuple(checks))


class _Stage:
    """A hub to be thrown away."""

    def __init__(
        self, installer: Installer, door: Door, notebook: Notebook, tools: Callable[[], Sequence[Tool]]
    ) -> None:
        self.installer = installer
        self.door = door
        self.notebook = notebook
        self.tools = tools


@asynccontextmanager
async def _stage(folder: Path, *, net: bool) -> AsyncIterator[_Stage]:
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agenthost-")))
        clock, documents, scripts = SystemClock(), MemoryDocuments(), Scripts()
        stack.push_async_callback(scripts.close)
        own = built_in(clock, ZoneInfo("UTC"), documents)
        now = [Installed()]
        door, notebook = Door(opened=net), Notebook(lambda: (*now[-1].tools, *own))
        workspaces = FolderWorkspaces(place / "workspaces")
        await workspaces.open()
        await lay_out(workspaces, folder)
        supplies = Supplies(egress=door, workspaces=workspaces, errands=notebook, seal=Seal(os.urandom(32)))
        kinds = every_kind(scripts, documents, supplies)
        taken = [tool.name for tool in own]
        installer = Installer(MemoryStore(), place / "packages", kinds, clock, tools=taken, agents=())
        stack.push_async_callback(installer.close)
        installer.watch(now.append)
        await installer.open()
        yield _Stage(installer, door, notebook, lambda: now[-1].tools)


async def _installed(installer: Installer, archive: bytes, checks: list[Check]) -> Sheet | None:
    """Have it installed and enabled with all that it asks for; return its sheet, or None if it can't be."""
    try:
        began = perf_counter()
        entries = await asyncio.to_thread(unpacked, archive)
        size = sum(len(entry.data) for entry in entries)
        checks.append(_ok("archive", f"{len(entries)} files, {size:,} bytes", began))
        began = perf_counter()
        package = await installer.install(archive, (), "tried", enable=False)
        sheet = await installer.sheet(package)
        checks.append(_ok("manifest", "and what it names, and its types", began))
        began = perf_counter()
        await installer.grant(package.id, sheet.asks)
        await installer.enable(package.id)
        checks.append(_ok("enabled", f"with {', '.join(sheet.asks)}" if sheet.asks else "it asks for nothing", began))
    except (AgentHostError, TimeoutError) as error:
        what = ("archive", "manifest", "enabled")[len(checks)]
        checks.append(Check(what=what, state="fault", words=str(error) or "took too long"))
        return None
    return sheet


# --- its tools


async def _called(tool: Tool, stage: _Stage) -> list[Check]:
    """Call a tool with its examples, as they'd come from an agent."""
    if not isinstance(tool, Exemplary):
        return [Check(what=tool.name, state="skipped", words="it has no examples")]
    return [await _example(tool, example, stage) for example in tool.examples]


async def _example(tool: Tool, example: Example, stage: _Stage) -> Check:
    what = f"{tool.name}: {_short(example.text)}"
    if not tool.fits(example.text):
        words = "the message has none of the tool's words, so it would never be offered; add one to words"
        return Check(what=what, state="fault", words=words)
    call = ToolCall(
        tool=tool.name,
        arguments=dict(example.arguments),
        key="tried:1",
        tenant=HOME,
        person=OWNER,
        agent="default",
        task=TASK,
    )
    stage.notebook.said_last, stage.door.refused = example.text, False
    began = perf_counter()
    try:
        fit(call.arguments, tool.schema)
        async with asyncio.timeout(SECONDS):
            result = await tool.call(call)
    except Paused as paused:
        return _ok(what, f"asks: {_short(paused.question)}", began)
    except ToolError as error:
        if stage.door.refused:
            return Check(what=what, state="skipped", words="it asks the network, which is off: give --net")
        return Check(what=what, state="fault", words=_short(str(error)), ms=_since(began))
    except TimeoutError:
        return Check(what=what, state="fault", words=f"gave no answer within {SECONDS:g} seconds", ms=_since(began))
    return _ok(what, _short(result), began)


# --- its own tests


async def _own_tests(folder: Path) -> Check:
    """Run the package's pytest tests in a process of their own: as whoever calls this, in no sandbox."""
    if not _has_tests(folder):
        return Check(what="own tests", state="skipped", words="it has no test_*.py")
    if find_spec("pytest") is None:
        return Check(what="own tests", state="skipped", words="pytest isn't installed here")
    began = perf_counter()
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "-c", "/dev/null", "."),
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await run.communicate()
    except TimeoutError:
        run.kill()
        await run.wait()
        return Check(what="own tests", state="fault", words=f"took longer than {PATIENCE:g} seconds")
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "said nothing"
    if run.returncode == 0:
        return _ok("own tests", last, began)
    return Check(what="own tests", state="fault", words="\n".join(lines[-30:]), ms=_since(began))


def _has_tests(folder: Path) -> bool:
    return any(folder.rglob("test_*.py"))


def _name(folder: Path) -> str:
    return folder.absolute().name


def _ok(what: str, words: str, began: float) -> Check:
    return Check(what=what, state="ok", words=words, ms=_since(began))


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
