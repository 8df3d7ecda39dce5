"""A request as it came -> work for the scheduler: everything tokenised, what's shared found."""

import secrets
from collections.abc import Sequence
from typing import assert_never

from hub.llm import decoding, wire
from hub.llm.engine import Engine
from hub.llm.jobs import Branch, Job, Weighing, Writing
from hub.llm.prefixes import SHORTEST, common
from hub.llm.sampling import FreeSampler, GrammarSampler
from hub.llm.template import Template

LEAST = 16
"""Tokens of an answer for which there must be room, if so many are wanted."""


class TooLong(Exception):
    """The request has more tokens than the context holds."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.tokens = tokens


def make(asked: wire.Work, engine: Engine, template: Template) -> Job:
    """Turn a request into work; raises TooLong, or ValueError if it can't be served."""
    match asked:
        case wire.Chat():
            prompt = template.tokens(asked.prompt)
            limit = _limit(prompt, asked.limit, engine)
            return Writing(asked, prompt, FreeSampler(engine, asked.temperature, _seed()), limit)
        case wire.Fill():
            prompt = template.tokens(asked.prompt) + engine.tokens(asked.lead)
            limit = _limit(prompt, asked.limit, engine)
            grammar = decoding.grammar(asked.schema)
            return Writing(asked, prompt, GrammarSampler(engine, grammar, asked.temperature, _seed()), limit)
        case wire.Decide():
            # A space belongs to the word after it: "Answer: " + "yes" is one way to write it that no model has learnt.
            lead = asked.lead.rstrip(" ")
            spaces = asked.lead[len(lead) :]
            stem = template.tokens(asked.prompt) + engine.tokens(lead)
            return _weighing(asked, [(stem, engine.tokens(spaces + option)) for option in asked.options], engine)
        case wire.ScorePairs():
            return _weighing(asked, [_pair(engine, *pair) for pair in asked.pairs], engine)
        case _:
            assert_never(asked)


def _limit(prompt: list[int], wanted: int, engine: Engine) -> int:
    room = engine.context - len(prompt)
    if room < min(wanted, LEAST):
        raise TooLong(len(prompt) + min(wanted, LEAST))
    return min(wanted, room)


def _seed() -> int:
    return secrets.randbits(32)


def _pair(engine: Engine, prefix: str, continuation: str) -> tuple[list[int], list[int]]:
    """Tokenise a pair. BOS goes first where the model wants it; after nothing at all, a text begins where any may."""
    bos = [engine.bos] if engine.adds_bos and engine.bos is not None else []
    stem = bos + engine.tokens(prefix)
    if not stem and engine.start is not None:
        stem = [engine.start]
    tokens = engine.tokens(continuation)
    return (stem, tokens) if stem else (tokens[:1], tokens[1:])


def _weighing(asked: wire.Asked, pairs: Sequence[tuple[list[int], list[int]]], engine: Engine) -> Weighing:
    longest = max(len(stem) + len(leaf) for stem, leaf in pairs)
    if longest > engine.context:
        raise TooLong(longest)
    stems: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
    for item, (stem, leaf) in enumerate(pairs):
        if leaf:
            stems.setdefault(tuple(stem), []).append((item, leaf))
    branches = [branch for stem, leaves in stems.items() for branch in _branches(list(stem), leaves)]
    _link(branches)
    return Weighing(asked, branches, [len(leaf) for _, leaf in pairs], engine.cells - engine.context)


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
            branches.append(Branch(stem + leaf[:-1], keep=0, wants=wants))
    return branches


def _link(branches: list[Branch]) -> None:
    """Let each branch wait for the earlier one that it shares most with, so that what's common is evaluated once."""
    for i, branch in enumerate(branches):
        for earlier in branches[:i]:
            shared = common(earlier.tokens, branch.reusable)
            if shared > max(SHORTEST, branch.shared):
                branch.after, branch.shared = earlier, shared
