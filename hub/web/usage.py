"""/v1/usage: what was taken, by day, person, key or agent; as JSON, or as CSV for a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Struct, UnsetType, convert

from hub.flow.usage import QuotaName, Report
from hub.ports import By, Most
from hub.records import MICRO, PersonId, Taken, TenantId
from hub.records.usage import NUMBERS
from hub.web.auth import ANY, RUNS, Asker, Caller, Hub
from hub.web.chats import Limit
from hub.web.problems import PROBLEMS
from hub.web.resources import Page
from hub.web.services import Services

CSV = "text/csv"
NAME = 200


class Amounts(Struct, frozen=True, kw_only=True):
    """How much of everything."""

    messages: int
    turns: int
    tokens_in: int
    """Read by models."""
    tokens_out: int
    """Written by models."""
    money: float
    """Spent on remote models, in the unit of the config's prices."""
    bytes: int
    """Of files that were sent."""


class UsageRow(Amounts, frozen=True, kw_only=True):
    """What was taken on a day, or for a person, a key or an agent: one of these is named."""

    day: str | UnsetType = UNSET
    person: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    """Empty: by a chat platform, or due by a schedule."""
    agent: str | UnsetType = UNSET
    """Empty: what came before an agent had it."""
    name: str | UnsetType = UNSET
    """What the person or the key is called; left out for who's gone, for browsers' sessions, and for other tenants'."""


class UsageView(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """What was taken from one day (UTC) to another, both included."""

    since: date
    until: date
    items: list[UsageRow]
    total: Amounts
    """Of all rows, also those on other pages."""
    next: str | None


class QuotaView(Struct, frozen=True, kw_only=True):
    """How much of something may be taken, and was."""

    quota: QuotaName
    limit: float | None
    """Null: there's none of the tenant's own."""
    used: float
    """Today, or this month for money (UTC); of files what's kept now, in MB."""
    renews_at: datetime | None
    """When it begins anew; null: never, for what's kept counts until it's deleted."""


Since = Annotated[date | None, QueryParameter(name="from", description="The first day; without it, its month's first.")]
Until = Annotated[date | None, QueryParameter(name="to", description="The last day; without it, today (UTC).")]
What = Annotated[By, QueryParameter(description="What there's a row for.")]
Ranked = Annotated[
    Most | None, QueryParameter(description="Only who took most of this, most first; `limit` says how many.")
]
After = Annotated[str | None, QueryParameter(name="cursor", max_length=NAME, description="What `next` said.")]
Form = Annotated[Literal["json", "csv"] | None, QueryParameter(name="format", description="As Accept: text/csv.")]
ANSWERS = {
    **PROBLEMS,
    200: ResponseSpec(UsageView, description="Or all rows as text/csv, if that's asked for.", generate_examples=False),
}


class UsageController(Controller):
    """What was taken."""

    path = "/v1"
    tags = ("usage",)

    @get("/usage", opt={"scope": ANY}, responses=ANSWERS, summary="What was taken")
    async def usage(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        caller: Asker,
        since: Since = None,
        until: Until = None,
        by: What = "day",
        person: Annotated[str | None, QueryParameter(max_length=64, description="Only what this person took.")] = None,
        format: Form = None,
        cursor: After = None,
        limit: Limit = 50,
        most: Ranked = None,
    ) -> Response[UsageView] | Stream:
        """Return what your tenant took; without the scope usage:read, what you took yourself."""
        whose = _whose(caller, person)
        if _as_csv(request, format):
            return _csv(services, caller.tenant, by, since, until, whose)
        found = await services.business.usages.report(
            caller.tenant, by, since, until, person=whose, limit=limit, after=cursor, most=most
        )
        return _view(found, by, await _names(services, caller.tenant, by, found.rows))

    @get("/tenants/{id:str}/usage", opt=RUNS, responses=ANSWERS, summary="What a tenant took")
    async def of_tenant(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        id: FromPath[str],
        since: Since = None,
        until: Until = None,
        by: What = "day",
        format: Form = None,
        cursor: After = None,
        limit: Limit = 50,
        most: Ranked = None,
    ) -> Response[UsageView] | Stream:
        """Return what a customer of this hub took."""
        tenant = (await services.tenants.named(id)).id
        if _as_csv(request, format):
            return _csv(services, tenant, by, since, until, None)
        return _view(
            await services.business.usages.report(tenant, by, since, until, limit=limit, after=cursor, most=most),
            by,
            {},
        )

    @get("/quotas", opt={"scope": "usage:read"}, responses=PROBLEMS, summary="How the quotas stand")
    async def quotas(self, services: Hub, caller: Asker) -> Page[QuotaView]:
        """Return what your tenant may take, how much of it is taken, and when it begins anew."""
        return await _shares(services, caller.tenant)

    @get("/tenants/{id:str}/quotas", opt=RUNS, responses=PROBLEMS, summary="How a tenant's quotas stand")
    async def quotas_of_tenant(self, services: Hub, id: FromPath[str]) -> Page[QuotaView]:
        """Return what a customer of this hub may take, how much of it is taken, and when it begins anew."""
        return await _shares(services, (await services.tenants.named(id)).id)


def _whose(caller: Caller, person: str | None) -> PersonId | None:
    if person is None:
        return None if caller.may("usage:read") else caller.person
    if person not in (caller.person, "me"):
        caller.needs("usage:read")
    return caller.person if person == "me" else PersonId(person)


def _as_csv(request: Request[Any, Any, Any], format: str | None) -> bool:
    return format == "csv" or (format is None and request.accept.best_match(["application/json", CSV]) == CSV)


def _view(found: Report, by: By, names: Mapping[str, str]) -> Response[UsageView]:
    view = UsageView(
        since=found.since,
        until=found.until,
        items=[_row(row, by, names) for row in found.rows],
        total=convert(_numbers(found.total), Amounts),
        next=found.next,
    )
    return Response(view)


def _row(row: Taken, by: By, names: Mapping[str, str]) -> UsageRow:
    id = getattr(row, by)
    called = {"name": names[id]} if id in names else {}
    return convert({by: id, **called, **_numbers(row)}, UsageRow)


async def _names(services: Services, tenant: TenantId, by: By, rows: Sequence[Taken]) -> Mapping[str, str]:
    """Return what a tenant's own people call those whom rows are about."""
    if by == "key":
        return {key.id: key.name for key in await services.store.keys(tenant)}
    if by != "person":
        return {}
    found = [await services.store.person(tenant, PersonId(row.person)) for row in rows]
    return {person.id: person.name for person in found if person is not None}


async def _shares(services: Services, tenant: TenantId) -> Page[QuotaView]:
    shares = await services.business.usages.shares(tenant)
    return Page(items=[convert(share, QuotaView, from_attributes=True) for share in shares])


def _csv(
    services: Services, tenant: TenantId, by: By, since: date | None, until: date | None, person: PersonId | None
) -> Stream:
    async def lines() -> AsyncIterator[str]:
        yield _line(by, *NUMBERS)
        async for row in services.business.usages.every(tenant, by, since, until, person):
            yield _line(_plain(getattr(row, by)), *_numbers(row).values())

    headers = {"Content-Disposition": f'attachment; filename="usage-by-{by}.csv"'}
    return Stream(lines(), media_type=CSV, headers=headers)


def _line(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _plain(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _numbers(row: Taken) -> dict[str, int | float]:
    numbers = {name: getattr(row, name) for name in NUMBERS}
    return {**numbers, "money": row.money / MICRO}
