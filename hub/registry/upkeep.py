"""What a registry forgets: tokens that are over, parts of old indexes, who fetched what yesterday, old answers."""

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from hub.errors import StoreUnavailable
from hub.ports import Clock
from hub.registry import replays
from hub.registry.shelf import Shelf, hold
from hub.registry.tables import downloaders, salts, shards, tokens
from hub.registry.tables import replays as answers

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
AT_ONCE = 5_000
"""Rows that one transaction removes, so that none keeps others waiting for long."""
SHOWN = timedelta(days=1)
"""Tokens that are over stay so long, for who wonders."""
READ = timedelta(hours=1)
"""Within which who has an older index has its shards too."""


class Upkeep:
    """Removes what nobody needs any more."""

    def __init__(self, shelf: Shelf, clock: Clock, *, at_once: int = AT_ONCE) -> None:
        self._shelf = shelf
        self._clock = clock
        self._at_once = at_once

    async def sweep(self) -> int:
        """Remove what's over; return how many rows that were. Raises StoreUnavailable."""
        now = self._clock.now()
        removed = 0
        for table, over in _over(now):
            count = self._at_once
            while count == self._at_once:
                count = await self._shelf.write(partial(_remove, table=table, over=over, most=self._at_once))
                removed += count
        return removed

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            await self._clock.sleep(EVERY.total_seconds())
            try:
                if removed := await self.sweep():
                    log.info("the registry forgot %d rows that were over", removed)
            except StoreUnavailable as error:
                log.warning("the registry can't be swept now: %s", error)


def _over(now: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    today = now.date().isoformat()
    return [
        (tokens, tokens.c.expires_at < now - SHOWN),
        (shards, shards.c.left_at < now - READ),
        (downloaders, downloaders.c.day < today),
        (salts, salts.c.day < today),
        (answers, answers.c.created_at < now - replays.KEPT),
    ]


def _remove(connection: Connection, table: Table, over: ColumnElement[bool], most: int) -> int:
    # Of several processes one sweeps at a time: two would wait for each other's rows.
    hold(connection, "upkeep")
    key = table.primary_key.columns
    some = select(*key).where(over).limit(most)
    return connection.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
