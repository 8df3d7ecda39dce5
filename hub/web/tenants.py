"""/v1/tenants: the customers of this hub, for whoever runs it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import NotAllowed
from hub.flow.brands import MOST_NAMES
from hub.flow.tenants import Wish
from hub.records import HOME, OWNER, KeyId, Quotas, Tenant, TenantId
from hub.web.auth import RUNS, Asker, Hub
from hub.web.chats import PRINTABLE, Cursor, Limit, Name
from hub.web.invitations import FreshInvitation, fresh
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.wishes import check_agent

Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class QuotasView(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that a tenant may take; what isn't named is as much as the hub's own limits let it."""

    messages: Count | None = None
    """Said by its people, a day (UTC)."""
    tokens: Count | None = None
    """Read and written by models for it, a day (UTC)."""
    money: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    """Spent on remote models for it, a calendar month (UTC)."""
    storage_mb: Count | None = None
    """Of files that its people sent and tasks made."""
    requests: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    """To this API, a minute, by all of its keys together."""


Hosts = Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=MOST_NAMES)]


class NewTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer to be."""

    name: Title
    quotas: QuotasView = QuotasView()
    agents: Annotated[list[Name], Meta(max_length=200)] = []
    """Which agents its people may wish for; none named: all."""
    hosts: Hosts = []
    """By which host names its people reach their pages, as `chat.shop.example`; they have to lead to this hub."""


class ChangedTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a customer shall be otherwise; what isn't named stays."""

    name: Title | None = None
    quotas: QuotasView | None = None
    """In place of all quotas."""
    agents: Annotated[list[Name], Meta(max_length=200)] | None = None
    hosts: Hosts | None = None


class TenantView(Struct, frozen=True, kw_only=True):
    """A customer of this hub."""

    id: TenantId
    name: str
    created_at: datetime
    suspended_at: datetime | None
    leaving_at: datetime | None
    """Since when all that it has is being erased; once it is, it isn't found any more."""
    quotas: QuotasView
    agents: list[str]
    hosts: list[str]


class FreshTenant(Struct, frozen=True, kw_only=True):
    """A customer that was just made; `key`, its owner's, is never shown again."""

    id: TenantId
    key: str
    key_id: KeyId
    name: str
    created_at: datetime


class TenantsController(Controller):
    """The customers of this hub."""

    path = "/v1/tenants"
    tags = ("tenants",)

    @post(status_code=201, opt={**RUNS, SHOWN_ONCE: True}, responses=PROBLEMS, summary="Make a tenant")
    async def make(self, services: Hub, data: JSONBody[NewTenant]) -> FreshTenant:
        """Make a customer, walled off from all others; the answer is the only time that its owner's key is shown."""
        _check(services, data.agents)
        tenant, key, secret = await services.tenants.create(data.name, _quotas(data.quotas), data.agents)
        await services.business.brands.name(tenant.id, data.hosts)
        return FreshTenant(id=tenant.id, key=secret, key_id=key, name=tenant.name, created_at=tenant.created_at)

    @get(opt=RUNS, responses=PROBLEMS, summary="List tenants")
    async def listed(self, services: Hub, cursor: Cursor = None, limit: Limit = 50) -> Page[TenantView]:
        """Return the customers of this hub and its own tenant, `home`, by id."""
        found = await services.store.tenants(limit=limit + 1, after=TenantId(cursor) if cursor else None)
        more, found = len(found) > limit, found[:limit]
        return Page(items=[await _view(services, tenant) for tenant in found], next=found[-1].id if more else None)

    @get("/{id:str}", opt=RUNS, responses=PROBLEMS, summary="Read a tenant")
    async def read(self, services: Hub, id: FromPath[str]) -> TenantView:
        """Return a customer."""
        return await _view(services, await services.tenants.named(id))

    @patch("/{id:str}", opt=RUNS, responses=PROBLEMS, summary="Change a tenant")
    async def change(self, services: Hub, id: FromPath[str], data: JSONBody[ChangedTenant]) -> TenantView:
        """Change a customer's name, quotas, agents or host names."""
        _check(services, data.agents or ())
        quotas = _quotas(data.quotas) if data.quotas is not None else None
        if data.hosts is not None:
            await services.business.brands.name((await services.tenants.named(id)).id, data.hosts)
        wish = Wish(name=data.name, quotas=quotas, agents=data.agents)
        return await _view(services, await services.tenants.change(id, wish))

    @delete("/{id:str}", status_code=202, opt=RUNS, responses=PROBLEMS, summary="Erase a tenant")
    async def erase(self, services: Hub, id: FromPath[str]) -> TenantView:
        """Erase a customer and all that it has, for good: people, messages, tasks, files, keys, usage.

        It's suspended with this answer; nothing of it is left once it isn't found any more.
        """
        return await _view(services, await services.business.clearing.begin(id))

    @post(
        "/{id:str}/invitation",
        status_code=201,
        opt={**RUNS, SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Invite a tenant's owner",
    )
    async def invite(
        self, request: Request[Any, Any, Any], services: Hub, caller: Asker, id: FromPath[str]
    ) -> FreshInvitation:
        """Make a link by which a customer's owner signs in with a password of their own, once and within a week."""
        tenant = await services.tenants.named(id)
        if tenant.id == HOME and caller.person != OWNER:
            raise NotAllowed("id: the owner's way in is the owner's; they make themselves a password on /account")
        made = await services.entrance.invitations.invite_owner(tenant, caller.person)
        return fresh(request, services, *made)

    @post("/{id:str}/suspend", status_code=200, opt=RUNS, responses=PROBLEMS, summary="Suspend a tenant")
    async def suspend(self, services: Hub, id: FromPath[str]) -> TenantView:
        """Have none of a customer's keys and sessions be good until it's resumed; what it has is kept."""
        return await _view(services, await services.tenants.suspend(id, suspended=True))

    @post("/{id:str}/resume", status_code=200, opt=RUNS, responses=PROBLEMS, summary="Resume a tenant")
    async def resume(self, services: Hub, id: FromPath[str]) -> TenantView:
        """Have a suspended customer's keys and sessions be good again."""
        return await _view(services, await services.tenants.suspend(id, suspended=False))


def _check(services: Services, agents: Iterable[str]) -> None:
    known = [agent.name for agent in services.agents()]
    for agent in agents:
        check_agent(known, agent)


def _quotas(view: QuotasView) -> Quotas:
    return Quotas(
        messages=view.messages,
        tokens=view.tokens,
        money=view.money,
        storage_mb=view.storage_mb,
        requests=view.requests,
    )


async def _view(services: Services, tenant: Tenant) -> TenantView:
    quotas = tenant.quotas
    return TenantView(
        id=tenant.id,
        name=tenant.name,
        created_at=tenant.created_at,
        suspended_at=tenant.suspended_at,
        leaving_at=tenant.leaving_at,
        quotas=QuotasView(
            messages=quotas.messages,
            tokens=quotas.tokens,
            money=quotas.money,
            storage_mb=quotas.storage_mb,
            requests=quotas.requests,
        ),
        agents=list(tenant.agents),
        hosts=list(await services.business.brands.names(tenant.id)),
    )
