"""The LLM port over any OpenAI-compatible server."""

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager

from msgspec.structs import replace

from hub.errors import LLMError, LLMRefused, LLMTimeout, LLMUnavailable
from hub.llm import decisions, decoding, images, openai
from hub.llm.dialect import Body
from hub.llm.purse import Prices, Purse
from hub.llm.refusals import Unsupported
from hub.llm.server import Patience, Server
from hub.llm.watch import Watch
from hub.ports import Decision, Embedded, End, Filled, LLMInfo, Piece, Said, Terms

LETTERS_PER_TOKEN = 3.6
IMAGE = 300
"""Tokens of an image, about."""

AROUND = 5
"""Tokens that a template puts around each message, about."""

BATCH = 64
"""Texts in one request for vectors."""

LETTER, THOUGHT = 20, 1024
"""Tokens for a choice of one letter, and for one by a model that thinks first."""

TOP = 20
"""Log-probabilities asked for at a position: the most that servers give."""


class Remote:
    """A model behind a server's `/chat/completions`.

    What fails before anything was said is tried again, as late as the server asks or after a pause that doubles. What
    then still fails has the server looked at until it's well: meanwhile it isn't `ready`. `setting` is the config's
    section that names it, and `purse` what its `prices` are paid from.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
        context: int = 4096,
        backoff: float = 0.5,
        patience: Patience | None = None,
        prices: Prices | None = None,
        purse: Purse | None = None,
        setting: str = "llm",
    ) -> None:
        self._model = model
        self._server = Server(url, key, backoff=backoff, patience=patience, setting=setting)
        self._watch = Watch(LLMInfo(model=model, state="loading", context=context), self._server.look)
        self._prices = prices or Prices()
        self._purse = None if self._prices.free else purse
        # Until the server says otherwise, it's taken to tell log-probabilities and to bind answers to a schema.
        self._weighs = True
        self._binds = True
        # ... and to see images.
        self._sees = True

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once."""
        info = replace(self._watch.info, sees=self._sees)
        if self._purse is None:
            return info
        info = replace(info, money_today=self._purse.spent)
        return replace(info, state="broken", detail=words) if (words := self._purse.empty) else info

    async def open(self) -> None:
        """Begin to look for the server, and return without waiting for it."""
        self._watch.open()

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        await self._watch.close()
        await self._server.close()

    async def ready(self) -> None:
        """Return when the server has answered and may be paid; wait for ever if that never comes."""
        await self._watch.ready()
        if self._purse:
            await self._purse.available()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        """Answer in pieces, then one End, with at most `limit` tokens. Closing the iterator closes the connection.

        A server that takes no images is asked again with notes in their place.
        """
        began, asked = _now(), prompt
        if self._sees and any(said.images for said in prompt):
            try:
                async with aclosing(self._answer(prompt, ask, limit, temperature)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except Unsupported:  # before anything was said
                prompt = images.shown(prompt, sees=False)
        left = replace(ask, deadline=ask.deadline - (_now() - began))
        async with aclosing(self._answer(prompt, left, limit, temperature)) as pieces:
            async for piece in pieces:
                # Only now: the same no to the second request would have meant something else.
                self._sees = self._sees and prompt is asked
                yield piece

    async def _answer(
        self, prompt: Sequence[Said], ask: Terms, limit: int, temperature: float
    ) -> AsyncGenerator[Piece | End]:
        began = _now()
        body = self._body(prompt, limit, temperature) | {"stream": True, "stream_options": {"include_usage": True}}
        text, first, reason = "", 0.0, ""
        usage: openai.Usage | None = None
        try:
            with self._seen():
                async with aclosing(self._server.stream(body, began + ask.deadline)) as events:
                    async for event in events:
                        usage = event.usage or usage
                        for choice in event.choices[:1]:
                            reason = choice.finish_reason or reason
                            if piece := choice.delta.content:
                                first = first or _now()
                                text += piece
                                yield Piece(piece)
                if not reason:
                    raise LLMUnavailable(f"{self._model}: the connection broke in the middle of an answer")
        finally:
            # An answer that was cancelled or broke off is paid for too; its tokens can only be guessed.
            counted = _counted(usage, prompt if text or reason else (), text)
            money = await self._pay(counted)
        yield End(
            reason="length" if reason == "length" else "stop",
            tokens_in=counted.prompt_tokens,
            tokens_new=counted.prompt_tokens - counted.cached,
            tokens_out=counted.completion_tokens,
            ms=(_now() - began) * 1000,
            ms_first=((first or _now()) - began) * 1000,
            money=money,
        )

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is, by the log-probability of the letter that stands for it.

        A server that tells none chooses one letter: its option gets decisions.CHOSEN, the others share the rest.
        """
        began = _now()
        choices = decisions.checked(options)
        asked = decisions.lettered(prompt, choices, lead)
        bill, probabilities, weighs = _Bill(), None, self._weighs
        if weighs:
            try:
                probabilities = await self._weigh(asked, len(choices), began + ask.deadline, bill)
            except Unsupported:
                weighs = False
        if probabilities is None:
            probabilities = await self._choose(asked, len(choices), began + ask.deadline, bill)
        # Only now: the same no to the second request would have meant something else.
        self._weighs = weighs
        ms = (_now() - began) * 1000
        return Decision(probabilities=probabilities, model=self._model, tokens=bill.tokens_in, ms=ms, money=bill.money)

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens.

        What doesn't fit is sent back once, with what's wrong.
        """
        began = _now()
        try:
            text = decoding.checked(schema)
        except ValueError as error:
            raise LLMError(str(error)) from None
        asked = _joined(prompt, f"Answer only with JSON that fits this JSON schema: {text}", lead)
        bill, fault = _Bill(), ""
        for _ in range(2):
            said, reason = await self._whole(asked, limit, schema, began + ask.deadline, bill)
            try:
                json = decoding.validated(decoding.unfenced(said), schema)
            except ValueError as error:
                fault = f"it wasn't finished within {limit} tokens" if reason == "length" else str(error)
            else:
                ms = (_now() - began) * 1000
                return Filled(json=json, tokens_in=bill.tokens_in, tokens_out=bill.tokens_out, ms=ms, money=bill.money)
            again = Said(role="user", text=f"That can't be used: {fault}. Answer only with the mended JSON.")
            asked = (*asked, Said(role="assistant", text=said), again)
        raise LLMError(f"no JSON that fits the schema: {fault}")

    async def embed(self, texts: Sequence[str], ask: Terms) -> Embedded:
        """Return a vector of length 1 for each text; raises LLMError from a server that gives none.

        Whether it does, and how long they are, is known once the first was asked for.
        """
        began = _now()
        bill = _Bill()
        found: list[tuple[float, ...]] = []
        for start in range(0, len(texts), BATCH):
            found += await self._vectors(list(texts[start : start + BATCH]), began + ask.deadline, bill)
        ms = (_now() - began) * 1000
        return Embedded(vectors=tuple(found), model=self._model, tokens=bill.tokens_in, ms=ms)

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return about how many tokens a prompt has."""
        return _estimate(prompt)

    async def _weigh(
        self, asked: tuple[Said, ...], count: int, until: float, bill: "_Bill"
    ) -> tuple[float, ...] | None:
        body = self._body(asked, 1, 0.0) | {"logprobs": True, "top_logprobs": TOP}
        found = await self._complete(body, asked, until, bill)
        told = found.choices[0].logprobs if found.choices else None
        if told is None or not told.content:
            raise Unsupported(f"{self._model} tells no log-probabilities")
        likely = {item.token: item.logprob for item in told.content[0].top_logprobs}
        return decisions.by_letter(likely, count)

    async def _choose(self, asked: tuple[Said, ...], count: int, until: float, bill: "_Bill") -> tuple[float, ...]:
        letters = decisions.labels(count)
        schema = {"type": "object", "properties": {"answer": {"enum": list(letters)}}, "required": ["answer"]}
        for limit in (LETTER, THOUGHT):
            said, _reason = await self._whole(asked, limit, schema, until, bill)
            if (chosen := decisions.letter_in(said, count)) is not None:
                return decisions.sure_of(chosen, count)
            if not said:
                continue  # it was still thinking
            again = Said(role="user", text=f"Answer with one of these letters and nothing else: {', '.join(letters)}")
            asked = (*asked, Said(role="assistant", text=said), again)
        raise LLMError(f"{self._model} didn't choose one of {count} options")

    async def _whole(
        self, asked: tuple[Said, ...], limit: int, schema: Mapping[str, object], until: float, bill: "_Bill"
    ) -> tuple[str, str]:
        body = self._body(asked, limit, 0.0)
        bound = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        try:
            found = await self._complete(body | {"response_format": bound} if self._binds else body, asked, until, bill)
        except Unsupported:
            if not self._binds:
                raise
            found = await self._complete(body, asked, until, bill)
            self._binds = False
        if not found.choices:
            raise LLMError(f"{self._model}: an answer without choices")
        choice = found.choices[0]
        return choice.message.content or "", choice.finish_reason or ""

    async def _complete(self, body: Body, asked: Sequence[Said], until: float, bill: "_Bill") -> openai.Completion:
        """Return a whole answer, and add what it cost to a bill."""
        with self._seen():
            found = await self._server.complete(body, until)
        said = found.choices[0].message.content or "" if found.choices else ""
        counted = _counted(found.usage, asked, said)
        bill.add(counted, await self._pay(counted))
        return found

    async def _vectors(self, texts: list[str], until: float, bill: "_Bill") -> list[tuple[float, ...]]:
        try:
            with self._seen():
                found = await self._server.embed({"model": self._model, "input": texts}, until)
        except Unsupported as error:
            self._watch.served()  # it's there, and only has no vectors
            raise LLMError(f"{self._model} gives no vectors ({error})") from None
        if len(found.data) != len(texts) or len({len(each.embedding) for each in found.data}) != 1:
            raise LLMError(f"{self._model}: not a vector for each text")
        usage = found.usage or openai.Usage()
        counted = openai.Usage(prompt_tokens=usage.prompt_tokens or _estimate([Said("user", each) for each in texts]))
        bill.add(counted, await self._pay(counted))
        self._watch.learn(len(found.data[0].embedding))
        return [_of_length_one(each.embedding) for each in found.data]

    @contextmanager
    def _seen(self) -> Iterator[None]:
        """Have the watch know how a request went; raises LLMAway before one that can't be paid."""
        if self._purse:
            self._purse.check()
        try:
            yield
        except (LLMUnavailable, LLMRefused, LLMTimeout) as error:
            self._watch.note(error)
            raise
        self._watch.served()

    async def _pay(self, counted: openai.Usage) -> float:
        money = self._prices.of(counted.prompt_tokens, counted.cached, counted.completion_tokens)
        if self._purse and money:
            await self._purse.spend(money)
        return money

    def _body(self, prompt: Sequence[Said], limit: int, temperature: float) -> Body:
        said = openai.messages(images.shown(prompt, sees=self._sees))
        return {"model": self._model, "messages": said, "max_tokens": limit, "temperature": temperature}


class _Bill:
    """What the requests for one answer came to."""

    def __init__(self) -> None:
        self.tokens_in = 0
        self.tokens_out = 0
        self.money = 0.0

    def add(self, counted: openai.Usage, money: float) -> None:
        self.tokens_in += counted.prompt_tokens
        self.tokens_out += counted.completion_tokens
        self.money += money


def _counted(usage: openai.Usage | None, asked: Sequence[Said], said: str) -> openai.Usage:
    """Return what a server counted, or about what it will have been."""
    usage = usage or openai.Usage()
    return openai.Usage(
        prompt_tokens=usage.prompt_tokens or _estimate(asked),
        completion_tokens=usage.completion_tokens or round(len(said) / LETTERS_PER_TOKEN),
        prompt_tokens_details=usage.prompt_tokens_details,
    )


def _of_length_one(vector: tuple[float, ...]) -> tuple[float, ...]:
    length = math.hypot(*vector)
    return tuple(value / length for value in vector) if length else vector


def _joined(prompt: Sequence[Said], instruction: str, lead: str) -> tuple[Said, ...]:
    text = f"{instruction}\nIt continues your words: {lead}" if lead else instruction
    return decisions.appended(prompt, text)


def _estimate(prompt: Sequence[Said]) -> int:
    return sum(round(len(said.text) / LETTERS_PER_TOKEN) + AROUND + IMAGE * len(said.images) for said in prompt)


def _now() -> float:
    return asyncio.get_running_loop().time()
