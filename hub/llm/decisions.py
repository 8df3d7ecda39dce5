"""A closed set -> probabilities, for every backend."""

import math
from collections.abc import Sequence


def softmax(logprobs: Sequence[float]) -> tuple[float, ...]:
    """Return how likely each option is, given that it's one of them.

    A log-probability is the sum over an option's tokens, not their mean. No option is the beginning of another, so
    the options exclude each other, and dividing by their sum is exact. It follows that a long option has many
    ways to be worded otherwise, and is found less likely: offer options of like length, or short labels.
    """
    top = max(logprobs)
    if top == -math.inf:
        return tuple(1 / len(logprobs) for _ in logprobs)
    weights = [math.exp(value - top) for value in logprobs]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def checked(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options; raises ValueError if they are fewer than two, empty, or one begins another."""
    if len(options) < 2:
        raise ValueError(f"a decision needs two options or more; there are {len(options)}")
    for i, option in enumerate(options):
        for j, other in enumerate(options):
            if i != j and other.startswith(option):
                raise ValueError(f"option {option!r} is the beginning of {other!r}: they can't be told apart")
    return tuple(options)


def labels(count: int) -> tuple[str, ...]:
    """Return short names for options: A, B, ... Z, then numbers."""
    return tuple(chr(ord("A") + i) for i in range(count)) if count <= 26 else tuple(str(100 + i) for i in range(count))
