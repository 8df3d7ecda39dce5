"""A little flow that keeps, routes and echoes at once, for tests of the web alone."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from hub.errors import BadRequest, Duplicate, StoreError, TooLarge
from hub.ports import Add, Change, Clock, Delta, Feed, Save, Store
from hub.records import (
    Address,
    Check,
    Choice,
    Entry,
    Event,
    EventKind,
    File,
    Incoming,
    KeyId,
    Limits,
    Message,
    MessageId,
    PersonId,
    Route,
    Schedule,
    Task,
    TaskId,
    TenantId,
    Text,
    Turn,
    TurnId,
    new_id,
    saved,
)


class Echo:
    """Inbox, tasks, corrections and questions in one.

    Says "You said: ..."; asks which task when told "which?"; says nothing to "wait" until `answer` is called.
    """

    def __init__(self, store: Store, feed: Feed, clock: Clock, *, pace: float = 0.0) -> None:
        self.store = store
        self.feed = feed
        self.clock = clock
        self.pace = pace
        self.failing: Exception | None = None
        self.kept = 0
        self.heard = asyncio.Event()
        self.stopped: list[Address] = []
        self.retried: list[Entry] = []
        self._running: set[asyncio.Task[None]] = set()

    async def keep(self, incoming: Incoming, *beside: Change) -> tuple[Message, bool]:
        if self.failing:
            raise self.failing
        text = "\n".join(part.text for part in incoming.parts if isinstance(part, Text))
        if not text.strip() and not any(isinstance(part, File) for part in incoming.parts):
            raise BadRequest("text", "it's empty; write something")
        if len(text) > 262_144:
            raise TooLarge("text: too much")
        message = Message(
            id=MessageId(new_id()),
            tenant=incoming.tenant,
            address=incoming.address,
            external_id=incoming.external_id,
            role="user",
            person=PersonId(incoming.sender),
            parts=incoming.parts,
            state="accepted",
            created_at=self.clock.now(),
            wish=incoming.wish,
            agent=incoming.agent,
            key=incoming.key,
        )
        try:
            await self.commit(Add(message), self.about("message", message), *beside)
        except Duplicate:
            kept = await self.store.message_by_external(incoming.tenant, incoming.address, incoming.external_id)
            if kept is None:
                raise StoreError("kept and can't be found") from None
            return kept, False
        self.kept += 1
        self.heard.set()
        if text != "wait":
            work = asyncio.ensure_future(self.answer(message))
            self._running.add(work)
            work.add_done_callback(self._running.discard)
        return message, True

    async def answer(self, message: Message) -> None:
        if message.text == "which?":
            asking = replace(message, state="asking")
            notice = self.reply(asking, "Which task?", role="notice")
            notice = replace(notice, choices=(Choice(id="1", text="This"), Choice(id="new", text="A new one")))
            await self.commit(Save(asking), Add(notice), self.about("notice", notice))
            return
        task = await self.task_for(message)
        turn = Turn(
            id=TurnId(new_id()),
            tenant=task.tenant,
            task=task.id,
            number=len(await self.store.turns(task.id)) + 1,
            state="working",
            messages=(message.id,),
            started_at=self.clock.now(),
        )
        routed = replace(
            message, state="working", task=task.id, route=Route(rule="first", task=task.id, new=True, probability=1.0)
        )
        await self.commit(Save(routed), Add(turn), self.about("route", routed), self.about("turn", routed, turn))
        answer = f"You said: **{message.text}**"
        for word in answer.split(" "):
            await asyncio.sleep(self.pace)
            self.feed.publish(
                Delta(
                    tenant=task.tenant,
                    person=task.person,
                    task=task.id,
                    turn=turn.id,
                    message=message.id,
                    text=word + " ",
                )
            )
        reply = replace(self.reply(routed, answer), task=task.id, turn=turn.id)
        answered = replace(routed, state="answered", turn=turn.id)
        done = replace(turn, state="done", answer=answer, ended_at=self.clock.now())
        await self.commit(
            Save(answered),
            Add(reply),
            Save(done),
            Save(replace(task, state="completed")),
            self.about("reply", reply),
            self.about("turn", reply, turn),
            self.about("task", reply),
        )
        self.feed.finish(turn.id)

    async def task_for(self, message: Message) -> Task:
        if message.wish not in (None, "new"):
            task = await self.store.task(TaskId(message.wish or ""))
            assert task is not None
            return task
        task = Task(
            id=TaskId(new_id()),
            tenant=message.tenant,
            person=message.person,
            number=await self.store.last_number(message.tenant, message.person) + 1,
            origin=message.address,
            title=message.text[:60],
            goal=message.text,
            agent=message.agent or "default",
            state="working",
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
        await self.commit(Add(task))
        return task

    async def assign(
        self,
        *,
        tenant: TenantId,
        person: PersonId,
        address: Address,
        text: str,
        agent: str | None,
        external_id: str,
        limits: Limits | None,
        due_at: datetime | None,
        schedule: Schedule | None,
        checks: Sequence[Check],
        key: KeyId | None = None,
    ) -> tuple[Task, Message]:
        kept = await self.store.message_by_external(tenant, address, external_id)
        if kept is not None and kept.task is not None:
            task = await self.store.task(kept.task)
            assert task is not None
            return task, kept
        if not text.strip():
            raise BadRequest("text", "it's empty; write something")
        message = Message(
            id=MessageId(new_id()),
            tenant=tenant,
            address=address,
            external_id=external_id,
            role="user",
            person=person,
            parts=(Text(text),),
            state="accepted",
            created_at=self.clock.now(),
            agent=agent,
        )
        task = replace(
            await self.task_for(message),
            kind="assignment",
            state="submitted",
            due_at=due_at,
            schedule=schedule,
            limits=limits or Limits(),
            checks=tuple(checks),
        )
        message = replace(message, task=task.id)
        await self.commit(Add(message), Save(task), self.about("task", message))
        return task, message

    async def cancel(self, task: Task) -> Task:
        return await self.change(replace(task, state="canceled"))

    async def resume(self, task: Task) -> Task:
        return await self.change(replace(task, state="submitted"))

    async def stop(self, task: Task) -> Task:
        return await self.change(replace(task, state="input-required"))

    async def change(self, task: Task) -> Task:
        await self.commit(
            Save(task),
            Add(Event(tenant=task.tenant, person=task.person, kind="task", created_at=self.clock.now(), task=task.id)),
        )
        return saved(task)

    async def change_message(self, message: Message) -> None:
        await self.commit(Save(message), self.about("message", message))

    async def stop_chat(self, tenant: TenantId, address: Address, person: PersonId) -> tuple[Task, ...]:
        self.stopped.append(address)
        working = await self.store.tasks(tenant, person, states=("working",), chat=address)
        return tuple([await self.stop(task) for task in working])

    async def move(self, message: Message, to: TaskId | Literal["new"]) -> Task:
        task = await self.task_for(replace(message, wish=to))
        route = Route(rule="corrected", task=task.id, new=to == "new", probability=1.0)
        moved = replace(message, task=task.id, route=route)
        await self.commit(Save(moved), self.about("route", moved))
        return task

    async def choose(self, question: Message, choice: str, by: PersonId) -> str:
        asked = await self.store.message(question.answers) if question.answers else None
        assert asked is not None
        await self.commit(Save(replace(asked, state="answered")), self.about("route", asked))
        return "chosen"

    async def retry(self, entry: Entry) -> Entry:
        self.retried.append(entry)
        return entry

    def reply(self, message: Message, text: str, role: Literal["agent", "notice"] = "agent") -> Message:
        id = MessageId(new_id())
        return Message(
            id=id,
            tenant=message.tenant,
            address=message.address,
            external_id=id,
            role=role,
            person=message.person,
            parts=(Text(text),),
            state="sent",
            created_at=self.clock.now(),
            answers=message.id,
        )

    def about(self, kind: EventKind, message: Message, turn: Turn | None = None) -> Add:
        return Add(
            Event(
                tenant=message.tenant,
                person=message.person,
                kind=kind,
                created_at=self.clock.now(),
                message=message.id,
                task=message.task,
                turn=turn.id if turn else message.turn,
            )
        )

    async def commit(self, *changes: Change) -> None:
        self.feed.publish(*await self.store.commit(*changes))
