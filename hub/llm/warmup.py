"""What's found out about a model before it serves: does it speak, how many threads suit it, how fast is it."""

import math
import os
import time

from hub.llm.batch import Outcome, Row
from hub.llm.engine import BadModel, Engine

SENTENCE = (
    "The sun was setting behind the mountains, and the children walked home along the river with their dog. "
    "Their mother had made soup and fresh bread."
)
NONSENSE = 0.7
"""So much of blind guessing's loss is more than any language model's on plain English."""

WRITTEN = 8
ROUNDS = 2
GAIN = 1.3
"""More threads must be so much faster to be worth their cores."""


def probe(engine: Engine) -> None:
    """Raise BadModel if plain English is no likelier to the model than random words."""
    tokens = _tokens(engine)
    rows = [Row(0, i, token, wanted=True) for i, token in enumerate(tokens)]
    engine.proceed()
    if engine.evaluate(rows) is not Outcome.DONE:
        raise BadModel("llama.cpp can't evaluate a sentence with it")
    found = [engine.logprobs(i, [token])[0] for i, token in enumerate(tokens[1:])]
    engine.cut(0, 0)
    mean = sum(found) / len(found)
    if not mean > -NONSENSE * math.log(engine.vocabulary):
        raise BadModel(
            f"it loads but talks nonsense (log-probability {mean:.1f} a token of plain English); fetch it again"
        )


def measure(engine: Engine, threads: int) -> tuple[int, float]:
    """Set the threads (0: as many as pay), and return them with the tokens written per second."""
    counts = [threads] if threads else _counts()
    # In turns, and the best of each: on a busy machine a single try says more about the others.
    tries = [(*_speed(engine, count), count) for _ in range(ROUNDS) for count in counts]
    best = min((found for found in tries if found[2] == counts[0]), key=lambda found: found[0])
    for found in tries:
        if found[2] > best[2] and found[0] * GAIN < best[0]:
            best = found
    engine.threads(best[2], best[2])
    return best[2], best[1]


def most() -> int:
    """Return how many threads may pay at most."""
    return _counts()[-1]


def _counts() -> list[int]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return sorted({1, *(n for n in (2, 4, 8, 16) if n < cores), min(cores, 16)})


def _speed(engine: Engine, threads: int) -> tuple[float, float]:
    engine.threads(threads, threads)
    tokens = _tokens(engine)
    began = time.monotonic()
    engine.evaluate([Row(0, i, token, wanted=i == len(tokens) - 1) for i, token in enumerate(tokens)])
    read = time.monotonic()
    for i in range(WRITTEN):
        engine.evaluate([Row(0, len(tokens) + i, tokens[i], wanted=True)])
    now = time.monotonic()
    engine.cut(0, 0)
    return now - began, WRITTEN / max(1e-9, now - read)


def _tokens(engine: Engine) -> list[int]:
    start = [] if engine.start is None else [engine.start]
    return (start + engine.tokens(SENTENCE))[:60]
