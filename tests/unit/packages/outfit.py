"""A hub's supplies for programs, made up: an outside, workspaces, errands; and programs written for one test."""

from collections.abc import Mapping
from pathlib import Path

from hub.errors import ToolError
from hub.manifests import Plugin, load_plugin
from hub.packages.hosts import Supplies
from hub.packages.plugins import PluginTool, plugin_tools
from hub.packages.scripts import Scripts
from hub.packages.seals import Seal
from hub.ports import Documents, Fetched, ToolCall, WorkFile
from hub.records import HOME, OWNER, File, TaskId, TenantId
from hub.store.documents import MemoryDocuments
from hub.testing import FakeEgress

KEY = "s3cr3t/value=="
MANIFEST = """
name = "probe"
version = "1.0.0"
description = "Tries things out."
[permissions]
PERMISSIONS
[tools.probe]
words = ["probe"]
examples = [{ text = "Probe it.", arguments = {} }]
others = ["Hello."]
effect = "EFFECT"
"""


class Folders:
    """Workspaces in memory, without any checks of their own."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = {(HOME, TaskId("t"), path): data for path, data in (files or {}).items()}

    async def folder(self, tenant: TenantId, task: TaskId) -> Path:
        raise ToolError("There's no folder.")

    async def list(self, tenant: TenantId, task: TaskId) -> tuple[WorkFile, ...]:
        mine = sorted((path, len(data)) for (*whose, path), data in self.files.items() if whose == [tenant, task])
        return tuple(WorkFile(path=path, size=size) for path, size in mine)

    async def read(self, tenant: TenantId, task: TaskId, path: str) -> bytes:
        if (tenant, task, path) not in self.files:
            raise ToolError(f"{path}: there's no such file.")
        return self.files[tenant, task, path]

    async def write(self, tenant: TenantId, task: TaskId, path: str, data: bytes) -> None:
        self.files[tenant, task, path] = data

    async def remove(self, tenant: TenantId, task: TaskId, path: str) -> bool:
        return self.files.pop((tenant, task, path), None) is not None

    async def clear(self, tenant: TenantId, task: TaskId) -> None:
        self.files.clear()

    async def kept(self) -> tuple[tuple[TenantId, TaskId], ...]:
        return tuple({(tenant, task): None for tenant, task, _ in self.files})


class Notes:
    """Errands that are only written down."""

    def __init__(self, *said: str) -> None:
        self.heard = said
        self.done: list[tuple[str, str, str]] = []

    async def said(self, call: ToolCall) -> tuple[str, ...]:
        return self.heard

    async def say(self, call: ToolCall, text: str) -> None:
        self.done.append(("say", call.key, text))

    async def send(self, call: ToolCall, file: File) -> None:
        self.done.append(("send", call.key, file.name))

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        return ()

    async def plan(self, call: ToolCall, when: str, text: str) -> str:
        if when == "never":
            raise ToolError("That's no time.")
        self.done.append(("plan", call.key, f"{when}: {text}"))
        return f"planned for {when}"

    async def use(self, call: ToolCall, tool: str, arguments: Mapping[str, object]) -> str:
        self.done.append(("use", call.key, f"{tool} {dict(arguments)}"))
        return "12 km"


def an_answer(body: str, kind: str = "application/json", status: int = 200, **headers: str) -> Fetched:
    """Return what a host answers."""
    return Fetched(url="", status=status, headers={"content-type": kind, **headers}, body=body.encode())


def supplies(
    answers: Mapping[str, Fetched] | None = None, files: Mapping[str, bytes] | None = None, errands: Notes | None = None
) -> Supplies:
    """Return what a hub has for programs."""
    return Supplies(
        egress=FakeEgress(answers),
        workspaces=Folders(files),
        errands=errands or Notes(),
        secrets={"KEY": KEY, "OTHER": "another-one", "EMPTY": ""},
        seal=Seal(b"k" * 32),
    )


def a_program(folder: Path, permissions: str, program: str, effect: str = "none") -> Plugin:
    """Write a plugin with one tool, `probe`, whose body `program` is (or the whole program, if it has it)."""
    (folder / "probe").mkdir(exist_ok=True)
    manifest = MANIFEST.replace("PERMISSIONS", permissions).replace("EFFECT", effect)
    if "def probe(" not in program:
        lines = "".join(f"    {line}\n" for line in program.strip().splitlines())
        program = f'async def probe() -> Any:\n    """Try something out here."""\n{lines}'
        program = f"from typing import Any\n\n{program}"
    (folder / "probe" / "plugin.toml").write_text(manifest, encoding="utf-8")
    (folder / "probe" / "plugin.py").write_text(program, encoding="utf-8")
    return load_plugin(folder / "probe")


def tool_of(plugin: Plugin, scripts: Scripts, given: Supplies, documents: Documents | None = None) -> PluginTool:
    """Return its tool."""
    return plugin_tools({plugin.name: plugin}, (), scripts, documents or MemoryDocuments(), given)[0]


def a_call(tool: str = "probe", *, key: str = "turn-1:1", task: str = "t", **arguments: object) -> ToolCall:
    """Return a call as a turn would make it."""
    return ToolCall(
        tool=tool, arguments=arguments, key=key, tenant=HOME, person=OWNER, agent="default", task=TaskId(task)
    )
