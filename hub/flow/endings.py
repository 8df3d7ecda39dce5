"""How a turn ends: one commit that holds all of it, whatever way it went."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from msgspec.structs import replace

from hub.errors import Conflict
from hub.failpoints import reach
from hub.flow.budget import so_far
from hub.flow.case import gather
from hub.flow.checking import evidence
from hub.flow.following import Following
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.flow.schedules import upcoming
from hub.flow.speaking import Spoken
from hub.flow.supervisor import Supervisor, reason_of
from hub.flow.toolbox import Toolbox
from hub.flow.waits import Waiting, Waits, verdict_of
from hub.flow.watching import Watching, waiting_for
from hub.flow.work import Work
from hub.ports import Change, Clock, Feed, LLMInfo, Save, Store, Workspaces
from hub.records import (
    Again,
    Ask,
    Blocked,
    Choice,
    Done,
    Entry,
    Message,
    MessageId,
    Part,
    Step,
    Task,
    TaskState,
    Text,
    Turn,
    Usage,
    Verdict,
    Wait,
    new_id,
)
from hub.spool import Spool

log = logging.getLogger(__name__)

TRIES = 5
EMPTY = "The model gave an empty answer. Say it differently, or name a better model in the config's [llm] section."


@dataclass(frozen=True)
class Ending:
    """answered: with what was spoken. held: a call waits for its person. stopped: by its person. failed: the LLM
    couldn't. dead: the hub died over it.
    """

    kind: Literal["answered", "held", "stopped", "failed", "dead"]
    spoken: Spoken | None = None
    error: str = ""
    quietly: bool = False
    """Stopped for other words: nothing is told of what stood of the answer."""


class Endings:
    """Keeps how turns end."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        outbox: Outbox,
        feed: Feed,
        clock: Clock,
        supervisor: Supervisor,
        zone: str,
        following: Following,
        waits: Waits,
        watching: Watching,
        toolbox: Toolbox,
        workspaces: Workspaces | None = None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._feed = feed
        self._clock = clock
        self._supervisor = supervisor
        self._zone = zone
        self._following = following
        self._waits = waits
        self._watching = watching
        self._toolbox = toolbox
        self._workspaces = workspaces
        self._told: set[str] = set()

    async def end(self, work: Work, ending: Ending) -> None:
        """Commit the end of a turn: entries settled, task, turn, messages and what's said, all or nothing."""
        turn = self._ended(work, ending)
        steps = ending.spoken.steps if ending.spoken else ()
        for _ in range(TRIES):
            was = await self._store.task(work.task.id) or work.task
            task = await self._judged(work, was, turn, ending, steps)
            waiting = await self._waits.of(work, ending.spoken.held if ending.spoken else None, task)
            task = waiting.task
            said = self._say(work, task, turn, ending, waiting)
            if _is_news(task, turn, ending):
                said = (*said, *await self._following.copies(task, said))
            changes = (*self._changes(work, task, turn, ending, said), *self._moved(task, was, turn, ending))
            changes += waiting.changes
            reach("pause.before-commit" if ending.kind == "held" else "turn.before-commit")
            try:
                await self._journal.commit(*changes, wake=(*map(self._outbox.lane, said), *waiting_for(task)))
            except Conflict:
                # The task was changed meanwhile, or a message moved away from it: look again at what's ours.
                await self._look_again(work)
                continue
            reach("pause.after-commit" if ending.kind == "held" else "turn.after-commit")
            self._told.discard(_chat(task))
            self._feed.finish(turn.id)
            return
        raise Conflict(f"task {work.task.id} changes faster than a turn of it can end")

    async def tell_waiting(self, task: Task, info: LLMInfo) -> None:
        """Tell a task's person once that what they said is kept and waits for the model."""
        chat = _chat(task)
        if info.state not in {"absent", "broken"} or chat in self._told:
            return
        self._told.add(chat)
        detail = f" ({info.detail})" if info.detail else ""
        text = f"I've kept your message. There's no model to answer it yet{detail}; I'll answer as soon as there is."
        notice = self._message(task, None, None, (Text(text),), "notice")
        await self._journal.commit(*self._outbox.say(notice), wake=(self._outbox.lane(notice),))

    # --- what's kept

    def _ended(self, work: Work, ending: Ending) -> Turn:
        spoken = ending.spoken
        silent = spoken is not None and not (spoken.text or spoken.held or spoken.spent)
        error = ending.error or (EMPTY if silent else None)
        state: Literal["done", "stopped", "failed"] = "stopped" if ending.kind == "stopped" else "done"
        return replace(
            work.turn,
            state="failed" if error else state,
            ended_at=self._clock.now(),
            answer=spoken.text if spoken else work.written,
            tokens_in=spoken.tokens_in if spoken else 0,
            tokens_out=spoken.tokens_out if spoken else 0,
            ms=spoken.ms if spoken else (self._clock.now() - work.turn.started_at).total_seconds() * 1000,
            error=error,
        )

    async def _judged(self, work: Work, task: Task, turn: Turn, ending: Ending, steps: Sequence[Step]) -> Task:
        # What comes again is done each time within its limits, not all times together.
        before = so_far(task)
        used = Usage(
            turns=before.turns + 1,
            tokens=before.tokens + turn.tokens_in + turn.tokens_out,
            minutes=before.minutes + turn.ms / 60_000,
            money=before.money + work.money,
        )
        task = replace(
            task, used=used, digest=work.task.digest, digested=work.task.digested, updated_at=self._clock.now()
        )
        if task.state == "canceled":
            return task
        if ending.kind == "stopped":
            return replace(task, state="input-required", due_at=None)
        if spoken := ending.spoken if ending.kind == "held" else None:
            return replace(task, state="input-required", due_at=None, verdict=verdict_of(spoken.held))
        if turn.error and (work.messages or work.pause or ending.kind == "dead"):
            return replace(task, state="input-required", due_at=None, verdict=Blocked(missing=turn.error))
        spoken = ending.spoken
        spent, wait = (spoken.spent, spoken.wait) if spoken else ("", None)
        case = await gather(
            self._store,
            work,
            task,
            turn,
            steps,
            aside=self._toolbox.is_aside,
            workspaces=self._workspaces,
            spent=spent,
            wait=wait,
        )
        verdict = await self._supervisor.judge(task, turn, case)
        waited = work.task.verdict
        if isinstance(waited, Wait) and isinstance(verdict, Again) and not verdict.failed and not case.calls:
            # Somebody only asked how it stands: what it waits for hasn't come by that.
            verdict = waited if self._clock.now() < waited.until else verdict
        return self._with(task, verdict)

    def _with(self, task: Task, verdict: Verdict) -> Task:
        state: TaskState
        due_at: datetime | None = None
        match verdict:
            case Done():
                state = "completed"
                if task.schedule:
                    run_at = upcoming(task.schedule, self._zone, self._clock.now())
                    state, due_at, task = "submitted", run_at, replace(task, run_at=run_at)
            case Again(after=after):
                state, due_at = "working", self._clock.now() + timedelta(seconds=after)
            case Wait():
                state, due_at = "working", self._watching.look_at(verdict, self._clock.now())
            case Ask() | Blocked():
                state = "input-required"
            case _:
                assert_never(verdict)
        return replace(task, state=state, due_at=due_at, verdict=verdict)

    def _changes(
        self, work: Work, task: Task, turn: Turn, ending: Ending, said: Sequence[Message]
    ) -> tuple[Change, ...]:
        turn = replace(turn, verdict=task.verdict if turn.state == "done" else None)
        changes: list[Change] = [Save(turn)]
        for entry in work.entries:
            dead = ending.kind == "dead"
            changes.append(self._spool.bury(entry, ending.error) if dead else self._spool.settle(entry))
        about = work.about if turn.error else []
        for message in (*about, *work.messages):
            state: Literal["answered", "stopped", "failed"] = "answered"
            if turn.state != "done":
                state = "stopped" if turn.state == "stopped" else "failed"
            answered = replace(message, state=state, turn=turn.id, error=turn.error)
            changes += [Save(answered), self._journal.about_message("message", answered)]
        for message in said:
            changes += self._outbox.say(message)
        return (*changes, self._journal.about_turn(turn, task))

    def _moved(self, task: Task, was: Task, turn: Turn, ending: Ending) -> tuple[Change, ...]:
        """Return what keeps the task, and by whom and why its state is what it is."""
        if ending.kind == "stopped":
            return self._journal.changed(task, was.state, "person", f"turn {turn.number} was stopped")
        if turn.error:
            return self._journal.changed(task, was.state, "hub", turn.error)
        return self._journal.changed(task, was.state, "supervisor", reason_of(task.verdict))

    async def _look_again(self, work: Work) -> None:
        entries: list[Entry] = []
        messages: list[Message] = []
        for entry, message in zip(work.entries, work.messages, strict=True):
            now = await self._store.entry(entry.id)
            if now is not None and now.boot == entry.boot and now.lane == entry.lane and now.state == "ready":
                entries.append(now)
                messages.append(message)
        work.entries, work.messages = entries, messages

    # --- what's said

    def _say(self, work: Work, task: Task, turn: Turn, ending: Ending, waiting: Waiting) -> tuple[Message, ...]:
        to = next(reversed((*work.about, *work.messages)), None)
        if waiting.question:
            role: Literal["agent", "notice"] = "notice" if waiting.choices else "agent"
            return (self._message(task, turn, to, (Text(waiting.question),), role, waiting.choices),)
        if ending.kind == "stopped":
            return (self._answer(task, turn, to),) if turn.answer.strip() and not ending.quietly else ()
        verdict = task.verdict
        said: list[Message] = []
        if turn.error and to is not None:
            return (self._failure(task, turn, to),)
        if turn.answer.strip() and not turn.error and (to is not None or isinstance(verdict, Done | Ask | Blocked)):
            said.append(self._answer(task, turn, to))
        if task.kind == "assignment" and not work.settled:
            said += self._standing(task, turn, to, ending.spoken.steps if ending.spoken else ())
        return tuple(said)

    def _standing(self, task: Task, turn: Turn, to: Message | None, steps: Sequence[Step]) -> tuple[Message, ...]:
        """Return what the hub itself says of how an assignment stands."""
        match task.verdict:
            case Ask(question=question, choices=choices) if choices:
                buttons = tuple(Choice(id=f"task/{task.id}/{c.id}", text=c.text) for c in choices)
                return (self._message(task, turn, to, (Text(question),), "notice", buttons),)
            case Blocked(missing=missing):
                text = f"I can't go on with #{task.number}: {missing}. /resume {task.number} tries again."
                return (self._message(task, turn, to, (Text(text),), "notice"),)
            case Done() if checks := [step for step in steps if step.kind == "check"]:
                text = f"Done, and checked: {evidence(checks)}."
                return (self._message(task, turn, to, (Text(text),), "notice"),)
            case _:
                return ()

    def _answer(self, task: Task, turn: Turn, to: Message | None) -> Message:
        return self._message(task, turn, to, (Text(turn.answer.strip()),), "agent")

    def _failure(self, task: Task, turn: Turn, to: Message | None) -> Message:
        text = f"I couldn't answer: {turn.error}\n\nYour message is kept; /resume {task.number} tries again."
        return self._message(task, turn, to, (Text(text),), "notice")

    def _message(
        self,
        task: Task,
        turn: Turn | None,
        to: Message | None,
        parts: tuple[Part, ...],
        role: Literal["agent", "notice"],
        choices: tuple[Choice, ...] = (),
    ) -> Message:
        id = MessageId(new_id())
        return Message(
            id=id,
            tenant=task.tenant,
            address=to.address if to else task.origin,
            external_id=id,
            role=role,
            person=task.person,
            parts=parts,
            state="ready",
            created_at=self._clock.now(),
            answers=to.id if to else None,
            task=task.id,
            turn=turn.id if turn else None,
            choices=choices,
        )


def _is_news(task: Task, turn: Turn, ending: Ending) -> bool:
    """Say whether a turn's end is told to everybody who follows the task, not just to who has spoken."""
    if ending.kind == "held":
        return task.kind == "assignment"
    ended = ending.kind == "answered" or (ending.kind == "failed" and not turn.messages)
    return task.kind == "assignment" and ended and isinstance(task.verdict, Done | Ask | Blocked)


def _chat(task: Task) -> str:
    return f"{task.origin.bridge}:{task.origin.chat}"
