"""What a turn's end has to do with calls that wait: the one it stopped at, the one it took up, others of its task."""

from msgspec import Struct
from msgspec.structs import replace

from hub.flow import asking
from hub.flow.calling import Held
from hub.flow.journal import Journal
from hub.flow.orders import is_clients
from hub.flow.pauses import DECIDED, MANY, WAITING, resting
from hub.flow.work import Work
from hub.ports import Add, Change, Clock, Save, Store
from hub.records import Ask, Choice, Pause, Task


class Waiting(Struct, frozen=True, kw_only=True):
    """A task as it stands in view of what waits, what keeps that, and what the person is asked."""

    task: Task
    changes: tuple[Change, ...] = ()
    question: str = ""
    choices: tuple[Choice, ...] = ()


class Waits:
    """Sees to calls that wait when a turn ends."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, zone: str) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._zone = zone

    async def of(self, work: Work, held: Held | None, task: Task) -> Waiting:
        """Return what's to be kept and asked together with the end of a turn, which may have stopped at a call."""
        changes: list[Change] = []
        others: list[Pause] = []
        for pause in await self._store.pauses_of_task(task.id, states=WAITING, limit=MANY):
            if (work.pause is None or pause.id != work.pause.id) and is_clients(pause.tool) and work.messages:
                # Its program went on without it: what it would bring now is about nothing any more.
                changes.append(Save(replace(pause, state="done", answer="void: the program said something else")))
            elif work.pause is None or pause.id != work.pause.id:
                others.append(pause)
            elif pause.state in DECIDED:
                # However the turn ended, this call isn't taken up again.
                changes.append(Save(replace(pause, state="done", answer=pause.answer or "void: the turn failed")))
        if held is None:
            return Waiting(task=resting(task, others, self._clock.now()), changes=tuple(changes))
        changes.append(Add(held.pause))
        others.append(held.pause)
        resting_task = resting(task, others, self._clock.now())
        if held.pause.kind == "answer":
            return Waiting(task=resting_task, changes=tuple(changes), question=held.pause.why)
        changes.append(self._journal.about_approval(held.pause))
        return Waiting(
            task=resting_task,
            changes=tuple(changes),
            question=await self._question(held.pause, task),
            choices=asking.choices(held.pause),
        )

    async def _question(self, pause: Pause, task: Task) -> str:
        person = await self._store.person(task.tenant, task.person)
        taints = await self._store.taints(task.id)
        group = person is not None and person.role == "group"
        return asking.question(pause, task, taints, self._zone, group=group)


def verdict_of(held: Held | None) -> Ask:
    """Return how a task stands whose turn ended with a question."""
    if held is None or held.pause.kind == "leave":
        # Words are no leave: only a decision is, so the router needn't take the next ones for an answer.
        return Ask(question="", why=f"leave is asked for {held.pause.tool}" if held else "")
    return Ask(question=held.pause.why, why=f"{held.pause.tool} asks")
