"""Answers to questions that were put with choices: by a button, by an ad-hoc command, or by a number."""

from collections.abc import Awaitable, Callable, Sequence

from hub.errors import BadRequest, NotFound
from hub.flow.agreeing import Agreeing
from hub.flow.asking import pause_of
from hub.flow.leave import Leave
from hub.flow.moving import Moving
from hub.flow.routes import Routes
from hub.flow.said import Answer, tag
from hub.flow.tasks import Tasks
from hub.ports import Store
from hub.records import OPEN, Choice, Message, MessageId, PauseId, PersonId, Task, TaskId

LOOK_BACK = 6
"""Messages of a chat in which an open question is looked for."""


class Questions:
    """Takes the choices people make."""

    def __init__(
        self,
        store: Store,
        routes: Routes,
        tasks: Tasks,
        moving: Moving,
        leave: Leave,
        plan: Callable[[Message, str], Awaitable[Answer]],
        agreeing: Agreeing,
    ) -> None:
        """`plan` plans what a command asked for, at the time that was chosen."""
        self._store = store
        self._routes = routes
        self._tasks = tasks
        self._moving = moving
        self._leave = leave
        self._planned = plan
        self._agreeing = agreeing

    async def choose(self, question: Message, choice: str, by: PersonId) -> str:
        """Do what a choice of a question stands for, and return what became of it; once more is no error.

        Raises BadRequest for another choice; about leave, what Leave.decide raises.
        """
        if choice not in {offered.id for offered in question.choices}:
            offered = ", ".join(repr(item.id) for item in question.choices) or "it offers none"
            raise BadRequest("choice", f"{choice!r} isn't one of this message's choices: {offered}")
        kind, id, what = choice.split("/", 2)
        match kind:
            case "route":
                return await self._about_route(MessageId(id), what)
            case "move":
                return await self._moving.moved(await self._message(MessageId(id)), what)
            case "plan":
                return await self._plan(await self._message(MessageId(id)), what)
            case "leave":
                return await self._leave.chosen(question.tenant, PauseId(id), what, by)
            case "checks":
                return await self._agreeing.decide(TaskId(id), what)
            case _:
                return await self._about_task(TaskId(id), what)

    async def pressed(self, message: Message) -> str:
        """Do what a button stands for that was pressed: `message` says which, in reply to what offers it."""
        question = await self._store.message(message.reply_to) if message.reply_to else await self._offering(message)
        if question is None or message.choice is None or question.person != message.person:
            raise NotFound("that question isn't open any more")
        return await self.choose(question, message.choice, message.author or message.person)

    async def _offering(self, message: Message) -> Message | None:
        """Return what offers the choice: who's quick presses before it's noted what the platform calls the question."""
        recent = await self._recent(message)
        return next((said for said in recent if message.choice in {choice.id for choice in said.choices}), None)

    async def answered_by(self, message: Message) -> tuple[Message, str] | None:
        """Return the open question of a chat, and the choice that a message makes by its number or its words."""
        questions = await self._open(message)
        leaves = {id for question in questions if (id := pause_of(question.choices))}
        for question in reversed(questions):
            if choice := chosen(question.choices, message.text):
                if pause_of(question.choices) and message.address.is_programs:
                    continue
                # A number isn't leave where it might be meant for another call.
                return None if pause_of(question.choices) and len(leaves) > 1 else (question, choice)
        return None

    async def _open(self, message: Message) -> list[Message]:
        return [said for said in await self._recent(message) if said.choices and await self._is_open(said)]

    async def _recent(self, message: Message) -> tuple[Message, ...]:
        return await self._store.messages_of_chat(message.tenant, message.address, limit=LOOK_BACK, before=message.id)

    async def _is_open(self, question: Message) -> bool:
        kind, id, _ = question.choices[0].id.split("/", 2)
        if kind == "route":
            asked = await self._store.message(MessageId(id))
            return asked is not None and asked.state == "asking"
        if kind == "move":
            moved = await self._store.message(MessageId(id))
            corrected = moved is not None and moved.route is not None and moved.route.rule == "corrected"
            return moved is not None and not corrected
        if kind == "leave":
            pause = await self._store.pause(PauseId(id))
            return pause is not None and pause.state == "asked"
        task = await self._store.task(TaskId(id))
        if kind == "checks":
            return task is not None and bool(task.proposed)
        if kind == "plan":
            return task is None  # the planned one has its command's id
        return task is not None and task.state == "input-required"

    async def _plan(self, command: Message, strictly: str) -> str:
        return (await self._planned(command, strictly)).text

    async def _about_route(self, id: MessageId, what: str) -> str:
        await self._routes.choose(id, None if what == "new" else TaskId(what))
        message = await self._message(id)
        task = await self._store.task(message.task) if message.task else None
        return f"It's about {tag(task)}." if task else "It's about something new."

    async def _about_task(self, id: TaskId, what: str) -> str:
        task = await self._store.task(id)
        if task is None:
            raise NotFound("that task is gone")
        if what == "cancel" and task.state in OPEN:
            task = await self._tasks.cancel(task)
        elif what != "cancel" and task.state == "input-required":
            task = await self._changed(task, what)
        return f"{tag(task)} – {task.state}"

    async def _changed(self, task: Task, what: str) -> Task:
        return await (self._tasks.extend(task) if what == "more" else self._tasks.finish(task))

    async def _message(self, id: MessageId) -> Message:
        message = await self._store.message(id)
        if message is None:
            raise NotFound("that message is gone")
        return message


def chosen(choices: Sequence[Choice], text: str) -> str | None:
    """Return which of these choices is made by a number or by words, if any is."""
    said = text.strip().lower().rstrip(".!)")
    if said.isdecimal() and 1 <= int(said) <= len(choices):
        return choices[int(said) - 1].id
    return next((choice.id for choice in choices if choice.text.lower() == said), None)
