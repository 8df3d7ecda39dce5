"""Which task is it about? Plain rules first; the LLM over a closed set when they don't decide; a question when it's
too close to call. Every answer is kept with its evidence.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Literal

from msgspec.structs import replace

from hub.config import LimitsConfig
from hub.errors import PersonError
from hub.flow import lanes
from hub.flow.edits import Edits
from hub.flow.journal import Journal
from hub.flow.notices import answer_to
from hub.flow.orders import is_ordered
from hub.flow.outbox import Outbox
from hub.flow.questions import Questions
from hub.flow.routes import Routes, to_task
from hub.flow.weigher import Weigher
from hub.flow.weighing import Seen, Weighed
from hub.ports import Clock, Save, Store
from hub.records import (
    OPEN,
    Ask,
    Candidate,
    Choice,
    Entry,
    Message,
    PersonId,
    Route,
    Rule,
    Task,
    TaskId,
    TaskState,
    TenantId,
)
from hub.spool import Spool

LINES = 8
OFFERED = 3
"""Tasks offered in a question, besides a new one."""
PATIENCE = timedelta(minutes=10)
"""A question that nobody answers so long is answered by the best guess."""
RESTING = 50
"""Subtasks that rest, among which those are found that have asked something."""
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
        routes: Routes,
        questions: Questions,
        weigher: Weigher,
        limits: LimitsConfig,
        edits: Edits,
        threadless: Collection[str] = (),
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._routes = routes
        self._questions = questions
        self._weigher = weigher
        self._limits = limits
        self._edits = edits
        self._threadless = threadless
        self._asked: dict[tuple[TenantId, PersonId], deque[float]] = defaultdict(deque)

    async def route(self, lane: str) -> None:
        """Route what waits in a chat's lane."""
        while waiting := await self._spool.ready(lane, self._clock.now()):
            entry = waiting[0]
            message = await self._store.message(entry.message)
            if message is None:
                await self._journal.commit(self._spool.settle(entry))
            else:
                await self._route(entry, message)

    # --- the rules, in their order

    async def _route(self, entry: Entry, message: Message) -> None:
        if message.corrects is not None:
            await self._edits.apply(entry, message)
        elif not is_ordered(message) and (answered := await self._questions.answered_by(message)):
            await self._choose(entry, message, *answered)
        elif route := await self._by_rule(message):
            await self._routes.settle(entry, message, route)
        elif roster := await self._roster(message):
            began = self._clock.monotonic()
            rule, weighed = await self._weigher.weigh(
                message.text,
                roster,
                message.created_at,
                message.tenant,
                chat=lanes.chat(message.tenant, message.address),
                about=f"message {message.id}",
            )
            await self._decide(entry, message, _guess(rule, roster, weighed, self._clock.monotonic() - began))
        else:
            await self._routes.settle(entry, message, to_task("first", None))

    async def _by_rule(self, message: Message) -> Route | None:
        if message.wish == "new":
            return to_task("explicit", None)
        if message.wish is not None and (task := await self._own(message, TaskId(message.wish))):
            return to_task("explicit", task.id)
        if message.reply_to is not None and (task := await self._replied_to(message)):
            return to_task("reply", task.id)
        if message.address.thread is not None and message.address.bridge not in self._threadless:
            bound = await self._bound(message)
            return to_task("thread", bound.id if bound else None)
        return None

    async def _decide(self, entry: Entry, message: Message, guess: Route) -> None:
        if self._weigher.unsure([item.probability for item in guess.candidates]) and self._may_ask(
            message.tenant, message.person
        ):
            await self._ask(entry, message, guess)
        else:
            await self._routes.settle(entry, message, guess)

    async def _choose(self, entry: Entry, message: Message, question: Message, choice: str) -> None:
        """Do what the person answered to a question; their answer itself needs no task and no other answer."""
        said: list[Message] = []
        try:
            done = await self._questions.choose(question, choice, message.author or message.person)
            if choice.startswith("plan/"):  # when it's due is news; what else is chosen shows by what follows
                said.append(answer_to(message, done, self._clock.now()))
        except PersonError as error:
            said.append(answer_to(message, str(error), self._clock.now()))
        answered = replace(message, state="answered", reply_to=question.id)
        await self._journal.commit(
            self._spool.settle(entry),
            Save(answered),
            self._journal.about_message("message", answered),
            *(change for notice in said for change in self._outbox.say(notice)),
            wake=tuple(self._outbox.lane(notice) for notice in said),
        )

    async def _own(self, message: Message, id: TaskId) -> Task | None:
        task = await self._store.task(id)
        return task if task and (task.tenant, task.person) == (message.tenant, message.person) else None

    async def _replied_to(self, message: Message) -> Task | None:
        replied = await self._store.message(message.reply_to) if message.reply_to else None
        return await self._own(message, replied.task) if replied and replied.task else None

    async def _bound(self, message: Message) -> Task | None:
        """Return the task whose own this thread is."""
        thread = await self._store.thread(message.tenant, message.address)
        return await self._own(message, thread.task) if thread else None

    # --- the LLM

    async def _roster(self, message: Message) -> tuple[Seen, ...]:
        """Return the tasks it may be about: open ones and those just finished, the latest first, at most a handful.

        A subtask is one of them only if it has asked its person something: what it's part of speaks for the others.
        """
        many = self._limits.candidates
        since = self._clock.now() - timedelta(hours=self._limits.reopen_hours)
        who = (message.tenant, message.person)
        by: Literal["updated_at"] = "updated_at"
        found = await self._store.tasks(*who, states=OPEN, limit=many, by=by, split=False)
        found += await self._store.tasks(*who, states=CLOSED, updated_since=since, limit=many, by=by, split=False)
        resting = await self._store.tasks(*who, states=("input-required",), limit=RESTING, by=by, split=True)
        found += tuple(task for task in resting if isinstance(task.verdict, Ask) and task.verdict.question)
        latest = sorted(found, key=lambda task: task.updated_at, reverse=True)[:many]
        return tuple([await self._seen(task) for task in latest])

    async def _seen(self, task: Task) -> Seen:
        messages = await self._store.messages_of_task(task.id, limit=LINES)
        lines = tuple(
            (message.role, message.text, message.created_at) for message in messages if message.role != "notice"
        )
        # A task left open because something was promised waits for its person too, but asked them nothing.
        silent = isinstance(task.verdict, Ask) and not task.verdict.question
        return Seen(task=task, lines=lines, asked=task.state == "input-required" and not silent)

    # --- the question

    def _may_ask(self, tenant: TenantId, person: PersonId) -> bool:
        """Count a question against the person's hourly budget, if there's still one left."""
        asked = self._asked[tenant, person]
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
        question = answer_to(
            message,
            f"Which task is “{_short(message.text)}” about?",
            self._clock.now(),
            (*choices, Choice(id=f"route/{message.id}/new", text="A new task")),
        )
        await self._journal.commit(
            Save(asking),
            self._spool.hold(entry, self._clock.now() + PATIENCE),
            *self._outbox.say(question),
            self._journal.about_message("message", asking),
            wake=(self._outbox.lane(question),),
        )


def _guess(rule: Rule, roster: Sequence[Seen], weighed: Weighed, seconds: float) -> Route:
    """Return the route to the likeliest candidate, with all of them as evidence."""
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
    return replace(
        to_task(rule, best.task),
        probability=best.probability,
        candidates=candidates,
        model=weighed.model,
        tokens=weighed.tokens,
        ms=seconds * 1000,
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
