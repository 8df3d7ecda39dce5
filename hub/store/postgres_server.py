"""PostgreSQL as the hub uses it: how it's connected to, and what its errors mean to an operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from hub.databases import Server
from hub.errors import StartError

OLDEST = 13
"""The first that tells whether a transaction was committed whose end nobody heard."""
CONNECTING = {
    "connect_timeout": 10,
    "application_name": "agenthost",
    # A server whose machine vanished is noticed after half a minute, and not after hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
READING_MS = 30_000
"""So long a single query may take."""
PASSING = ("40001", "40P01", "55P03")
"""Serialisation failure, deadlock, lock not available: nothing was done, and the same may succeed now."""


def url_of(server: Server) -> URL:
    """Return how SQLAlchemy calls a database."""
    return URL.create(
        "postgresql+psycopg",
        username=server.user or None,
        password=str(server.password) or None,
        host=server.host or None,
        port=server.port,
        database=server.name,
        query=dict(server.options),
    )


def writing(url: URL, size: int = 1) -> Engine:
    """Return an engine for transactions that see what others have committed meanwhile."""
    return _engine(url, isolation_level="READ COMMITTED", pool_size=size, max_overflow=0)


def reading(url: URL, size: int) -> Engine:
    """Return an engine for single queries by so many threads."""
    engine = _engine(
        url,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
    )
    event.listen(engine, "connect", _read_only)
    return engine


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Lend a connection that sees the database as it is at one moment, whoever writes to it meanwhile."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def look_at(connection: Connection, key: str = "store.url") -> None:
    """Make sure that a server and a database will do; raises StartError."""
    version = connection.execute(text("SELECT current_setting('server_version_num')::int / 10000")).scalar_one()
    if version < OLDEST:
        raise StartError(f"{key}: the server is PostgreSQL {version}; AgentHost needs {OLDEST} or newer")
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one()
    if encoding != "UTF8":
        raise StartError(
            f"{key}: the database's encoding is {encoding}; make one with CREATE DATABASE ... ENCODING 'UTF8'"
            " TEMPLATE template0"
        )


def unreachable(url: URL, error: DBAPIError, key: str = "store.url") -> StartError:
    """Say why a database that a key names can't be used, and the way out; never with the password."""
    where, user = f"{url.host or 'localhost'}:{url.port or 5432}", url.username or "the system's user"
    said = _first_line(error)
    for words, found, way_out in (
        ("password authentication failed", f"{where} refuses the password of {user}", "mend it"),
        ("no password supplied", f"{where} asks for a password for {user}", f"write one into {key}"),
        ("does not exist", f"{where} says: {said}", _made(url)),
        ("no pg_hba.conf entry", f"{where} lets nobody in from here: {said}", "mend the server's pg_hba.conf"),
        ("permission denied", f"{user} may not do what's needed: {said}", _granted(url)),
        ("too many", f"{where} takes no more connections: {said}", "raise its max_connections"),
        ("SSL", f"{where}: {said}", "mend sslmode, or the server's certificate"),
        ("resolve host", f"no server is called {url.host}", "mend the host's name"),
    ):
        if words in said:
            return StartError(f"{key}: {found}; {way_out}")
    return StartError(f"{key}: {where} can't be reached ({said}); start PostgreSQL there, or mend the address")


def is_passing(error: DBAPIError) -> bool:
    """Say whether the same transaction, begun again, may succeed at once."""
    return getattr(error.orig, "sqlstate", None) in PASSING


def _made(url: URL) -> str:
    return (
        f"make it: CREATE ROLE {url.username} LOGIN PASSWORD '...'; CREATE DATABASE {url.database} OWNER {url.username}"
    )


def _granted(url: URL) -> str:
    return f"make it the owner: ALTER DATABASE {url.database} OWNER TO {url.username}"


def _first_line(error: DBAPIError) -> str:
    said = str(error.orig).strip().partition("\n")[0]
    return said.rpartition("FATAL:  ")[2].removeprefix("connection failed: ")


def _engine(url: URL, **how: Any) -> Engine:
    given = {name: value for name, value in CONNECTING.items() if name not in url.query}
    return create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True, connect_args=given, **how)


def _read_only(connection: Any, _: object) -> None:
    connection.execute("SET default_transaction_read_only = on")
    connection.execute(f"SET statement_timeout = {READING_MS}")
    connection.commit()
