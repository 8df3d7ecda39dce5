"""What a program has called in one run, over its pauses: it numbers errands, and tells what can't be redone."""

from collections import Counter
from collections.abc import Mapping

CHANGING = frozenset({"write", "erase", "write_file", "remove_file", "post", "request", "say", "plan", "use"})
"""Functions whose calls leave something behind."""


class Trail:
    """Counts the calls of the hub's functions."""

    def __init__(self, done: Mapping[str, int] | None = None) -> None:
        """Go on from what was `done` before a pause."""
        self.done = Counter(done or {})

    @property
    def changing(self) -> bool:
        """Whether something was changed that a run from the beginning would change again."""
        return any(self.done[name] for name in CHANGING)

    def step(self, name: str) -> None:
        """Count a call."""
        self.done[name] += 1
