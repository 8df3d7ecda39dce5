"""One evaluation of the model: what goes in, what comes out. Free of llama.cpp, so that the scheduler is too."""

from enum import Enum
from typing import Any, NamedTuple, Protocol

from hub.llm.prefixes import Memory

SEQUENCES = 32
"""Requests at work, their branches and kept prefixes; a sequence by itself costs nothing."""

CHUNK = 256
"""Tokens evaluated in one go at most; on a CPU, more gain nothing and make others wait."""

LOGITS = 64
"""Of these, so many may want their logits: each takes 4 bytes a word of the vocabulary."""


class Patch(int):
    """One position of an image in a prompt. What belongs to one chunk of an image is evaluated together, by itself.

    As a number it stands for the image's content, so that equal images are equal.
    """

    chunk: Any
    count: int
    """Positions of its chunk."""
    cells: int
    """Cells of the model's memory that its chunk takes; some models' images take more than positions."""

    def __new__(cls, number: int, chunk: Any, count: int, cells: int) -> "Patch":
        """Make one of `count` positions of a chunk."""
        made = super().__new__(cls, number)
        made.chunk, made.count, made.cells = chunk, count, cells
        return made


def cells(tokens: list[int]) -> int:
    """Return how many cells of the model's memory tokens take."""
    return len(tokens) + sum(
        token.cells - token.count
        for token, before in zip(tokens, [None, *tokens], strict=False)
        if isinstance(token, Patch) and not (isinstance(before, Patch) and before.chunk is token.chunk)
    )


class Row(NamedTuple):
    """A token to be evaluated, and whether its logits are wanted."""

    sequence: int
    position: int
    token: int
    wanted: bool


class Outcome(Enum):
    """What came of evaluating a batch. After ABORTED some of it may be remembered: cut it off."""

    DONE = 0
    FULL = 1
    ABORTED = 2


class Evaluator(Memory, Protocol):
    """A model in memory."""

    context: int
    """Tokens of one request at most."""
    cells: int
    """Tokens of all sequences together."""

    def evaluate(self, rows: list[Row]) -> Outcome:
        """Evaluate at most CHUNK tokens of any sequences, each sequence's in order; or one chunk of an image.

        Raises ValueError for an image that can't be looked at.
        """

    def logprobs(self, row: int, tokens: list[int]) -> list[float]:
        """Return the natural log-probabilities of tokens after a row of the last batch."""

    def sample(self, sampler: Any, row: int) -> int:
        """Choose the next token after a row of the last batch, and tell the sampler."""

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return a token's bytes; control tokens have none unless `special`."""

    def ends(self, token: int) -> bool:
        """Say whether a token ends an answer."""
