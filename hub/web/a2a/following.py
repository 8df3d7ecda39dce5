"""What happens to a task, as A2A streams it: first the task, then each piece of an answer and each change of state."""

from collections.abc import AsyncGenerator, Sequence

from hub.errors import NotFound
from hub.ports import Delta
from hub.records import Event, Message, MessageId, Task, TurnId
from hub.web.a2a import wire
from hub.web.a2a.faults import Fault
from hub.web.a2a.sending import ROUTED, kept, outcome, until_routed
from hub.web.a2a.views import context_of, view_answer, view_status, view_task
from hub.web.programs import Visit
from hub.web.stream import KEEP_ALIVE, SETTLED, Ended, Watch, watching
from hub.web.tasking import task_of

MESSAGES = 50
Updates = AsyncGenerator[wire.Update | None, None]
"""None is only a sign of life."""


async def send_streaming(visit: Visit, request: wire.SendRequest) -> Updates:
    """Keep a message, and tell of its task until it rests."""
    services, caller = visit.services, visit.caller
    history = request.configuration.history_length if request.configuration else None
    async with watching(services, caller.tenant, caller.person) as watch:
        message = await kept(visit, request)
        message = await until_routed(services, watch, message, services.clock.monotonic() + ROUTED)
        task = await services.store.task(message.task) if message.task else None
        if task is None:
            yield await outcome(visit, message, history)
            return
        follower = _Follower(visit, task, message)
        yield await follower.first(history)
        if not follower.over:
            async for update in _rest(visit, watch, follower):
                yield update


async def subscribe(visit: Visit, request: wire.TaskRequest) -> Updates:
    """Tell of a task until it rests (again); raises NotFound, and Fault for one that's over."""
    services, caller = visit.services, visit.caller
    task = await task_of(services, caller, request.id)
    async with watching(services, task.tenant, task.person) as watch:
        task = await services.store.task(task.id) or task
        if task.state in wire.OVER:
            raise Fault("UNSUPPORTED_OPERATION", f"task {task.id} is {task.state}: nothing more happens to it")
        follower = _Follower(visit, task, None)
        yield await follower.first(None)
        async for update in _rest(visit, watch, follower):
            yield update


async def _rest(visit: Visit, watch: Watch, follower: "_Follower") -> Updates:
    while not follower.over:
        try:
            news = await watch.next(KEEP_ALIVE)
        except Ended:
            return
        match news:
            case None:
                if not await visit.services.people.still_good(visit.caller.key):
                    return
                yield None
            case Delta():
                for update in follower.piece(news):
                    yield update
            case Event():
                if news.task == follower.task.id:
                    for update in await follower.changes():
                        yield update


class _Follower:
    """Tells of one task, each thing once."""

    def __init__(self, visit: Visit, task: Task, message: Message | None) -> None:
        self._visit = visit
        self._store = visit.services.store
        self.task = task
        self._message = message
        self._seen: MessageId | None = None
        self._last: list[Message] = []
        self._told: wire.Status | None = None
        self._begun: set[TurnId] = set()
        self._ended: set[str] = set()
        self.over = False
        """It rests, and what was said is answered: nothing more is told."""

    async def first(self, history: int | None) -> wire.Update:
        """Return the task as it stands; what's told after it is new."""
        messages = await self._store.messages_of_task(self.task.id, limit=MESSAGES)
        self._note(messages)
        task = await view_task(self._visit.services, self.task, self._visit.base, history=history)
        self._told = task.status
        self.over = self._message is not None and await self._rests()
        return wire.Update(task=task)

    def piece(self, delta: Delta) -> tuple[wire.Update, ...]:
        """Return some more of an answer that's being written."""
        if delta.task != self.task.id or delta.turn in self._ended or not delta.text:
            return ()
        append = delta.turn in self._begun and not delta.whole
        self._begun.add(delta.turn)
        artifact = wire.Artifact(artifact_id=delta.turn, name="answer", parts=[wire.Part(text=delta.text)])
        return (self._artifact(artifact, append=append, last=False),)

    async def changes(self) -> list[wire.Update]:
        """Return what's new: answers that are written, and how the task stands if that's otherwise now."""
        found = await self._store.task(self.task.id)
        if found is None:
            self.over = True
            raise NotFound(f"task {self.task.id} is gone")
        self.task = found
        messages = await self._store.messages_of_task(found.id, limit=MESSAGES, after=self._seen)
        updates = []
        for message in messages:
            if message.role == "agent" and message.state != "moved":
                artifact = view_answer(message, self._visit.base)
                self._ended.add(artifact.artifact_id)
                updates.append(self._artifact(artifact, append=False, last=True))
        self._note(messages)
        status = view_status(found, self._last, self._visit.base)
        changed = self._told is None or (status.state, status.message) != (self._told.state, self._told.message)
        if changed:
            self._told = status
            update = wire.StatusUpdate(task_id=found.id, context_id=context_of(found), status=status)
            updates.append(wire.Update(status_update=update))
        if changed or self._message is not None:
            self.over = await self._rests()
        return updates

    def _note(self, messages: Sequence[Message]) -> None:
        """Take note of what's told of by now, and of what the task said last."""
        self._seen = messages[-1].id if messages else self._seen
        spoken = [message for message in messages if message.role != "user" and message.state != "moved"]
        self._last = spoken[-1:] or self._last

    async def _rests(self) -> bool:
        if self.task.state not in wire.RESTING:
            return False
        if self._message is None:
            return True
        message = await self._store.message(self._message.id)
        return message is None or message.state in SETTLED

    def _artifact(self, artifact: wire.Artifact, *, append: bool, last: bool) -> wire.Update:
        update = wire.ArtifactUpdate(
            task_id=self.task.id,
            context_id=context_of(self.task),
            artifact=artifact,
            append=append,
            last_chunk=last,
        )
        return wire.Update(artifact_update=update)
