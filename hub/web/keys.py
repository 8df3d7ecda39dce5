"""/v1/keys and /v1/whoami: what other programs sign in with."""

from datetime import datetime, timedelta
from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import BadRequest, NotAllowed, NotFound
from hub.records import SCOPES, Key, KeyId, PersonId, Role, Scope, TenantId
from hub.web.auth import ANY, Asker, Caller, Hub
from hub.web.chats import PRINTABLE, Id, Name, sees
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.wishes import agents_for, check_agent


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(SCOPES))]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    agents: Annotated[list[Name], Meta(max_length=200)] = []
    """Which agents may be wished for with it; none named: all that your tenant may."""
    person: Id | None = None
    """Whose it is, if not yours; only an admin makes keys for others."""
    requests: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    """How many it may make a minute, instead of `limits.requests_per_key` and its person's; more than that only by an
    admin's word."""


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key changes its secret."""

    overlap_hours: Annotated[float, Meta(ge=0, le=720)] = 24.0
    """So long the old secret is good besides the new one; 0: not any more."""


class KeyView(Struct, frozen=True, kw_only=True):
    """A key, without its secret."""

    id: KeyId
    name: str
    person: PersonId
    scopes: list[str]
    agents: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    requests: int | None
    last_used: str | None
    """The last day (UTC) on which it was used, as 2026-11-30."""


class FreshKey(Struct, frozen=True, kw_only=True):
    """A key that was just made; `key` is never shown again."""

    id: KeyId
    key: str
    name: str
    person: PersonId
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None


class PersonView(Struct, frozen=True, kw_only=True):
    """Somebody who may speak to the hub."""

    id: PersonId
    name: str
    role: Role


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Whose a key is, and what it may."""

    person: PersonView
    tenant: TenantId
    scopes: list[str]
    timezone: str
    """What the person's times are read and told in."""


class KeysController(Controller):
    """What other programs sign in with."""

    path = "/v1"
    tags = ("keys",)

    @get("/whoami", opt={"scope": ANY}, responses=PROBLEMS, summary="Whose is this key?")
    async def whoami(self, services: Hub, caller: Asker) -> WhoAmI:
        """Return the key's person, and what it may."""
        person = await services.store.person(caller.tenant, caller.person)
        if person is None:
            raise NotAllowed("key: its person is gone; use another key")
        return WhoAmI(
            person=PersonView(id=person.id, name=person.name, role=person.role),
            tenant=caller.tenant,
            scopes=list(caller.key.scopes),
            timezone=await services.zones.of(caller.tenant, caller.person),
        )

    @get("/keys", opt={"scope": "keys:write"}, responses=PROBLEMS, summary="List keys")
    async def keys(self, services: Hub, caller: Asker) -> Page[KeyView]:
        """Return the caller's API keys, an admin's everybody's; revoked ones too, oldest first."""
        keys = await services.store.keys(caller.tenant)
        used = await services.store.last_used(caller.tenant)
        return Page(items=[_view(key, used.get(key.id)) for key in keys if sees(caller, key.person)])

    @post(
        "/keys",
        status_code=201,
        opt={"scope": "keys:write", SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Make a key",
    )
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewKey]) -> FreshKey:
        """Make a key for the caller's person, or by an admin for somebody else; it's shown in this answer only."""
        if data.person not in (None, caller.person):
            caller.needs("admin")
        for scope in data.scopes:
            # Nobody hands on what they haven't got.
            caller.needs(scope)
        theirs = [agent.name for agent in await agents_for(services, caller)]
        for agent in data.agents:
            check_agent(theirs, agent)
        # Nobody hands on more agents than they may have.
        agents = data.agents or caller.key.agents
        key, secret = await services.people.create_key(
            caller.tenant,
            PersonId(data.person or caller.person),
            data.name,
            data.scopes,
            data.expires_at,
            agents,
            _pace(services, caller, data.requests),
        )
        return _fresh(key, secret)

    @post(
        "/keys/{id:str}/rotate",
        status_code=200,
        opt={"scope": "keys:write", SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Give a key a fresh secret",
    )
    async def rotate(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Rotation | None] = None
    ) -> FreshKey:
        """Give a key a fresh secret, which only this answer shows; the old one is good for the overlap.

        Its id, scopes, pace, end and usage stay.
        """
        key = await _theirs(services, caller, id)
        overlap = timedelta(hours=(data or Rotation()).overlap_hours)
        return _fresh(*await services.people.rotate(caller.tenant, key.id, overlap))

    @delete("/keys/{id:str}", opt={"scope": "keys:write"}, responses=PROBLEMS, summary="Revoke a key")
    async def revoke(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """End a key; it stops working at once."""
        key = await _theirs(services, caller, id)
        await services.people.revoke(caller.tenant, key.id)


async def _theirs(services: Services, caller: Caller, id: str) -> Key:
    """Return a key that a caller may do something about; raises NotFound, and NotAllowed if it may more than theirs."""
    key = await services.store.key(caller.tenant, KeyId(id))
    if key is None or key.kind == "former" or not sees(caller, key.person):
        raise NotFound(f"key: there's no {shown(id)}; GET /v1/keys lists them")
    for scope in key.scopes:
        caller.needs(scope)
    return key


def _pace(services: Services, caller: Caller, requests: int | None) -> int | None:
    """Return the pace that a key gets; nobody but an admin, and no key of a slower pace, gives more than is usual."""
    most = caller.key.requests or services.business.rates.most_per_key
    if requests is None:
        return caller.key.requests
    if most and requests > most and not (caller.may("admin") and caller.key.requests is None):
        raise BadRequest("requests", f"{requests:,} is more than the {most:,} a minute that you may give; ask an admin")
    return requests


def _fresh(key: Key, secret: str) -> FreshKey:
    return FreshKey(
        id=key.id,
        key=secret,
        name=key.name,
        person=key.person,
        scopes=list(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


def _view(key: Key, last_used: str | None) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        person=key.person,
        scopes=list(key.scopes),
        agents=list(key.agents),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        requests=key.requests,
        last_used=last_used,
    )
