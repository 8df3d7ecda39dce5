"""The next token: penalties, temperature, grammar."""

import ctypes
from typing import Any

import llama_cpp.llama_cpp as c
import numpy as np

from hub.llm.engine import Engine

REPEAT_PENALTY = 1.1
"""A small model at temperature 0 repeats itself without one."""

PENALISED = 64
TRIED = 64
"""Of the likeliest tokens, so many are held against the grammar before the whole vocabulary is."""


class FreeSampler:
    """Any text: greedy at temperature 0."""

    free = True

    def __init__(self, engine: Engine, temperature: float, seed: int) -> None:
        self._engine = engine
        self._chain = _chain(engine, temperature, seed)

    def next(self, row: int) -> int:
        """Return the token after a row of the last batch."""
        return self._engine.sample(self._chain, row)

    def close(self) -> None:
        """Give its memory back."""
        c.llama_sampler_free(self._chain)


class GrammarSampler:
    """Only text that a grammar allows: greedy at temperature 0."""

    free = False

    def __init__(self, engine: Engine, grammar: str, temperature: float, seed: int) -> None:
        self._engine = engine
        self._grammar = c.llama_sampler_init_grammar(engine.vocab, grammar.encode(), b"root")
        if not self._grammar:
            raise ValueError("llama.cpp can't use the grammar made from the schema")
        self._temperature = temperature
        self._dice = np.random.default_rng(seed)

    def next(self, row: int) -> int:
        """Return the token after a row of the last batch."""
        logits = self._engine.logits(row)
        if self._temperature > 0:
            # Adding Gumbel noise and taking the greatest is drawing from the softmax.
            logits = (logits / self._temperature + self._dice.gumbel(size=logits.size)).astype(np.float32)
        likeliest = np.argpartition(logits, -TRIED)[-TRIED:] if logits.size > TRIED else np.arange(logits.size)
        token = self._best(logits, likeliest)
        if token is None:
            token = self._best(logits, np.arange(logits.size))
        if token is None:
            raise ValueError("the grammar allows no token")
        c.llama_sampler_accept(self._grammar, token)
        return token

    def _best(self, logits: Any, tokens: Any) -> int | None:
        data = (c.llama_token_data * len(tokens))()
        view = np.ctypeslib.as_array(data)
        view["id"], view["logit"] = tokens, logits[tokens]
        array = c.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
        c.llama_sampler_apply(self._grammar, ctypes.byref(array))
        best = int(np.argmax(view["logit"]))
        return int(view["id"][best]) if np.isfinite(view["logit"][best]) else None

    def close(self) -> None:
        """Give its memory back."""
        c.llama_sampler_free(self._grammar)


def _chain(engine: Engine, temperature: float, seed: int) -> Any:
    chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
    steps = [c.llama_sampler_init_penalties(engine.vocabulary, PENALISED, REPEAT_PENALTY, 0.0, 0.0)]
    if temperature > 0:
        steps += [c.llama_sampler_init_top_k(40), c.llama_sampler_init_top_p(0.95, 1)]
        steps += [c.llama_sampler_init_min_p(0.05, 1), c.llama_sampler_init_temp(temperature)]
        steps += [c.llama_sampler_init_dist(seed)]
    else:
        steps += [c.llama_sampler_init_greedy()]
    for step in steps:
        c.llama_sampler_chain_add(chain, step)
    return chain
