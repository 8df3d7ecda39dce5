"""Who belongs to a tenant, and as what: people made, renamed, given another role, and found by their outside name."""

import asyncio
from typing import Literal

from msgspec.structs import replace

from hub.errors import BadRequest, Duplicate, NotAllowed, NotFound
from hub.flow.people import People
from hub.ports import Add, Clock, Save, Store
from hub.records import HOME, Person, PersonId, Role, TenantId, new_id

Given = Literal["admin", "operator", "member", "service"]
"""Roles that are given; there's one owner, and groups come by themselves."""


class Members:
    """Keeps the people of tenants. `admin` says whether who asks may do all that a tenant's admin may."""

    def __init__(self, store: Store, clock: Clock, people: People) -> None:
        self._store = store
        self._clock = clock
        self._people = people
        self._owning = asyncio.Lock()

    async def add(self, tenant: TenantId, name: str, role: Given, external: str | None, *, admin: bool) -> Person:
        """Make a person; raises NotAllowed for a role that only admins give, BadRequest for an outside name in use."""
        _check_gives(role, admin=admin)
        person = self._fresh(tenant, name, role, external)
        try:
            await self._store.commit(Add(person))
        except Duplicate:
            raise BadRequest(
                "external", f"{external!r} is somebody's already; GET /v1/people?external= says whose"
            ) from None
        return person

    async def known_as(self, tenant: TenantId, external: str, name: str | None) -> Person:
        """Return whom a tenant's own software calls so: a new member if there's nobody yet, and one for all who ask."""
        found = await self._store.person_by_external(tenant, external)
        if found is not None:
            return found
        person = self._fresh(tenant, name or external, "member", external)
        try:
            await self._store.commit(Add(person))
        except Duplicate:
            # Somebody else made them at this very moment.
            return await self._store.person_by_external(tenant, external) or person
        return person

    async def change(
        self, tenant: TenantId, id: PersonId, name: str | None, role: Given | None, *, admin: bool
    ) -> Person:
        """Give somebody another name or role, which their keys are bound by at once.

        Raises NotFound, NotAllowed where an admin is needed, BadRequest for who has a role for good (owner, group).
        """
        person = await self._known(tenant, id)
        if person.role not in ("member", "group") and not admin:
            raise NotAllowed(f"person: {person.name} is {person.role}; only an admin's key changes that")
        if role is not None and role != person.role:
            if person.role in ("owner", "group"):
                way = (
                    "the owner hands that on with POST /v1/people/{id}/owner"
                    if person.role == "owner"
                    else "it's a chat"
                )
                raise BadRequest("role", f"{person.name} is {person.role}, and stays it; {way}")
            _check_gives(role, admin=admin)
        person = replace(person, name=name or person.name, role=role or person.role)
        await self._store.commit(Save(person))
        self._people.forget()
        return person

    async def suspend(self, person: Person, by: PersonId, *, suspended: bool, admin: bool) -> Person:
        """Lock somebody out, or let them in again: their keys, sessions and accounts are of no use meanwhile.

        Raises NotAllowed where an admin is needed, BadRequest for the owner and for oneself.
        """
        if person.role not in ("member", "group") and not admin:
            raise NotAllowed(f"person: {person.name} is {person.role}; only an admin's key changes that")
        if suspended and (person.role == "owner" or person.id == by):
            raise BadRequest("id", "the owner can't be suspended, nor can one suspend oneself")
        if suspended != (person.suspended_at is not None):
            person = replace(person, suspended_at=self._clock.now() if suspended else None)
            await self._store.commit(Save(person))
            self._people.forget()
        return person

    async def hand_on(self, tenant: TenantId, by: PersonId, to: PersonId) -> Person:
        """Have a tenant belong to somebody else from now on; who had it is an admin then.

        Raises NotAllowed unless its owner asks, NotFound, BadRequest for who can't be an owner, or for the hub's own
        tenant: that's theirs who have the machine.
        """
        if tenant == HOME:
            raise BadRequest("id", "the hub belongs to whoever has its machine and owner.key; make others admins")
        async with self._owning:
            owner, heir = await self._known(tenant, by), await self._known(tenant, to)
            if owner.role != "owner":
                raise NotAllowed("person: only the owner hands a tenant on; use a key of theirs")
            if heir.role in ("service", "group") or not heir.is_heard:
                raise BadRequest("id", f"{heir.name} can't be an owner: a person who stays is needed")
            if heir.id != owner.id:
                heir = replace(heir, role="owner")
                await self._store.commit(Save(replace(owner, role="admin")), Save(heir))
                self._people.forget()
        return heir

    async def _known(self, tenant: TenantId, id: PersonId) -> Person:
        person = await self._store.person(tenant, id)
        if person is None:
            raise NotFound(f"person: there's no {id!r}; GET /v1/people lists them")
        return person

    def _fresh(self, tenant: TenantId, name: str, role: Role, external: str | None) -> Person:
        id = PersonId(new_id())
        return Person(id=id, tenant=tenant, name=name, role=role, external=external, created_at=self._clock.now())


def _check_gives(role: Given, *, admin: bool) -> None:
    if role != "member" and not admin:
        raise NotAllowed(f"role: only an admin makes somebody {role}; make them a member, or use an admin's key")
