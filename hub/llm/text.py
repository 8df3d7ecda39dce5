"""Tokens -> text: whole characters only, and an end to an answer that only repeats itself."""

import codecs
from collections.abc import Sequence
from typing import Protocol


class Sampler(Protocol):
    """Chooses tokens of one answer."""

    free: bool
    """Whether any text may come, so that one that repeats itself may be ended."""

    def next(self, row: int) -> int:
        """Return the token after a row of the last batch."""

    def close(self) -> None:
        """Give its memory back."""


def loops(tokens: Sequence[int]) -> bool:
    """Say whether an answer ends in the same words three times over (of very few words, eight times)."""
    for size in range(1, min(64, len(tokens) // 3) + 1):
        times = 3 if size >= 4 else 8
        start = len(tokens) - times * size
        if start >= 0 and list(tokens[start:-size]) == list(tokens[start + size :]):
            return True
    return False


class Utf8:
    """Bytes -> text, holding back a character until it's whole."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def more(self, data: bytes) -> str:
        """Return what can be told by now."""
        return self._decoder.decode(data)

    def rest(self) -> str:
        """Return what was held back; a character that never got whole is U+FFFD."""
        return self._decoder.decode(b"", final=True)
