"""The LLM port over a GGUF model in a process of its own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from hub.errors import ContextOverflow, LLMError
from hub.llm import decisions, decoding, images, wire
from hub.llm.keeper import Keeper
from hub.ports import Decision, Embedded, End, Filled, LLMInfo, Piece, Said, Scores, Terms

COUNTING = 30.0
"""Seconds for counting a prompt's tokens, which waits for one evaluation at most."""

SECOND_TRY = 0.7
"""The temperature at which JSON that didn't fit is written again."""

ENDLESS = 16
"""Characters for each token of the context; a text with more isn't even tokenised."""

LETTERS = 4
"""Characters of a token, about."""

ENOUGH = 16
"""Tokens of an answer that tell how fast they are written."""

A = TypeVar("A", bound=wire.Answer)
log = logging.getLogger(__name__)


class LlamaCpp:
    """A local model through llama.cpp; it can score texts too, and give vectors if the model was made for it.

    `sha256`, if given, is what the file must be; `threads` 0 is measured; `mmproj` lets it see images; `memory_mb` 0 is
    no limit.
    """

    def __init__(
        self,
        path: Path,
        *,
        sha256: str = "",
        context: int = 4096,
        threads: int = 0,
        mmproj: Path | None = None,
        memory_mb: int = 0,
        reader: Path | None = None,
        reader_sha256: str = "",
    ) -> None:
        load = wire.Load(
            path=str(path),
            sha256=sha256,
            context=context,
            threads=threads,
            mmproj=str(mmproj or ""),
            memory_mb=memory_mb,
            reader=str(reader or ""),
            reader_sha256=reader_sha256,
        )
        self._keeper = Keeper(path, load)

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once."""
        return self._keeper.info

    @property
    def pid(self) -> int | None:
        """The id of the model's process, for those who watch or kill it."""
        return self._keeper.pid

    async def open(self) -> None:
        """Begin to get ready, and return without waiting for it."""
        self._keeper.open()

    async def close(self) -> None:
        """Stop the model's process; requests under way fail."""
        await self._keeper.close()

    async def ready(self) -> None:
        """Return when requests can be served; wait for ever if that never comes."""
        await self._keeper.ready()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        """Answer in pieces, then one End, with at most `limit` tokens. Closing the iterator cancels."""
        said = self._shown(prompt)

        def order(id: int) -> wire.Chat:
            return wire.Chat(id=id, prompt=said, limit=limit, temperature=temperature, ask=ask)

        with self._keeper.ask(order, ask.deadline) as request:
            while True:
                match await request.next():
                    case wire.Wrote(text=text):
                        yield Piece(text)
                    case wire.Ended(end=end):
                        self._note(end)
                        yield end
                        return
                    case other:
                        raise LLMError(f"the model's process answered a chat with {other!r}")

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is as the assistant's next words after `lead`.

        The text is `lead` + option, exactly; spaces at the end of `lead` are tokenised with the option.
        """
        began = asyncio.get_running_loop().time()
        said, choices = self._shown(prompt), decisions.checked(options)

        def order(id: int) -> wire.Decide:
            return wire.Decide(id=id, prompt=said, options=choices, lead=lead, ask=ask)

        found = await self._one(order, ask.deadline, wire.Weighed)
        return Decision(
            probabilities=decisions.softmax([score.logprob for score in found.scores]),
            model=self.info.model,
            tokens=found.tokens,
            ms=(asyncio.get_running_loop().time() - began) * 1000,
        )

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        """Score each pair (prefix, continuation) of plain text, no chat template; common prefixes cost once.

        The two are tokenised apart. BOS comes first where the model wants one; an empty prefix is the beginning of a
        document. A prefix stays known, so that the same one with more behind it costs only what's new.
        """
        began = asyncio.get_running_loop().time()
        asked = tuple(pairs)
        self._refuse_endless(max((len(prefix) + len(text) for prefix, text in asked), default=0))
        found = await self._one(lambda id: wire.ScorePairs(id=id, pairs=asked, ask=ask), ask.deadline, wire.Weighed)
        ms = (asyncio.get_running_loop().time() - began) * 1000
        return Scores(scores=found.scores, model=self.info.model, tokens=found.tokens, ms=ms)

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        """Return a vector of length 1 for each text; raises LLMError from a model that gives none."""
        began = asyncio.get_running_loop().time()
        asked = tuple(texts)
        self._refuse_endless(max(map(len, asked), default=0))
        found = await self._one(lambda id: wire.Embed(id=id, texts=asked, ask=ask), ask.deadline, wire.Vectors)
        ms = (asyncio.get_running_loop().time() - began) * 1000
        return Embedded(vectors=found.vectors, model=self.info.model, tokens=found.tokens, ms=ms)

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens.

        What didn't get finished is tried once more with an end to every string and list; what doesn't fit the schema
        where a grammar can't say so (bounds of numbers, say), once more at a higher temperature.
        """
        began = asyncio.get_running_loop().time()
        try:
            text, finite = decoding.checked(schema), decoding.checked(decoding.bounded(schema))
        except ValueError as error:
            raise LLMError(str(error)) from None
        order = wire.Fill(id=0, prompt=self._shown(prompt), schema=text, lead=lead, limit=limit, ask=ask)
        json, end, fault = await self._write(order, schema)
        spent = end.tokens_out
        if fault:
            log.debug("JSON is written a second time: %s", fault)
            left = replace(ask, deadline=ask.deadline - (asyncio.get_running_loop().time() - began))
            warmth = SECOND_TRY if end.reason == "stop" else 0.0
            json, end, fault = await self._write(replace(order, schema=finite, temperature=warmth, ask=left), schema)
            spent += end.tokens_out
        if fault:
            raise LLMError(fault)
        ms = (asyncio.get_running_loop().time() - began) * 1000
        return Filled(json=json, tokens_in=end.tokens_in, tokens_out=spent, ms=ms)

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens a prompt has, with all that the model's template adds; about, if it's endless."""
        try:
            said = self._shown(prompt)
        except ContextOverflow as endless:
            return endless.tokens
        return (await self._one(lambda id: wire.Count(id=id, prompt=said), COUNTING, wire.Counted)).tokens

    def _shown(self, prompt: Sequence[Said]) -> tuple[Said, ...]:
        self._refuse_endless(sum(len(said.text) for said in prompt))
        return images.shown(prompt, sees=self.info.sees)

    def _refuse_endless(self, characters: int) -> None:
        """Raise ContextOverflow for what's far too long: tokenising it would keep everybody else waiting."""
        if 0 < self.info.context * ENDLESS < characters:
            raise ContextOverflow(characters // LETTERS, self.info.context)

    async def _one(self, order: Callable[[int], wire.Request], seconds: float, kind: type[A]) -> A:
        with self._keeper.ask(order, seconds) as request:
            answer = await request.next()
        if not isinstance(answer, kind):
            raise LLMError(f"the model's process answered with {answer!r}")
        return answer

    async def _write(self, order: wire.Fill, schema: Mapping[str, object]) -> tuple[str, End, str]:
        """Return the JSON, its end, and what's wrong with it."""
        text = ""
        with self._keeper.ask(lambda id: replace(order, id=id), order.ask.deadline) as request:
            while isinstance(answer := await request.next(), wire.Wrote):
                text += answer.text
        if not isinstance(answer, wire.Ended):
            raise LLMError(f"the model's process answered with {answer!r}")
        if answer.end.reason == "length":
            return text, answer.end, f"no JSON for the schema within {order.limit} tokens"
        try:
            return decoding.validated(text, schema), answer.end, ""
        except ValueError as error:
            return text, answer.end, f"the JSON doesn't fit the schema: {error}"

    def _note(self, end: End) -> None:
        if end.tokens_out >= ENOUGH:
            self._keeper.measured(1000 * (end.tokens_out - 1) / max(1.0, end.ms - end.ms_first))
