"""/v1/invitations: links by which people get a way to sign in, made by those who let people in."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hub.flow.invitations import Wish
from hub.records import Invitation, InvitationId, PersonId, Role
from hub.web.auth import Asker, Hub
from hub.web.chats import PRINTABLE
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.signing_in import OPEN, Next, ProviderView, Secret, address_of, base_of, proceed
from hub.web.tries import Tries

Called = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
Code = Annotated[str, Meta(min_length=1, max_length=200)]
Address = Annotated[str, Meta(max_length=320)]


class NewInvitation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who shall get a way in."""

    role: Literal["admin", "operator", "member"] = "member"
    email: Address = ""
    """What they'll sign in by; empty: they choose."""
    name: Called | None = None
    """Null: they choose."""
    person: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """Somebody who's known, and has no way in or lost it; the role is theirs then."""


class InvitationView(Struct, frozen=True, kw_only=True):
    """An invitation, without its code."""

    id: InvitationId
    state: Literal["open", "accepted", "over"]
    role: Role
    email: str
    name: str
    person: PersonId | None
    """Whom it's for, if they were known; once it's accepted, who they are."""
    invited_by: PersonId
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class FreshInvitation(Struct, frozen=True, kw_only=True):
    """An invitation that was just made; `url` is never shown again."""

    id: InvitationId
    url: str
    """To be given to whom it's for, and to nobody else; it's good once."""
    role: Role
    email: str
    name: str
    expires_at: datetime


class TheCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands behind the # of an invitation's link."""

    code: Code


class Acceptance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody signs in from now on."""

    code: Code
    password: Secret
    email: Address = ""
    """Needed where the invitation names none; else it's that."""
    name: Called | None = None
    """Needed where the invitation names none."""


class Invited(Struct, frozen=True, kw_only=True):
    """What one is invited to."""

    tenant: str
    """Its name."""
    role: Role
    email: str
    """Empty: one chooses."""
    name: str
    """Empty: one chooses."""
    known: bool
    """Whether one has signed in here before, and gets a way back in."""
    oidc: list[ProviderView]
    """By whom it may be accepted instead of by a password."""


class InvitationsController(Controller):
    """Ways in for people who have none yet, or lost theirs."""

    path = "/v1/invitations"
    tags = ("people",)

    @post(
        status_code=201, opt={"scope": "people:write", SHOWN_ONCE: True}, responses=PROBLEMS, summary="Invite somebody"
    )
    async def invite(
        self, request: Request[Any, Any, Any], services: Hub, caller: Asker, data: JSONBody[NewInvitation]
    ) -> FreshInvitation:
        """Make a link by which somebody gets a way in, once and within a week. It's shown this once.

        Only with the scope admin: admins and operators.
        """
        person = PersonId(data.person) if data.person else None
        wish = Wish(role=data.role, email=data.email, name=data.name or "", person=person)
        made = await services.entrance.invitations.invite(caller.tenant, caller.person, wish, admin=caller.may("admin"))
        return fresh(request, services, *made)

    @get(opt={"scope": "people:write"}, responses=PROBLEMS, summary="List invitations")
    async def listed(self, services: Hub, caller: Asker) -> Page[InvitationView]:
        """Return invitations, newest first; those that were accepted or are over for a month."""
        found = await services.entrance.invitations.listed(caller.tenant)
        now = services.clock.now()
        return Page(items=[_view(each, now) for each in found])

    @delete("/{id:str}", status_code=204, opt={"scope": "people:write"}, responses=PROBLEMS, summary="Withdraw one")
    async def withdraw(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """Have an invitation be of no use any more."""
        await services.entrance.invitations.withdraw(caller.tenant, id)

    @post("/look", status_code=200, opt=OPEN, security=[{}], responses=PROBLEMS, summary="Look at an invitation")
    async def look(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[TheCode]
    ) -> Invited:
        """Return what a code invites to."""
        tries.count(address_of(request))
        invitation, tenant = await services.entrance.invitations.look(data.code)
        providers = services.entrance.passports.providers(tenant.id)
        return Invited(
            tenant=tenant.name,
            role=invitation.role,
            email=invitation.email,
            name=invitation.name,
            known=await services.entrance.invitations.is_back(invitation),
            oidc=[ProviderView(name=each.name, title=each.title or each.name) for each in providers],
        )

    @post("/accept", status_code=200, opt=OPEN, security=[{}], responses=PROBLEMS, summary="Accept an invitation")
    async def accept(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], data: JSONBody[Acceptance]
    ) -> Response[Next]:
        """Become a person here, or get back in, by a password of one's own; the code is used up."""
        tries.count(address_of(request))
        outcome = await services.entrance.invitations.accept(
            data.code, email=data.email, name=data.name or "", password=data.password
        )
        return await proceed(request, services, outcome)


def fresh(request: Request[Any, Any, Any], services: Services, invitation: Invitation, code: str) -> FreshInvitation:
    """Return an invitation with its link. The code stands behind the #, so that no server and no log sees it."""
    return FreshInvitation(
        id=invitation.id,
        url=f"{base_of(request, services)}/invitation#{code}",
        role=invitation.role,
        email=invitation.email,
        name=invitation.name,
        expires_at=invitation.expires_at,
    )


def _view(invitation: Invitation, now: datetime) -> InvitationView:
    return InvitationView(
        id=invitation.id,
        state="accepted" if invitation.state == "accepted" else "open" if invitation.expires_at > now else "over",
        role=invitation.role,
        email=invitation.email,
        name=invitation.name,
        person=invitation.accepted_by or invitation.person,
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        accepted_at=invitation.accepted_at,
    )
