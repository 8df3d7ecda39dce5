"""A process that erases a person and is killed on the way: run with the folder, and a failpoint in the environment."""

import asyncio
import sys
from pathlib import Path

from hub.clock import SystemClock
from hub.flow.forgetting import Forgetting
from hub.flow.leaving import Leaving
from hub.records import HOME, Person, PersonId, Task
from hub.store.documents import FileDocuments
from hub.store.files import FileStore
from hub.store.sql import SqlStore
from hub.store.workspaces import FolderWorkspaces

BEA = PersonId("bea-0193")


async def opened(folder: Path) -> tuple[SqlStore, FileStore, FileDocuments, FolderWorkspaces, Leaving]:
    """Return what a hub in this folder stands on, and what erases people there."""
    store, files = SqlStore.in_folder(folder), FileStore(folder / "files")
    documents, workspaces = FileDocuments(folder / "documents"), FolderWorkspaces(folder / "workspaces")
    await store.open()
    await files.open()
    await workspaces.open()

    async def cancel(task: Task) -> Task:
        return task

    def forgotten(person: Person, links: object) -> None:
        """Nobody here remembers anybody."""

    leaving = Leaving(
        store, files, documents, SystemClock(), Forgetting(store, workspaces), cancel=cancel, forgotten=forgotten
    )
    return store, files, documents, workspaces, leaving


async def main(folder: Path) -> None:
    """Erase Bea, unless that was done."""
    store, _, _, _, leaving = await opened(folder)
    known = await store.person(HOME, BEA)
    for person in await store.leaving() or ([await leaving.begin(HOME, BEA)] if known else []):
        await leaving.finish(person)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
