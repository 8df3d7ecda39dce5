"""Commands by which a task is checked: in the sandbox, over a copy of the task's files that's thrown away."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

from hub.errors import EgressRefused, SandboxMissing, ToolError
from hub.packages.builds import watched_run
from hub.packages.sandbox import Limits, Program, Sandbox
from hub.ports import Workspaces
from hub.records import TaskId, TenantId

SECONDS = 60.0
LIMITS = Limits(memory_mb=512, cpu_seconds=60, processes=32, file_mb=64, scratch_mb=64, disk_mb=128)


class Ran(Struct, frozen=True, kw_only=True):
    """How a command ended."""

    said: str
    """The end of what it wrote."""
    status: int | None = None
    """None: it was ended, or never began."""
    ended: str = ""
    """Why, in words."""


class Commands:
    """Runs commands over tasks' files."""

    def __init__(
        self, sandbox: Sandbox, workspaces: Workspaces, *, seconds: float = SECONDS, limits: Limits = LIMITS
    ) -> None:
        self._sandbox = sandbox
        self._workspaces = workspaces
        self._seconds = seconds
        self._limits = limits

    async def run(self, tenant: TenantId, task: TaskId, command: tuple[str, ...]) -> Ran:
        """Run a command, without a shell and without a network, and return how it ended.

        Raises SandboxMissing where no program can be confined, whatever the operator's config lets packages do.
        """
        if why_not := await asyncio.to_thread(lambda: self._sandbox.why_not):
            raise SandboxMissing(why_not)
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="agenthost-check-"))
        program = Program(
            package=f"check-{task}", argv=command, folder=folder / "files", writes=True, limits=self._limits
        )
        try:
            await self._copy(tenant, task, program)
            said, status = await watched_run(self._sandbox, program, (), _nowhere, self._seconds)
        except ToolError as error:
            return Ran(said="", ended=f"its files can't be read: {error}")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if isinstance(status, int):
            return Ran(said=said, status=status)
        return Ran(said=said, ended=f"it took longer than {self._seconds:g} seconds" if status == "time" else status)

    async def _copy(self, tenant: TenantId, task: TaskId, program: Program) -> None:
        """Copy what can be asked for by its path; links and whatever else was planted there isn't."""
        program.folder.mkdir()
        for file in await self._workspaces.list(tenant, task):
            data = await self._workspaces.read(tenant, task, file.path)
            await asyncio.to_thread(_write, program.folder / file.path, data)
        await asyncio.to_thread(self._sandbox.give, program.folder, program.package)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755)


async def _nowhere(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    raise EgressRefused(f"{host}:{port}: a check has no network")
