"""An LLM that says what a test told it to say."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Generic, Literal, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from hub.errors import ContextOverflow, LLMError, LLMUnavailable
from hub.ports import Decision, Embedded, End, Filled, LLMInfo, Matches, Piece, Said, Score, Scores, Terms

Prompt = Sequence[Said]
Fault = BaseException | type[BaseException]
MODEL = "scripted"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LIKELY = 0.9
"""The probability of an option that a script names without one."""


class Hang(Struct, frozen=True):
    """Say some words, and then nothing until cancelled."""

    after: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """A request as it came."""

    method: Literal["chat", "decide", "fill", "score", "embed", "match"]
    prompt: tuple[Said, ...] = ()
    ask: Terms
    options: tuple[str, ...] = ()
    schema: Mapping[str, object] | None = None
    lead: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All that was in the prompt."""
        return "\n".join(said.text for said in self.prompt)


Answer = str | Hang | Fault | Callable[[Prompt], "str | Hang | Fault"]
Choice = (
    str | Sequence[float] | Hang | Fault | Callable[[Prompt, Sequence[str]], "str | Sequence[float] | Hang | Fault"]
)
Value = (
    Mapping[str, object]
    | Hang
    | Fault
    | Callable[[Prompt, Mapping[str, object]], "Mapping[str, object] | Hang | Fault"]
)
T = TypeVar("T")


class ScriptedLLM:
    """An LLM, a Scoring and an Embedding whose answers are written beforehand.

    `answers` are for `chat`, `decisions` for `decide` (an option, or a probability for each), `fills` for `fill`; each
    is used once, in order. An exception or Hang in place of any is raised or hung on. A function answers all calls
    from where it stands. Each answer costs `price`. `score` asks its function; without one each word costs one. `embed`
    counts letters: texts of the same letters are alike. With nothing left to say, `chat` and `fill` fail the test, and
    `decide` takes the first option.
    """

    def __init__(
        self,
        *answers: Answer,
        decisions: Iterable[Choice] | Callable[[Prompt, Sequence[str]], str | Sequence[float] | Hang | Fault] = (),
        fills: Iterable[Value] | Callable[[Prompt, Mapping[str, object]], Mapping[str, object] | Hang | Fault] = (),
        scores: Callable[[str, str], float] | None = None,
        context: int = 100_000,
        sha256: str = "",
        price: float = 0.0,
    ) -> None:
        self.asked: list[Asked] = []
        self.cancelled = 0
        """How many requests were cancelled while they were served."""
        self._answers = _Script[str](answers)
        self._decisions = _Script[str | Sequence[float]]([decisions] if callable(decisions) else decisions)
        self._fills = _Script[Mapping[str, object]]([fills] if callable(fills) else fills)
        self._scores = scores or (lambda _, text: -float(_words(text)))
        self._price = price
        self._info = LLMInfo(model=MODEL, state="ready", context=context, sha256=sha256, dimensions=len(LETTERS))
        self._ready = asyncio.Event()
        self._ready.set()

    @property
    def info(self) -> LLMInfo:
        return self._info

    @property
    def prompts(self) -> list[str]:
        """The text of each prompt for `chat`, in order."""
        return [asked.text for asked in self.asked if asked.method == "chat"]

    def say(self, *answers: Answer) -> None:
        """Add to the answers."""
        self._answers.extend(answers)

    def go_down(self, state: Literal["absent", "broken", "restarting"] = "absent", detail: str = "") -> None:
        """Have every request fail with LLMUnavailable, until `come_up`."""
        self._info = replace(self._info, state=state, detail=detail or "gone down, as the test wished")
        self._ready.clear()

    def come_up(self) -> None:
        """Serve requests again."""
        self._info = replace(self._info, state="ready", detail="")
        self._ready.set()

    async def open(self) -> None:
        """Nothing has to be got ready."""

    async def close(self) -> None:
        self.go_down()

    async def ready(self) -> None:
        await self._ready.wait()

    async def chat(
        self, prompt: Prompt, ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End, None]:
        tokens = self._take_in(Asked(method="chat", prompt=tuple(prompt), ask=ask))
        answer = self._answers.next(prompt)
        hangs = isinstance(answer, Hang)
        words = _pieces(answer.after if isinstance(answer, Hang) else answer)
        try:
            for word in words[:limit]:
                await asyncio.sleep(0)
                yield Piece(text=word)
            if hangs:
                await asyncio.Event().wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        yield End(
            reason="length" if len(words) > limit else "stop",
            tokens_in=tokens,
            tokens_new=tokens,
            tokens_out=min(len(words), limit),
            ms=1.0,
            ms_first=1.0,
            money=self._price,
        )

    async def decide(self, prompt: Prompt, options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        asked = Asked(method="decide", prompt=tuple(prompt), options=tuple(options), ask=ask, lead=lead)
        tokens = self._take_in(asked)
        choice: str | Sequence[float] = await self._given(self._decisions.next(prompt, options, otherwise=options[0]))
        return Decision(probabilities=_probabilities(choice, options), model=MODEL, tokens=tokens, ms=1.0)

    async def fill(
        self, prompt: Prompt, schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        tokens = self._take_in(Asked(method="fill", prompt=tuple(prompt), schema=schema, ask=ask, lead=lead))
        value = json.dumps(await self._given(self._fills.next(prompt, schema)))
        if _words(value) > limit:
            raise LLMError(f"no whole value within {limit} tokens")
        return Filled(json=value, tokens_in=tokens, tokens_out=_words(value), ms=1.0)

    async def count(self, prompt: Prompt) -> int:
        return sum(_words(said.text) + 4 for said in prompt)

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        self._take_in(Asked(method="score", pairs=tuple(pairs), ask=ask))
        await asyncio.sleep(0)
        scores = tuple(Score(logprob=self._scores(prefix, text), tokens=_words(text)) for prefix, text in pairs)
        return Scores(scores=scores, model=MODEL, tokens=sum(score.tokens for score in scores), ms=1.0)

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        self._take_in(Asked(method="embed", texts=tuple(texts), ask=ask))
        await asyncio.sleep(0)
        tokens = [_words(text) for text in texts]
        if max(tokens, default=0) > self._info.context:
            raise ContextOverflow(max(tokens), self._info.context)
        return Embedded(vectors=tuple(map(_vector, texts)), model=MODEL, tokens=sum(tokens), ms=1.0)

    def _take_in(self, asked: Asked) -> int:
        self.asked.append(asked)
        if self._info.state != "ready":
            raise LLMUnavailable(self._info.detail)
        tokens = sum(_words(said.text) + 4 for said in asked.prompt)
        if tokens > self._info.context:
            raise ContextOverflow(tokens, self._info.context)
        return tokens

    async def _given(self, found: T | Hang) -> T:
        try:
            await asyncio.sleep(0)
            if isinstance(found, Hang):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return cast("T", found)


class MatchingLLM(ScriptedLLM):
    """A ScriptedLLM with a reader beside it: a text fits by the words it shares with a message, and none by 1."""

    async def match(self, message: str, texts: Sequence[str], ask: Terms) -> Matches:
        self._take_in(Asked(method="match", texts=(message, *texts), ask=ask))
        await asyncio.sleep(0)
        words = set(message.lower().split())
        shared = [2.0 * len(words.intersection(text.lower().split())) for text in texts]
        tokens = _words(message) + sum(map(_words, texts))
        return Matches(logits=(*shared, 1.0), tokens=tokens, ms=1.0)


class _Script(Generic[T]):
    """What's still to be said."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = list(items)

    def extend(self, items: Iterable[object]) -> None:
        self._items += items

    def next(self, prompt: Prompt, *rest: object, otherwise: T | None = None) -> T | Hang:
        if not self._items and otherwise is not None:
            return otherwise
        if not self._items:
            raise AssertionError(f"the script has no answer left for {prompt[-1].text if prompt else 'nothing'!r}")
        item = self._items[0]
        if callable(item) and not isinstance(item, type):
            item = item(prompt, *rest)
        else:
            del self._items[0]
        if isinstance(item, BaseException) or (isinstance(item, type) and issubclass(item, BaseException)):
            raise item
        return cast("T | Hang", item)


def _probabilities(choice: str | Sequence[float], options: Sequence[str]) -> tuple[float, ...]:
    if isinstance(choice, str):
        assert choice in options, f"the script chose {choice!r}, which isn't among {list(options)}"  # noqa: S101 - a test's own mistake
        others = (1 - LIKELY) / (len(options) - 1) if len(options) > 1 else 0.0
        choice = [LIKELY if option == choice else others for option in options]
    total = math.fsum(choice)
    return tuple(probability / total for probability in choice)


def _vector(text: str) -> tuple[float, ...]:
    counts = [1 + text.lower().count(letter) for letter in LETTERS]
    length = math.hypot(*counts)
    return tuple(count / length for count in counts)


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + words[-1:] if text else []


def _words(text: str) -> int:
    return len(text.split())
