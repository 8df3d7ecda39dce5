"""Answers to questions that were put with choices: by a button, by an ad-hoc command, or by a number."""

from hub.errors import BadRequest, NotFound
from hub.flow.routes import Routes
from hub.flow.tasks import Tasks
from hub.ports import Store
from hub.records import Choice, Message, MessageId, Task, TaskId

LOOK_BACK = 6
"""Messages of a chat in which an open question is looked for."""


class Questions:
    """Takes the choices people make."""

    def __init__(self, store: Store, routes: Routes, tasks: Tasks) -> None:
        self._store = store
        self._routes = routes
        self._tasks = tasks

    async def choose(self, question: Message, choice: str) -> None:
        """Do what a choice of a question stands for; once more is no error. Raises BadRequest for another choice."""
        if choice not in {offered.id for offered in question.choices}:
            offered = ", ".join(repr(item.id) for item in question.choices) or "it offers none"
            raise BadRequest("choice", f"{choice!r} isn't one of this message's choices: {offered}")
        kind, id, what = choice.split("/", 2)
        if kind == "route":
            await self._routes.choose(MessageId(id), None if what == "new" else TaskId(what))
        else:
            await self._about_task(TaskId(id), what)

    async def answered_by(self, message: Message) -> tuple[Message, str] | None:
        """Return the open question of a chat, and the choice that a message makes by its number or its words."""
        for question in reversed(await self._open(message)):
            if choice := _chosen(question.choices, message.text):
                return question, choice
        return None

    async def _open(self, message: Message) -> list[Message]:
        recent = await self._store.messages_of_chat(message.tenant, message.address, limit=LOOK_BACK, before=message.id)
        return [said for said in recent if said.choices and await self._is_open(said)]

    async def _is_open(self, question: Message) -> bool:
        kind, id, _ = question.choices[0].id.split("/", 2)
        if kind == "route":
            asked = await self._store.message(MessageId(id))
            return asked is not None and asked.state == "asking"
        task = await self._store.task(TaskId(id))
        return task is not None and task.state == "input-required"

    async def _about_task(self, id: TaskId, what: str) -> Task:
        task = await self._store.task(id)
        if task is None:
            raise NotFound("that task is gone")
        if task.state != "input-required":
            return task
        return await (self._tasks.extend(task) if what == "more" else self._tasks.finish(task))


def _chosen(choices: tuple[Choice, ...], text: str) -> str | None:
    said = text.strip().lower().rstrip(".!)")
    if said.isdecimal() and 1 <= int(said) <= len(choices):
        return choices[int(said) - 1].id
    return next((choice.id for choice in choices if choice.text.lower() == said), None)
