"""The tools that ship, over stand-ins for what's outside: a few pages, and a task with files that its person sent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from hub.errors import EgressError
from hub.ports import Add, Fetched, Tool
from hub.records import HOME, OWNER, File, PersonId, TaskId, TenantId, Text
from hub.store.documents import MemoryDocuments
from hub.store.files import MemoryFiles
from hub.store.memory import MemoryStore
from hub.testing import FakeAims, FakeClock, FakeEgress, FakeErrands, FakeHumans, MemoryWorkspaces, a_message, a_task
from hub.times.zones import Zones
from hub.tools.attached import Attached
from hub.tools.shipped import Shipped
from tests.unit.packages.outfit import Notes

TASK = TaskId("t")
NEWS = "https://example.org/news"
PAGE = (
    b"<html><head><title>News of Bonn</title></head><body><nav><a href='/'>Home</a></nav><main><h1>News</h1>"
    b"<p>The new bridge over the Rhine was opened on Monday, said the mayor to the people who had come.</p>"
    b"<p>It took four years to build it, and a fifth until the lamps were there that had been promised.</p>"
    b"<a href='/bridge'>The bridge</a></main></body></html>"
)


class World(Struct, frozen=True, kw_only=True):
    """What the tools work on."""

    clock: FakeClock
    store: MemoryStore
    files: MemoryFiles
    workspaces: MemoryWorkspaces
    egress: FakeEgress
    errands: Notes
    aims: FakeAims
    attached: Attached
    tools: Mapping[str, Tool]

    async def send(
        self,
        name: str,
        data: bytes,
        media_type: str = "text/plain",
        *,
        task: TaskId | None = TASK,
        person: PersonId = OWNER,
        tenant: TenantId = HOME,
    ) -> File:
        """Have a person send a file."""
        sha256, size = await self.files.put(data, limit=10**9)
        file = File(name=name, media_type=media_type, size=size, sha256=sha256)
        message = a_message(task=task, person=person, tenant=tenant, state="answered", parts=(Text("Look"), file))
        await self.store.commit(Add(message))
        return file

    def page(self, url: str, body: bytes, kind: str = "text/html", status: int = 200) -> None:
        """Put a page into the web."""
        self.egress.answers[url] = Fetched(url=url, status=status, headers={"content-type": kind}, body=body)

    def gone(self, url: str, why: str) -> None:
        """Have an address refused."""
        self.egress.answers[url] = EgressError(f"{url}: {why}")


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    """Build it, and end the tools' processes at the end."""
    clock, store, files, workspaces, egress = (
        FakeClock(),
        MemoryStore(),
        MemoryFiles(),
        MemoryWorkspaces(),
        FakeEgress(),
    )
    await store.open()
    await store.commit(Add(a_task(id=TASK)))
    errands, aims = Notes(), FakeAims()
    shipped = Shipped(
        clock=clock,
        zones=Zones(MemoryDocuments(), "Europe/Berlin"),
        store=store,
        files=files,
        workspaces=workspaces,
        egress=egress,
        errands=errands,
        aims=aims,
        humans=FakeHumans(operators=()),
        outlining=FakeErrands(),
        splits=FakeErrands(),
        search=folder / "search",
    )
    world = World(
        clock=clock,
        store=store,
        files=files,
        workspaces=workspaces,
        egress=egress,
        errands=errands,
        aims=aims,
        attached=shipped.workspaces,
        tools={tool.name: tool for tool in shipped.tools},
    )
    world.page(NEWS, PAGE)
    try:
        yield world
    finally:
        await shipped.close()
