"""What a tenant may take: told at the door before anything is kept, and to a turn before each of its steps.

What was taken is read from the store every other second, and what this hub takes meanwhile is added. Turns under way
count with what they've taken so far and what their next step may take, so that many at once can't each take the rest:
a quota is exceeded by one turn of each hub at most.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from hub.errors import OverQuota
from hub.flow.accounting import day_of
from hub.flow.budget import Gone
from hub.flow.tenancy import Tenancy
from hub.ports import Clock, Store
from hub.records import MICRO, PersonId, Quotas, Taken, TenantId, TurnId
from hub.records.usage import KEPT, plus

COUNTED_FOR = 2.0
"""Seconds for which what a tenant took is believed, this hub's own additions apart."""
REMEMBERED = 10_000
MEBIBYTE = 1024 * 1024
STORAGE = 3600.0
"""Seconds until it's worth while to look whether there's room for files again."""


@dataclass
class _Known:
    at: float
    day: Taken
    month: Taken
    kept: int


@dataclass
class _UnderWay:
    """What turns of a tenant have taken that isn't counted yet."""

    tokens: dict[TurnId, int] = field(default_factory=dict)
    money: dict[TurnId, float] = field(default_factory=dict)
    dearest: float = 0.0
    """What the dearest step cost so far: what the next one of each may."""


class Allowance:
    """Holds tenants to their quotas."""

    def __init__(self, store: Store, clock: Clock, tenancy: Tenancy) -> None:
        self._store = store
        self._clock = clock
        self._tenancy = tenancy
        self._known: OrderedDict[TenantId, _Known] = OrderedDict()
        self._under_way: dict[TenantId, _UnderWay] = {}
        self._told: OrderedDict[tuple[TenantId, PersonId, str], datetime] = OrderedDict()

    # --- at the door

    async def admit(self, tenant: TenantId, size: int = 0) -> None:
        """Count one more message, with files of so many bytes; raises OverQuota if that's more than may be."""
        quotas = await self._quotas(tenant)
        if quotas == Quotas():
            return
        known = await self._counted(tenant)
        self._check(quotas, known)
        if quotas.messages is not None and known.day.messages >= quotas.messages:
            raise self._over("messages", f"{quotas.messages:,} messages a day", quotas.messages, self._tomorrow())
        self._check_room(quotas, known, size)
        known.day = replace(known.day, messages=known.day.messages + 1)
        known.kept += size

    async def stores(self, tenant: TenantId) -> bool:
        """Say whether there's an end to what a tenant may have stored."""
        return (await self._quotas(tenant)).storage_mb is not None

    async def room(self, tenant: TenantId, size: int = 0) -> None:
        """Raise OverQuota if there's no room for a file of so many bytes; it isn't counted yet."""
        quotas = await self._quotas(tenant)
        if quotas.storage_mb is not None:
            self._check_room(quotas, await self._counted(tenant), size)

    def tell(self, tenant: TenantId, person: PersonId, over: OverQuota) -> bool:
        """Say whether somebody is to be told in words: once, until it's free again."""
        now, whom = self._clock.now(), (tenant, person, over.quota)
        if self._told.get(whom, now) > now:
            return False
        self._told[whom] = now + timedelta(seconds=over.after)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True

    # --- in a turn

    async def limits(self, tenant: TenantId) -> bool:
        """Say whether a tenant's turns are held to anything."""
        quotas = await self._quotas(tenant)
        return quotas.tokens is not None or quotas.money is not None

    async def left(self, tenant: TenantId, turn: TurnId, tokens: int, money: float, most: int) -> int:
        """Return how many of `most` tokens a turn's next step may take; it has taken so many, and so much money.

        Raises Gone once the tenant has taken what it may, this turn and all others that are under way included.
        """
        found = await self._tenancy.of(tenant)
        if found is None or (found.quotas.tokens is None and found.quotas.money is None):
            return most
        quotas, name = found.quotas, found.name
        known = await self._counted(tenant)
        others = self._under_way.setdefault(tenant, _UnderWay())
        others.dearest = max(others.dearest, money - others.money.get(turn, 0.0))
        others.tokens.pop(turn, None)
        others.money.pop(turn, None)
        if quotas.tokens is not None:
            left = quotas.tokens - known.day.tokens_in - known.day.tokens_out - sum(others.tokens.values()) - tokens
            if left <= 0:
                raise Gone(
                    f"the {quotas.tokens:,} tokens a day of {name} are used up; there are more from midnight (UTC)"
                )
            most = min(most, left)
        if quotas.money is not None:
            spent = known.month.money / MICRO + sum(others.money.values()) + money
            spent += others.dearest * len(others.money)
            if spent >= quotas.money:
                raise Gone(f"the budget of {quotas.money:g} a month of {name} is used up; there's more next month")
        others.tokens[turn], others.money[turn] = tokens + most, money
        return most

    @contextmanager
    def under_way(self, tenant: TenantId, turn: TurnId) -> Iterator[None]:
        """Have a turn count as long as it's being taken."""
        try:
            yield
        finally:
            if others := self._under_way.get(tenant):
                others.tokens.pop(turn, None)
                others.money.pop(turn, None)

    def took(self, taken: Taken) -> None:
        """Count what a turn took that has ended just now."""
        if known := self._known.get(taken.tenant):
            known.day, known.month = plus(known.day, taken), plus(known.month, taken)

    # --- inside

    async def _quotas(self, tenant: TenantId) -> Quotas:
        found = await self._tenancy.of(tenant)
        return found.quotas if found else Quotas()

    async def _counted(self, tenant: TenantId) -> _Known:
        now, today = self._clock.monotonic(), day_of(self._clock.now())
        known = self._known.get(tenant)
        if known is None or known.day.day != today or now - known.at > COUNTED_FOR:
            day = await self._store.taken(tenant, today, today)
            month = await self._store.taken(tenant, f"{today[:7]}-01", today)
            kept = await self._store.taken(tenant, KEPT, KEPT)
            known = self._known[tenant] = _Known(at=now, day=day, month=month, kept=max(0, kept.bytes))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _check(self, quotas: Quotas, known: _Known) -> None:
        if quotas.tokens is not None and known.day.tokens_in + known.day.tokens_out >= quotas.tokens:
            raise self._over("tokens", f"{quotas.tokens:,} tokens a day", quotas.tokens, self._tomorrow())
        if quotas.money is not None and known.month.money >= quotas.money * MICRO:
            raise self._over("money", f"a budget of {quotas.money:g} a month", quotas.money, self._next_month())

    def _check_room(self, quotas: Quotas, known: _Known, size: int) -> None:
        if size and quotas.storage_mb is not None and known.kept + size > quotas.storage_mb * MEBIBYTE:
            again = self._clock.now() + timedelta(seconds=STORAGE)
            raise self._over("storage", f"{quotas.storage_mb:,} MB of files", quotas.storage_mb, again)

    def _over(self, quota: str, what: str, limit: float, again_at: datetime) -> OverQuota:
        after = max(1.0, (again_at - self._clock.now()).total_seconds())
        ways = {
            "storage": "delete tasks that have some, or ask who runs this hub for more",
            "money": f"it's free again on {again_at:%Y-%m-%d} at 00:00 UTC",
        }
        way = ways.get(quota, f"there are more from {again_at:%Y-%m-%d} 00:00 UTC")
        text = f"that's all of {what} for now, so this wasn't kept; {way}"
        return OverQuota(text, quota=quota, limit=limit, again_at=again_at, after=after)

    def _tomorrow(self) -> datetime:
        return _midnight(self._clock.now() + timedelta(days=1))

    def _next_month(self) -> datetime:
        return _midnight((self._clock.now().replace(day=1) + timedelta(days=32)).replace(day=1))


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
