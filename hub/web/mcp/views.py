"""What the tools of /mcp return, short: whoever reads it pays for each word."""

from datetime import datetime

from msgspec import Struct

from hub.flow.artefacts import Artefact
from hub.flow.asking import pause_of
from hub.records import Message, MessageState, Task, TaskState
from hub.web.programs import leave_words
from hub.web.services import Services

CHARACTERS = 4_000
"""Of one message, or one result, of a task that's read."""
MESSAGES = 10
FILES = 50


class TaskLine(Struct, frozen=True, kw_only=True):
    """A task in few words; `task` is what it's called by."""

    task: int
    title: str
    state: TaskState
    agent: str
    updated_at: datetime


class ChoiceLine(Struct, frozen=True, kw_only=True):
    """An answer that a question offers."""

    id: str
    text: str


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a message."""

    message: str
    state: MessageState
    answer: str
    task: TaskLine | None = None
    choices: list[ChoiceLine] = []
    next: str = ""
    """What to do now, if it isn't over."""


class Tasks(Struct, frozen=True, kw_only=True):
    """Tasks, the newest first."""

    tasks: list[TaskLine]


class PointLine(Struct, frozen=True, kw_only=True):
    """A point of a plan."""

    text: str
    state: str


class SaidLine(Struct, frozen=True, kw_only=True):
    """Something said in a task."""

    role: str
    text: str
    at: datetime


class FileLine(Struct, frozen=True, kw_only=True):
    """A file that a task has made; `uri` is that of a resource."""

    uri: str
    name: str
    media_type: str
    size: int


class CallLine(Struct, frozen=True, kw_only=True):
    """A tool that was called in the last turn."""

    tool: str
    result: str
    failed: bool


class TaskDetail(Struct, frozen=True, kw_only=True):
    """A task with what was said last in it, its plan, and what it has made."""

    task: int
    title: str
    state: TaskState
    agent: str
    goal: str
    updated_at: datetime
    plan: list[PointLine]
    messages: list[SaidLine]
    artefacts: list[FileLine]
    calls: list[CallLine]
    next: str = ""


async def view_answer(services: Services, message: Message, base: str) -> Answer:
    """Return what became of a message; a question for leave is told of, but can't be answered here."""
    replies = await services.store.replies(message.id)
    task = await services.store.task(message.task) if message.task else None
    last = replies[-1] if replies else None
    leave = bool(last and pause_of(last.choices))
    choices = [] if leave or last is None else [ChoiceLine(id=each.id, text=each.text) for each in last.choices]
    return Answer(
        message=message.id,
        state=message.state,
        answer="\n\n".join(reply.text for reply in replies),
        task=view_line(task) if task else None,
        choices=choices,
        next=_next(message, task, base, leave=leave, offered=bool(choices)),
    )


def _next(message: Message, task: Task | None, base: str, *, leave: bool, offered: bool) -> str:
    if leave and task is not None and task.state == "input-required":
        return leave_words(base, task.number)
    if offered and (message.state == "asking" or (task is not None and task.state == "input-required")):
        return "Choose by answer_question with this message."
    if message.state in ("accepted", "routed", "working"):
        return "It isn't answered yet: call wait with this message."
    if message.state == "answered" and task is not None and task.state == "input-required":
        return f"It asks something: answer by send_message with task {task.number}."
    return ""


def view_line(task: Task) -> TaskLine:
    """Return a task in few words."""
    return TaskLine(task=task.number, title=task.title, state=task.state, agent=task.agent, updated_at=task.updated_at)


async def view_detail(services: Services, task: Task, base: str) -> TaskDetail:
    """Return a task with all that a program may want to know of it."""
    store = services.store
    messages = await store.messages_of_task(task.id, limit=MESSAGES)
    turn = next(iter(await store.turns(task.id, limit=1)), None)
    steps = [step for step in await store.steps(turn.id) if step.kind == "tool"] if turn else []
    made = await services.artefacts.of(task) if services.artefacts else ()
    asked = await store.pauses_of_task(task.id, states=("asked",), limit=1)
    leave = any(pause.kind == "leave" for pause in asked)
    return TaskDetail(
        task=task.number,
        title=task.title,
        state=task.state,
        agent=task.agent,
        goal=_cut(task.goal),
        updated_at=task.updated_at,
        plan=[PointLine(text=point.text, state=point.state) for point in task.plan],
        messages=[
            SaidLine(role=message.role, text=_cut(message.text), at=message.created_at)
            for message in messages
            if message.state != "moved"
        ],
        artefacts=[view_file(task, file) for file in made[:FILES]],
        calls=[CallLine(tool=step.name, result=_cut(step.result), failed=step.failed) for step in steps],
        next=leave_words(base, task.number) if leave else "",
    )


def view_file(task: Task, file: Artefact) -> FileLine:
    """Return a file that a task has made, with the resource that it's read by."""
    return FileLine(
        uri=f"agenthost://tasks/{task.number}/artefacts/{file.sha256}",
        name=file.name,
        media_type=file.media_type,
        size=file.size,
    )


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]} [cut]"
