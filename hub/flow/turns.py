"""One turn of an agent on a task: what waits is read, tools are called, an answer is written, and all of it is kept.

A turn begins with a commit that says so and ends with one that holds everything: entries settled, task, turn, reply.
In between only finished steps are kept. Killed before the last commit, the turn goes on from its last finished step;
after it, nothing is done again.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import datetime

from msgspec.structs import replace

from hub.errors import AgentHostError, Conflict, LLMAway, LLMError, LLMRefused, LLMUnavailable, NotAllowed, StoreError
from hub.failpoints import reach
from hub.flow import lanes, runs
from hub.flow.allowance import Allowance
from hub.flow.checking import Checks
from hub.flow.choosing import Choosing
from hub.flow.crowds import Slots
from hub.flow.drafting import Drafting
from hub.flow.ending import Ending
from hub.flow.endings import Endings
from hub.flow.family import Family, arrived, children_of
from hub.flow.journal import Journal
from hub.flow.ledger import Ledger
from hub.flow.pauses import stopped, to_take_up
from hub.flow.pinning import Pinning
from hub.flow.rights import Rights
from hub.flow.speaking import Speaker
from hub.flow.spoken import Spoken
from hub.flow.stopping import Stopping
from hub.flow.watching import Watching
from hub.flow.work import Work
from hub.log import about
from hub.manifests import Agent
from hub.ports import LLM, Add, Change, Clock, Save, Store
from hub.records import (
    OPEN,
    Again,
    Entry,
    ForTasks,
    Message,
    Pause,
    Task,
    TaskId,
    Turn,
    TurnId,
    Usage,
    Wait,
    new_id,
    saved,
)
from hub.spool import DEATHS, Spool

log = logging.getLogger(__name__)

JOINED = 20
"""Messages that one turn answers at most."""


@dataclass
class _Running:
    work: asyncio.Task[Spoken | AgentHostError]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    quietly: bool = False


class Turns:
    """Takes turns, each task's one after another."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        clock: Clock,
        llm: LLM,
        speaker: Speaker,
        endings: Endings,
        slots: Slots,
        rights: Rights,
        choosing: Choosing,
        pinning: Pinning,
        stopping: Stopping,
        family: Family,
        checks: Checks,
        watching: Watching,
        drafting: Drafting,
        allowance: Allowance,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._llm = llm
        self._speaker = speaker
        self._endings = endings
        self._slots = slots
        self._rights = rights
        self._choosing = choosing
        self._pinning = pinning
        self._stopping = stopping
        self._family = family
        self._checks = checks
        self._watching = watching
        self._drafting = drafting
        self._allowance = allowance
        self._running: dict[TaskId, _Running] = {}
        # After a death of the model's process all who were with it are suspects, and go one at a time.
        self._alone = asyncio.Lock()

    @property
    def running(self) -> frozenset[TaskId]:
        """Tasks with a turn being taken."""
        return frozenset(self._running)

    async def take(self, lane: str) -> None:
        """Take turns on a task until nothing waits for one."""
        while await self._take(lanes.task_of(lane)):
            pass

    async def stop(self, task: TaskId, *, quietly: bool = False) -> bool:
        """See Stops."""
        if task not in self._running:
            return await self._stopping.elsewhere(task, quietly=quietly)
        return await self.stop_here(task, quietly)

    async def stop_here(self, task: TaskId, quietly: bool) -> bool:
        """Stop a turn that this hub takes, as `stop` does."""
        running = self._running.get(task)
        if running is None:
            return False
        running.quietly = quietly
        running.work.cancel()
        await running.over.wait()
        return True

    async def _take(self, id: TaskId) -> bool:
        task = await self._store.task(id)
        if task is None:
            return False
        await self._wait_for_llm(task)
        async with self._slots.of(task.tenant, task.person, background=await self._nobody_waits(task)):
            try:
                work = await self._work_on(id)
            except Conflict:
                return True  # a message was routed to it, or moved away, at this very moment: look again
            if work is None:
                return False
            if any(entry.deaths >= DEATHS for entry in work.entries):
                await self._endings.end(work, Ending(kind="dead", error="the hub died over it three times"))
            else:
                await self._run(work)
            return True

    async def _nobody_waits(self, task: Task) -> bool:
        """Say whether a turn would be taken for the time alone, and not for what somebody said just now."""
        if task.kind == "conversation":
            return False
        return not await self._spool.ready(lanes.task(task.id), self._clock.now(), 1)

    async def _wait_for_llm(self, task: Task) -> None:
        if self._llm.info.state != "ready":
            await self._endings.tell_waiting(task, self._llm.info)
            await self._llm.ready()

    async def _work_on(self, id: TaskId) -> Work | None:
        """Return the turn to take: the one that a crash cut off, or a new one if there's a reason for it."""
        task = await self._store.task(id)
        if task is None:
            return None
        last = next(iter(await self._store.turns(id, limit=1)), None)
        entries = list(await self._spool.ready(lanes.task(id), self._clock.now(), JOINED))
        cut_off = last if last and last.state == "working" else None
        due = task.state in OPEN and task.due_at is not None and task.due_at <= self._clock.now()
        if not entries and not cut_off and (here := await self._family.look(task)) is not None:
            due = here
        if not entries and not cut_off and not due:
            return None
        if cut_off and any(step.kind == "answer" for step in await self._store.steps(cut_off.id)):
            # Its answer was written for these messages, and for no other.
            entries = [entry for entry in entries if entry.message in cut_off.messages]
        messages = await self._together(task, [], entries)
        pause = await to_take_up(self._store, id, cut_off, messages, self._clock.now())
        if not entries and not cut_off and pause is None:
            found = await self._watched(task, last)
            if found is None:
                return None
            task = found
        if pause is not None:
            # It's taken up alone: what was said meanwhile has the next turn, but for an answer to its question.
            messages = messages[:1] if pause.kind == "answer" and messages and pause.to == messages[0].id else []
        number = cut_off.number if cut_off else (last.number if last else 0) + 1
        return await self._begin(task, cut_off, number, entries[: len(messages)], messages, pause)

    async def _watched(self, task: Task, last: Turn | None) -> Task | None:
        """Return a task as its next turn is to find it, told what has come if it waited; None: it waits on."""
        now, wait = self._clock.now(), task.verdict
        if not isinstance(wait, Wait) or isinstance(wait.on, ForTasks) or runs.begins(task, now):
            return task
        if came := await self._watching.came(task, wait):
            return replace(task, verdict=Again(after=0.0, why=came))
        later = self._watching.look_at(wait, (last.ended_at if last else None) or task.created_at)
        run = runs.due_of(task, task.run_at) if task.run_at else None
        await self._journal.commit(Save(replace(task, due_at=min(later, run) if run and run > now else later)))
        return None

    async def _together(self, task: Task, before: Sequence[Message], entries: Sequence[Entry]) -> list[Message]:
        """Return the messages of the first entries that one turn can answer, together with those before them."""
        agent = await self._agent(task)
        together: list[Message] = []
        # What's said while an assignment is worked on steers it: it's the same wish still.
        steers = task.kind == "assignment"
        alone = not steers and any(self._speaker.wants_tools(agent, message) for message in before)
        for entry in entries:
            if alone:
                break
            message = await self._store.message(entry.message)
            if message is None:
                raise StoreError(f"entry {entry.id} waits with a message that isn't kept: {entry.message}")
            alone = not steers and self._speaker.wants_tools(agent, message)
            if alone and (before or together):
                break
            together.append(message)
        return together

    async def _begin(
        self,
        task: Task,
        cut_off: Turn | None,
        number: int,
        entries: list[Entry],
        messages: list[Message],
        pause: Pause | None,
    ) -> Work:
        now = self._clock.now()
        ids = tuple(message.id for message in messages)
        turn = cut_off or Turn(
            id=TurnId(new_id()),
            tenant=task.tenant,
            task=task.id,
            number=number,
            state="working",
            messages=ids,
            started_at=now,
        )
        turn = replace(turn, messages=ids)
        # What nobody asked for has no entry that would have it begun again after a crash: then its time does.
        was, run = task.state, cut_off is None and runs.begins(task, now)
        # A run's limits are its own; one that's still to come stays due whatever is said before.
        task = replace(task, used=Usage() if run else task.used, due_at=_due_during(task, messages, now))
        task = replace(task, state="working", updated_at=now)
        begun = [self._spool.begin(entry) for entry in entries]
        changes: list[Change] = [Save(turn) if cut_off else Add(turn), *map(Save, begun)]
        changes += [self._journal.about_turn(turn, task)]
        why = runs.note(task, turn.number) if run else f"turn {turn.number} begins"
        changes += self._journal.changed(task, was, "schedule" if run or not messages else "hub", why)
        changes += [self._journal.noted(task, "schedule", why)] if run and was == task.state else []
        changes += await self._rights.brought(task, messages)
        changes += await self._drafting.heard(task) if messages else ()
        children = await children_of(self._store, task)
        changes += await self._rights.gathered(task, [child for child in children if arrived(child)])
        pause, beside = await self._taken_up(pause)
        await self._journal.commit(*changes, *beside)
        reach("turn.begun")
        work = Work(saved(task), turn, [saved(entry) for entry in begun], messages, pause=pause, children=children)
        if pause is not None:
            stopped_turn = await stopped(self._store, pause)
            work.about, work.before = list(stopped_turn.about), stopped_turn.steps
        return work

    async def _taken_up(self, pause: Pause | None) -> tuple[Pause | None, tuple[Change, ...]]:
        """Return a call that the turn takes up as it'll stand, and what keeps how it was decided just now."""
        kept = await self._store.pause(pause.id) if pause is not None else None
        if pause is None or kept == pause:
            return pause, ()
        told = (self._journal.about_approval(pause),) if pause.kind == "leave" else ()
        return saved(pause), (Save(pause), *told)

    async def _run(self, work: Work) -> None:
        """Let the agent speak, so that it can be stopped at any moment, and keep how it ended."""
        counted = self._allowance.under_way(work.task.tenant, work.turn.id)
        with about(task=work.task.id, turn=work.turn.id), counted:
            await self._run_about(work)

    async def _run_about(self, work: Work) -> None:
        async with asyncio.TaskGroup() as group:
            running = _Running(group.create_task(self._speak(work)))
            self._running[work.task.id] = running
            try:
                await asyncio.wait([running.work])
                await self._endings.end(work, self._ending(running))
            finally:
                del self._running[work.task.id]
                running.over.set()

    def _ending(self, running: _Running) -> Ending:
        if running.work.cancelled():
            return Ending(kind="stopped", quietly=running.quietly)
        spoken = running.work.result()
        if isinstance(spoken, AgentHostError):
            return Ending(kind="failed", error=str(spoken) or type(spoken).__name__)
        if spoken.held is not None:
            return Ending(kind="held", spoken=spoken)
        return Ending(kind="answered", spoken=spoken)

    async def _speak(self, work: Work) -> Spoken | AgentHostError:
        if await self._choosing.bound(work.task) is None:
            return NotAllowed("none of the agents that your tenant may have is here; ask who runs this hub")
        return await self._speak_on(work)

    async def _speak_on(self, work: Work) -> Spoken | AgentHostError:
        agent = await self._agent(work.task)
        deaths = 0
        while True:
            try:
                if deaths == 0:
                    return await self._speak_once(agent, work)
                async with self._alone:
                    await self._llm.ready()
                    return await self._speak_once(agent, work)
            except LLMAway as error:
                # It says nothing about this turn, which waits as long as it takes.
                log.warning("turn %s: the model's server is away (%s)", work.turn.id, error)
                await self._wait_for_llm(work.task)
            except LLMUnavailable as error:
                # The first death proves nothing: others were being answered too. Then it's tried alone, and counts.
                deaths += 1
                log.warning("turn %s: the model went away (%s), attempt %d", work.turn.id, error, deaths)
                if deaths > DEATHS:
                    return error
                await self._llm.ready()
            except LLMError as error:
                if not isinstance(error, LLMRefused) or self._llm.info.state == "ready":
                    return error
                # The key, or the money: nobody gets an answer until the operator has acted, and then this one does.
                await self._wait_for_llm(work.task)
            except StoreError:
                raise  # not this turn's fault: the lane is looked at again
            except Exception as error:
                # A fault of ours in a tool or a prompt ends this turn with words, not the lane with silence.
                log.exception("turn %s: failed", work.turn.id)
                return AgentHostError(f"something is wrong inside the hub ({type(error).__name__}); its log says more")

    async def _agent(self, task: Task) -> Agent:
        return await self._pinning.agent(task, await self._choosing.stand_in(task))

    async def _speak_once(self, agent: Agent, work: Work) -> Spoken:
        ledger = await Ledger.open(self._store, self._journal, self._clock, work.turn.id, lambda: work.money)
        # What was paid before a crash is known by the steps alone; after a mere pause both are.
        work.money = max(work.money, ledger.money)
        spoken = await self._speaker.speak(agent, work, ledger, self._join)
        task = await self._store.task(work.task.id)
        if task is None or task.kind != "assignment" or work.settled or not (spoken.text or spoken.spent):
            return spoken
        await self._checks.make(agent, work, task, ledger)
        return changed(spoken, steps=ledger.steps)

    async def _join(self, work: Work) -> None:
        """Take messages that came meanwhile into the turn: the person adds to what they said."""
        if work.pause is not None:
            return
        known = {entry.id for entry in work.entries}
        waiting = await self._spool.ready(lanes.task(work.task.id), self._clock.now(), JOINED)
        fresh = [entry for entry in waiting if entry.id not in known][: JOINED - len(known)]
        if not fresh:
            return
        messages = await self._together(work.task, work.messages, fresh)
        if not messages:
            return
        fresh = fresh[: len(messages)]
        turn = replace(work.turn, messages=(*work.turn.messages, *(message.id for message in messages)))
        begun = [self._spool.begin(entry) for entry in fresh]
        try:
            await self._journal.commit(Save(turn), *map(Save, begun), *await self._rights.brought(work.task, messages))
        except Conflict:
            return  # moved away at this very moment
        work.turn = turn
        work.entries += [saved(entry) for entry in begun]
        work.messages += messages


def _due_during(task: Task, messages: Sequence[Message], now: datetime) -> datetime | None:
    """Return when a task is due while a turn is taken: one that messages began is begun again by these."""
    pending = task.schedule is not None and task.due_at is not None and task.due_at > now
    return task.due_at if pending or not messages else None
