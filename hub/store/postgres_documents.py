"""Small documents with one owner, in a table that several hubs share: the same quota, and the same order, as in files.

An owner is called as the file would be, so that files and rows can be turned into each other.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreUnavailable
from hub.store import postgres_server
from hub.store.columns import keepable
from hub.store.documents import QUOTA, Tables, file_name, within
from hub.store.tables import documents

T = TypeVar("T")
Document = Mapping[str, object]
TABLE = "_default"
"""TinyDB's name for what a file holds."""


class PostgresDocuments:
    """Documents in PostgreSQL: changes of one owner's happen one after another, whichever hub makes them."""

    def __init__(self, url: URL, quota: int = QUOTA) -> None:
        self._engine = postgres_server.writing(url)
        self._quota = quota
        # One thread for all, as over files: documents are read and written seldom.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")

    async def close(self) -> None:
        """Finish what was begun, and let go of the server."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    async def put(self, owner: str, id: str, document: Document) -> None:
        await self._with(owner, lambda connection, name: put(connection, name, owner, id, document, self._quota))

    async def get(self, owner: str, id: str) -> Document | None:
        found = await self._with(owner, tables_of)
        return next((each["document"] for each in found[TABLE].values() if each["id"] == keepable(id)), None)

    async def all(self, owner: str) -> tuple[tuple[str, Document], ...]:
        found = await self._with(owner, tables_of)
        return tuple((each["id"], each["document"]) for each in found[TABLE].values())

    async def remove(self, owner: str, id: str) -> bool:
        def removed(connection: Connection, name: str) -> bool:
            found = delete(documents).where(documents.c.owner == name, documents.c.id == id)
            return bool(connection.execute(found).rowcount)

        return await self._with(owner, removed)

    async def owners(self) -> tuple[str, ...]:
        def named(connection: Connection, _: str) -> tuple[str, ...]:
            return tuple(sorted(connection.execute(select(documents.c.name).distinct()).scalars()))

        return tuple(filter(None, await self._with("", named)))

    async def forget(self, owner: str) -> None:
        def forgotten(connection: Connection, name: str) -> None:
            connection.execute(delete(documents).where(documents.c.owner == name))

        await self._with(owner, forgotten)

    async def _with(self, owner: str, work: Callable[[Connection, str], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._use, owner, work)

    def _use(self, owner: str, work: Callable[[Connection, str], T]) -> T:
        try:
            return self._once(owner, work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise _away(owner, error) from None
        # The kept connection was that of a server which was started again since. Doing it twice does no harm.
        try:
            return self._once(owner, work)
        except DBAPIError as error:
            raise _away(owner, error) from None

    def _once(self, owner: str, work: Callable[[Connection, str], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection, file_name(owner))


def put(connection: Connection, owner: str, name: str, id: str, document: Document, quota: int) -> None:
    """Keep a document under an id; raises TooLarge above the quota. `owner` is the file's name of who has that name."""
    lock = int.from_bytes(sha256(owner.encode()).digest()[:8], signed=True)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock})
    id, kept = keepable(id), tables_of(connection, owner)
    rows = kept[TABLE]
    position = next((number for number, each in rows.items() if each["id"] == id), None)
    fresh = str(max(map(int, rows), default=0) + 1)
    rows[position or fresh] = {"id": id, "document": dict(document)}
    within(quota, kept)
    packed = json.dumps(document, ensure_ascii=False)
    if position is None:
        connection.execute(
            insert(documents).values(owner=owner, name=name, id=id, position=int(fresh), document=packed)
        )
    else:
        where = (documents.c.owner == owner, documents.c.position == int(position))
        connection.execute(update(documents).where(*where).values(document=packed))


def tables_of(connection: Connection, owner: str) -> Tables:
    """Return an owner's documents as their file would have them. `owner` is a file's name."""
    asked = select(documents.c.position, documents.c.id, documents.c.document)
    found = connection.execute(asked.where(documents.c.owner == owner).order_by(documents.c.position))
    rows: dict[str, Any] = {
        str(row.position): {"id": row.id, "document": json.loads(row.document)} for row in found.all()
    }
    return {TABLE: rows}


def _away(owner: str, error: DBAPIError) -> StoreUnavailable:
    reason = str(error.orig).partition("\n")[0]
    return StoreUnavailable(f"the documents of {owner} can't be kept: {reason}")
