"""Keeping a route: message, task and entry in one commit, whoever decided it."""

from collections.abc import Collection
from contextlib import nullcontext

from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.following import Following
from hub.flow.journal import Journal
from hub.flow.tasks import Tasks
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import Entry, Message, MessageId, Route, Rule, Task, TaskId, TaskState, Thread
from hub.spool import Spool

TRIES = 20
"""So many others may have something to say about one task at the same moment."""
MANY = 100


class Routes:
    """Sends messages on to their tasks."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        following: Following,
        threadless: Collection[str] = (),
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._tasks = tasks
        self._following = following
        self._threadless = threadless
        """Bridges whose threads say nothing about tasks."""

    async def settle(self, entry: Entry, message: Message, route: Route) -> None:
        """Commit the route: message, task and entry together; from here on the task's lane has it.

        A route to a task that's gone founds a new one.
        """
        async with self._tasks.founding(message.tenant, message.person) if route.new else nullcontext():
            await self._settle(entry, message, route)

    async def _settle(self, entry: Entry, message: Message, route: Route) -> None:
        for _ in range(TRIES):
            task = None if route.new else await self._store.task(route.task)
            new = task is None
            was = task.state if task else None
            task = self._at_work(task) if task else await self._tasks.found(message)
            routed = replace(message, state="routed", task=task.id, route=replace(route, task=task.id, new=new))
            reach("route.before-commit")
            try:
                changes = (*self._changes(entry, routed, task, was), *await self._bound(routed, task))
                await self._journal.commit(*changes, wake=(lanes.task(task.id),))
            except (Conflict, Duplicate):
                # The task changed or its number was taken meanwhile, or the entry is somebody else's by now.
                fresh = await self._store.entry(entry.id)
                if fresh is None or fresh.lane != entry.lane or fresh.state in {"done", "dead"}:
                    return
                entry = fresh
                continue
            reach("route.after-commit")
            return
        raise Conflict(f"message {message.id} can't be routed: its task changes all the time")

    async def choose(self, asked: MessageId, task: TaskId | None) -> None:
        """Route a message that its person was asked about; None is a new task. Done before, it's no error."""
        entry = await self._store.entry_of("inbox", asked)
        message = await self._store.message(asked)
        if message is None or entry is None or entry.state != "held":
            return
        route = to_task("asked", task)
        await self.settle(
            entry, message, replace(route, candidates=message.route.candidates) if message.route else route
        )

    async def expire(self) -> None:
        """Route by the best guess what nobody answered a question about."""
        for entry in await self._store.held(self._clock.now(), MANY):
            message = await self._store.message(entry.message)
            if message is not None and message.route is not None:
                await self.settle(entry, message, message.route)

    def _changes(self, entry: Entry, message: Message, task: Task, was: TaskState | None) -> tuple[Change, ...]:
        spoken = "its person spoke about it"
        return (
            *(self._journal.changed(task, was, "person", spoken) if was else ()),
            *(self._journal.founded(task, "person", "a message began it") if was is None else ()),
            Save(message),
            self._spool.move(entry, lanes.task(task.id)),
            self._journal.about_message("route", message),
        )

    async def _bound(self, message: Message, task: Task) -> tuple[Change, ...]:
        """Return what makes a new thread the task's own, and has a chat follow the task that's continued there."""
        changes = await self._following.joined(task, message)
        at = message.address
        if at.thread is None or at.bridge in self._threadless or await self._store.thread(message.tenant, at):
            return changes
        # An old task that's spoken of in passing in some thread doesn't move there.
        if message.route is not None and message.route.new:
            bound = Thread(tenant=task.tenant, bridge=at.bridge, chat=at.chat, thread=at.thread, task=task.id)
            return (*changes, Add(bound))
        return changes

    def _at_work(self, task: Task) -> Task:
        """Return a task as it stands once somebody has spoken about it: at work, or about to be."""
        state: TaskState = task.state if task.state in {"submitted", "working"} else "submitted"
        return replace(task, state=state, updated_at=self._clock.now())


def to_task(rule: Rule, task: TaskId | None) -> Route:
    """Return a route that nobody had to weigh; None is a new task."""
    return Route(rule=rule, task=task or TaskId(""), new=task is None, probability=1.0)
