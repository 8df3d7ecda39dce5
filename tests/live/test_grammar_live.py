"""Whatever a model would like to say: what the grammar of a schema lets it say is JSON."""

import ctypes
import json
from collections.abc import Iterator
from typing import cast

import llama_cpp.llama_cpp as c
import numpy as np
import pytest

from hub.llm import decoding
from hub.llm.engine import Engine
from hub.llm.sampling import GrammarSampler
from tests.live.real import model_file

pytestmark = pytest.mark.live

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"story": {"type": "string", "maxLength": 40}, "more": {"type": "object"}},
    "required": ["story", "more"],
}
TEMPTING = ("\n", "\t", "\x1f", "\x7f", "\\", "\\", "\\u", "\\u00e9", "u", "u", "d", "D", "8", "c", '"', '{"')
"""What makes bad JSON where it stands in a string, each a token or more."""


class Whims:
    """An engine with a real vocabulary whose model likes what's tempting, by a throw of the dice."""

    def __init__(self, seed: int) -> None:
        wishes = c.llama_model_default_params()
        wishes.vocab_only = True
        self._model = c.llama_model_load_from_file(str(model_file()).encode(), wishes)
        self.vocab = c.llama_model_get_vocab(self._model)
        self.vocabulary = int(c.llama_vocab_n_tokens(self.vocab))
        self._dice = np.random.default_rng(seed)
        self._tempting = [token for text in TEMPTING for token in self._tokens(text)]
        self._end = c.llama_vocab_eot(self.vocab)

    def logits(self, row: int) -> object:
        """Return how much each token is liked now; seldom, the end of it all."""
        liked = self._dice.normal(0, 1, self.vocabulary).astype(np.float32)
        liked[self._tempting] += self._dice.normal(4, 3, len(self._tempting)).astype(np.float32)
        liked[self._end] = 100.0
        return liked

    def piece(self, token: int) -> bytes:
        """Return what a token says."""
        room = ctypes.create_string_buffer(256)
        length = c.llama_token_to_piece(self.vocab, token, room, 256, 0, False)
        return room.raw[:length]

    def is_end(self, token: int) -> bool:
        """Say whether a token ends an answer."""
        return bool(c.llama_vocab_is_eog(self.vocab, token))

    def _tokens(self, text: str) -> list[int]:
        data, found = text.encode(), (c.llama_token * 8)()
        return found[: c.llama_tokenize(self.vocab, data, len(data), found, 8, False, False)]

    def close(self) -> None:
        """Give its memory back."""
        c.llama_model_free(self._model)


@pytest.fixture(scope="module")
def whims() -> Iterator[Whims]:
    found = Whims(seed=1)
    yield found
    found.close()


def written(whims: Whims, limit: int) -> str | None:
    """Return what's written to its end; None if it never ends."""
    sampler = GrammarSampler(cast("Engine", whims), decoding.grammar(json.dumps(SCHEMA)), 0.0, 1)
    said = b""
    try:
        for _ in range(limit):
            token = sampler.next(0)
            if whims.is_end(token):
                return said.decode("utf-8", "replace")
            said += whims.piece(token)
    finally:
        sampler.close()
    return None


def test_what_a_grammar_lets_a_model_write_is_json(whims: Whims) -> None:
    texts = [text for _ in range(40) if (text := written(whims, 400)) is not None]

    assert len(texts) > 10
    assert any("\\u" in text for text in texts)
    for text in texts:
        decoding.validated(text, SCHEMA)
