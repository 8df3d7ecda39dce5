"""Which task is it about? Plain rules first; the LLM over a closed set when they don't decide; a question when it's
too close to call. Every answer is kept with its evidence.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import Conflict, Duplicate, LLMError
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.flow.tasks import Tasks
from hub.flow.weighing import Seen, Weighed, fallback, weigh, weigh_by_choice
from hub.ports import LLM, Add, Change, Clock, Priority, Save, Scoring, Store, Terms
from hub.records import (
    OPEN,
    Candidate,
    Choice,
    Entry,
    Message,
    MessageId,
    PersonId,
    Route,
    Rule,
    Task,
    TaskId,
    TaskState,
    Text,
    new_id,
)
from hub.spool import Spool

log = logging.getLogger(__name__)

LINES = 8
TRIES = 5
OFFERED = 3
"""Tasks offered in a question, besides a new one."""
PATIENCE = timedelta(minutes=10)
"""A question that nobody answers so long is answered by the best guess."""
DEADLINE = 30.0
HOUR = 3600.0
CLOSED: tuple[TaskState, ...] = ("completed",)


class Router:
    """Routes messages, each chat's in order."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        tasks: Tasks,
        decider: LLM,
        scoring: Scoring | None,
        limits: LimitsConfig,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._tasks = tasks
        self._decider = decider
        self._scoring = scoring
        self._limits = limits
        self._asked: dict[PersonId, deque[float]] = defaultdict(deque)

    async def route(self, lane: str) -> None:
        """Route what waits in a chat's lane."""
        while waiting := await self._spool.ready(lane, self._clock.now()):
            entry = waiting[0]
            message = await self._store.message(entry.message)
            if message is None:
                await self._journal.commit(self._spool.settle(entry))
            else:
                await self._route(entry, message)

    async def choose(self, asked: MessageId, task: TaskId | None) -> None:
        """Route a message that its person was asked about; None is a new task. Done before, it's no error."""
        entry = await self._store.entry_of("inbox", asked)
        message = await self._store.message(asked)
        if message is None or entry is None or entry.state != "held":
            return
        candidates = message.route.candidates if message.route else ()
        await self._settle(entry, message, "asked", task, 1.0, candidates=candidates)

    async def expire(self) -> None:
        """Route by the best guess what nobody answered a question about."""
        for entry in await self._store.held(self._clock.now(), 100):
            message = await self._store.message(entry.message)
            if message is not None and message.route is not None:
                await self._settle_as_guessed(entry, message, message.route)

    # --- the rules, in their order

    async def _route(self, entry: Entry, message: Message) -> None:
        began = self._clock.monotonic()
        if message.wish == "new":
            return await self._settle(entry, message, "explicit", None, 1.0)
        if message.wish is not None and (task := await self._own(message, TaskId(message.wish))):
            return await self._settle(entry, message, "explicit", task.id, 1.0)
        if message.reply_to is not None and (task := await self._replied_to(message)):
            return await self._settle(entry, message, "reply", task.id, 1.0)
        if message.address.thread is not None:
            bound = await self._bound(message)
            return await self._settle(entry, message, "thread", bound.id if bound else None, 1.0)
        roster = await self._roster(message)
        if not roster:
            return await self._settle(entry, message, "first", None, 1.0)
        rule, weighed = await self._weigh(message, roster)
        return await self._decide(entry, message, roster, rule, weighed, began)

    async def _decide(
        self, entry: Entry, message: Message, roster: Sequence[Seen], rule: Rule, weighed: Weighed, began: float
    ) -> None:
        tasks: list[Task | None] = [*(seen.task for seen in roster), None]
        candidates = tuple(
            Candidate(
                task=task.id if task else None,
                title=task.title if task else "a new task",
                probability=probability,
                evidence=evidence,
            )
            for task, probability, evidence in zip(tasks, weighed.probabilities, weighed.evidence, strict=True)
        )
        best = max(candidates, key=lambda candidate: candidate.probability)
        guess = Route(
            rule=rule,
            task=best.task or TaskId(""),
            new=best.task is None,
            probability=best.probability,
            candidates=candidates,
            model=weighed.model,
            tokens=weighed.tokens,
            ms=(self._clock.monotonic() - began) * 1000,
        )
        if best.probability < self._limits.ask_below and self._may_ask(message.person):
            await self._ask(entry, message, guess)
        else:
            await self._settle_as_guessed(entry, message, guess)

    async def _own(self, message: Message, id: TaskId) -> Task | None:
        task = await self._store.task(id)
        return task if task and (task.tenant, task.person) == (message.tenant, message.person) else None

    async def _replied_to(self, message: Message) -> Task | None:
        replied = await self._store.message(message.reply_to) if message.reply_to else None
        return await self._own(message, replied.task) if replied and replied.task else None

    async def _bound(self, message: Message) -> Task | None:
        """Return the task that began in this thread."""
        of_chat = await self._store.tasks(message.tenant, message.person, chat=message.address, limit=200)
        return next((task for task in of_chat if task.origin.thread == message.address.thread), None)

    # --- the LLM

    async def _roster(self, message: Message) -> tuple[Seen, ...]:
        """Return the tasks it may be about: open ones and those just finished, the latest first, at most a handful."""
        many = self._limits.candidates
        since = self._clock.now() - timedelta(hours=self._limits.reopen_hours)
        who = (message.tenant, message.person)
        found = await self._store.tasks(*who, states=OPEN, limit=many, by="updated_at")
        found += await self._store.tasks(*who, states=CLOSED, updated_since=since, limit=many, by="updated_at")
        latest = sorted(found, key=lambda task: task.updated_at, reverse=True)[:many]
        return tuple([await self._seen(task) for task in latest])

    async def _seen(self, task: Task) -> Seen:
        messages = await self._store.messages_of_task(task.id, limit=LINES)
        lines = tuple(
            (message.role, message.text, message.created_at) for message in messages if message.role != "notice"
        )
        return Seen(task=task, lines=lines, asked=task.state == "input-required")

    async def _weigh(self, message: Message, roster: Sequence[Seen]) -> tuple[Rule, Weighed]:
        terms = Terms(tenant=message.tenant, priority=Priority.DECISION, deadline=DEADLINE)
        now = message.created_at
        for _ in range(2):
            if self._decider.info.state in {"absent", "broken"}:
                break
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._decider.ready()
                    if self._scoring is None:
                        return "model", await weigh_by_choice(self._decider, message.text, roster, now, terms)
                    sha256 = self._decider.info.sha256
                    return "model", await weigh(self._scoring, message.text, roster, now, terms, sha256=sha256)
            except (LLMError, TimeoutError) as error:
                log.warning("message %s: the model couldn't weigh it: %s", message.id, error or "no answer in time")
        return "fallback", fallback(message.text, roster, now)

    # --- the question

    def _may_ask(self, person: PersonId) -> bool:
        """Count a question against the person's hourly budget, if there's still one left."""
        asked = self._asked[person]
        now = self._clock.monotonic()
        while asked and now - asked[0] > HOUR:
            asked.popleft()
        if len(asked) >= self._limits.questions_per_hour:
            return False
        asked.append(now)
        return True

    async def _ask(self, entry: Entry, message: Message, guess: Route) -> None:
        likely = sorted(guess.candidates, key=lambda candidate: candidate.probability, reverse=True)
        offered = [candidate for candidate in likely if candidate.task][:OFFERED]
        choices = tuple(Choice(id=f"route/{message.id}/{item.task}", text=item.title) for item in offered)
        asking = replace(message, state="asking", route=guess)
        id = MessageId(new_id())
        question = Message(
            id=id,
            tenant=message.tenant,
            address=message.address,
            external_id=id,
            role="notice",
            person=message.person,
            parts=(Text(f"Which task is “{_short(message.text)}” about?"),),
            state="ready",
            created_at=self._clock.now(),
            answers=message.id,
            choices=(*choices, Choice(id=f"route/{message.id}/new", text="A new task")),
        )
        await self._journal.commit(
            Save(asking),
            self._spool.hold(entry, self._clock.now() + PATIENCE),
            *self._outbox.say(question),
            self._journal.about_message("message", asking),
            wake=(self._outbox.lane(question),),
        )

    # --- the answer

    async def _settle_as_guessed(self, entry: Entry, message: Message, guess: Route) -> None:
        task = None if guess.new else guess.task
        await self._settle(entry, message, guess.rule, task, guess.probability, guess=guess)

    async def _settle(
        self,
        entry: Entry,
        message: Message,
        rule: Rule,
        id: TaskId | None,
        probability: float,
        *,
        candidates: tuple[Candidate, ...] = (),
        guess: Route | None = None,
    ) -> None:
        """Commit the route: message, task and entry together; from here on the task's lane has it."""
        for _ in range(TRIES):
            task = await self._taken_up(id) if id else None
            new = task is None
            task = task or await self._tasks.found(message)
            route = guess or Route(rule=rule, task=task.id, new=new, probability=probability, candidates=candidates)
            routed = replace(message, state="routed", task=task.id, route=replace(route, task=task.id, new=new))
            reach("route.before-commit")
            try:
                await self._journal.commit(*self._changes(entry, routed, task, new=new), wake=(lanes.task(task.id),))
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

    def _changes(self, entry: Entry, message: Message, task: Task, *, new: bool) -> tuple[Change, ...]:
        return (
            Add(task) if new else Save(task),
            Save(message),
            self._spool.move(entry, lanes.task(task.id)),
            self._journal.about_message("route", message),
            self._journal.about_task(task),
        )

    async def _taken_up(self, id: TaskId) -> Task | None:
        """Return a task as it stands once somebody has spoken about it: at work, or about to be."""
        task = await self._store.task(id)
        if task is None:
            return None
        state: TaskState = task.state if task.state in {"submitted", "working"} else "submitted"
        return replace(task, state=state, updated_at=self._clock.now())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
