"""The OpenAI-compatible chat wire, as far as we speak it."""

from base64 import b64encode
from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from hub.llm import images
from hub.ports import Said


class Details(Struct, frozen=True):
    """More about the tokens of a prompt."""

    cached_tokens: int | None = None


class Usage(Struct, frozen=True):
    """What a server counted."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: Details | None = None

    @property
    def cached(self) -> int:
        """How many of the prompt's tokens it still knew."""
        details = self.prompt_tokens_details
        return min(self.prompt_tokens, max(0, details.cached_tokens or 0)) if details else 0


class Likely(Struct, frozen=True):
    """A token and its log-probability."""

    token: str = ""
    logprob: float = 0.0


class Position(Struct, frozen=True):
    """One position of an answer, with the likeliest tokens there."""

    token: str = ""
    logprob: float = 0.0
    top_logprobs: tuple[Likely, ...] = ()


class Logprobs(Struct, frozen=True):
    """Log-probabilities of an answer's tokens."""

    content: tuple[Position, ...] | None = None


class Words(Struct, frozen=True):
    """What was said: a whole message, or a piece of it."""

    content: str | None = None


class Choice(Struct, frozen=True):
    """One answer, or a piece of one."""

    message: Words = Words()
    delta: Words = Words()
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


TOO_LONG = (
    "context_length",
    "exceed_context",
    "maximum context",
    "too large to process",
    "larger than the max context",
)
"""Each server has its own words for it."""


class Problem(Struct, frozen=True):
    """Why a server said no."""

    message: str = ""
    code: str | int | None = None
    type: str | None = None
    n_prompt_tokens: int = 0
    n_ctx: int = 0

    @property
    def overflow(self) -> bool:
        """Whether the prompt was too long."""
        said = f"{self.code} {self.type} {self.message}".lower()
        return any(words in said for words in TOO_LONG)


class Completion(Struct, frozen=True):
    """An answer, or one event of a streamed one."""

    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    error: Problem | str | None = None


class Vector(Struct, frozen=True):
    """A text as numbers."""

    embedding: tuple[float, ...]
    index: int = 0


class Vectors(Struct, frozen=True):
    """What a server answers to /embeddings."""

    data: tuple[Vector, ...]
    usage: Usage | None = None


class Refusal(Struct, frozen=True):
    """The body of an error."""

    error: Problem | str = field(default_factory=Problem)

    @property
    def problem(self) -> Problem:
        """The error, however it was said."""
        return Problem(message=self.error) if isinstance(self.error, str) else self.error


_completions = msgspec.json.Decoder(Completion)
_vectors = msgspec.json.Decoder(Vectors)
_refusals = msgspec.json.Decoder(Refusal)


def messages(prompt: Sequence[Said]) -> list[dict[str, object]]:
    """Return a prompt as the wire has it; images go along as data."""
    return [{"role": said.role, "content": _parts(said) if said.images else said.text} for said in prompt]


def _parts(said: Said) -> list[dict[str, object]]:
    urls = [f"data:{images.kind(image.data)};base64,{b64encode(image.data).decode()}" for image in said.images]
    shown: list[dict[str, object]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [*shown, {"type": "text", "text": said.text}] if said.text else shown


def completion(body: bytes | str) -> Completion:
    """Read an answer or an event; raises msgspec.DecodeError."""
    return _completions.decode(body)


def vectors(body: bytes) -> Vectors:
    """Read the vectors of some texts, in the texts' order; raises msgspec.DecodeError."""
    found = _vectors.decode(body)
    return Vectors(data=tuple(sorted(found.data, key=lambda vector: vector.index)), usage=found.usage)


def problem(body: bytes) -> Problem:
    """Read an error's body; one that's no JSON of ours is quoted in part."""
    try:
        return _refusals.decode(body).problem
    except msgspec.DecodeError:
        return Problem(message=" ".join(body[:200].decode("utf-8", "replace").split()))
