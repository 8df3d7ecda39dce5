"""/v1/embeds: a tenant's chats for pages of its own, and passes for who writes in them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from hub.errors import BadRequest
from hub.guests import VISITOR
from hub.records import Embed, EmbedId, new_id
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import PRINTABLE, Cursor, Limit, Name
from hub.web.passes import Pass, signed
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page
from hub.web.services import Services
from hub.web.wishes import agents_for, check_agent

EMBEDS: Mapping[str, Any] = {"scope": "embed:write"}
Title = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Named = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
Origins = Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(min_length=1, max_length=50)]
Greeting = Annotated[str, Meta(max_length=1000)]
Colour = Annotated[str, Meta(pattern=r"^(#[0-9a-fA-F]{6})?$")]
MINUTES = 60


class NewEmbed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat to be put into pages."""

    name: Named
    origins: Origins
    """Whose pages may show it, as `https://shop.example`."""
    agent: Name | None = None
    title: Title = ""
    greeting: Greeting = ""
    colour: Colour = ""
    visitors: bool = False
    """Whether somebody may write whom your server hasn't named."""


class ChangedEmbed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a chat shall be otherwise; what isn't named stays."""

    name: Named | None = None
    origins: Origins | None = None
    agent: Name | None = None
    title: Title | None = None
    greeting: Greeting | None = None
    colour: Colour | None = None
    visitors: bool | None = None


class EmbedView(Struct, frozen=True, kw_only=True):
    """A chat for pages, and the line that puts it there."""

    id: EmbedId
    name: str
    origins: list[str]
    agent: str
    title: str
    greeting: str
    colour: str
    visitors: bool
    created_at: datetime
    script: str
    """Where its script lies, below the hub's address."""


class NewPass(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom a pass shall be."""

    external: Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
    """What you call your person; their chat is the same each time."""
    name: Title = ""
    minutes: Annotated[int, Meta(ge=1, le=MINUTES)] = 15


class PassView(Struct, frozen=True, kw_only=True):
    """A pass for one person and one chat; give it to nobody else."""

    token: str
    expires_at: datetime


class EmbedsController(Controller):
    """A tenant's chats for pages of its own."""

    path = "/v1/embeds"
    tags = ("embeds",)

    @post(status_code=201, opt=EMBEDS, responses=PROBLEMS, summary="Make a chat for pages")
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewEmbed]) -> EmbedView:
        """Make a chat that pages of these origins may show."""
        await _check(services, caller, data.agent)
        embed = Embed(
            id=EmbedId(new_id()),
            tenant=caller.tenant,
            name=data.name,
            origins=tuple(data.origins),
            agent=data.agent or "",
            title=data.title,
            greeting=data.greeting,
            colour=data.colour,
            visitors=data.visitors,
            created_at=services.clock.now(),
        )
        return _view(await services.embeds.create(embed))

    @get(opt=EMBEDS, responses=PROBLEMS, summary="List chats for pages")
    async def listed(self, services: Hub, caller: Asker, cursor: Cursor = None, limit: Limit = 50) -> Page[EmbedView]:
        """Return your chats for pages, by id."""
        after = EmbedId(cursor) if cursor else None
        found = await services.store.embeds(caller.tenant, limit=limit + 1, after=after)
        more, found = len(found) > limit, found[:limit]
        return Page(items=[_view(embed) for embed in found], next=found[-1].id if more else None)

    @get("/{id:str}", opt=EMBEDS, responses=PROBLEMS, summary="Read a chat for pages")
    async def read(self, services: Hub, caller: Asker, id: FromPath[str]) -> EmbedView:
        """Return a chat for pages."""
        return _view(await services.embeds.named(caller.tenant, id))

    @patch("/{id:str}", opt=EMBEDS, responses=PROBLEMS, summary="Change a chat for pages")
    async def change(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[ChangedEmbed]) -> EmbedView:
        """Change a chat; pages that show it have it so from their next load on."""
        await _check(services, caller, data.agent)
        embed = await services.embeds.named(caller.tenant, id)
        wishes = {name: value for name, value in asdict(data).items() if value is not None}
        if data.origins is not None:
            wishes["origins"] = tuple(data.origins)
        return _view(await services.embeds.change(replace(embed, **wishes)))

    @delete("/{id:str}", opt=EMBEDS, responses=PROBLEMS, summary="Remove a chat from pages")
    async def remove(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """End a chat at once, its passes too; what was written is kept."""
        await services.embeds.remove(await services.embeds.named(caller.tenant, id))

    @post(
        "/{id:str}/passes",
        status_code=201,
        opt={**EMBEDS, SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Make a pass for somebody",
    )
    async def admit(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[NewPass]) -> PassView:
        """Return a pass by which your person writes in this chat; ask for it on your server, never in a page."""
        embed = await services.embeds.named(caller.tenant, id)
        if data.external.startswith(VISITOR):
            raise BadRequest("external", f"begins with {VISITOR!r}, as the hub calls visitors; take another name")
        return passed(services, embed, data.external, data.name, timedelta(minutes=data.minutes))


def passed(services: Services, embed: Embed, external: str, name: str, span: timedelta) -> PassView:
    """Return a fresh pass."""
    until = (services.clock.now() + span).replace(microsecond=0)
    made = Pass(embed=embed.id, external=external, name=name, expires_at=until)
    return PassView(token=signed(made, services.secret, services.config.waker.token), expires_at=until)


async def _check(services: Services, caller: Caller, agent: str | None) -> None:
    check_agent([each.name for each in await agents_for(services, caller)], agent)


def _view(embed: Embed) -> EmbedView:
    return EmbedView(
        id=embed.id,
        name=embed.name,
        origins=list(embed.origins),
        agent=embed.agent,
        title=embed.title,
        greeting=embed.greeting,
        colour=embed.colour,
        visitors=embed.visitors,
        created_at=embed.created_at,
        script=f"/embed/{embed.id}/widget.js",
    )
