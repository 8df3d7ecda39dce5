"""/v1/handovers: chats that people take over from agents: the queue, one of them, and what an operator does."""

from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from hub.errors import NotFound
from hub.records import DESK, DeskRules, DraftId, Event, Handover, HandoverId, MessageId, NoteId, PersonId, TaskId
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import Cursor, IdempotencyKey, Limit
from hub.web.desk_views import (
    DraftView,
    HandoverView,
    NewHandover,
    NewNote,
    NewRules,
    NoteView,
    RulesView,
    Said,
    Somebody,
    Transfer,
    Views,
    view_rules,
)
from hub.web.problems import PROBLEMS
from hub.web.replaying import key_of
from hub.web.resources import MessageView, Page, view_message, view_messages
from hub.web.services import Services
from hub.web.stream import KEEP_ALIVE, Ended, Hello, watching

OPERATES = {"scope": "chats:operate"}
MANY = 1_000
States = Annotated[
    Literal["open", "asked", "taken", "resolved", "all"],
    QueryParameter(
        name="state",
        description="open: asked and taken, the longest waiting first; resolved and all: the newest first.",
    ),
]
Mine = Annotated[bool, QueryParameter(description="Only those that you have.")]
Late = Annotated[bool, QueryParameter(description="Only those where something is late.")]


class HandoversController(Controller):
    """Chats that people take over from agents."""

    path = "/v1/handovers"
    tags = ("handovers",)

    @get(opt=OPERATES, responses=PROBLEMS, summary="List chats that want a human")
    async def listed(
        self,
        services: Hub,
        caller: Asker,
        states: States = "open",
        mine: Mine = False,
        late: Late = False,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[HandoverView]:
        """Return where a human was asked for, or has taken over, in your tenant."""
        found = await _all(services, caller, states, cursor)
        wanted = [
            each
            for each in found
            if (states in ("open", "all") or each.state == states)
            and (not mine or each.operator == caller.person)
            and (not late or each.late)
        ]
        views = Views(services.store, caller.tenant)
        page = wanted[:limit]
        more = len(wanted) > limit or (len(found) == MANY and bool(page))
        return Page(items=[await views.handover(each) for each in page], next=page[-1].id if more else None)

    @post(status_code=201, opt=OPERATES, responses=PROBLEMS, summary="Take somebody's chats over")
    async def begin(self, services: Hub, caller: Asker, data: JSONBody[NewHandover]) -> HandoverView:
        """Answer somebody in the agent's place, though nobody asked for it."""
        handing, person = services.desk.handing, PersonId(data.person)
        return await _view(services, caller, await handing.begin(caller.tenant, person, caller.person, data.why))

    @get(
        "/events",
        opt=OPERATES,
        responses={
            **PROBLEMS,
            200: ResponseSpec(
                str,
                media_type="text/event-stream",
                generate_examples=False,
                description="hello; then handover {id} whenever there's something new in one.",
            ),
        },
        summary="Watch the queue",
    )
    async def watch(self, services: Hub, caller: Asker) -> ServerSentEvent:
        """Stream which handovers have news: asked for, taken, drafted, answered, late, over."""
        return ServerSentEvent(_news(services, caller))

    @get("/rules", opt=OPERATES, responses=PROBLEMS, summary="How operators work")
    async def rules(self, services: Hub, caller: Asker) -> RulesView:
        """Return when answers are late in your tenant, and what people see of who answers."""
        return view_rules(await services.desk.handing.desks.of(caller.tenant))

    @put("/rules", opt={"scope": "admin"}, responses=PROBLEMS, summary="Say how operators work")
    async def set_rules(self, services: Hub, caller: Asker, data: JSONBody[NewRules]) -> RulesView:
        """Change when answers are late in your tenant, and what people see; what's under way keeps its times."""
        rules = DeskRules(
            tenant=caller.tenant, first_minutes=data.first_minutes, end_minutes=data.end_minutes, signed=data.signed
        )
        return view_rules(await services.desk.handing.set_rules(rules))

    @get("/operators", opt=OPERATES, responses=PROBLEMS, summary="Who operates chats")
    async def operators(self, services: Hub, caller: Asker) -> Page[Somebody]:
        """Return who of your tenant may have a chat transferred to them."""
        found = await services.store.operators(caller.tenant, MANY)
        return Page(items=[Somebody(id=person.id, name=person.name) for person in found])

    @get("/{id:str}", opt=OPERATES, responses=PROBLEMS, summary="Read a handover")
    async def read(self, services: Hub, caller: Asker, id: FromPath[str]) -> HandoverView:
        """Return a handover of your tenant."""
        return await _view(services, caller, await services.desk.handing.named(caller.tenant, id))

    @get("/{id:str}/messages", opt=OPERATES, responses=PROBLEMS, summary="Read the chat")
    async def messages(
        self, services: Hub, caller: Asker, id: FromPath[str], cursor: Cursor = None, limit: Limit = 50
    ) -> Page[MessageView]:
        """Return what its person said and was told, newest first, in all their chats; 404 once it's resolved."""
        handover = await _open(services, caller, id)
        before = MessageId(cursor) if cursor else None
        found = await services.store.talk(handover.tenant, handover.person, limit=limit + 1, before=before)
        page = found[::-1][:limit]
        more = len(found) > limit
        return Page(items=await view_messages(services.store, page), next=page[-1].id if more else None)

    @get("/{id:str}/drafts", opt=OPERATES, responses=PROBLEMS, summary="Read the drafts")
    async def drafts(
        self, services: Hub, caller: Asker, id: FromPath[str], cursor: Cursor = None, limit: Limit = 50
    ) -> Page[DraftView]:
        """Return what the agent would have said, oldest first, sent and discarded ones too; 404 once it's resolved."""
        handover = await _open(services, caller, id)
        after = DraftId(cursor) if cursor else None
        found = await services.store.drafts(handover.id, limit=limit + 1, after=after)
        page, views = found[:limit], Views(services.store, caller.tenant)
        more = len(found) > limit
        return Page(items=[await views.draft(each) for each in page], next=page[-1].id if more else None)

    @get("/{id:str}/notes", opt=OPERATES, responses=PROBLEMS, summary="Read the notes")
    async def notes(
        self, services: Hub, caller: Asker, id: FromPath[str], cursor: Cursor = None, limit: Limit = 50
    ) -> Page[NoteView]:
        """Return what operators noted about its person, newest first; 404 once it's resolved."""
        handover = await _open(services, caller, id)
        before = NoteId(cursor) if cursor else None
        found = await services.store.notes(handover.tenant, handover.person, limit=limit + 1, before=before)
        page, views = found[:limit], Views(services.store, caller.tenant)
        more = len(found) > limit
        return Page(items=[await views.note(each) for each in page], next=page[-1].id if more else None)

    @post("/{id:str}/notes", status_code=201, opt=OPERATES, responses=PROBLEMS, summary="Note something")
    async def note(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[NewNote]) -> NoteView:
        """Keep a note for other operators: no person and no model ever sees it."""
        handover = await _open(services, caller, id)
        task = TaskId(data.task) if data.task else None
        note = await services.desk.handing.note(handover, caller.person, data.text, task)
        return await Views(services.store, caller.tenant).note(note)

    @post("/{id:str}/take", status_code=200, opt=OPERATES, responses=PROBLEMS, summary="Take it over")
    async def take(self, services: Hub, caller: Asker, id: FromPath[str]) -> HandoverView:
        """Answer in the agent's place from now on; 409 if another operator was first."""
        return await _view(services, caller, await services.desk.handing.take(caller.tenant, id, caller.person))

    @post("/{id:str}/release", status_code=200, opt=OPERATES, responses=PROBLEMS, summary="Give it back to the queue")
    async def release(self, services: Hub, caller: Asker, id: FromPath[str]) -> HandoverView:
        """Let another operator take it; the agent answers until one does."""
        return await _view(services, caller, await services.desk.handing.release(caller.tenant, id, caller.person))

    @post("/{id:str}/transfer", status_code=200, opt=OPERATES, responses=PROBLEMS, summary="Hand it on")
    async def transfer(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Transfer]) -> HandoverView:
        """Have another operator answer from now on."""
        handing, to = services.desk.handing, PersonId(data.to)
        return await _view(services, caller, await handing.transfer(caller.tenant, id, caller.person, to))

    @post("/{id:str}/resolve", status_code=200, opt=OPERATES, responses=PROBLEMS, summary="Let the agent go on")
    async def resolve(self, services: Hub, caller: Asker, id: FromPath[str]) -> HandoverView:
        """End it: the agent answers again, and drafts that weren't sent are discarded."""
        return await _view(services, caller, await services.desk.handing.resolve(caller.tenant, id, caller.person))

    @post("/{id:str}/send", status_code=201, opt=OPERATES, responses=PROBLEMS, summary="Answer")
    async def send(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Said], idempotency: IdempotencyKey = None
    ) -> MessageView:
        """Say something to its person: a draft as it is, a draft in your words, or words of your own."""
        named = key_of(idempotency)
        # Said once even if the hub dies before it has kept that it answered.
        once = sha256(f"{caller.key.id}:{id}:{named}".encode()).hexdigest() if named else ""
        sent = await services.desk.drafting.send(caller.tenant, id, caller.person, data.text, data.draft, once)
        return await view_message(services.store, await services.store.message(sent.id) or sent)

    @post(
        "/{id:str}/drafts/{draft:str}/discard",
        status_code=200,
        opt=OPERATES,
        responses=PROBLEMS,
        summary="Discard a draft",
    )
    async def discard(self, services: Hub, caller: Asker, id: FromPath[str], draft: FromPath[str]) -> DraftView:
        """Have a draft never be sent."""
        gone = await services.desk.drafting.discard(caller.tenant, id, caller.person, draft)
        return await Views(services.store, caller.tenant).draft(gone)


async def _all(services: Services, caller: Caller, state: str, cursor: str | None) -> list[Handover]:
    before = HandoverId(cursor) if cursor else None
    if state in ("resolved", "all"):
        return list(await services.store.handovers(caller.tenant, limit=MANY, before=before))
    found = await services.store.open_handovers(caller.tenant, limit=MANY)
    return [each for each in found if before is None or each.id > before]


async def _open(services: Services, caller: Caller, id: str) -> Handover:
    """Return a handover that isn't over: then its person's words are nobody's but theirs again."""
    handover = await services.desk.handing.named(caller.tenant, id)
    if handover.state == "resolved":
        raise NotFound("handover: it's over, so its chat isn't shown any more")
    return handover


async def _view(services: Services, caller: Caller, handover: Handover) -> HandoverView:
    return await Views(services.store, caller.tenant).handover(handover)


async def _news(services: Services, caller: Caller) -> AsyncGenerator[ServerSentEventMessage, None]:
    async with watching(services, caller.tenant, DESK) as watch:
        last = await services.store.last_event()
        yield ServerSentEventMessage(data=msgspec.json.encode(Hello(last=last)), event="hello")
        while True:
            try:
                news = await watch.next(KEEP_ALIVE)
            except Ended:
                return
            if isinstance(news, Event) and news.handover is not None:
                data = msgspec.json.encode({"id": news.handover})
                yield ServerSentEventMessage(data=data, event="handover", id=news.seq)
            elif news is None:
                if not await services.people.still_good(caller.key):
                    return
                yield ServerSentEventMessage(data=None, comment="alive")
