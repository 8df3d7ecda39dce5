"""How a message of the hub is shown in its chat: which task it's about, in which thread, what it answers."""

from datetime import timedelta

from msgspec import Struct

from hub.ports import Clock, Store
from hub.records import OPEN, Address, Message, MessageId, Task, TaskId


class Label(Struct, frozen=True, kw_only=True):
    """What a platform has to know to show what's said about a task. See Outgoing for the fields."""

    task: Task | None = None
    tagged: bool = False
    thread: str | None = None
    reply_to: str | None = None


class Labels:
    """Makes labels, from what's kept at this moment."""

    def __init__(self, store: Store, clock: Clock, reopen_hours: float) -> None:
        self._store = store
        self._clock = clock
        self._reopen = timedelta(hours=reopen_hours)

    async def of(self, message: Message) -> Label:
        """Return the label of a message of the hub."""
        return await self.about(message.task, message.address, message.answers)

    async def about(self, id: TaskId | None, address: Address, answers: MessageId | None) -> Label:
        """Return the label of what's said about a task at an address, in answer to a message or unasked."""
        reply_to = await self._external(address, answers)
        task = await self._store.task(id) if id else None
        if task is None:
            return Label(reply_to=reply_to)
        return Label(
            task=task,
            tagged=await self._others(task),
            thread=await self._thread(task, address),
            reply_to=reply_to,
        )

    async def _others(self, task: Task) -> bool:
        """Say whether it could have been about another task: one that's open, or that the router would reopen."""
        who = (task.tenant, task.person)
        found = await self._store.tasks(*who, states=OPEN, limit=2, by="updated_at", split=False)
        if any(other.id != task.id for other in found):
            return True
        since = self._clock.now() - self._reopen
        found = await self._store.tasks(
            *who, states=("completed",), updated_since=since, limit=2, by="updated_at", split=False
        )
        return any(other.id != task.id for other in found)

    async def _thread(self, task: Task, address: Address) -> str | None:
        own = [
            thread.thread
            for thread in await self._store.threads(task.id)
            if (thread.bridge, thread.chat) == (address.bridge, address.chat)
        ]
        return address.thread if address.thread in own else next(iter(own), None)

    async def _external(self, address: Address, answers: MessageId | None) -> str | None:
        asked = await self._store.message(answers) if answers else None
        if asked is None or (asked.address.bridge, asked.address.chat) != (address.bridge, address.chat):
            return None
        return asked.external_id
