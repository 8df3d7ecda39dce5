"""Every word that's sent to an LLM, as functions of what it's about.

What people, tools and earlier answers said is data: it stands in the roles `user` and `assistant`, never in `system`,
and what would end a part of a prompt is broken up.
"""

import itertools
import re
import string
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from hub.flow.digest import clipped
from hub.manifests import DATE, Agent
from hub.ports import Exemplary, Image, Said, Tool
from hub.records import File, Message, MessageId, Step, Task, Text

COMPLETE = ("yes", "no", "question")
"""What a judge may say: the goal is reached, it isn't, only the person can say how it goes on."""
NONE = "none"
"""No tool is needed."""
GOAL, CLAIM, RESULT, RESULTS = 600, 900, 300, 4
"""Characters of a goal, a claim and a tool's result that a judge reads, and how many results, the last ones."""
Images = Mapping[MessageId, Mapping[str, bytes]]
"""The images of messages: their bytes by their SHA-256."""

NO_IMAGES: Images = MappingProxyType({})
TRIES = 2
"""Failed calls that are shown when it's tried again."""
FOUND = 600
"""Characters of what another tool found."""
DESCRIBED = 300
"""Characters of a tool's description that whoever writes its arguments reads."""
LINE = 120
"""Characters of a description in a choice."""
NEEDLESS = "none of these, just talk"
SHOTS = 2
"""Examples of each tool in a choice."""


def answer(
    agent: Agent,
    task: Task,
    history: Sequence[Message],
    results: Sequence[Step],
    now: datetime,
    *,
    note: str = "",
    stand: str = "",
    images: Images = NO_IMAGES,
    earlier: Sequence[Said] = (),
) -> tuple[Said, ...]:
    """Return the prompt for an agent's answer.

    It always holds the agent's system prompt and the task's goal: in the history where that still has it, else before
    it, with the digest of what was left out. `history` is oldest first and ends with what's to be answered; `results`
    are this turn's tool steps; `now` is in the person's time zone; `note` is why another turn is taken, `stand` how
    far the task is; `images` are those that came along with messages of the history; `earlier` is what was said
    before the task began.
    """
    said = (*earlier, *conversation(history, images))
    opening = _opening(task, said)
    if opening:
        said = (Said("user", opening), *said)
    closing = _closing(results, note, plain(stand), asked=bool(said) and said[-1].role == "user")
    if closing:
        said = (*said, Said("user", closing))
    return (system(agent, now), *_alternating(said))


def system(agent: Agent, now: datetime) -> Said:
    """Return the system part: the same all day at least, so that what the model computed for it can be kept."""
    return Said("system", agent.prompt.replace(DATE, f"{now:%Y-%m-%d}"))


def conversation(history: Sequence[Message], images: Images = NO_IMAGES) -> tuple[Said, ...]:
    """Return what a person and the agent said; what the hub itself said is left out."""
    return tuple(
        Said("user" if message.role == "user" else "assistant", plain(_words(message, images)), _named(message, images))
        for message in history
        if message.role != "notice" and message.text.strip()
    )


def _words(message: Message, images: Images) -> str:
    """Return what was said in words, in a group by whom; a file that isn't among the images by its name."""
    shown = images.get(message.id, {})
    by = f"{message.name}: " if message.author and message.name else ""
    return by + "\n".join(
        part.text if isinstance(part, Text) else f"[file: {part.name}]"
        for part in message.parts
        if isinstance(part, Text) or part.sha256 not in shown
    )


def _named(message: Message, images: Images) -> tuple[Image, ...]:
    shown = images.get(message.id, {})
    files = [part for part in message.parts if isinstance(part, File) and part.sha256 in shown]
    return tuple(Image(name=plain(file.name)[:80], data=shown[file.sha256]) for file in files)


def choose(text: str, offered: Sequence[Tool]) -> tuple[Said, ...]:
    """Return the prompt for the choice of a tool, to be answered with one of its names or NONE.

    Examples of the offered tools, the needless first and the best last: measured with SmolLM2-135M, that's right far
    more often than descriptions.
    """
    shown = [tool for tool in offered if isinstance(tool, Exemplary)]
    most = max((len(tool.examples) for tool in shown), default=0)
    lines = [f"{tool.name}: {plain(first_sentence(tool.description))}" for tool in offered if tool not in shown]
    for turn in reversed(range(min(most, SHOTS))):
        for tool in reversed(shown):
            lines += [f'"{other}" -> {NONE}' for other in tool.others[turn : turn + 1]]
            lines += [f'"{example.text}" -> {tool.name}' for example in tool.examples[turn : turn + 1]]
    return (
        Said("system", "Which tool does a message need?\n" + "\n".join(lines)),
        Said("user", f'"{plain(text)}" ->'),
    )


def pick(text: str, offered: Sequence[Tool]) -> tuple[Said, ...]:
    """Return the prompt for a choice among tools without examples, to be answered with one of `letters`.

    Their names tell a small LLM little, and one may begin another.
    """
    told = [*(first_sentence(tool.description) for tool in offered), NEEDLESS]
    lines = [f"{letter}: {plain(line)}" for letter, line in zip(letters(len(offered)), told, strict=True)]
    return (
        Said("system", "Which tool does a message need?\n" + "\n".join(lines)),
        Said("user", f'"{plain(text)}" ->'),
    )


def letters(count: int) -> tuple[str, ...]:
    """Return a letter for each tool, and last one for none of them."""
    return tuple(string.ascii_uppercase[: count + 1])


def first_sentence(description: str) -> str:
    """Return how a description begins: what comes later is for who has already chosen."""
    begin = re.split(r"(?<=[.!?])\s", " ".join(description.split()), maxsplit=1)[0]
    return begin if len(begin) <= LINE else f"{begin[: LINE - 1]}…"


def arguments(
    said: Sequence[Said],
    tool: Tool,
    schema: Mapping[str, Any],
    fault: str = "",
    failed: Sequence[Step] = (),
    found: Sequence[Step] = (),
) -> tuple[Said, ...]:
    """Return the prompt for a tool's arguments, to be answered with JSON; it ends with what was asked last.

    `schema` is of those that are to be found; `fault` is what was wrong with the last answer.
    `failed` are calls before that failed: it's shown the last ones, and what was wrong with them. `found` are calls of
    other tools for the same wish: what they found goes along with it.
    """
    shots: list[Said] = []
    task = f"Write the arguments of the tool {tool.name} as JSON."
    if isinstance(tool, Exemplary):
        for example in tool.examples:
            shots += [Said("user", example.text), Said("assistant", msgspec.json.encode(example.arguments).decode())]
    else:
        lines = [_argument(name, below, name in schema["required"]) for name, below in schema["properties"].items()]
        task = "\n".join((f"{task} {plain(tool.description[:DESCRIBED])}", *lines))
    # A short message may point to what was said before it: "Remember that."
    last = said[-1:] if said and len(said[-1].text.split()) > 4 else said[-3:]
    tries = [part for step in failed[-TRIES:] for part in _failed(step)]
    again = (Said("user", f"That can't be used: {plain(fault)} Write the JSON once more."),) if fault else ()
    told = "\n".join(f"{step.name}: {clipped(plain(step.result), FOUND)}" for step in found[-TRIES:])
    results = (Said("user", f"Found for it:\n{told}"),) if told else ()
    return _alternating((Said("system", task), *shots, *last, *results, *tries, *again))


def _argument(name: str, schema: Mapping[str, Any], needed: bool) -> str:
    options = schema.get("enum")
    kind = " or ".join(map(str, options[:20])) if options else schema.get("type", "JSON")
    told = plain(str(schema.get("description", "")))
    return f"- {plain(name)} ({kind}{'' if needed else ', only if said'}){': ' if told else ''}{told}"


def asked(said: Sequence[Said]) -> str:
    """Return what the person said last, and just before that without an answer between."""
    last = list(itertools.takewhile(lambda part: part.role == "user", reversed(said)))
    return "\n".join(part.text for part in reversed(last))


def digest(task: Task, messages: Sequence[Message]) -> tuple[Said, ...]:
    """Return the prompt for a summary of a task's older messages, on top of the digest that it has."""
    told = "\n".join(f"{part.role}: {part.text}" for part in conversation(messages))
    before = f"Summary so far: {plain(task.digest)}\n" if task.digest else ""
    return (
        Said(
            "system", "Sum up the conversation in at most five short sentences. Keep names, numbers, dates and wishes."
        ),
        Said("user", f"{before}{told}\n\nSum this up."),
    )


def judge(goal: str, results: Sequence[Step], claim: str, criteria: str = "") -> tuple[Said, ...]:
    """Return the prompt for a supervisor, to be answered with one of `COMPLETE`; it stays below 1,000 tokens.

    `criteria` are the agent's own, of its supervisor.md.
    """
    shown = [replace(step, result=clipped(step.result, RESULT)) for step in results[-RESULTS:]]
    evidence = "\n".join(map(_result, shown)) or "No tool was called."
    return (
        Said(
            "system",
            "You check work. Is the goal reached? Trust the evidence, not the claim. Answer yes, no or question."
            + (f"\n{plain(criteria)}" if criteria else ""),
        ),
        Said(
            "user",
            f"Goal: {plain(clipped(goal, GOAL))}\n\nEvidence:\n{evidence}\n\n"
            f"Claim: {plain(clipped(claim, CLAIM))}\n\nIs the goal reached?",
        ),
    )


def plain(text: str) -> str:
    """Return a text that can't be taken for the marks between the parts of a prompt."""
    return _MARK.sub(r"<\1 \2 \1>", text).strip()


def _failed(step: Step) -> tuple[Said, Said]:
    return Said("assistant", plain(step.request)), Said("user", f"That failed. {plain(step.result)}\nMend it.")


def _opening(task: Task, said: Sequence[Said]) -> str:
    goal = plain(task.goal)
    parts = []
    if not any(part.role == "user" and goal in part.text for part in said):
        parts.append(f"My goal: {goal}")
    if task.digest:
        parts.append(f"What we said before, in short: {plain(task.digest)}")
    return "\n".join(parts)


def _closing(results: Sequence[Step], note: str, stand: str, *, asked: bool) -> str:
    done = {step.name for step in results if not step.failed}
    # A try that failed before the one that didn't would only mislead.
    parts = [_result(step) for step in results if not step.failed or step.name not in done]
    if stand:
        parts.append(stand)
    if note and asked:
        # The person has just said something: that comes first.
        parts.append(f"(About my goal: {plain(note)})")
    elif note:
        parts.append(f"Go on with my goal. {plain(note)}")
    elif any(not step.failed for step in results):
        parts.append("Tell me what it found.")
    elif not asked:
        parts.append("Go on with my goal.")
    return "\n".join(parts)


def _result(step: Step) -> str:
    if step.failed:
        return f'(The {step.name} tool could not help: "{_quoted(step.result)}")'
    return f'What the {step.name} tool found: "{_quoted(step.result)}"'


def _quoted(text: str) -> str:
    return plain(text).replace('"', "'")


def _alternating(said: Sequence[Said]) -> tuple[Said, ...]:
    """Join neighbours of one role: some models' templates refuse two in a row."""
    joined: list[Said] = []
    for part in said:
        if joined and joined[-1].role == part.role:
            text = "\n\n".join(filter(None, (joined[-1].text, part.text)))
            joined[-1] = Said(part.role, text, (*joined[-1].images, *part.images))
        else:
            joined.append(part)
    if joined and joined[0].role == "assistant":
        joined.insert(0, Said("user", "Go on."))
    return tuple(joined)


_MARK = re.compile(r"<(\|)([A-Za-z0-9_]{1,40})\|>")
