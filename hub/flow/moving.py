"""Putting a wrong task right by a command, or by a button that asks which one."""

from datetime import timedelta

from hub.flow.corrections import Corrections
from hub.flow.meant import Meant
from hub.flow.said import Answer, Said, short, tag
from hub.ports import Clock, Store
from hub.records import OPEN, Choice, Message, TaskId

OFFERED = 6
"""Tasks offered, besides a new one."""


class Moving:
    """Obeys /move."""

    def __init__(self, store: Store, clock: Clock, meant: Meant, corrections: Corrections, reopen_hours: float) -> None:
        self._store = store
        self._clock = clock
        self._meant = meant
        self._corrections = corrections
        self._reopen = timedelta(hours=reopen_hours)

    async def move(self, said: Said) -> str | Answer:
        """Move a message to the task that's named; without one, ask which."""
        message = await self._meant.message(said.message)
        if message is None or message.role != "user":
            return "There's no message of yours here to move."
        if not said.rest:
            return await self._asked(message)
        to = "new" if said.rest == "new" else (await self._meant.task(said, said.rest)).id
        return await self.moved(message, to)

    async def moved(self, message: Message, to: str) -> str:
        """Move a message and say so; moved there before, it's no error."""
        right = await self._corrections.move(message, TaskId(to) if to != "new" else "new")
        return f"Moved “{short(message.text)}” to {tag(right)}; it's answered there."

    async def _asked(self, message: Message) -> Answer:
        who = (message.tenant, message.person)
        found = await self._store.tasks(*who, states=OPEN, limit=OFFERED + 1, by="updated_at", split=False)
        since = self._clock.now() - self._reopen
        found += await self._store.tasks(
            *who, states=("completed",), updated_since=since, limit=OFFERED + 1, by="updated_at", split=False
        )
        others = [task for task in found if task.id != message.task][:OFFERED]
        choices = tuple(Choice(id=f"move/{message.id}/{task.id}", text=tag(task)) for task in others)
        return Answer(
            text=f"Which task is “{short(message.text)}” about?",
            choices=(*choices, Choice(id=f"move/{message.id}/new", text="A new task")),
        )
