"""What people say to the hub itself: the same words in every bridge, obeyed at once, even while a task is at work."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from hub.errors import AgentHostError, PersonError, StoreUnavailable
from hub.flow import lanes, planning
from hub.flow.artefacts import Artefacts, summary
from hub.flow.choosing import Choosing
from hub.flow.doing import Doer, doing
from hub.flow.family import children_of, told
from hub.flow.journal import Journal
from hub.flow.meant import Meant
from hub.flow.notices import answer_to
from hub.flow.outbox import Outbox
from hub.flow.questions import Questions
from hub.flow.said import Answer, Redirect, Said, parted, short, tag
from hub.flow.tasks import Tasks
from hub.flow.timetable import when_of
from hub.manifests import Agent
from hub.ports import LLM, Clock, Save, Store
from hub.records import OPEN, Entry, Message, Task, TaskState, Text
from hub.spool import Spool

log = logging.getLogger(__name__)

HELP = {
    "start": "say hello",
    "help": "this list",
    "new": "new TEXT: begin a new task with a message",
    "tasks": "your tasks and how they stand",
    "task": "task N: how task N stands; task N TEXT: say something about it",
    "human": "a human instead of an agent; human WHY: and tell them why",
    "move": "move N or move new: your last message (or the one you reply to) was about another task; move alone asks",
    "stop": "stop what's at work; stop N: that task. “stop” alone does the same",
    "resume": "resume N: go on with a task that was stopped or failed",
    "status": "how the hub and its model are",
    "agent": "agent: the agents there are; agent NAME: who takes your new tasks",
    "model": "which model answers",
    "follow": "follow N: hear of a task in this chat too",
    "unfollow": "unfollow N: hear of it here no more",
    "approve": "allow the call that's asked about; approve N: that of task N; approve CODE: let somebody in",
    "deny": "refuse it; deny N; deny CODE: don't let them in",
    "schedule": "schedule WHEN TEXT (in 20m, tomorrow at 9, every weekday at 8); schedule alone: what's planned",
    "timezone": "the time zone of your times; timezone Europe/Berlin: another one",
    "quiet": "quiet 22:00-07:00: say nothing then that nobody waits for; quiet off",
    "digest": "how your tasks are, now; digest 08:00: every day; digest off",
    "whoami": "who the hub takes you for",
    "pair": "a code that links another chat account to you; pair CODE: take such a code",
    "unlink": "take one of your chat accounts off you",
}
SHOWN = 10
ENDED: tuple[TaskState, ...] = ("completed", "failed", "canceled")


Handler = Callable[[Said], Awaitable[str | Answer]]


class Commands:
    """Obeys commands."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        journal: Journal,
        outbox: Outbox,
        clock: Clock,
        tasks: Tasks,
        agents: Mapping[str, Agent],
        choosing: Choosing,
        llm: LLM,
        decider: LLM,
        meant: Meant,
        questions: Questions,
        others: Mapping[str, Handler],
        artefacts: Artefacts | None = None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._service = tasks
        self._agents = agents
        self._choosing = choosing
        self._llm = llm
        self._decider = decider
        self._meant = meant
        self._questions = questions
        self._artefacts = artefacts
        own: dict[str, Handler] = {name: getattr(self, f"_{name}") for name in HELP if name not in others}
        self._known = {**own, **others}

    async def obey(self, lane: str) -> None:
        """Obey the commands that wait in a lane, one after another."""
        while waiting := await self._spool.ready(lane, self._clock.now()):
            entry = waiting[0]
            message = await self._store.message(entry.message)
            if message is None:
                await self._journal.commit(self._spool.settle(entry))
            else:
                await self._obey(entry, message)

    async def _obey(self, entry: Entry, message: Message) -> None:
        try:
            with doing(Doer(person=message.author or message.person, way="chat")):
                answer = await self._answer(message)
        except Redirect as redirect:
            await self._send_on(entry, message, redirect)
            return
        except PersonError as error:
            answer = str(error)
        except StoreUnavailable:
            raise  # nothing of the command's own: it's obeyed once the store can be asked again
        except AgentHostError as error:
            log.warning("command %s: %s", message.id, error)
            answer = f"That didn't work: {error}"
        answered = replace(message, state="answered")
        told = answer if isinstance(answer, Answer) else Answer(text=answer)
        notice = answer_to(message, told.text, self._clock.now(), told.choices)
        await self._journal.commit(
            Save(answered),
            self._spool.settle(entry),
            *self._outbox.say(notice),
            self._journal.about_message("message", answered),
            wake=(self._outbox.lane(notice),),
        )

    async def _answer(self, message: Message) -> str | Answer:
        if message.choice is not None:
            return await self._questions.pressed(message)
        said = parted(message)
        known = self._known.get(said.name)
        if known is None:
            return f"I don't know /{said.name}. /help lists what I know."
        return await known(said)

    async def _send_on(self, entry: Entry, message: Message, redirect: Redirect) -> None:
        """Have the router take it: the rest of the message goes to the task that the command names."""
        lane = lanes.chat(message.tenant, message.address)
        sent_on = replace(message, wish=redirect.wish, parts=(Text(redirect.text), *message.parts[1:]))
        await self._journal.commit(Save(sent_on), self._spool.move(entry, lane), wake=(lane,))

    # --- the commands, in the order of HELP

    async def _help(self, said: Said) -> str:
        return "\n".join(f"- `/{name}` – {text}" for name, text in HELP.items())

    async def _new(self, said: Said) -> str:
        if said.rest:
            raise Redirect("new", said.rest)
        return "Say what it's about: `/new TEXT` begins a new task with that message."

    async def _tasks(self, said: Said) -> str:
        who = (said.message.tenant, said.message.person)
        still_open = await self._store.tasks(*who, states=OPEN, limit=SHOWN, by="updated_at", split=False)
        ended = await self._store.tasks(*who, states=ENDED, limit=SHOWN, by="updated_at", split=False)
        lines = [line for task in (*still_open, *ended)[:SHOWN] for line in await self._with_subtasks(task)]
        return "\n".join(lines) or "No tasks yet. Write to me, and there'll be one."

    async def _task(self, said: Said) -> str:
        number, _, text = said.rest.partition(" ")
        if number == "new" and text.strip():
            raise Redirect("new", text.strip())
        task = await self._meant.task(said, number)
        if text.strip():
            raise Redirect(task.id, text.strip())
        return await self._shown(task)

    async def _stop(self, said: Said) -> str:
        message = said.message
        stopped: tuple[Task, ...]
        if said.rest or await self._meant.of_thread(message):
            stopped = (await self._service.stop(await self._meant.task(said, said.rest)),)
        else:
            stopped = await self._service.stop_chat(message.tenant, message.address, message.person)
        if not stopped:
            return "Nothing is at work."
        return f"Stopped {', '.join(tag(task) for task in stopped)}. /resume N goes on."

    async def _resume(self, said: Said) -> str:
        task = await self._service.resume(await self._meant.task(said, said.rest))
        return f"Going on with {tag(task)}."

    async def _status(self, said: Said) -> str:
        counts = await self._store.counts()
        # This command waits too, until it's answered.
        waiting = sum(count for name, count in counts.items() if name in {"inbox.ready", "inbox.held"}) - 1
        lines = [self._about_model("Model", self._llm)]
        if self._decider is not self._llm:
            lines.append(self._about_model("Decisions", self._decider))
        lines.append(f"Messages waiting: {waiting}")
        if dead := counts.get("inbox.dead", 0) + counts.get("outbox.dead", 0):
            lines.append(f"Dead letters: {dead}")
        return "\n".join(f"- {line}" for line in lines)

    async def _agent(self, said: Said) -> str:
        who = (said.message.tenant, said.message.person)
        if said.rest:
            await self._choosing.choose(*who, said.rest)
            return f"`{said.rest}` takes your new tasks from now on."
        chosen, theirs = await self._choosing.chosen(*who), sorted(await self._choosing.theirs(said.message.tenant))
        lines = [
            f"- `{name}` – {self._agents[name].description}{' (yours)' if name == chosen else ''}" for name in theirs
        ]
        if chosen and chosen not in theirs:
            default = await self._choosing.default(said.message.tenant)
            lines.append(f"`{chosen}`, which you chose, isn't here any more: `{default}` stands in for it.")
        return "\n".join(lines)

    async def _model(self, said: Said) -> str:
        return f"{self._about_model('Model', self._llm)}. The config's [llm] section names another."

    # --- what they share

    async def _shown(self, task: Task) -> str:
        lines = [_line(task), f"Goal: {short(task.goal, 300)}"]
        lines += planning.lines(task.plan)
        lines += [f"↳ {told(child)}" for child in await children_of(self._store, task)]
        turns = reversed(await self._store.turns(task.id, limit=3))
        lines += [
            f"Turn {turn.number} ({turn.state}): {short(turn.answer or turn.error or '…', 200)}" for turn in turns
        ]
        if made := summary(await self._artefacts.of(task)) if self._artefacts else "":
            lines.append(made)
        if taints := await self._store.taints(task.id):
            lines.append(f"Others' words in it: {short(', '.join(taint.source for taint in taints), 200)}")
        if task.schedule:
            lines.append(f"Comes {when_of(task, 'UTC')}")
        elif task.due_at:
            lines.append(f"Next at {task.due_at:%Y-%m-%d %H:%M} UTC")
        return "\n".join(f"- {line}" for line in lines)

    async def _with_subtasks(self, task: Task) -> list[str]:
        """Return a task's line, and beneath it those of its subtasks while it's open."""
        children = await children_of(self._store, task) if task.state in OPEN else ()
        return [_line(task), *(f"  ↳ {_line(child)}" for child in children)]

    def _about_model(self, label: str, llm: LLM) -> str:
        info = llm.info
        speed = f", {info.tokens_per_second:.0f} tokens/s" if info.tokens_per_second else ""
        detail = f" ({info.detail})" if info.detail else ""
        return f"{label}: {info.model or 'none'}, {info.state}{speed}{detail}"


def _line(task: Task) -> str:
    return f"#{task.number} {task.title} – {task.state}"
