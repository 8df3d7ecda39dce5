"""What several hubs on one PostgreSQL need of it: connections, and the tables by which they share work.

Who lives, and has which lease, lasts: hubs go by it. Jobs only say where to look, and needn't.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from procrastinate import __version__ as procrastinate_version
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hub.errors import StartError, StoreUnavailable

T = TypeVar("T")
CONNECTIONS = 4
PATIENCE = 10.0
"""Seconds that a query waits for a connection, and for its answer."""
TABLES: LiteralString = """
CREATE TABLE IF NOT EXISTS hubs (
    boot text PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    name text NOT NULL,
    worker bigint NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    cleared_at timestamptz
);
CREATE TABLE IF NOT EXISTS leases (
    name text PRIMARY KEY,
    boot text NOT NULL REFERENCES hubs ON DELETE CASCADE,
    taken_at timestamptz NOT NULL
);
"""
SETUP = 0x41484D44
"""The advisory lock under which one hub makes the tables."""


class Database:
    """Single statements, each a transaction of its own, that don't wait for the disk unless they're lasting."""

    def __init__(self, url: str, application: str) -> None:
        self.url = url
        self.pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=PATIENCE,
            open=False,
            kwargs={
                "autocommit": True,
                "application_name": application,
                "connect_timeout": 5,
                # A server that dies forgets what it was told last: jobs are put and looked for again.
                "options": f"-c synchronous_commit=off -c statement_timeout={int(PATIENCE * 1000)}",
            },
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, and make the tables that aren't there yet; raises StartError."""
        try:
            await self.pool.open(wait=True, timeout=PATIENCE)
            async with self.pool.connection() as connection, connection.transaction():
                await _set_up(connection)
        except (psycopg.Error, PoolTimeout) as error:
            await self.pool.close()
            raise StartError(f"store.url: the hubs' tables can't be made there ({error})") from None

    async def close(self) -> None:
        """Let all connections go."""
        await self.pool.close()

    async def rows(
        self, statement: LiteralString, given: Mapping[str, object] | None = None, *, lasting: bool = False
    ) -> Sequence[Any]:
        """Return what a statement does, which a server that dies has forgotten unless it's lasting.

        Raises StoreUnavailable.
        """
        try:
            return await certainly_cut_off(self._rows(statement, given, lasting))
        except (psycopg.Error, PoolTimeout) as error:
            raise StoreUnavailable(f"the database can't be asked: {error}") from None

    async def _rows(self, statement: LiteralString, given: Mapping[str, object] | None, lasting: bool) -> Sequence[Any]:
        async with self.pool.connection() as connection:
            if not lasting:
                return await _done(connection, statement, given)
            async with connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit = on")
                return await _done(connection, statement, given)


async def certainly_cut_off(work: Coroutine[Any, Any, T]) -> T:
    """Return what a piece of work with the pool does; whoever is cancelled meanwhile is, once it has ended.

    The pool waits by Python 3.11's `wait_for`, which forgets a cancellation that comes together with what it waits for.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is told of it any more
        raise


async def _done(
    connection: psycopg.AsyncConnection, statement: LiteralString, given: Mapping[str, object] | None
) -> Sequence[Any]:
    cursor = await connection.execute(statement, given)
    return await cursor.fetchall() if cursor.description else ()


async def _set_up(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("SET LOCAL synchronous_commit = on")
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (SETUP,))
    found = await connection.execute("SELECT to_regclass('hubs'), to_regclass('procrastinate_jobs')")
    [hubs, jobs] = await found.fetchone() or (None, None)
    if hubs is None:
        await connection.execute(TABLES)
    if jobs is None:
        await connection.execute(SchemaManager.get_schema().encode())
        said = sql.SQL("COMMENT ON TABLE procrastinate_jobs IS {}").format(f"procrastinate {procrastinate_version}")
        await connection.execute(said)
