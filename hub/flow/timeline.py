"""What happened to a task, in its order: from what's kept of it, read piece by piece however long it is."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from hub.errors import BadRequest
from hub.flow.happened import Kind, Moment, of_correction, of_message, of_pause, of_transition, of_turn, wait_after
from hub.ports import Store
from hub.records import MessageId, PauseState, PersonId, Step, Task, Transition, Turn, Usage

CHUNK = 100
PAUSES = 500
CORRECTIONS = 200
Order = Literal["newest", "oldest"]
Source = Literal["transitions", "messages", "turns", "pauses", "corrections"]
R = TypeVar("R")

OF: dict[Source, frozenset[Kind]] = {
    "transitions": frozenset({"state", "run"}),
    "messages": frozenset({"message"}),
    "turns": frozenset({"turn", "call", "step", "check", "verdict", "wait"}),
    "pauses": frozenset({"leave"}),
    "corrections": frozenset({"correction"}),
}
"""What each source tells of."""


class Totals(Struct, frozen=True, kw_only=True):
    """What a task has taken altogether."""

    turns: int
    tokens: int
    minutes_at_work: float
    minutes_waiting: float
    """All the rest of the time from its founding to its end, or to now."""
    minutes_for_person: float
    """Of these, while it needed its person."""
    money: float
    """Of remote models, of the run that's under way or was the last."""


class Read(Struct, frozen=True, kw_only=True):
    """A piece of a timeline; `cursor` leads to the next."""

    moments: list[Moment]
    cursor: str | None


class Timeline:
    """Reads a task's timeline."""

    def __init__(self, store: Store, task: Task, names: dict[PersonId, str], kinds: Collection[Kind] = ()) -> None:
        """`names` are what people are called; `kinds` are all that's wanted, none means everything."""
        self._store = store
        self._task = task
        self._names = names
        self._kinds = frozenset(kinds or get_args(Kind))

    async def page(self, order: Order, limit: int, cursor: str | None) -> Read:
        """Return so many moments from a cursor on; raises BadRequest for one that isn't a timeline's."""
        at = _opened(cursor)
        moments: list[Moment] = []
        async for moment, source, position in self._merged(order, at):
            if len(moments) == limit:
                return Read(moments=moments, cursor=msgspec.json.encode(at).decode())
            moments.append(moment)
            at[source] = position
        return Read(moments=moments, cursor=None)

    async def all(self, order: Order) -> AsyncIterator[Moment]:
        """Yield everything."""
        async for moment, _, _ in self._merged(order, {}):
            yield moment

    # --- its sources, each in order; with each moment comes where to go on after it

    async def _merged(self, order: Order, at: dict[Source, str]) -> AsyncIterator[tuple[Moment, Source, str]]:
        makers: dict[Source, Callable[[Order, str], AsyncIterator[tuple[Moment, str]]]] = {
            "transitions": self._transitions,
            "messages": self._messages,
            "turns": self._turns,
            "pauses": self._pauses,
            "corrections": self._corrections,
        }
        wanted = [source for source in makers if OF[source] & self._kinds]
        sources = {source: self._chosen(makers[source](order, at.get(source, ""))) for source in wanted}
        heads = {source: await anext(moments, None) for source, moments in sources.items()}
        sign = 1 if order == "oldest" else -1
        # Of one moment each source's own order stands, and between sources the founding comes before what it began.
        rank = {source: number * sign for number, source in enumerate(makers)}
        while found := {source: head for source, head in heads.items() if head}:
            first = min(found, key=lambda source: (found[source][0].at.timestamp() * sign, rank[source]))
            moment, position = found[first]
            yield moment, first, position
            heads[first] = await anext(sources[first], None)

    async def _chosen(self, moments: AsyncIterator[tuple[Moment, str]]) -> AsyncIterator[tuple[Moment, str]]:
        async for moment, position in moments:
            if moment.kind in self._kinds:
                yield moment, position

    async def _transitions(self, order: Order, at: str) -> AsyncIterator[tuple[Moment, str]]:
        async for each in self._each_transition(order, at):
            yield of_transition(each), each.id

    async def _each_transition(self, order: Order, at: str) -> AsyncIterator[Transition]:
        while True:
            if order == "oldest":
                found = await self._store.transitions(self._task.id, limit=CHUNK, after=at)
            else:
                found = await self._store.transitions(self._task.id, limit=CHUNK, before=at or None)
            for each in found:
                yield each
            if len(found) < CHUNK:
                return
            at = found[-1].id

    async def _messages(self, order: Order, at: str) -> AsyncIterator[tuple[Moment, str]]:
        while True:
            if order == "oldest":
                found = await self._store.messages_of_task(self._task.id, limit=CHUNK, after=MessageId(at))
            else:
                before = MessageId(at) if at else None
                found = (await self._store.messages_of_task(self._task.id, limit=CHUNK, before=before))[::-1]
            for message in found:
                yield of_message(message, self._names), message.id
            if len(found) < CHUNK:
                return
            at = found[-1].id

    async def _turns(self, order: Order, at: str) -> AsyncIterator[tuple[Moment, str]]:
        begun, _, passed = at.partition(":")
        async for turn, following in self._each_turn(order, int(begun) if begun else None):
            moments = await self._of_turn(turn, following)
            numbered = list(enumerate(moments))
            if passed and str(turn.number) == begun:
                last = int(passed)
                numbered = numbered[last + 1 :] if order == "oldest" else numbered[:last]
            for number, moment in numbered if order == "oldest" else reversed(numbered):
                yield moment, f"{turn.number}:{number}"

    async def _of_turn(self, turn: Turn, following: Turn | None) -> list[Moment]:
        steps: Sequence[Step] = await self._store.steps(turn.id)
        pauses = {step.pause: await self._store.pause(step.pause) for step in steps if step.pause}
        waited = wait_after(turn, following, self._task)
        return [*of_turn(turn, steps, pauses, self._names), *([waited] if waited else [])]

    async def _each_turn(self, order: Order, at: int | None) -> AsyncIterator[tuple[Turn, Turn | None]]:
        """Yield turns with the ones that follow them, from the one with this number on."""
        if order == "newest":
            following = None
            if at is not None:
                following = next(iter(await self._store.turns(self._task.id, after=at, limit=1)), None)
            before = None if at is None else at + 1
            while found := await self._store.turns(self._task.id, before=before, limit=CHUNK):
                for turn in found:
                    yield turn, following
                    following = turn
                before = found[-1].number
            return
        held: Turn | None = None
        after = 0 if at is None else at - 1
        while found := await self._store.turns(self._task.id, after=after, limit=CHUNK):
            for turn in found:
                if held:
                    yield held, turn
                held = turn
            after = found[-1].number
        if held:
            yield held, None

    async def _pauses(self, order: Order, at: str) -> AsyncIterator[tuple[Moment, str]]:
        states = get_args(PauseState)
        found = await self._store.pauses_of_task(self._task.id, states=states, limit=PAUSES)
        for pause in _from(found, order, at, lambda pause: pause.id):
            yield of_pause(pause, self._names), pause.id

    async def _corrections(self, order: Order, at: str) -> AsyncIterator[tuple[Moment, str]]:
        found = (await self._store.corrections_of_task(self._task.id, CORRECTIONS))[::-1]
        for each in _from(found, order, at, lambda each: each.id):
            other = await self._store.task(each.right if each.wrong == self._task.id else each.wrong)
            yield of_correction(each, self._task, other), each.id

    # --- what it took

    async def totals(self, now: datetime) -> Totals:
        """Return what the task has taken altogether."""
        worked: Usage = await self._store.worked(self._task.id)
        for_person, since, last = timedelta(), None, self._task.created_at
        async for each in self._each_transition("oldest", ""):
            if since is not None:
                for_person += each.at - since
            since = each.at if each.after == "input-required" else None
            last = each.at
        over = self._task.state in ("completed", "failed", "canceled")
        end = last if over else now
        if since is not None:
            for_person += end - since
        life = (end - self._task.created_at).total_seconds() / 60
        return Totals(
            turns=worked.turns,
            tokens=worked.tokens,
            minutes_at_work=worked.minutes,
            minutes_waiting=max(life - worked.minutes, 0.0),
            minutes_for_person=for_person.total_seconds() / 60,
            money=self._task.used.money,
        )


def _from(found: Sequence[R], order: Order, at: str, id: Callable[[R], str]) -> list[R]:
    """Return what comes after a position, of what's sorted oldest first."""
    if order == "oldest":
        return [each for each in found if id(each) > at]
    return [each for each in reversed(found) if not at or id(each) < at]


def _opened(cursor: str | None) -> dict[Source, str]:
    if cursor is None:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[Source, str])
    except msgspec.MsgspecError:
        raise BadRequest("cursor", "isn't what `next` said; leave it out to begin anew") from None


async def names_of(store: Store, task: Task) -> dict[PersonId, str]:
    """Return what the people of a task's tenant are called."""
    return {person.id: person.name for person in await store.people(task.tenant)}
