"""/v1/messages: what's said and what's answered."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta, Struct
from msgspec.structs import replace

from bridges.http import convert
from hub.errors import BadRequest, NotAllowed, NotFound, StoreError, StoreUnavailable, TooMany
from hub.flow.uploads import named, typed
from hub.ports import Add, Store
from hub.records import MAY, Message, MessageId, Part, PersonId, TaskId, Text, new_id
from hub.web.auth import Asker, Caller, Hub
from hub.web.files import Saying
from hub.web.files import found as file_found
from hub.web.once import OWN, check_same, replay_of
from hub.web.pace import check_speaks, slow
from hub.web.problems import PROBLEMS, shown
from hub.web.replaying import HEADER, key_of
from hub.web.resources import Accepted, MessageView, Page, view_message, view_messages
from hub.web.services import Services
from hub.web.stream import SETTLED, settled
from hub.web.wishes import wished

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Cursor = Annotated[str | None, QueryParameter(max_length=64, description="What `next` said.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="At most so many.")]
IdempotencyKey = Annotated[
    str | None, HeaderParameter(name=HEADER, description="The same key and body again: the same answer, done once.")
]
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
MAIN = "main"


class TextPart(Struct, frozen=True, kw_only=True, tag="text", forbid_unknown_fields=True):
    """A piece of a message, in words."""

    text: str


class FilePart(Struct, frozen=True, kw_only=True, tag="file", forbid_unknown_fields=True):
    """A file that was sent to /v1/files, or came along with one of your messages."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """What it's called here; without it, as when it was sent."""
    media_type: Annotated[str, Meta(max_length=200)] | None = None


class EndUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An end user of yours; a person is made of whom the hub doesn't know yet."""

    external: Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
    """What your own software calls them."""
    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)] | None = None
    """What they're called here, if they're new."""


class NewMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to say: `text`, or `parts` of it."""

    text: str | None = None
    parts: Annotated[list[TextPart | FilePart], Meta(min_length=1, max_length=20)] | None = None
    task: Annotated[int, Meta(ge=1, le=2**31)] | Id | None = None
    """A task's id or number, or "new"; without it the router finds out."""
    agent: Name | None = None
    """Who shall answer, if it founds a task."""
    chat: Name = MAIN
    on_behalf_of: Id | EndUser | None = None
    """The person who says it, if not the key's own: by their id, or as your own software calls them. It needs the scope
    people:write, and may be nobody who may more than a member, unless it's an admin's key."""
    reply_to: Id | None = None
    """The id of the message that it replies to."""


class NewTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a message belongs."""

    task: Annotated[int, Meta(ge=1, le=2**31)] | Id
    """A task's id or number, or "new"."""


class Choose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer to a question that was put with choices."""

    choice: Annotated[str, Meta(min_length=1, max_length=200)]


class StopChat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat in which whatever runs shall stop."""

    chat: Name = MAIN


class Stopped(Struct, frozen=True, kw_only=True):
    """How many tasks were stopped."""

    stopped: int


class MessagesController(Controller):
    """What's said and what's answered."""

    path = "/v1"
    tags = ("messages",)

    @post(
        "/messages",
        status_code=202,
        opt={"scope": "messages:write", OWN: True},
        operation_class=Saying,
        responses={
            **PROBLEMS,
            200: ResponseSpec(MessageView, description="Answered within ?wait.", generate_examples=False),
        },
        summary="Say something",
    )
    async def say(
        self,
        services: Hub,
        caller: Asker,
        data: JSONBody[NewMessage],
        idempotency_key: IdempotencyKey = None,
        wait: Annotated[float, QueryParameter(ge=0, le=120, description="Seconds to wait for the answer.")] = 0,
    ) -> Response[Accepted | MessageView]:
        """Keep a message; it's on disk when this answers. With ?wait, answer with its replies once they're there.

        A form (multipart/form-data) says the same with files beside it.
        """
        message = await keep(services, caller, data, key_of(idempotency_key))
        if wait > 0:
            message = await settled(services, message, wait)
            if message.state in SETTLED:
                return Response(await view_message(services.store, message, replies=True), status_code=200)
        return Response(Accepted(id=message.id, state=message.state), status_code=202)

    @get("/messages", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="Read a chat")
    async def chat(
        self,
        services: Hub,
        caller: Asker,
        chat: Annotated[str, QueryParameter(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")] = MAIN,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[MessageView]:
        """Return a chat's newest messages, oldest first; `next` leads to older ones."""
        address = convert.address(caller.person, chat)
        before = MessageId(cursor) if cursor else None
        found = await services.store.messages_of_chat(caller.tenant, address, limit=limit + 1, before=before)
        return await messages_page(services.store, found, limit)

    @get("/messages/{id:str}", opt={"scope": "messages:read"}, responses=PROBLEMS, summary="Read a message")
    async def read(self, services: Hub, caller: Asker, id: FromPath[str]) -> MessageView:
        """Return a message with what was answered to it."""
        return await view_message(services.store, await message_of(services, caller, id), replies=True)

    @put("/messages/{id:str}/task", opt={"scope": "messages:write"}, responses=PROBLEMS, summary="Correct a route")
    async def move(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[NewTask]) -> MessageView:
        """Move a message, or the one that a reply answers, to the task where it belongs, and have it answered there."""
        message = await message_of(services, caller, id)
        if message.role != "user" and message.answers:
            message = await message_of(services, caller, message.answers)
        if message.role != "user":
            raise BadRequest("id", "is something the hub said by itself; only what a person said can be moved")
        wish = await wish_of(services, message.person, caller, data.task)
        await services.corrections.move(message, "new" if wish == "new" else TaskId(wish))
        return await view_message(services.store, await services.store.message(message.id) or message, replies=True)

    @post(
        "/messages/{id:str}/choice",
        status_code=202,
        opt={"scope": "messages:write"},
        responses=PROBLEMS,
        summary="Answer a question",
    )
    async def choose(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Choose]) -> Accepted:
        """Choose one of the answers that a message offers."""
        question = await question_of(services, await message_of(services, caller, id))
        offered = [choice.id for choice in question.choices]
        if data.choice not in offered:
            raise BadRequest("choice", f"must be one of {', '.join(map(repr, offered))}; it is {shown(data.choice)}")
        await services.questions.choose(question, data.choice, caller.person)
        return Accepted(id=question.id, state=question.state)

    @post(
        "/chat/stop",
        status_code=200,
        opt={"scope": "messages:write"},
        responses=PROBLEMS,
        summary="Stop what runs",
    )
    async def stop(self, services: Hub, caller: Asker, data: JSONBody[StopChat | None] = None) -> Stopped:
        """Stop whatever runs for a chat."""
        address = convert.address(caller.person, (data or StopChat()).chat)
        return Stopped(stopped=len(await services.tasks.stop_chat(caller.tenant, address, caller.person)))


async def keep(services: Services, caller: Caller, new: NewMessage, key: str | None) -> Message:
    """Keep a message for a caller, once for each idempotency key; raises PersonError and StoreUnavailable."""
    try:
        return await _keep(services, caller, new, key)
    except TooMany:
        await slow(services)
        raise


async def _keep(services: Services, caller: Caller, new: NewMessage, key: str | None) -> Message:
    if (new.text is None) == (new.parts is None):
        raise BadRequest("text" if new.text is None else "parts", "send either text or parts")
    agent = await wished(services, caller, new.agent)
    person = await speaker(services, caller, new.on_behalf_of)
    incoming = convert.incoming(
        tenant=caller.tenant,
        person=person,
        chat=new.chat,
        parts=await _parts(services, caller, new),
        external_id=new_id() if key is None else convert.keyed(caller.key.id, key),
        sent_at=services.clock.now(),
        reply_to=await _replied(services, caller, new.reply_to),
        wish=None if new.task is None else await wish_of(services, person, caller, new.task),
        agent=agent,
        key=caller.key.id,
    )
    if key is None:
        message, _ = await services.inbox.keep(incoming)
        return message
    replay = replay_of(services, caller, f"POST /v1/messages {key}", msgspec.json.encode(new), status=202)
    try:
        # One commit, for it's what every sender waits for.
        message, fresh = await services.inbox.keep(incoming, Add(replay))
    except StoreUnavailable:
        raise
    except StoreError:
        # The key's first message is in another chat.
        await check_same(services, replay)
        raise
    if not fresh:
        await check_same(services, replay)
    return message


async def _parts(services: Services, caller: Caller, new: NewMessage) -> list[Part]:
    if new.text is not None:
        return [Text(new.text)]
    parts: list[Part] = []
    for number, part in enumerate(new.parts or ()):
        if isinstance(part, TextPart):
            parts.append(Text(part.text))
            continue
        file = await file_found(services, caller, part.sha256)
        if file is None:
            raise BadRequest(f"parts[{number}].sha256", "there's no such file of yours; POST /v1/files takes it first")
        name, kind = part.name or file.name, part.media_type or file.media_type
        parts.append(replace(file, name=named(name), media_type=typed(kind)))
    return parts


async def message_of(services: Services, caller: Caller, id: str) -> Message:
    """Return a message that this caller may see; raises NotFound."""
    message = await services.store.message(MessageId(id))
    if message is None or message.tenant != caller.tenant or not await _heard(services, caller, message):
        raise NotFound(f"message: there's no {shown(id)}; GET /v1/messages lists them")
    return message


async def _heard(services: Services, caller: Caller, message: Message) -> bool:
    """Say whether a caller may see a message: their own, or what was said for others by this very key, and answers."""
    if sees(caller, message.person):
        return True
    said = await services.store.message(message.answers) if message.answers else message
    return said is not None and said.key == caller.key.id


def sees(caller: Caller, person: PersonId) -> bool:
    """Say whether a caller may see what belongs to a person."""
    return person == caller.person or caller.may("admin")


async def wish_of(services: Services, person: PersonId, caller: Caller, task: int | str) -> str:
    """Return a task's id, or "new", for what somebody called it; raises BadRequest if there's none."""
    if task == "new":
        return "new"
    # A number is what people call a task by; ids are longer.
    if isinstance(task, int) or (task.isdecimal() and len(task) < 10):
        found = await services.store.task_by_number(caller.tenant, person, int(task))
    else:
        found = await services.store.task(TaskId(task))
    if found is None or found.tenant != caller.tenant or found.person != person:
        raise BadRequest("task", f"there's no {shown(task)}; give an id or number from GET /v1/tasks, or 'new'")
    return found.id


async def messages_page(store: Store, found: Sequence[Message], limit: int) -> Page[MessageView]:
    """Return messages, oldest first, of which one more than the limit was asked for; retracted ones are left out."""
    more, found = len(found) > limit, found[-limit:]
    shown_ones = [message for message in found if message.state != "moved"]
    return Page(items=await view_messages(store, shown_ones), next=found[0].id if more else None)


async def speaker(services: Services, caller: Caller, whom: str | EndUser | None) -> PersonId:
    """Return who speaks, whose rights are then all that counts; raises BadRequest, NotAllowed and TooMany."""
    if whom is None or whom == caller.person:
        return caller.person
    caller.needs("people:write")
    if isinstance(whom, EndUser):
        person = await services.business.members.known_as(caller.tenant, whom.external, whom.name)
    elif found := await services.store.person(caller.tenant, PersonId(whom)):
        person = found
    else:
        raise BadRequest("on_behalf_of", f"there's no person {shown(whom)}")
    if not MAY[person.role] <= MAY["member"] and person.id != caller.person and not caller.may("admin"):
        # Commands are obeyed by who says them: a key that lets people in would become the owner's.
        raise NotAllowed(f"on_behalf_of: {person.name} is {person.role}; only an admin's key speaks for them")
    if not person.is_heard:
        raise NotAllowed(f"on_behalf_of: {person.name} is locked out here, or leaves; POST /v1/people/{{id}}/resume")
    await check_speaks(services, caller.tenant, person.id)
    return person.id


async def _replied(services: Services, caller: Caller, id: str | None) -> str | None:
    if id is None:
        return None
    message = await services.store.message(MessageId(id))
    if message is None or message.tenant != caller.tenant or not sees(caller, message.person):
        raise BadRequest("reply_to", f"there's no message {shown(id)}; leave it out or give an id from the chat")
    return message.external_id


async def question_of(services: Services, message: Message) -> Message:
    """Return the message that offers choices: this one, or the newest answer to it that does; raises BadRequest."""
    if message.choices:
        return message
    for reply in reversed(await services.store.replies(message.id)):
        if reply.choices:
            return reply
    raise BadRequest("id", "this message offers no choices")
