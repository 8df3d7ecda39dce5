"""What was taken, told to whom it concerns."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Literal

from msgspec import Struct

from hub.errors import BadRequest, NotFound
from hub.flow.accounting import day_of
from hub.flow.allowance import MEBIBYTE
from hub.ports import By, Clock, Most, Store
from hub.records import MICRO, PersonId, Taken, TenantId
from hub.records.usage import KEPT, plus

LONGEST = 400
"""Days that one report covers at most."""
PAGE = 500
QuotaName = Literal["messages", "tokens", "money", "storage_mb"]


class Report(Struct, frozen=True, kw_only=True):
    """What was taken from one day to another, both included."""

    since: date
    until: date
    rows: tuple[Taken, ...]
    total: Taken
    next: str | None
    """The name after which the listing goes on."""


class Share(Struct, frozen=True, kw_only=True):
    """How much of something a tenant may have, and has."""

    quota: QuotaName
    limit: float | None
    """None: as much as the hub's own limits let it."""
    used: float
    renews_at: datetime | None
    """When it begins anew; None: what's kept counts until it's deleted."""


class Usages:
    """Tells what was taken."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def report(
        self,
        tenant: TenantId,
        by: By,
        since: date | None,
        until: date | None,
        *,
        person: PersonId | None = None,
        limit: int = PAGE,
        after: str | None = None,
        most: Most | None = None,
    ) -> Report:
        """Return a tenant's usage for each day, person, key or agent; without days, this month's so far.

        With `person`, only what that person took; with `most`, only who took most of it, most first: such a list has
        no next page. Raises BadRequest for days the wrong way round, or too many.
        """
        if most and after is not None:
            raise BadRequest("cursor", "can't go on in a list by most; ask for more at once by limit")
        since, until = self._span(since, until)
        days = (since.isoformat(), until.isoformat())
        rows = await self._store.taken_by(tenant, by, *days, person=person, limit=limit + 1, after=after, most=most)
        more, rows = len(rows) > limit, rows[:limit]
        return Report(
            since=since,
            until=until,
            rows=rows,
            total=await self._total(tenant, *days, person),
            next=getattr(rows[-1], by) if more and not most else None,
        )

    async def every(
        self, tenant: TenantId, by: By, since: date | None, until: date | None, person: PersonId | None = None
    ) -> AsyncIterator[Taken]:
        """Yield all rows of a report."""
        after: str | None = None
        while True:
            found = await self.report(tenant, by, since, until, person=person, after=after)
            for row in found.rows:
                yield row
            if found.next is None:
                return
            after = found.next

    async def shares(self, tenant: TenantId) -> tuple[Share, ...]:
        """Return how a tenant's quotas stand, those without an end too; raises NotFound."""
        found = await self._store.tenant(tenant)
        if found is None:
            raise NotFound(f"tenant: there's no {tenant!r}; GET /v1/tenants lists them")
        now, quotas = self._clock.now().astimezone(UTC), found.quotas
        today, midnight = day_of(now), now.replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow, month = midnight + timedelta(days=1), (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        day = await self._store.taken(tenant, today, today)
        spent = await self._store.taken(tenant, f"{today[:7]}-01", today)
        kept = await self._store.taken(tenant, KEPT, KEPT)
        room = max(0, kept.bytes) / MEBIBYTE
        return (
            Share(quota="messages", limit=quotas.messages, used=day.messages, renews_at=tomorrow),
            Share(quota="tokens", limit=quotas.tokens, used=day.tokens_in + day.tokens_out, renews_at=tomorrow),
            Share(quota="money", limit=quotas.money, used=spent.money / MICRO, renews_at=month),
            Share(quota="storage_mb", limit=quotas.storage_mb, used=room, renews_at=None),
        )

    async def _total(self, tenant: TenantId, since: str, until: str, person: PersonId | None) -> Taken:
        if person is None:
            return await self._store.taken(tenant, since, until)
        theirs = await self._store.taken_by(tenant, "day", since, until, person=person, limit=LONGEST)
        return reduce(plus, theirs, Taken(tenant=tenant, day=since))

    def _span(self, since: date | None, until: date | None) -> tuple[date, date]:
        until = until or max(self._clock.now().date(), since or date.min)
        since = since or until.replace(day=1)
        if since > until:
            raise BadRequest("from", f"{since} is after to={until}; put the earlier day first")
        if until - since >= timedelta(days=LONGEST):
            raise BadRequest("from", f"{since} to {until} are more than {LONGEST} days; ask for fewer at a time")
        return since, until
