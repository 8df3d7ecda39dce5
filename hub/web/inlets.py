"""/v1/hooks/in: where other systems write; and /in/TOKEN, where they do."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from hub.errors import NotFound
from hub.flow.inlet_templates import TEMPLATES
from hub.flow.inlets import InletWish, Unproved
from hub.records import Inlet, InletId, InletProof, InletSource, MessageId, PersonId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import MAIN, PRINTABLE, Name, sees
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.shield import CALLED_BY_ANY_NAME
from hub.web.webhooks import WRITE
from hub.web.wishes import wished

BODY = 256 * 1024
"""The most bytes of a post."""
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
Template = Annotated[str, Meta(min_length=1, max_length=4_000)]
Secret = Annotated[str, Meta(min_length=8, max_length=200, pattern=r"^[!-~]+$")]
PerMinute = Annotated[int, Meta(ge=1, le=6_000)]


class NewInlet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another system that shall write here."""

    name: Title
    source: InletSource = "generic"
    """Who posts: it says where a delivery's id stands, how it's proved and which template it has by default."""
    proof: InletProof | None = None
    """How posts are proved; by default as the source does it, else by the address alone (`token`)."""
    secret: Secret | None = None
    """What they're proved by, if the other system gives it; without it one is made and shown once."""
    template: Template | None = None
    """The message's words, with fields of what was posted, as {repository.full_name}."""
    chat: Name = MAIN
    agent: Name | None = None
    task: Annotated[str, Meta(min_length=1, max_length=64)] = "new"
    """new: each post founds a task. auto: the router finds out. Or a task's id."""
    per_minute: PerMinute = 60


class ChangedInlet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of it shall be otherwise; what isn't named stays. The address and the source stay in any case."""

    name: Title | UnsetType = UNSET
    proof: InletProof | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    chat: Name | UnsetType = UNSET
    agent: Name | UnsetType | None = UNSET
    task: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    per_minute: PerMinute | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class InletView(Struct, frozen=True, kw_only=True):
    """Where another system writes."""

    id: InletId
    name: str
    source: InletSource
    proof: InletProof
    template: str
    chat: str
    agent: str | None
    task: str
    per_minute: int
    active: bool
    person: PersonId
    """Whose messages they are."""
    created_at: datetime


class FreshInlet(Struct, frozen=True, kw_only=True):
    """Where another system writes, just made: address and secret are never shown again."""

    id: InletId
    url: str
    secret: str
    """Empty where the address is enough, or the secret was given."""
    hook: InletView


class TemplateView(Struct, frozen=True, kw_only=True):
    """A template that's ready."""

    source: InletSource
    template: str


class Taken(Struct, frozen=True, kw_only=True):
    """What was posted is kept; the same delivery again is answered the same."""

    id: MessageId | None
    """The message that it is; none of a mere greeting."""


class InletsController(Controller):
    """Where other systems write."""

    path = "/v1/hooks/in"
    tags = ("hooks",)

    @post(status_code=201, opt={**WRITE, SHOWN_ONCE: True}, responses=PROBLEMS, summary="Let a system write")
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewInlet]) -> FreshInlet:
        """Make an address to post to; the answer is the only time that it and its secret are shown.

        What's posted there are your messages, so it needs the scope messages:write, too.
        """
        caller.needs("messages:write")
        wish = InletWish(
            name=data.name,
            source=data.source,
            proof=data.proof or UNSET,
            secret=data.secret or UNSET,
            template=data.template or UNSET,
            chat=data.chat,
            agent=await wished(services, caller, data.agent),
            task=data.task,
            per_minute=data.per_minute,
        )
        inlet, token, secret = await services.inlets.create(caller.tenant, caller.person, wish)
        url = f"{services.config.hub.url.rstrip('/')}/in/{token}"
        return FreshInlet(id=inlet.id, url=url, secret=secret, hook=_view(inlet))

    @get(opt=WRITE, responses=PROBLEMS, summary="List who writes")
    async def listed(self, services: Hub, caller: Asker) -> Page[InletView]:
        """Return where other systems write to you, an admin's to everybody, oldest first."""
        found = await services.store.inlets(caller.tenant)
        return Page(items=[_view(inlet) for inlet in found if sees(caller, inlet.person)])

    @get("/templates", opt=WRITE, responses=PROBLEMS, summary="List ready templates", sync_to_thread=False)
    def templates(self) -> Page[TemplateView]:
        """Return the template that each source has by default."""
        return Page(items=[TemplateView(source=source, template=text) for source, text in TEMPLATES.items()])

    @get("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Read who writes")
    async def read(self, services: Hub, caller: Asker, id: FromPath[str]) -> InletView:
        """Return where another system writes, without its address and secret."""
        return _view(await _found(services, caller, id))

    @patch("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Change who writes")
    async def change(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[ChangedInlet]) -> InletView:
        """Change how posts are proved and what becomes of them, or switch them off or on."""
        wish = InletWish(
            name=data.name,
            proof=data.proof,
            secret=data.secret,
            template=data.template,
            chat=data.chat,
            agent=await _agent(services, caller, data.agent),
            task=data.task,
            per_minute=data.per_minute,
            active=data.active,
        )
        inlet = await _found(services, caller, id)
        return _view(await services.inlets.change(caller.tenant, inlet.id, wish))

    @delete("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Shut a system out")
    async def remove(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """Have an address taken away for good; what came by it stays."""
        await services.inlets.remove(caller.tenant, (await _found(services, caller, id)).id)


@post(
    "/in/{token:str}",
    status_code=202,
    opt={"open": True, CALLED_BY_ANY_NAME: True},
    include_in_schema=False,
    request_max_body_size=BODY,
)
async def take(request: Request[Any, Any, Any], services: Hub, token: FromPath[str]) -> Response[Taken]:
    """Keep what another system posts; 202 only once it's on disk."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        message = await services.inlets.receive(token, headers, await request.body())
    except Unproved:
        raise NotAuthorizedException(
            detail="the signature or secret that comes along isn't the one agreed on; see the hook's proof and secret"
        ) from None
    return Response(Taken(id=message.id if message else None), status_code=202)


async def _found(services: Services, caller: Caller, id: str) -> Inlet:
    inlet = await services.inlets.named(caller.tenant, id)
    if not sees(caller, inlet.person):
        raise NotFound(f"hook: there's no {shown(id)}; GET /v1/hooks/in lists them")
    return inlet


async def _agent(services: Services, caller: Caller, name: str | UnsetType | None) -> str | UnsetType | None:
    return UNSET if name is UNSET else await wished(services, caller, name)


def _view(inlet: Inlet) -> InletView:
    return InletView(
        id=inlet.id,
        name=inlet.name,
        source=inlet.source,
        proof=inlet.proof,
        template=inlet.template,
        chat=inlet.chat,
        agent=inlet.agent,
        task=inlet.task,
        per_minute=inlet.per_minute,
        active=inlet.off_at is None,
        person=inlet.person,
        created_at=inlet.created_at,
    )
