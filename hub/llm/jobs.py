"""A request as work for the scheduler: which tokens to evaluate, what to read off, what to answer."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from hub.llm import wire
from hub.llm.batch import Evaluator, cells
from hub.llm.prefixes import SHORTEST, Kept, common
from hub.llm.text import Sampler, Utf8, loops
from hub.ports import End, Score

WIDTH = 6
"""Branches of one request evaluated side by side."""


class TooLong(Exception):
    """The request has more tokens than the context holds."""

    def __init__(self, tokens: int, most: int) -> None:
        super().__init__(tokens, most)
        self.tokens = tokens
        self.most = most


class Branch:
    """Tokens to be evaluated in a sequence of their own.

    `wants` says at which positions which tokens' log-probabilities are wanted, and for which score.
    """

    def __init__(self, tokens: list[int], *, keep: int, wants: dict[int, list[tuple[int, int]]] | None = None) -> None:
        self.tokens = tokens
        self.keep = keep
        self.wants = wants or {}
        self.kept: Kept | None = None
        self.after: Branch | None = None
        self.shared = 0
        self.done = False

    @property
    def known(self) -> int:
        """How many of its tokens are evaluated."""
        return len(self.kept.tokens) if self.kept else 0

    @property
    def startable(self) -> bool:
        """Whether what it shares with an earlier branch is evaluated by now."""
        return self.after is None or self.after.done or self.after.known >= self.shared

    @property
    def reusable(self) -> list[int]:
        """The tokens that needn't be evaluated anew if they are known: all before the first one that's wanted."""
        return self.tokens[: min(self.wants) + 1] if self.wants else self.tokens


class Job(ABC):
    """One request at work."""

    writes: ClassVar[bool]
    """Whether it generates text."""

    def __init__(self, asked: wire.Asked, branches: list[Branch], cells: int, width: int = 1) -> None:
        self.id = asked.id
        self.tenant = asked.ask.tenant
        self.chat = asked.ask.chat
        self.priority = asked.ask.priority
        self.arrived = time.monotonic()
        self.deadline = self.arrived + asked.ask.deadline
        self.branches = branches
        self.cells = cells
        self.width = width
        self.fresh = 0

    @abstractmethod
    def read(self, branch: Branch, position: int, engine: Evaluator, row: int) -> list[wire.Answer]:
        """Take what was wanted at a position of a branch; return what there's to say by now."""

    def wants(self, branch: Branch, position: int) -> bool:
        """Say whether the logits at a position are wanted."""
        return position in branch.wants

    @abstractmethod
    def close(self) -> None:
        """Free what it holds beside its sequences."""


class Weighing(Job):
    """Scores continuations."""

    def __init__(self, asked: wire.Asked, branches: list[Branch], counts: list[int], room: int) -> None:
        lengths = sorted((cells(branch.tokens) for branch in branches), reverse=True)
        width = max(1, min(WIDTH, room // max(1, lengths[0])))
        super().__init__(asked, branches, sum(lengths[:width]), width)
        self._sums = [0.0] * len(counts)
        self._counts = counts

    writes = False

    def read(self, branch: Branch, position: int, engine: Evaluator, row: int) -> list[wire.Answer]:
        """Add up what was wanted here; the scores are told when nothing is left."""
        wanted = branch.wants.pop(position)
        found = engine.logprobs(row, [token for _, token in wanted])
        for (item, _), value in zip(wanted, found, strict=True):
            self._sums[item] += value
        branch.done = branch.done or not branch.wants
        if any(not other.done for other in self.branches):
            return []
        scores = tuple(Score(value, count) for value, count in zip(self._sums, self._counts, strict=True))
        return [wire.Weighed(id=self.id, scores=scores, tokens=self.fresh)]

    def close(self) -> None:
        """Free nothing: it holds only its sequences."""


class Writing(Job):
    """Generates text: an answer, or JSON."""

    writes = True

    def __init__(self, asked: wire.Asked, prompt: list[int], sampler: Sampler, limit: int) -> None:
        super().__init__(asked, [Branch(list(prompt), keep=0)], cells(prompt) + limit)
        self._prompt = len(prompt)
        self._sampler = sampler
        self._limit = limit
        self._text = Utf8()
        self._out: list[int] = []
        self._first = 0.0
        self._new = 0

    def wants(self, branch: Branch, position: int) -> bool:
        """Only the last token's: what comes next?"""
        return position == len(branch.tokens) - 1

    def read(self, branch: Branch, position: int, engine: Evaluator, row: int) -> list[wire.Answer]:
        """Choose the next token; tell its text, and the end if it's one."""
        if not self._out:
            self._first, self._new = time.monotonic(), self.fresh
        token = self._sampler.next(row)
        if engine.ends(token):
            return self._end(branch, "stop")
        self._out.append(token)
        branch.tokens.append(token)
        said = self._say(self._text.more(engine.piece(token)))
        if len(self._out) >= self._limit:
            return said + self._end(branch, "length")
        if self._sampler.free and loops(self._out):
            return said + self._end(branch, "stop")
        return said

    def _say(self, text: str) -> list[wire.Answer]:
        return [wire.Wrote(id=self.id, text=text)] if text else []

    def _end(self, branch: Branch, reason: Literal["stop", "length"]) -> list[wire.Answer]:
        branch.done = True
        branch.keep = branch.known
        end = End(
            reason=reason,
            tokens_in=self._prompt,
            tokens_new=self._new,
            tokens_out=len(self._out),
            ms=(time.monotonic() - self.arrived) * 1000,
            ms_first=(self._first - self.arrived) * 1000,
        )
        return [*self._say(self._text.rest()), wire.Ended(id=self.id, end=end)]

    def close(self) -> None:
        """Free the sampler's memory."""
        self._sampler.close()


def weighing(
    asked: wire.Asked, pairs: Sequence[tuple[list[int], list[int]]], engine: Evaluator
) -> Weighing | wire.Weighed:
    """Return the work of scoring pairs of tokens, or the scores if there's nothing to do; raises TooLong.

    Pairs with one and the same stem share it, and what stems have in common is evaluated once.
    """
    longest = max((len(stem) + len(leaf) for stem, leaf in pairs), default=0)
    if longest > engine.context:
        raise TooLong(longest, engine.context)
    stems: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
    for item, (stem, leaf) in enumerate(pairs):
        if leaf:
            stems.setdefault(tuple(stem), []).append((item, leaf))
    branches = [branch for stem, leaves in stems.items() for branch in _branches(list(stem), leaves)]
    counts = [len(leaf) for _, leaf in pairs]
    if not branches:
        return wire.Weighed(id=asked.id, scores=tuple(Score(0.0, count) for count in counts), tokens=0)
    _link(branches)
    return Weighing(asked, branches, counts, engine.cells - engine.context)


def _branches(stem: list[int], leaves: list[tuple[int, list[int]]]) -> list[Branch]:
    last = len(stem) - 1
    if len(leaves) == 1:
        item, leaf = leaves[0]
        wants = {last + i: [(item, token)] for i, token in enumerate(leaf)}
        return [Branch(stem + leaf[:-1], keep=len(stem), wants=wants)]
    branches = [Branch(stem, keep=len(stem), wants={last: [(item, leaf[0]) for item, leaf in leaves]})]
    for item, leaf in leaves:
        if len(leaf) > 1:
            wants = {last + i: [(item, token)] for i, token in enumerate(leaf) if i}
            branches.append(Branch(stem + leaf[:-1], keep=len(stem), wants=wants))
    return branches


def _link(branches: list[Branch]) -> None:
    """Let each branch wait for the earlier one that it shares most with, so that what's common is evaluated once."""
    for i, branch in enumerate(branches):
        for earlier in branches[:i]:
            shared = common(earlier.tokens, branch.reusable)
            if shared > max(SHORTEST, branch.shared):
                branch.after, branch.shared = earlier, shared
