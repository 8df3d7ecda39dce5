"""A request as it came -> work for the scheduler: everything tokenised, what's shared found."""

import secrets
from typing import assert_never

from hub.llm import decoding, wire
from hub.llm.engine import Engine
from hub.llm.jobs import Job, TooLong, Writing, weighing
from hub.llm.sampling import FreeSampler, GrammarSampler
from hub.llm.template import Template

LEAST = 16
"""Tokens of an answer for which there must be room, if so many are wanted."""


def make(asked: wire.Work, engine: Engine, template: Template) -> Job | wire.Weighed:
    """Turn a request into work, or answer it at once; raises TooLong, or ValueError if it can't be served."""
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
            return weighing(asked, [(stem, engine.tokens(spaces + option)) for option in asked.options], engine)
        case wire.ScorePairs():
            return weighing(asked, [_pair(engine, *pair) for pair in asked.pairs], engine)
        case _:
            assert_never(asked)


def _limit(prompt: list[int], wanted: int, engine: Engine) -> int:
    room = engine.context - len(prompt)
    if room < min(wanted, LEAST):
        raise TooLong(len(prompt) + min(wanted, LEAST), engine.context)
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
