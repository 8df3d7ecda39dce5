"""What finds the few among many."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Subject(Struct, frozen=True, kw_only=True):
    """Something to be found, by what's said of it."""

    name: str
    about: str
    details: str = ""


class Hit(Struct, frozen=True, kw_only=True):
    """Something found."""

    key: str
    score: float
    """How well it fits (BM25): only to be compared with others of the same question."""
    words: frozenset[str]
    """Of the asked ones, those it has; a word's endings don't matter."""
    named: frozenset[str]
    """And those that its name has."""


class Ranking(Protocol):
    """Finds which of some hundreds of subjects share words with what's asked. Blocks, but for less than 20 ms."""

    def fill(self, subjects: Mapping[str, Subject]) -> None:
        """Have these to be found, by their keys, in place of those before."""

    def best(self, words: Sequence[str], among: Collection[str]) -> tuple[Hit, ...]:
        """Return those of the keys that have at least one of the words, the best first; equals by their key.

        Words are letters and digits only; any others find nothing.
        """
