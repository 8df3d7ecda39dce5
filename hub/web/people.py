"""/v1/people and /v1/pairings: who's known, by which accounts, and who asks to be let in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from hub.errors import NotAllowed, NotFound
from hub.flow.members import Given
from hub.flow.pairing import SPAN
from hub.ports import Bridge, BridgeInfo
from hub.records import OWNER, Link, Pairing, PairingId, Person, PersonId, Role
from hub.web.auth import ANY, Asker, Caller, Hub
from hub.web.chats import PRINTABLE
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.signing_in import qr_of

ME = "me"
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]


class AccountView(Struct, frozen=True, kw_only=True):
    """One of a person's accounts on a chat platform."""

    bridge: str
    kind: str
    """telegram, xmpp, ...; empty if that bridge isn't configured any more."""
    sender: str
    created_at: datetime


class PersonWithAccounts(Struct, frozen=True, kw_only=True):
    """Somebody who may speak to the hub, or a group that may."""

    id: PersonId
    name: str
    role: Role
    created_at: datetime
    external: str | None = None
    """What your own software calls them."""
    leaving_at: datetime | None = None
    """Since when all that's theirs is being erased; once it is, they aren't found any more."""
    suspended_at: datetime | None = None
    """Since when they're locked out."""
    accounts: list[AccountView]


class NewPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who's to be known."""

    name: Title
    role: Given = "member"
    """Only an admin makes anything else than members."""
    external: Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)] | None = None
    """What your own software calls them; one person has it."""


class ChangedPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of somebody shall be otherwise; what isn't named stays."""

    name: Title | None = None
    role: Given | None = None


class Request(Struct, frozen=True, kw_only=True):
    """A stranger who asks to be let in. Their code isn't told: they have it, and the hub only its hash."""

    id: PairingId
    bridge: str
    kind: str
    sender: str
    name: str
    created_at: datetime
    expires_at: datetime


class Approval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose account it becomes: without `person`, a new one's."""

    person: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Way(Struct, frozen=True, kw_only=True):
    """How to link an account on one bridge."""

    bridge: str
    kind: str
    account: str
    """Who we are there."""
    link: str
    """Opens the chat with the code in it; empty where the platform has no such links."""
    qr: str
    """The link as a picture to be scanned: an SVG as a data: URL."""


class Code(Struct, frozen=True, kw_only=True):
    """A code that links an account to the person who asked; it's shown this once."""

    code: str
    say: str
    """What's to be written to the hub from the other account."""
    expires_at: datetime
    ways: list[Way]


class PeopleController(Controller):
    """Who's known, by which accounts, and who asks to be let in."""

    path = "/v1"
    tags = ("people",)

    @get("/people", opt={"scope": ANY}, responses=PROBLEMS, summary="List people")
    async def people(
        self,
        services: Hub,
        caller: Asker,
        external: Annotated[
            str | None,
            QueryParameter(min_length=1, max_length=200, description="Only who's called so by your software."),
        ] = None,
    ) -> Page[PersonWithAccounts]:
        """Return everybody with their accounts; without the scope people:write only the key's own person."""
        people: Sequence[Person]
        if external is None:
            people = await services.store.people(caller.tenant)
        else:
            called = await services.store.person_by_external(caller.tenant, external)
            people = [called] if called else []
        seen = [person for person in people if person.id == caller.person or caller.may("people:write")]
        return Page(items=[await _person(services, person) for person in seen])

    @post("/people", status_code=201, opt={"scope": "people:write"}, responses=PROBLEMS, summary="Make a person")
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewPerson]) -> PersonWithAccounts:
        """Have somebody be known, who then can be spoken for, be given keys, or link an account."""
        admin = caller.may("admin")
        made = await services.business.members.add(caller.tenant, data.name, data.role, data.external, admin=admin)
        return await _person(services, made)

    @patch("/people/{id:str}", opt={"scope": "people:write"}, responses=PROBLEMS, summary="Change a person")
    async def change(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[ChangedPerson]
    ) -> PersonWithAccounts:
        """Give somebody another name or role; keys and sessions of theirs are bound by it at once."""
        person, admin = await found(services, caller, id), caller.may("admin")
        changed = await services.business.members.change(caller.tenant, person.id, data.name, data.role, admin=admin)
        return await _person(services, changed)

    @post(
        "/people/{id:str}/suspend",
        status_code=200,
        opt={"scope": "people:write"},
        responses=PROBLEMS,
        summary="Lock a person out",
    )
    async def suspend(self, services: Hub, caller: Asker, id: FromPath[str]) -> PersonWithAccounts:
        """Have nobody speak for somebody until they're let in again, by no key, session or account; nothing is lost."""
        return await _person(services, await _locked(services, caller, id, suspended=True))

    @post(
        "/people/{id:str}/resume",
        status_code=200,
        opt={"scope": "people:write"},
        responses=PROBLEMS,
        summary="Let a person in again",
    )
    async def resume(self, services: Hub, caller: Asker, id: FromPath[str]) -> PersonWithAccounts:
        """Have somebody's keys, sessions and accounts be good again."""
        return await _person(services, await _locked(services, caller, id, suspended=False))

    @post(
        "/people/{id:str}/owner",
        status_code=200,
        opt={"scope": "admin"},
        responses=PROBLEMS,
        summary="Hand a tenant on",
    )
    async def hand_on(self, services: Hub, caller: Asker, id: FromPath[str]) -> PersonWithAccounts:
        """Have somebody own your tenant from now on; only its owner may, and is an admin then."""
        person = await found(services, caller, id)
        return await _person(services, await services.business.members.hand_on(caller.tenant, caller.person, person.id))

    @get("/people/{id:str}", opt={"scope": ANY}, responses=PROBLEMS, summary="Read a person")
    async def person(self, services: Hub, caller: Asker, id: FromPath[str]) -> PersonWithAccounts:
        """Return somebody with their accounts; `me` is the key's own person."""
        return await _person(services, await found(services, caller, id))

    @delete(
        "/people/{id:str}",
        status_code=202,
        opt={"scope": "messages:write"},
        responses=PROBLEMS,
        summary="Erase a person",
    )
    async def erase(self, services: Hub, caller: Asker, id: FromPath[str]) -> PersonWithAccounts:
        """Erase all that's somebody's, for good: the key's own person (`me`), or with the scope admin anybody.

        They have left with this answer; nothing of theirs is left once they aren't found any more.
        """
        person = await found(services, caller, id)
        if person.id != caller.person:
            caller.needs("admin")
        return await _person(services, await services.leaving.begin(person.tenant, person.id))

    @delete("/people/{id:str}/accounts", opt={"scope": ANY}, responses=PROBLEMS, summary="Unlink an account")
    async def unlink(
        self,
        services: Hub,
        caller: Asker,
        id: FromPath[str],
        bridge: Annotated[str, QueryParameter(min_length=1, max_length=64)],
        sender: Annotated[str, QueryParameter(min_length=1, max_length=3000)],
    ) -> None:
        """Take an account off a person: who writes from it is a stranger again."""
        person = await found(services, caller, id)
        accounts = await services.pairings.accounts(caller.tenant, person.id)
        if not any((link.bridge, link.sender) == (bridge, sender) for link in accounts):
            raise NotFound(f"account: {person.name} has no {shown(sender)} on {shown(bridge)}")
        await services.pairings.unlink(caller.tenant, bridge, sender)

    @get("/pairings", opt={"scope": "people:write"}, responses=PROBLEMS, summary="List who asks to be let in")
    async def requests(self, services: Hub, caller: Asker) -> Page[Request]:
        """Return the requests that wait for an answer, oldest first."""
        waiting = await services.pairings.requests(caller.tenant)
        return Page(items=[_request(services.bridges, pairing) for pairing in waiting])

    @post(
        "/pairings",
        status_code=201,
        opt={"scope": ANY, SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Make a code that links an account",
    )
    async def code(self, services: Hub, caller: Asker) -> Code:
        """Return a code that links an account to the key's own person, within the hour; an earlier one is void."""
        code = await services.pairings.code_for(caller.tenant, caller.person)
        ways = [_way(bridge.info, code) for bridge in services.bridges.values()]
        return Code(code=code, say=f"/pair {code}", expires_at=services.clock.now() + SPAN, ways=ways)

    @post(
        "/pairings/{id:str}/approve",
        status_code=200,
        opt={"scope": "people:write"},
        responses=PROBLEMS,
        summary="Let somebody in",
    )
    async def approve(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Approval | None] = None
    ) -> PersonWithAccounts:
        """Let a stranger in, by their request's id or by the code that they were given. Once more is no error."""
        person = data.person if data else None
        if person == OWNER:
            caller.needs("admin")  # whose account it becomes may do everything
        let_in = await services.pairings.approve(caller.tenant, id, PersonId(person) if person else None)
        return await _person(services, let_in)

    @post(
        "/pairings/{id:str}/deny",
        status_code=200,
        opt={"scope": "people:write"},
        responses=PROBLEMS,
        summary="Refuse somebody",
    )
    async def deny(self, services: Hub, caller: Asker, id: FromPath[str]) -> Request:
        """Refuse a stranger: they're told once, and not heard for a day."""
        return _request(services.bridges, await services.pairings.deny(caller.tenant, id))


def way_of(info: BridgeInfo, code: str) -> str:
    """Return a link that opens the chat with us on a platform, with a code in it; empty where there's none."""
    if info.invite:
        return info.invite.replace("{code}", code)
    if info.kind == "xmpp" and "@" in info.account:
        return f"xmpp:{quote(info.account.partition('/')[0], safe='@')}?message;body={quote(f'/pair {code}')}"
    return ""


async def found(services: Services, caller: Caller, id: str) -> Person:
    """Return a person whom the caller may know of; `me` is the caller's own. Raises NotFound and NotAllowed."""
    person = await services.store.person(caller.tenant, caller.person if id == ME else PersonId(id))
    if person is None or (person.id != caller.person and not caller.may("people:write")):
        raise NotFound(f"person: there's no {shown(id)}; GET /v1/people lists them")
    if person.role == "owner" and person.id != caller.person and not caller.may("admin"):
        raise NotAllowed("person: the owner's accounts are the owner's; use an admin's key")
    return person


async def _locked(services: Services, caller: Caller, id: str, *, suspended: bool) -> Person:
    person = await found(services, caller, id)
    admin = caller.may("admin")
    return await services.business.members.suspend(person, caller.person, suspended=suspended, admin=admin)


async def _person(services: Services, person: Person) -> PersonWithAccounts:
    links = await services.pairings.accounts(person.tenant, person.id)
    return PersonWithAccounts(
        id=person.id,
        name=person.name,
        role=person.role,
        created_at=person.created_at,
        external=person.external,
        leaving_at=person.leaving_at,
        suspended_at=person.suspended_at,
        accounts=[_account(services.bridges, link) for link in links],
    )


def _account(bridges: Mapping[str, Bridge], link: Link) -> AccountView:
    kind = _kind(bridges, link.bridge)
    return AccountView(bridge=link.bridge, kind=kind, sender=link.sender, created_at=link.created_at)


def _request(bridges: Mapping[str, Bridge], pairing: Pairing) -> Request:
    return Request(
        id=pairing.id,
        bridge=pairing.bridge,
        kind=_kind(bridges, pairing.bridge),
        sender=pairing.sender,
        name=pairing.name,
        created_at=pairing.created_at,
        expires_at=pairing.expires_at,
    )


def _kind(bridges: Mapping[str, Bridge], name: str) -> str:
    return bridges[name].info.kind if name in bridges else ""


def _way(info: BridgeInfo, code: str) -> Way:
    link = way_of(info, code)
    return Way(bridge=info.name, kind=info.kind, account=info.account, link=link, qr=qr_of(link))
