"""/embed: what the chat in another site's page asks; a pass says who writes, and foreign.py from which pages.

It shows less than the API: what was said, and nothing of tasks, routes, agents or other chats.
"""

import secrets
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.response import Stream
from msgspec import Meta, Struct
from msgspec.structs import replace

from bridges.http import convert
from hub.colours import on
from hub.errors import BadRequest, NotAllowed, NotFound
from hub.flow.embeds import settings_of
from hub.guests import VISITOR, Settings
from hub.ports import Delta
from hub.records import Choice, Embed, Event, Key, KeyId, Message, MessageId, MessageState
from hub.web.auth import Caller, Hub
from hub.web.chats import Choose, Cursor, IdempotencyKey, Limit, NewMessage, keep
from hub.web.embeds import PassView, passed
from hub.web.events import last_seen
from hub.web.frames import as_events
from hub.web.pace import count
from hub.web.passes import BadPass, read
from hub.web.problems import shown
from hub.web.replaying import key_of
from hub.web.resources import Accepted, Names, Page, html_of
from hub.web.services import Services
from hub.web.shield import FOREIGN
from hub.web.site import FOLDER
from hub.web.stream import Frame, Frames, Teller, frames_of
from hub.web.tries import Tries

OPEN: Mapping[str, Any] = {"open": True, FOREIGN: True}
VISIT = timedelta(days=30)
"""A visitor's pass: it lies in their browser, so that they find their chat again."""
RECENT = 50
"""Messages whose answers are shown while they are being written."""
SCRIPT = "widget.js"


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to say."""

    text: Annotated[str, Meta(min_length=1)]


class GuestMessage(Struct, frozen=True, kw_only=True):
    """Something said, as a guest sees it."""

    id: MessageId
    role: Literal["user", "agent", "notice"]
    state: MessageState
    html: str
    """Safe to put into a page."""
    choices: list[Choice]
    answers: MessageId | None
    human: str | None
    """Who answered in the agent's place, where the tenant shows that."""
    created_at: datetime


class GuestDelta(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written, or all of it so far."""

    message: MessageId
    text: str
    whole: bool


class Guest(Struct, frozen=True):
    """Who writes, and in which chat."""

    embed: Embed
    caller: Caller
    until: datetime

    @property
    def chat(self) -> str:
        """What their chat is called among theirs."""
        return f"embed-{self.embed.id}"

    async def good(self, services: Services) -> bool:
        """Say whether they may write still."""
        embed = await services.embeds.shown(self.embed.id)
        return embed is not None and services.clock.now() < self.until


class GuestsController(Controller):
    """What the chat in another site's page asks."""

    path = "/embed/{embed:str}"
    include_in_schema = False
    opt = OPEN

    @get(f"/{SCRIPT}", media_type="text/javascript")
    async def script(self, services: Hub, embed: FromPath[str]) -> Response[bytes]:
        """Give the script of the chat; it finds out the rest from its own address."""
        await _shown(services, embed)
        return Response(
            (FOLDER / "static" / SCRIPT).read_bytes(),
            media_type="text/javascript",
            headers={"Cache-Control": "public, max-age=300"},
        )

    @get("/settings")
    async def settings(self, services: Hub, embed: FromPath[str]) -> Settings:
        """Say how the chat looks."""
        found = await _shown(services, embed)
        settings, look = settings_of(found), await services.business.brands.of(found.tenant)
        if look.plain:
            return settings
        colour = found.colour or look.accent
        return replace(settings, title=found.title or look.name, colour=colour, ink=on(colour))

    @post("/visits", status_code=201)
    async def visit(
        self, request: Request[Any, Any, Any], services: Hub, tries: NamedDependency[Tries], embed: FromPath[str]
    ) -> PassView:
        """Give somebody a pass whom the page's server hasn't named; nothing is kept before they say something."""
        found = await _shown(services, embed)
        if not found.visitors:
            raise NotAllowed("embed: its site says who may write here; load the page again")
        tries.count(f"visit {request.client.host if request.client else ''}")
        return passed(services, found, f"{VISITOR}{secrets.token_urlsafe(16)}", "", VISIT)

    @post("/messages", status_code=202)
    async def say(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        embed: FromPath[str],
        data: JSONBody[Words],
        idempotency_key: IdempotencyKey = None,
    ) -> Accepted:
        """Keep what a guest says; it's on disk when this answers."""
        guest = await _guest(request, services, embed)
        new = NewMessage(text=data.text, chat=guest.chat)
        message = await keep(services, guest.caller, new, key_of(idempotency_key))
        return Accepted(id=message.id, state=message.state)

    @get("/messages")
    async def messages(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        embed: FromPath[str],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[GuestMessage]:
        """Return what was last said, oldest first; `next` leads to what was said before."""
        guest = await _guest(request, services, embed)
        before = MessageId(cursor) if cursor else None
        found = await _said(services, guest, limit + 1, before)
        more, found = len(found) > limit, found[-limit:]
        names = Names(services.store)
        seen = [await _view(names, message) for message in found if message.state != "moved"]
        return Page(items=seen, next=found[0].id if more else None)

    @post("/messages/{id:str}/choice", status_code=202)
    async def choose(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        embed: FromPath[str],
        id: FromPath[str],
        data: JSONBody[Choose],
    ) -> Accepted:
        """Choose one of the answers that a message offers."""
        guest = await _guest(request, services, embed)
        question = await services.store.message(MessageId(id))
        if question is None or not _is_here(question, guest):
            raise NotFound(f"message: there's no {shown(id)} in this chat")
        if data.choice not in (offered := [choice.id for choice in question.choices]):
            raise BadRequest("choice", f"must be one of {', '.join(map(repr, offered)) or 'none'}")
        await services.questions.choose(question, data.choice, guest.caller.person)
        return Accepted(id=question.id, state=question.state)

    @get("/events", media_type=MediaType.TEXT)
    async def events(
        self,
        request: Request[Any, Any, Any],
        services: Hub,
        embed: FromPath[str],
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
    ) -> Stream:
        """Stream what's said in the chat: first what was missed, then what comes."""
        guest = await _guest(request, services, embed)
        since = last_seen(last_event_id) if last_event_id is not None else None
        return as_events(_events(services, guest, since))


class GuestTeller(Teller):
    """Tells a guest what's said in their chat, and nothing else."""

    def __init__(self, services: Services, caller: Caller, seen: int, guest: Guest, here: Iterable[MessageId]) -> None:
        super().__init__(services, caller, seen, None)
        self._guest = guest
        self._here = deque(here, maxlen=2 * RECENT)

    def delta(self, delta: Delta) -> tuple[Frame, ...]:
        """Return the frame of a piece of an answer in this chat."""
        if delta.message is None or delta.message not in self._here or delta.turn in self._ended:
            return ()
        view = GuestDelta(message=delta.message, text=delta.text, whole=delta.whole)
        return (Frame(event="delta", data=msgspec.json.encode(view)),)

    async def _view(self, event: Event) -> GuestMessage | None:
        if event.kind not in ("message", "reply", "notice", "delivery") or event.message is None:
            return None
        message = await self._services.store.message(event.message)
        if message is None or not _is_here(message, self._guest):
            return None
        if message.id not in self._here:
            self._here.append(message.id)
        return await _view(Names(self._services.store), message)


async def _events(services: Services, guest: Guest, after: int | None) -> Frames:
    here = [message.id for message in await _said(services, guest, RECENT, None)]

    def teller(seen: int) -> Teller:
        return GuestTeller(services, guest.caller, seen, guest, here)

    async def good() -> bool:
        return await guest.good(services)

    async with aclosing(frames_of(services, guest.caller, after, teller=teller, good=good)) as stream:
        async for together in stream:
            if told := tuple([_for_guests(frame) for frame in together if frame.data != b"null"]):
                yield told


def _for_guests(frame: Frame) -> Frame:
    """Return a frame by one of the names that the widget knows."""
    return frame if frame.event in ("", "hello", "delta") else replace(frame, event="message")


async def _shown(services: Services, id: str) -> Embed:
    embed = await services.embeds.shown(id)
    if embed is None:
        raise NotFound("embed: there's no such chat (any more)")
    return embed


async def _guest(request: Request[Any, Any, Any], services: Services, id: str) -> Guest:
    """Return who a request's pass names; raises NotAuthorizedException with a word on why."""
    embed = await _shown(services, id)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise NotAuthorizedException(detail="Authorization: missing; send 'Authorization: Bearer PASS'")
    try:
        found = read(token.strip(), embed.id, services.secret, services.clock.now())
    except BadPass as error:
        raise NotAuthorizedException(detail=f"Authorization: that pass opens nothing: {error}") from None
    if found.external.startswith(VISITOR) and not embed.visitors:
        raise NotAuthorizedException(detail="Authorization: visitors may not write here any more")
    person = await services.embeds.person(embed, found.external, found.name)
    key = Key(
        id=KeyId(f"pass:{embed.id}:{person.id}"),
        tenant=embed.tenant,
        person=person.id,
        name="pass",
        hash="",
        scopes=("messages:read", "messages:write"),
        created_at=services.clock.now(),
        agents=(embed.agent,) if embed.agent else (),
    )
    await count(services, key, request.scope)
    return Guest(embed, Caller(key=key, by="bearer"), found.expires_at)


async def _said(services: Services, guest: Guest, limit: int, before: MessageId | None) -> Sequence[Message]:
    address = convert.address(guest.caller.person, guest.chat)
    return await services.store.messages_of_chat(guest.caller.tenant, address, limit=limit, before=before)


def _is_here(message: Message, guest: Guest) -> bool:
    address = convert.address(guest.caller.person, guest.chat)
    return message.tenant == guest.caller.tenant and (message.address.bridge, message.address.chat) == (
        address.bridge,
        address.chat,
    )


async def _view(names: Names, message: Message) -> GuestMessage:
    return GuestMessage(
        id=message.id,
        role=message.role,
        state=message.state,
        html=html_of(message),
        choices=list(message.choices),
        answers=message.answers,
        human=await names.human(message),
        created_at=message.created_at,
    )
