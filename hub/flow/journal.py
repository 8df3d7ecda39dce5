"""One commit, and then everybody who should know of it."""

import logging

from hub.ports import Add, Change, Clock, Dispatcher, Feed, Save, Store, Witness
from hub.records import Actor, Event, EventKind, Message, Pause, Task, TaskState, Transition, Turn, new_id

WHY = 500
"""Characters."""

log = logging.getLogger(__name__)


class Journal:
    """Commits changes, publishes the events among them, wakes lanes. In that order: nobody hears of what isn't kept."""

    def __init__(
        self, store: Store, feed: Feed, dispatcher: Dispatcher, clock: Clock, witness: Witness | None = None
    ) -> None:
        self._store = store
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self.last_at = clock.monotonic()
        """When anything was kept last, by the monotonic clock."""
        self._witness = witness

    async def commit(self, *changes: Change, wake: tuple[str, ...] = ()) -> None:
        """Keep the changes, all or none; raises what Store.commit raises."""
        began = self._clock.monotonic()
        events = await self._store.commit(*changes)
        self.last_at = self._clock.monotonic()
        took = self.last_at - began
        self._feed.publish(*events)
        self._dispatcher.wake(*wake)
        if self._witness is not None:
            self._bear_witness(self._witness, changes, took)

    @staticmethod
    def _bear_witness(witness: Witness, changes: tuple[Change, ...], took: float) -> None:
        try:
            witness.committed(changes, took)
        except Exception:
            # What's kept is kept: nobody may be told otherwise because it couldn't be counted.
            log.exception("a commit of %d changes wasn't counted", len(changes))

    def about_message(self, kind: EventKind, message: Message) -> Add:
        """Tell of a message: that it came, where it went, that it's answered."""
        return Add(
            Event(
                tenant=message.tenant,
                person=message.person,
                kind=kind,
                created_at=self._clock.now(),
                message=message.id,
                task=message.task,
                turn=message.turn,
                state=message.state,
            )
        )

    def founded(self, task: Task, by: Actor, why: str) -> tuple[Change, ...]:
        """Keep a new task, and who founded it."""
        return (Add(task), self._about_task(task, None), self._moved(task, None, by, why))

    def changed(self, task: Task, was: TaskState, by: Actor, why: str) -> tuple[Change, ...]:
        """Keep a task as it's now, and, if it was in another state, who had it changed and why."""
        moved = () if task.state == was else (self._moved(task, was, by, why),)
        return (Save(task), self._about_task(task, was), *moved)

    def noted(self, task: Task, by: Actor, why: str) -> Add:
        """Keep what happened to a task whose state stays as it is."""
        return self._moved(task, task.state, by, why)

    def _about_task(self, task: Task, was: TaskState | None) -> Add:
        return Add(
            Event(
                tenant=task.tenant,
                person=task.person,
                kind="task",
                created_at=self._clock.now(),
                task=task.id,
                state=task.state if task.state != was else None,
            )
        )

    def _moved(self, task: Task, was: TaskState | None, by: Actor, why: str) -> Add:
        return Add(
            Transition(
                id=new_id(),
                tenant=task.tenant,
                task=task.id,
                before=was,
                after=task.state,
                by=by,
                why=why[:WHY],
                at=self._clock.now(),
            )
        )

    def about_turn(self, turn: Turn, task: Task) -> Add:
        """Tell of a turn's begin or end."""
        return Add(
            Event(
                tenant=task.tenant,
                person=task.person,
                kind="turn",
                created_at=self._clock.now(),
                task=task.id,
                turn=turn.id,
            )
        )

    def about_approval(self, pause: Pause) -> Add:
        """Tell that a call waits for leave, or doesn't any more."""
        return Add(
            Event(
                tenant=pause.tenant,
                person=pause.person,
                kind="approval",
                created_at=self._clock.now(),
                task=pause.task,
                turn=pause.turn,
                state=pause.state,
            )
        )
