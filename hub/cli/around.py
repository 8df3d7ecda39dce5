"""What stands around a package that's tried out, in place of a hub's tasks, people and network."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from hub.egress.guard import GuardedEgress
from hub.errors import EgressError, ToolError
from hub.ports import Egress, Fetched, Tool, ToolCall
from hub.records import HOME, File, TaskId
from hub.store.workspaces import FolderWorkspaces

TASK = TaskId("tried")
EXAMPLES = "examples"
"""A package's folder whose files lie in the task's workspace when its tools are tried."""
MOST = 10_000_000
"""Bytes of one of them."""


class Door:
    """The network, open or shut; tells whether somebody knocked in vain."""

    def __init__(self, *, opened: bool) -> None:
        self._egress: Egress | None = GuardedEgress() if opened else None
        self.refused = False

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        hosts: Sequence[str] = (),
        limit: int = 5_000_000,
        seconds: float = 30.0,
        redirects: int = 3,
        cut: bool = False,
    ) -> Fetched:
        """See Egress."""
        if self._egress is None:
            self.refused = True
            raise EgressError(f"{url}: isn't asked; the network is off")
        return await self._egress.fetch(
            url,
            method=method,
            headers=headers,
            body=body,
            hosts=hosts,
            limit=limit,
            seconds=seconds,
            redirects=redirects,
            cut=cut,
        )


class Notebook:
    """Errands that are only written down; other tools are called if they're there."""

    def __init__(self, tools: Callable[[], Sequence[Tool]]) -> None:
        self._tools = tools
        self.said_last = ""
        """What the person is taken to have said."""

    async def say(self, call: ToolCall, text: str) -> None:
        """See Errands."""

    async def said(self, call: ToolCall) -> tuple[str, ...]:
        """See Errands."""
        return (self.said_last,) if self.said_last else ()

    async def send(self, call: ToolCall, file: File) -> None:
        """See Parcels."""

    async def received(self, call: ToolCall) -> tuple[File, ...]:
        """See Parcels."""
        return ()

    async def plan(self, call: ToolCall, when: str, text: str) -> str:
        """See Errands."""
        return f"planned for {when}"

    async def use(self, call: ToolCall, tool: str, arguments: Mapping[str, object]) -> str:
        """See Errands."""
        found = next((known for known in self._tools() if known.name == tool), None)
        if found is None:
            raise ToolError(f"There's no tool {tool} where this is tried out.")
        return await found.call(replace(call, tool=tool, arguments=arguments))


async def lay_out(workspaces: FolderWorkspaces, folder: Path) -> None:
    """Put a package's example files into the workspace of the task that its tools are tried in."""
    for path, data in _examples(folder):
        await workspaces.write(HOME, TASK, path, data)


def _examples(folder: Path) -> list[tuple[str, bytes]]:
    root = folder / EXAMPLES
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.stat().st_size <= MOST]
    return [(path.relative_to(root).as_posix(), path.read_bytes()) for path in files]
