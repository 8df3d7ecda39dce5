"""PostgreSQL as `agenthost doctor` sees it: whether it answers, how fast, how much it holds, and what waits in it."""

import time

from msgspec import Struct
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.databases import Server
from hub.store import postgres_server
from hub.store.postgres_schema import revision_of
from hub.store.schema import SCHEMA

WAITING = (
    "SELECT count(*), min(coalesce(due_at, created_at)) FROM entries"
    " WHERE state = 'ready' AND coalesce(due_at, created_at) <= :now"
)
"""How many entries are due, and since when the first."""


class Answered(Struct, frozen=True, kw_only=True):
    """What a server says of itself and of the hub's database."""

    version: str
    ms: float
    """How long a question and its answer took."""
    bytes: int
    revision: str | None
    """The schema's; None: no hub was started over it yet."""
    waiting: int = 0
    oldest: int | None = None
    """Since when the first entry waits, in microseconds since 1970."""

    @property
    def known(self) -> bool:
        """Whether a hub of this version can work over it as it is."""
        return self.revision in (None, SCHEMA.head)


def ask(server: Server) -> Answered:
    """Ask a server; raises StartError with the way out."""
    url = postgres_server.url_of(server)
    engine = postgres_server.writing(url)
    try:
        return _asked(engine)
    except DBAPIError as error:
        raise postgres_server.unreachable(url, error) from None
    finally:
        engine.dispose()


def _asked(engine: Engine) -> Answered:
    with engine.connect() as connection:
        postgres_server.look_at(connection)
        began = time.perf_counter()
        version = connection.execute(text("SHOW server_version")).scalar_one()
        ms = (time.perf_counter() - began) * 1000
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        revision = revision_of(connection)
        count, oldest = 0, None
        if revision is not None:
            now = time.time_ns() // 1000
            count, oldest = connection.execute(text(WAITING), {"now": now}).one()
    return Answered(version=version.split()[0], ms=ms, bytes=size, revision=revision, waiting=count, oldest=oldest)
