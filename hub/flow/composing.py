"""What an agent reads before it answers: its prompt, what was said, what was found, shortened until it fits."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from hub.errors import ContextOverflow
from hub.flow import pictures, prompts
from hub.flow.bearings import Bearings
from hub.flow.digest import clipped, shorten, with_room
from hub.flow.work import Work
from hub.manifests import Agent
from hub.ports import LLM, Clock, Files, Said, Store
from hub.records import Again, Message, Step, Text

HISTORY = 60
"""Messages read back at most; what's older is in the digest."""
PROMPT_TOKENS = 1_500
"""A prompt above it is shortened: on two cores a small model reads about a hundred tokens a second.

What a program sends along counts besides: it knows what it pays for.
"""
MARGIN = 64
"""Tokens of the context left free, for templates count differently."""


class Composer:
    """Puts prompts together for turns."""

    def __init__(self, store: Store, files: Files, clock: Clock, llm: LLM, answer_tokens: int, zone: str) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._llm = llm
        self._answer_tokens = answer_tokens
        self._zone = ZoneInfo(zone)
        self._bearings = Bearings(store)

    async def prompt(self, agent: Agent, work: Work, steps: Sequence[Step]) -> tuple[Said, ...]:
        """Return the prompt for an answer; the system prompt and the goal are always in it. Raises ContextOverflow.

        `work.task` may get a digest.
        """
        agent = _instructed(agent, work)
        history, earlier = await self.history(work), earlier_of(work)
        images = await pictures.read(self._files, history)
        # An image alone may have more tokens than a prompt of words should.
        most = 10**9 if any(images.values()) and self._llm.info.sees else PROMPT_TOKENS
        whole = (self._llm.info.context or 10**9) - self._answer_tokens - MARGIN
        steps, more = with_room(steps, whole - PROMPT_TOKENS)
        room = min(most + more + await self._sent_along(work), whole)
        verdict = work.task.verdict
        note = verdict.why if isinstance(verdict, Again) and work.task.kind == "assignment" else ""
        stand = await self._bearings.of(work)
        while True:
            said = prompts.answer(
                agent, work.task, history, steps, self._now(), note=note, stand=stand, images=images, earlier=earlier
            )
            tokens = await self._llm.count(said)
            if tokens <= room:
                return said
            if earlier:
                # The oldest half goes: it's what the answer needs least.
                earlier = earlier[(len(earlier) + 1) // 2 :]
                continue
            work.task, shorter = shorten(work.task, history)
            if len(shorter) == len(history):
                return await self._clip(agent, work, history, steps, room, tokens)
            history = shorter

    async def history(self, work: Work) -> tuple[Message, ...]:
        """Return what was said in a turn's task and is over, and last what's being answered."""
        # A turn looks at it before each step; it's another one once more messages are answered, or less is read back.
        read_for = (work.task.digested, len(work.messages))
        if work.heard[0] != read_for:
            messages = await self._store.messages_of_task(work.task.id, limit=HISTORY, after=work.task.digested)
            work.heard = (read_for, messages)
        messages = work.heard[1]
        # Taken up after its person's word, the turn answers what the stopped one was asked.
        answering = work.asked
        # A program's results, and that they were asked for, are told as what its tool found.
        told = {message.id for message in work.told}
        waited = {message.turn for message in work.about if work.told}
        aside = told | {message.id for message in answering}
        # What's being answered comes last, also if it's older: a message that was moved here from another task.
        before = [
            message
            for message in messages
            if message.id not in aside
            and _is_over(message)
            and not (message.role == "agent" and message.turn in waited)
        ]
        return (*before, *answering)

    async def _sent_along(self, work: Work) -> int:
        """Return how many tokens a program's instructions and history take."""
        sent = [*earlier_of(work)]
        if work.order.instructions:
            sent.append(Said("system", work.order.instructions))
        return await self._llm.count(sent) if sent else 0

    async def _clip(
        self, agent: Agent, work: Work, history: Sequence[Message], steps: Sequence[Step], room: int, tokens: int
    ) -> tuple[Said, ...]:
        """Leave out the middle of what's still too long: the last messages themselves."""
        characters = sum(len(message.text) for message in history)
        stand = await self._bearings.of(work)
        for _ in range(6):
            characters = int(characters * min(0.7, room / tokens))
            each = max(characters // max(len(history), 1), 80)
            cut = [replace(message, parts=(Text(clipped(message.text, each)),)) for message in history]
            # The goal mostly is the first message: whole, it would bring back what was left out of that.
            task = replace(work.task, goal=clipped(work.task.goal, each))
            said = prompts.answer(agent, task, cut, steps, self._now(), stand=stand)
            tokens = await self._llm.count(said)
            if tokens <= room:
                return said
        raise ContextOverflow(tokens, room)

    def _now(self) -> datetime:
        return self._clock.now().astimezone(self._zone)


def earlier_of(work: Work) -> tuple[Said, ...]:
    """Return what was said elsewhere before a turn's task began, as its program tells it."""
    return tuple(Said(one.role, prompts.plain(one.text)) for one in work.order.earlier)


def _instructed(agent: Agent, work: Work) -> Agent:
    """Return the agent with a program's instructions after its own."""
    if not work.order.instructions:
        return agent
    return replace(agent, prompt=f"{agent.prompt}\n\n{prompts.plain(work.order.instructions)}")


def _is_over(message: Message) -> bool:
    # What was routed here since the last look waits for the next turn: read in this one, it would be answered twice.
    return message.role == "agent" or (message.role == "user" and message.state in {"answered", "stopped", "failed"})
