"""How a turn ends: one commit that holds all of it, whatever way it went."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, assert_never

from msgspec.structs import replace

from hub.errors import Conflict
from hub.failpoints import reach
from hub.flow import accounting, lanes
from hub.flow.allowance import Allowance
from hub.flow.artefacts import Artefacts, unnamed
from hub.flow.budget import so_far
from hub.flow.case import gather
from hub.flow.checking import evidence
from hub.flow.drafting import Drafting
from hub.flow.ending import Ending, is_news, key_of, rest
from hub.flow.family import Family, as_subtask, children_of, total
from hub.flow.following import Following
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.flow.progress import Progress
from hub.flow.runs import moment, rested
from hub.flow.supervisor import Supervisor, reason_of
from hub.flow.toolbox import Toolbox
from hub.flow.waits import Waiting, Waits
from hub.flow.watching import Watching
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
        family: Family,
        progress: Progress,
        drafting: Drafting,
        artefacts: Artefacts | None = None,
        workspaces: Workspaces | None = None,
        allowance: Allowance | None = None,
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
        self._family = family
        self._progress = progress
        self._drafting = drafting
        self._artefacts = artefacts
        self._workspaces = workspaces
        self._allowance = allowance
        self._told: set[str] = set()

    async def end(self, work: Work, ending: Ending) -> None:
        """Commit the end of a turn: entries settled, task, turn, messages and what's said, all or nothing."""
        turn = self._ended(work, ending, await self._store.steps(work.turn.id))
        steps = ending.spoken.steps if ending.spoken else ()
        for _ in range(TRIES):
            was = await self._store.task(work.task.id) or work.task
            task = await self._judged(work, was, turn, ending, steps)
            task, missed = self._rested(task, turn, ending)
            waiting = await self._waits.of(work, ending.spoken.held if ending.spoken else None, task)
            task = waiting.task
            told = self._say(work, task, await self._with_files(turn, task, ending), ending, waiting)
            said = (*told, *self._say_next(work, task, turn, missed))
            handed, saying = await self._drafting.instead(task, said)
            if handed:
                said = ()
            elif is_news(task, turn, ending):
                said = (*said, *await self._following.copies(task, said))
            # Before what's said goes into its lane: this is a correction, and some can correct only what's newest.
            changes = await self._progress.closing(task)
            saying += tuple(change for message in said for change in self._outbox.say(message))
            changes += (
                *self._changes(work, task, turn, ending, saying, handed=handed),
                *self._moved(task, was, turn, ending),
            )
            above, lane = await self._family.ended(task)
            took = accounting.taken(task, turn, work.money, key_of(work))
            changes += (*waiting.changes, *above, *accounting.worked(took))
            if isinstance(task.verdict, Done) and ending.kind == "answered":
                changes += await self._family.left_open(task)
            reach("pause.before-commit" if ending.kind == "held" else "turn.before-commit")
            try:
                await self._journal.commit(*changes, wake=(*(self._outbox.lane(message) for message in said), *lane))
            except Conflict:
                # The task was changed meanwhile, or a message moved away from it: look again at what's ours.
                await self._look_again(work)
                continue
            reach("pause.after-commit" if ending.kind == "held" else "turn.after-commit")
            if self._allowance is not None:
                self._allowance.took(took)
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

    def _ended(self, work: Work, ending: Ending, steps: tuple[Step, ...]) -> Turn:
        spoken = ending.spoken
        # Of an answer that broke off nobody told what it took; of the finished steps before it that's known.
        read, written = (spoken.tokens_in, spoken.tokens_out) if spoken else accounting.tokens_of(steps)
        silent = spoken is not None and not (spoken.text or spoken.held or spoken.spent)
        error = ending.error or (EMPTY if silent else None)
        state: Literal["done", "stopped", "failed"] = (
            "stopped" if ending.kind == "stopped" or (spoken and spoken.gone) else "done"
        )
        return replace(
            work.turn,
            state="failed" if error else state,
            ended_at=self._clock.now(),
            answer=spoken.text if spoken else work.written,
            tokens_in=read,
            tokens_out=written,
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
            subtasks=before.subtasks,
        )
        task = replace(
            task, used=used, digest=work.task.digest, digested=work.task.digested, updated_at=self._clock.now()
        )
        if (resting := rest(work, task, turn, ending)) is not None:
            return resting
        children = await children_of(self._store, task)
        task = replace(task, used=total(task.used, children))
        if waits := self._family.waits(children, work.children):
            return self._with(task, waits)
        case = await gather(
            self._store,
            work,
            task,
            turn,
            steps,
            children,
            aside=self._toolbox.is_aside,
            workspaces=self._workspaces,
            spent=ending.spoken.spent if ending.spoken else "",
            wait=ending.spoken.wait if ending.spoken else None,
        )
        verdict = as_subtask(task, await self._supervisor.judge(task, turn, case))
        return self._with(task, self._watching.waits_on(work, case.calls, verdict))

    def _with(self, task: Task, verdict: Verdict) -> Task:
        state: TaskState
        due_at: datetime | None = None
        match verdict:
            case Done():
                state = "completed"
            case Again(after=after):
                state, due_at = "working", self._clock.now() + timedelta(seconds=after)
            case Wait():
                state, due_at = "working", self._watching.look_at(verdict, self._clock.now())
            case Ask() | Blocked():
                state = "input-required"
            case _:
                assert_never(verdict)
        return replace(task, state=state, due_at=due_at, verdict=verdict)

    def _rested(self, task: Task, turn: Turn, ending: Ending) -> tuple[Task, str]:
        """Return a task with its next run, and what's told of missed ones: how it ended ends no schedule."""
        if ending.kind in {"stopped", "held"}:
            return task, ""
        return rested(task, turn.started_at, self._zone, self._clock.now())

    def _changes(
        self, work: Work, task: Task, turn: Turn, ending: Ending, saying: Sequence[Change], *, handed: bool
    ) -> tuple[Change, ...]:
        turn = replace(turn, verdict=task.verdict if turn.state == "done" else None)
        changes: list[Change] = [Save(turn)]
        for entry in work.entries:
            dead = ending.kind == "dead"
            changes.append(self._spool.bury(entry, ending.error) if dead else self._spool.settle(entry))
        about = work.about if turn.error else []
        for message in (*about, *work.messages):
            state: Literal["answered", "stopped", "failed", "handed"] = "handed" if handed else "answered"
            if turn.state != "done":
                state = "stopped" if turn.state == "stopped" else "failed"
            answered = replace(message, state=state, turn=turn.id, error=turn.error)
            changes += [Save(answered), self._journal.about_message("message", answered)]
        return (*changes, *saying, self._journal.about_turn(turn, task))

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
        if ending.spoken and ending.spoken.gone and isinstance(verdict, Blocked):
            return (self._stuck(task, turn, to, verdict),) if to or not task.parent else ()
        if turn.error:
            told = to is not None or (task.schedule is not None and isinstance(verdict, Blocked))
            stuck = not task.parent and not told
            return (self._failure(task, turn, to),) if told else self._standing(task, turn, to, ()) if stuck else ()
        said: list[Message] = []
        if task.parent and to is None and not isinstance(verdict, Ask):
            return ()  # what it has come to is told to the task that it was split off from
        if turn.answer.strip() and (to is not None or isinstance(verdict, Done | Ask | Blocked)):
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
            case Blocked() as verdict:
                return (self._stuck(task, turn, to, verdict),)
            case Done() if checks := [step for step in steps if step.kind == "check" and task.checks]:
                text = f"Done, and checked: {evidence(checks)}."
                return (self._message(task, turn, to, (Text(text),), "notice"),)
            case _:
                return ()

    def _stuck(self, task: Task, turn: Turn, to: Message | None, why: Blocked) -> Message:
        text = f"I can't go on with #{task.number}: {why.missing}. /resume {task.number} tries again."
        return self._message(task, turn, to, (Text(text),), "notice")

    async def _with_files(self, turn: Turn, task: Task, ending: Ending) -> Turn:
        """Return a turn whose answer, if it's the last one of an assignment, names the files that this has made."""
        over = task.kind == "assignment" and ending.kind == "answered" and isinstance(task.verdict, Done)
        if not over or not self._artefacts or not (line := unnamed(turn.answer, await self._artefacts.names(task))):
            return turn
        return replace(turn, answer=f"{turn.answer.rstrip()}\n\n{line}".strip())

    def _say_next(self, work: Work, task: Task, turn: Turn, missed: str) -> tuple[Message, ...]:
        """Tell of runs that were missed, and that the next one comes all the same where this one isn't done."""
        told = f"{missed}." if missed else ""
        if task.schedule and task.run_at and task.state == "input-required" and isinstance(task.verdict, Ask | Blocked):
            next_at = moment(task.run_at, task.schedule.zone or self._zone)
            told = f"{told} The next run comes all the same, on {next_at}; /stop {task.number} ends it."
        if not told:
            return ()
        to = next(reversed((*work.about, *work.messages)), None)
        return (self._message(task, turn, to, (Text(f"#{task.number} {task.title}: {told.strip()}"),), "notice"),)

    def _answer(self, task: Task, turn: Turn, to: Message | None) -> Message:
        return self._message(task, turn, to, (Text(turn.answer.strip()),), "agent")

    def _failure(self, task: Task, turn: Turn, to: Message | None) -> Message:
        what, kept = ("answer", "Your message is kept; ") if to else (f"do #{task.number} {task.title}", "")
        text = f"I couldn't {what}: {turn.error}\n\n{kept}/resume {task.number} tries again."
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


def _chat(task: Task) -> str:
    return lanes.out(task.tenant, task.origin)
