"""What the model still knows: token sequences kept in its memory, so that a new turn evaluates only what's new.

A sequence serves only the tenant that it was made for. Nothing here knows llama.cpp, only `Memory`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

SHORTEST = 8
"""Fewer tokens aren't worth keeping."""

TAIL = 8
"""So few tokens are given up rather than copied: the end of a prompt's frame, mostly."""


class Memory(Protocol):
    """The model's memory of evaluated tokens, by sequence."""

    def copy(self, source: int, target: int, upto: int) -> bool:
        """Let an empty sequence share another's first tokens."""

    def cut(self, sequence: int, start: int) -> bool:
        """Forget a sequence's tokens from a position on; False if only all of it could be forgotten, and was."""


class Kept:
    """One sequence: the tokens evaluated in it so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tenant = ""
        self.tokens: list[int] = []
        self.busy = False
        self.used = 0


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two lists have in common from the start."""
    shorter = min(len(first), len(second))
    if first[:shorter] == second[:shorter]:
        return shorter
    # Whole slices are compared in C: a few of them beat one loop in Python by far.
    return bisect_left(range(1, shorter + 1), True, key=lambda n: first[:n] != second[:n])


class Prefixes:
    """The sequences of one context: those at work, and those kept in case their beginning comes again."""

    def __init__(self, memory: Memory, count: int) -> None:
        self._memory = memory
        self._all = [Kept(number) for number in range(count)]
        self._clock = 0

    def take(self, tenant: str, tokens: Sequence[int]) -> Kept | None:
        """Return a sequence that holds the longest known beginning of `tokens`, all but the last one at most.

        It's the caller's until `keep` or `drop`. None if every sequence is at work.
        """
        source, known = self._closest(tenant, tokens)
        if source and not source.busy and len(source.tokens) - known <= TAIL:
            return self._reuse(source, known)
        target = self._free(spare=source)
        if target is None:
            return self._reuse(source, known) if source and not source.busy else None
        target.tenant = tenant
        if source and self._memory.copy(source.number, target.number, known):
            source.used = self._tick()
            target.tokens = source.tokens[:known]
        return self._begin(target)

    def keep(self, kept: Kept, upto: int) -> None:
        """Give a sequence back with its first tokens worth keeping."""
        self._cut(kept, upto)
        kept.busy = False
        idle = [other for other in self._all if other is not kept and not other.busy and other.tenant == kept.tenant]
        if len(kept.tokens) < SHORTEST or any(_begins(other.tokens, kept.tokens) for other in idle):
            self.drop(kept)
            return
        for other in idle:
            if _begins(kept.tokens, other.tokens):
                self.drop(other)

    def drop(self, kept: Kept) -> None:
        """Give a sequence back with nothing worth keeping."""
        self._cut(kept, 0)
        kept.busy = False
        kept.tenant = ""

    def mend(self, kept: Kept) -> None:
        """Bring the model's memory of a sequence back to its tokens, after an evaluation that was broken off."""
        self._cut(kept, len(kept.tokens))

    def evict(self) -> bool:
        """Forget the sequence that wasn't used for longest; False if all are at work or empty."""
        idle = [kept for kept in self._all if not kept.busy and kept.tokens]
        if not idle:
            return False
        self.drop(min(idle, key=lambda kept: kept.used))
        return True

    def _closest(self, tenant: str, tokens: Sequence[int]) -> tuple[Kept | None, int]:
        best, longest = None, 0
        for kept in self._all:
            if kept.tenant == tenant and kept.tokens:
                known = min(common(kept.tokens, tokens), len(tokens) - 1)
                if known > longest or (known and known == longest and best and best.busy):
                    best, longest = kept, known
        return best, longest

    def _free(self, spare: Kept | None) -> Kept | None:
        idle = [kept for kept in self._all if not kept.busy and kept is not spare]
        if not idle:
            return None
        free = min(idle, key=lambda kept: (bool(kept.tokens), kept.used))
        self._cut(free, 0)
        return free

    def _reuse(self, kept: Kept, known: int) -> Kept:
        self._cut(kept, known)
        return self._begin(kept)

    def _begin(self, kept: Kept) -> Kept:
        kept.busy = True
        kept.used = self._tick()
        return kept

    def _cut(self, kept: Kept, upto: int) -> None:
        whole = self._memory.cut(kept.number, upto)
        kept.tokens = kept.tokens[:upto] if whole else []

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def _begins(tokens: list[int], start: list[int]) -> bool:
    return tokens[: len(start)] == start
