"""Runs of programs that ask their person something: they stop there, are kept sealed, and go on with the answer."""

from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from hub.errors import ToolError
from hub.manifests import Allowance
from hub.packages.scripts import QUESTIONS, Answer, Asked, Hosts, Scripts, Strayed, Unloadable
from hub.packages.seals import Seal
from hub.packages.trail import Trail
from hub.ports import Paused, ToolCall

STATE_BYTES = 700_000
"""Of a program that waits; sealed, it has a third more."""
ANSWER = 4_000
"""Characters of an answer."""


class Run(Struct, frozen=True, kw_only=True):
    """One call of a program: all that it takes to begin it, or to begin it anew."""

    program: str
    expression: str
    values: Mapping[str, object]
    allowance: Allowance
    hosts: Callable[[Trail], Hosts]
    about: bytes
    """Which call it is, and of which program: what's kept of it is for nothing else."""


class Pauser:
    """Begins runs, and goes on with them after a pause, in this process or a later one."""

    def __init__(self, scripts: Scripts, seal: Seal | None) -> None:
        self._scripts = scripts
        self._seal = seal

    async def begin(self, run: Run) -> str:
        """Run a program to its end; raises Paused where it asks, and ToolError."""
        if self._seal is None:
            raise ToolError("This hub can't keep a program that waits for an answer.")
        trail = Trail()
        ended = await self._scripts.begin(run.program, run.expression, run.values, run.allowance, run.hosts(trail))
        return self._ended(run, ended, (), trail)

    async def resume(self, run: Run, snapshot: str, answer: str) -> str:
        """Go on with a run that raised Paused; raises Paused again, and ToolError where it has to be begun anew."""
        kept = self._opened(run, snapshot)
        answers = (*kept.answers, Answer(question=kept.question, answer=answer[:ANSWER]))
        if kept.version == self._scripts.version:
            trail = Trail(kept.done)
            try:
                ended = await self._scripts.go_on(kept.state, run.allowance, run.hosts(trail), answers[-1])
            except Unloadable:
                pass
            else:
                return self._ended(run, ended, answers, trail)
        return await self._anew(run, kept, answers)

    async def _anew(self, run: Run, kept: "_Kept", answers: tuple[Answer, ...]) -> str:
        """Run it from the beginning, told what it was told: what another version of Monty kept can't be loaded."""
        if Trail(kept.done).changing:
            raise ToolError(
                "The program waited over an update of its sandbox, and had done something before that isn't done "
                "twice. Call it anew if that's still wanted."
            )
        trail = Trail()
        try:
            ended = await self._scripts.begin(
                run.program, run.expression, run.values, run.allowance, run.hosts(trail), answers
            )
        except Strayed:
            raise ToolError("The program asks something else by now. Call it anew if it's still wanted.") from None
        return self._ended(run, ended, answers, trail)

    def _ended(self, run: Run, ended: str | Asked, answers: tuple[Answer, ...], trail: Trail) -> str:
        if isinstance(ended, str):
            return ended
        if len(answers) >= QUESTIONS:
            raise ToolError(f"The program asks for ever; {QUESTIONS} questions are the most in one call.")
        if len(ended.state) > STATE_BYTES:
            raise ToolError(f"The program holds {len(ended.state)} bytes; one that waits holds {STATE_BYTES} at most.")
        kept = _Kept(
            version=self._scripts.version,
            question=ended.question,
            answers=answers,
            done=dict(trail.done),
            state=ended.state,
        )
        assert self._seal is not None  # noqa: S101 - `begin` and `_opened` saw to it
        raise Paused(ended.question, self._seal.close(msgspec.msgpack.encode(kept), about=run.about))

    def _opened(self, run: Run, snapshot: str) -> "_Kept":
        data = self._seal.open(snapshot, about=run.about) if self._seal else None
        if data is None:
            raise ToolError("What was kept of the program isn't this call's, or was changed. Call it anew.")
        return msgspec.msgpack.decode(data, type=_Kept)


class _Kept(Struct, frozen=True, kw_only=True):
    """A program that waits."""

    version: str
    """Of Monty."""
    question: str
    answers: tuple[Answer, ...]
    """All that it was told before."""
    done: dict[str, int]
    """How often it had called each function of the hub."""
    state: bytes


def about(call: ToolCall, digest: str) -> bytes:
    """Return which call it is of which program, as bytes that only the very same call has."""
    parts = (call.tool, digest, call.tenant, call.person, call.agent, call.task, call.key, dict(call.arguments))
    return sha256(msgspec.json.encode(parts, order="sorted")).digest()
