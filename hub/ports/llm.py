"""A language model, and what is asked of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import IntEnum
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from hub.records import (
    TenantId,
)


class Priority(IntEnum):
    """Who goes first when the model is busy."""

    DECISION = 0
    CHAT = 1
    BACKGROUND = 2


class Image(Struct, frozen=True, kw_only=True):
    """A picture to be looked at: its bytes, never an address from which a model's library would fetch it."""

    name: str
    data: bytes


class Said(Struct, frozen=True):
    """One part of a prompt, as chat models know it.

    Its images come before its text. A model that doesn't see gets a note in the place of each.
    """

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()


class Terms(Struct, frozen=True, kw_only=True):
    """What goes with every request to an LLM."""

    priority: Priority = Priority.CHAT
    deadline: float = 120.0
    """Seconds until LLMTimeout."""
    tenant: TenantId
    """What the model computed for one tenant is never used for another."""
    chat: str = ""
    """Whose conversation it's for: tenants get fair shares of a busy model, and within a tenant its chats."""


class Piece(Struct, frozen=True, tag="piece"):
    """Some more text of an answer."""

    text: str


class End(Struct, frozen=True, kw_only=True, tag="end"):
    """The answer is over."""

    reason: Literal["stop", "length"]
    tokens_in: int
    """Tokens of the prompt."""
    tokens_new: int
    """Of these, how many had to be evaluated: the rest was still known."""
    tokens_out: int
    ms: float
    ms_first: float
    """Until the first token."""
    money: float = 0.0
    """What a remote model costs, in the unit of the config's prices."""


class Decision(Struct, frozen=True, kw_only=True):
    """How likely each option is; sums to 1."""

    probabilities: tuple[float, ...]
    model: str
    tokens: int
    """Evaluated for it."""
    ms: float
    money: float = 0.0


class Filled(Struct, frozen=True, kw_only=True):
    """A JSON value that fits the schema it was asked for."""

    json: str
    tokens_in: int
    tokens_out: int
    ms: float
    money: float = 0.0


class Score(Struct, frozen=True):
    """How well a text continues another: the sum of its tokens' log-probabilities (natural), and how many."""

    logprob: float
    tokens: int


class Scores(Struct, frozen=True, kw_only=True):
    """One score for each pair that was asked for, in order."""

    scores: tuple[Score, ...]
    model: str
    tokens: int
    ms: float


class Embedded(Struct, frozen=True, kw_only=True):
    """One vector of length 1 for each text, in order: the product of two tells how alike their texts are."""

    vectors: tuple[tuple[float, ...], ...]
    model: str
    tokens: int
    ms: float


class Matches(Struct, frozen=True, kw_only=True):
    """How well a message fits each text, and last how well it fits none: logits, whose softmax are probabilities."""

    logits: tuple[float, ...]
    tokens: int
    """Read for it, by a reader that is much smaller than a language model."""
    ms: float


class LLMInfo(Struct, frozen=True, kw_only=True):
    """What stands behind the port, for status and doctor."""

    model: str
    state: Literal["absent", "loading", "ready", "restarting", "broken"]
    detail: str = ""
    """Why it isn't ready, and the way out."""
    context: int = 0
    sha256: str = ""
    restarts: int = 0
    tokens_per_second: float = 0.0
    threads: int = 0
    memory_mb: float = 0.0
    """What its process takes."""
    dimensions: int = 0
    """Of the vectors that it gives for texts; 0: it gives none."""
    sees: bool = False
    """Whether it's shown the images in a prompt."""
    money_today: float = 0.0
    """What remote models have cost the hub since midnight, if this one has prices."""


class LLM(Protocol):
    """A language model, small and near or big and far.

    Every method raises LLMUnavailable, LLMTimeout or ContextOverflow; a cancelled call stops the model's work within
    100 ms, in the middle of a prompt too.
    """

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once."""

    async def open(self) -> None:
        """Begin to get ready, and return without waiting for it."""

    async def close(self) -> None:
        """Stop every process and connection; requests under way fail."""

    async def ready(self) -> None:
        """Return when requests can be served; wait for ever if that never comes."""

    def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncIterator[Piece | End]:
        """Answer in pieces, then one End, with at most `limit` tokens. Closing the iterator cancels."""

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is as the assistant's next words after `lead`.

        The options are two or more, and none is the beginning of another.
        """

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens."""

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens a prompt has, with all that the model's template adds; an estimate for remote ones."""


@runtime_checkable
class Scoring(Protocol):
    """An LLM that can tell how likely a text is."""

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        """Score each pair (prefix, continuation) of plain text, no chat template; common prefixes cost once."""


@runtime_checkable
class Embedding(Protocol):
    """An LLM that may give a vector for a text: it does if `info.dimensions` says so."""

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        """Return a vector for each text; raises LLMError from a model that gives none, ContextOverflow for a long text.

        The same text has the same vector, whatever comes along with it.
        """


@runtime_checkable
class Matching(Protocol):
    """An LLM with a small reader beside it, trained to tell which of several texts a message belongs to."""

    async def match(self, message: str, texts: Sequence[str], ask: Terms) -> Matches:
        """Read a message with all the texts, whose order means nothing; there's at least one and at most eight.

        Raises LLMUnavailable, LLMTimeout, or LLMError where there's no reader after all.
        """
