"""What a hub's machine has run and cost: one line for each run, from the asking to the end."""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from hub.waker.spool import Spool

HOUR = 3600.0
COLUMNS = "id, began, ready, ended, price, error, free"


class Run(Struct, frozen=True, kw_only=True):
    """One run of a hub; times in seconds since 1970, the price that of an hour."""

    id: int
    began: float
    ready: float | None
    ended: float | None
    price: float
    error: str
    free: float = 0.0
    """Seconds of it that its provider takes nothing for: it was only starting, or stopping."""

    def cost(self, now: float, since: float = 0.0) -> float:
        """Return what it has cost, of the time after `since`; one that isn't known to have ended runs still."""
        span = (self.ended if self.ended is not None else now) - max(self.began, since)
        return max(0.0, span - self.free) / HOUR * self.price


class Ledger:
    """One hub's runs."""

    def __init__(self, spool: Spool, hub: str) -> None:
        self._spool = spool
        self._hub = hub

    async def began(self, now: float, price: float) -> int:
        """Write down that it's started; return the run's number."""
        [row] = await self._spool.ask(
            "INSERT INTO runs (hub, began, price) VALUES (?, ?, ?) RETURNING id", self._hub, now, price
        )
        return int(str(row[0]))

    async def ready(self, run: int, now: float) -> None:
        """Write down that it's up."""
        await self._spool.ask("UPDATE runs SET ready = ? WHERE id = ? AND ready IS NULL", now, run)

    async def ended(self, now: float, error: str = "") -> None:
        """Write down that no machine of it runs any more."""
        await self._spool.ask(
            "UPDATE runs SET ended = ?, error = ? WHERE hub = ? AND ended IS NULL", now, error, self._hub
        )

    async def free(self, seconds: float) -> None:
        """Write down that its provider takes nothing for so long of the run that goes on."""
        await self._spool.ask(
            "UPDATE runs SET free = free + ? WHERE hub = ? AND ended IS NULL", max(0.0, seconds), self._hub
        )

    async def running(self) -> Run | None:
        """Return the run that isn't known to have ended."""
        found = await self._runs("ended IS NULL", 1)
        return found[0] if found else None

    async def starts_since(self, since: float) -> int:
        """Return how often it was started since a time."""
        [row] = await self._spool.ask("SELECT count(*) FROM runs WHERE hub = ? AND began > ?", self._hub, since)
        return int(str(row[0]))

    async def last(self, count: int) -> tuple[Run, ...]:
        """Return the newest runs, newest first."""
        return await self._runs("1 = 1", count)

    async def spent_this_month(self, now: float) -> float:
        """Return what this calendar month (UTC) has cost so far."""
        today = datetime.fromtimestamp(now, UTC)
        first = float(calendar.timegm((today.year, today.month, 1, 0, 0, 0)))
        rows = await self._spool.ask(
            f"SELECT {COLUMNS} FROM runs WHERE hub = ? AND (ended IS NULL OR ended > ?)",  # noqa: S608 - words of ours
            self._hub,
            first,
        )
        return sum(_run(row).cost(now, first) for row in rows)

    async def _runs(self, which: str, count: int) -> tuple[Run, ...]:
        rows = await self._spool.ask(
            f"SELECT {COLUMNS} FROM runs WHERE hub = ? AND {which}"  # noqa: S608 - words of ours
            " ORDER BY id DESC LIMIT ?",
            self._hub,
            count,
        )
        return tuple(map(_run, rows))


def _run(row: Sequence[object]) -> Run:
    id, began, ready, ended, price, error, free = row
    return Run(
        id=int(str(id)),
        began=_number(began) or 0.0,
        ready=_number(ready),
        ended=_number(ended),
        price=_number(price) or 0.0,
        error=str(error),
        free=_number(free) or 0.0,
    )


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
