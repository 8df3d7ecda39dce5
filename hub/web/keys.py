"""/v1/keys and /v1/whoami: what other programs sign in with."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.errors import NotAllowed, NotFound
from hub.records import SCOPES, Key, KeyId, PersonId, Scope, TenantId
from hub.web.auth import ANY, Asker, Hub
from hub.web.chats import sees
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(SCOPES))]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyView(Struct, frozen=True, kw_only=True):
    """A key, without its secret."""

    id: KeyId
    name: str
    person: PersonId
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


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
    role: Literal["owner", "member", "group"]


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
        return Page(items=[_view(key) for key in keys if sees(caller, key.person)])

    @post(
        "/keys",
        status_code=201,
        opt={"scope": "keys:write", SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Make a key",
    )
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewKey]) -> FreshKey:
        """Make a key for the caller's person; the answer is the only time that it's shown."""
        for scope in data.scopes:
            # Nobody hands on what they haven't got.
            caller.needs(scope)
        key, secret = await services.people.create_key(
            caller.tenant, caller.person, data.name, data.scopes, data.expires_at
        )
        return FreshKey(
            id=key.id,
            key=secret,
            name=key.name,
            person=key.person,
            scopes=list(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )

    @delete("/keys/{id:str}", opt={"scope": "keys:write"}, responses=PROBLEMS, summary="Revoke a key")
    async def revoke(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """End a key; it stops working at once."""
        key = await services.store.key(caller.tenant, KeyId(id))
        if key is None or not sees(caller, key.person):
            raise NotFound(f"key: there's no {shown(id)}; GET /v1/keys lists them")
        for scope in key.scopes:
            caller.needs(scope)
        await services.people.revoke(caller.tenant, key.id)


def _view(key: Key) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        person=key.person,
        scopes=list(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
