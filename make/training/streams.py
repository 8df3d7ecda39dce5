"""Labelled streams (routing.*.jsonl.gz) for training: which are held out, and their messages as a router sees them."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from hub.config import LimitsConfig
from hub.evals.streams import Item, Stream, replay

CANDIDATES = LimitsConfig().candidates
HELD_OUT = 5
"""Every fifth labelled stream isn't for the reader to train on: the router's weights are fitted on it."""
Raw = dict[str, Any]
"""A stream as it's in its file: with its dialogues' names and services, which the router never sees."""


def split(path: str) -> tuple[list[Raw], list[Raw]]:
    """Return the labelled streams to train on and those held out."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        every: list[Raw] = [json.loads(line) for line in lines]
    return [one for at, one in enumerate(every) if at % HELD_OUT], every[::HELD_OUT]


def items(stream: Raw, choose: Callable[[Item], int] | None = None) -> Iterator[Item]:
    """Yield a stream's messages, over the history that `choose` makes or, without it, over the right one."""
    walk = replay(msgspec.convert(stream, Stream), forced=choose is None, limits=LimitsConfig())
    item = next(walk, None)
    while item is not None:
        yield item
        try:
            item = walk.send(choose(item) if choose else 0)
        except StopIteration:
            return
