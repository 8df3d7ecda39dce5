"""Removing for good: a message or a task with all that belongs to it, a few records at a time, itself last.

Killed in the middle, what's left is found again by the record that's still there.
"""

from collections.abc import Iterable
from typing import get_args

from hub.flow import accounting
from hub.flow.orders import Orders
from hub.ports import Remove, Store, Workspaces
from hub.records import Message, PauseState, Record, Task, Turn

FEW = 100
"""Records that one commit removes: nobody's commit waits long behind it."""
MANY = 10_000
STATES: tuple[PauseState, ...] = get_args(PauseState)


class Forgetting:
    """Removes records with what belongs to them."""

    def __init__(self, store: Store, workspaces: Workspaces | None = None) -> None:
        self._store = store
        self._orders = Orders(store)
        self._workspaces = workspaces

    async def task(self, task: Task) -> None:
        """Remove a task with its messages, turns, and what else hangs on it, its workspace too."""
        if self._workspaces is not None:
            await self._workspaces.clear(task.tenant, task.id)
        while found := await self._store.all_messages_of_task(task.id, limit=FEW):
            for message in found:
                await self.message(message)
        while turns := await self._store.turns(task.id, limit=FEW):
            for turn in turns:
                await self.steps(turn)
                await self.records([turn])
        await self.records(await self._store.pauses_of_task(task.id, states=STATES, limit=MANY))
        await self.records(await self._store.taints(task.id))
        await self.records(await self._store.pins(task.id))
        await self.records(await self._store.threads(task.id))
        await self.records(await self._store.follows(task.id))
        while drafts := await self._store.drafts_of_task(task.id, limit=FEW):
            await self.records(drafts)
        while moved := await self._store.transitions(task.id, limit=FEW):
            await self.records(moved)
        await self.records([task])

    async def message(self, message: Message) -> None:
        """Remove a message with what waits for it and what it's called elsewhere."""
        await self.records(
            [
                *await self._store.entries_of(message.id),
                *await self._store.postings(message.id),
                *await self._store.corrections_of(message.id),
                *await self._orders.kept_of(message),
            ]
        )
        await self._store.commit(Remove(message), *accounting.forgotten(message))

    async def steps(self, turn: Turn) -> None:
        """Remove what a turn was made of."""
        await self.records(await self._store.steps(turn.id))

    async def records(self, records: Iterable[Record]) -> None:
        """Remove records, a few with each commit, in their order."""
        rest = list(records)
        while rest:
            await self._store.commit(*map(Remove, rest[:FEW]))
            rest = rest[FEW:]
