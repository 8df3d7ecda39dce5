"""What remote models cost: prices, and how much of the day's money is spent."""

import asyncio
import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from hub.errors import LLMAway, StoreError
from hub.ports import Clock, Documents

log = logging.getLogger(__name__)

OWNER = "money"
"""Whose documents the days are, one for each."""

MILLION = 1_000_000


class Prices(Struct, frozen=True, kw_only=True):
    """Of a million tokens, in whatever unit the operator counts."""

    tokens_in: float = 0.0
    cached: float | None = None
    """Of those in the prompt that the server still knew; None: as any others."""
    tokens_out: float = 0.0

    @property
    def free(self) -> bool:
        """Whether nothing costs anything."""
        return not (self.tokens_in or self.cached or self.tokens_out)

    def of(self, tokens_in: int, cached: int, tokens_out: int) -> float:
        """Return what a request cost; `cached` are among `tokens_in`."""
        known = self.tokens_in if self.cached is None else self.cached
        return ((tokens_in - cached) * self.tokens_in + cached * known + tokens_out * self.tokens_out) / MILLION


class Day(Struct, frozen=True, kw_only=True):
    """What a day has cost so far."""

    spent: float = 0.0
    requests: int = 0


class Purse:
    """The hub's money for a day, from midnight to midnight in its time zone; `limit` 0 is no limit.

    What was spent is kept in the documents, so that a restart forgets nothing. A request under way is counted when it's
    over: the limit may be passed by those that were begun before it was reached.
    """

    def __init__(self, documents: Documents, clock: Clock, zone: str, limit: float) -> None:
        self._documents = documents
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._limit = limit
        self._name = ""
        self._day = Day()
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Read what today has cost already."""
        async with self._one:
            self._name = self._today()
            self._day = await self._kept()

    @property
    def spent(self) -> float:
        """Return what today has cost so far."""
        return self._day.spent if self._name == self._today() else 0.0

    @property
    def empty(self) -> str:
        """Say that today's money is spent, or nothing."""
        if not self._limit or (spent := self.spent) < self._limit:
            return ""
        return (
            f"today's money for remote models is spent ({spent:.4g} of {self._limit:g}); it goes on at"
            f" midnight ({self._zone.key}), or raise limits.money_per_day"
        )

    def check(self) -> None:
        """Raise LLMAway if today's money is spent."""
        if words := self.empty:
            raise LLMAway(words)

    async def spend(self, money: float) -> None:
        """Count what a request cost."""
        async with self._one:
            if self._name != (today := self._today()):
                self._name, self._day = today, Day()
            self._day = Day(spent=self._day.spent + money, requests=self._day.requests + 1)
            try:
                await self._documents.put(OWNER, self._name, msgspec.to_builtins(self._day))
            except StoreError as error:
                # It still counts until the hub stops; a full disk is told elsewhere.
                log.warning("what the day has cost so far can't be kept: %s", error)

    async def available(self) -> None:
        """Return when there's money to spend."""
        while self.empty:
            now = self._clock.now().astimezone(self._zone)
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), self._zone)
            await self._clock.sleep(max(1.0, (midnight - now).total_seconds()))

    async def _kept(self) -> Day:
        try:
            found = await self._documents.get(OWNER, self._name)
            return msgspec.convert(found, Day) if found else Day()
        except (StoreError, msgspec.ValidationError) as error:
            log.warning("what today has cost so far can't be read, so it counts as nothing: %s", error)
            return Day()

    def _today(self) -> str:
        return self._clock.now().astimezone(self._zone).date().isoformat()
