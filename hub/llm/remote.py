"""The LLM port over any OpenAI-compatible server."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress

from msgspec.structs import replace

from hub.errors import LLMError, LLMRefused, LLMUnavailable
from hub.llm import decisions, decoding, openai
from hub.llm.server import Body, Server, Unsupported
from hub.ports import Decision, End, Filled, LLMInfo, Piece, Said, Terms

LOOK = 2.0
"""Seconds between looks at a server that doesn't answer; they double up to LONGEST_LOOK."""

LONGEST_LOOK = 60.0
LETTERS_PER_TOKEN = 3.6
AROUND = 5
"""Tokens that a template puts around each message, about."""

TOP = 20
"""Log-probabilities asked for at a position: the most that servers give."""


class Remote:
    """A model behind a server's `/chat/completions`.

    What fails before anything was said is tried again, as late as the server asks or after a pause that doubles.
    """

    def __init__(self, url: str, model: str, *, key: str = "", context: int = 4096, backoff: float = 0.5) -> None:
        self._model = model
        self._server = Server(url, key, backoff=backoff)
        self._info = LLMInfo(model=model, state="loading", context=context)
        self._ready = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        # Until the server says otherwise, it's taken to tell log-probabilities and to bind answers to a schema.
        self._weighs = True
        self._binds = True

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once."""
        return self._info

    async def open(self) -> None:
        """Begin to look for the server, and return without waiting for it."""
        # It outlives the call, up to `close`: no TaskGroup can span the two.
        self._looking = asyncio.create_task(self._look(), name="remote")

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        if self._looking:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await self._server.close()

    async def ready(self) -> None:
        """Return when the server has answered; wait for ever if it never does."""
        await self._ready.wait()

    async def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncGenerator[Piece | End]:
        """Answer in pieces, then one End, with at most `limit` tokens. Closing the iterator closes the connection."""
        began = _now()
        body = self._body(prompt, limit, temperature) | {"stream": True, "stream_options": {"include_usage": True}}
        letters, first, reason = 0, 0.0, ""
        usage = openai.Usage()
        async with aclosing(self._server.stream(body, began + ask.deadline)) as events:
            async for event in events:
                usage = event.usage or usage
                for choice in event.choices[:1]:
                    reason = choice.finish_reason or reason
                    if text := choice.delta.content:
                        first = first or _now()
                        letters += len(text)
                        yield Piece(text)
        if not reason:
            raise LLMUnavailable(f"{self._model}: the connection broke in the middle of an answer")
        tokens_in = usage.prompt_tokens or _estimate(prompt)
        yield End(
            reason="length" if reason == "length" else "stop",
            tokens_in=tokens_in,
            tokens_new=tokens_in,
            tokens_out=usage.completion_tokens or round(letters / LETTERS_PER_TOKEN),
            ms=(_now() - began) * 1000,
            ms_first=((first or _now()) - began) * 1000,
        )

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is, by the log-probability of the letter that stands for it.

        A server that tells none chooses one letter: its option gets decisions.CHOSEN, the others share the rest.
        """
        began = _now()
        choices = decisions.checked(options)
        asked = decisions.lettered(prompt, choices, lead)
        probabilities, spent, weighs = None, 0, self._weighs
        if weighs:
            try:
                probabilities, spent = await self._weigh(asked, len(choices), began + ask.deadline)
            except Unsupported:
                weighs = False
        if probabilities is None:
            probabilities, more = await self._choose(asked, len(choices), began + ask.deadline)
            spent += more
        # Only now: the same no to the second request would have meant something else.
        self._weighs = weighs
        return Decision(probabilities=probabilities, model=self._model, tokens=spent, ms=(_now() - began) * 1000)

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
        spent, tokens_in, fault = 0, 0, ""
        for _ in range(2):
            said, reason, usage = await self._whole(asked, limit, schema, began + ask.deadline)
            spent += usage.completion_tokens or round(len(said) / LETTERS_PER_TOKEN)
            tokens_in = tokens_in or usage.prompt_tokens or _estimate(asked)
            try:
                json = decoding.validated(decoding.unfenced(said), schema)
                return Filled(json=json, tokens_in=tokens_in, tokens_out=spent, ms=(_now() - began) * 1000)
            except ValueError as error:
                fault = f"it wasn't finished within {limit} tokens" if reason == "length" else str(error)
            again = Said(role="user", text=f"That can't be used: {fault}. Answer only with the mended JSON.")
            asked = (*asked, Said(role="assistant", text=said), again)
        raise LLMError(f"no JSON that fits the schema: {fault}")

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return about how many tokens a prompt has."""
        return _estimate(prompt)

    async def _look(self) -> None:
        pause = LOOK
        while True:
            try:
                detail = await self._server.look()
            except LLMRefused as error:
                self._info = replace(self._info, state="broken", detail=str(error))
                return
            if not detail:
                self._info = replace(self._info, state="ready", detail="")
                self._ready.set()
                return
            self._info = replace(self._info, state="restarting", detail=detail)
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 2)

    async def _weigh(self, asked: tuple[Said, ...], count: int, until: float) -> tuple[tuple[float, ...] | None, int]:
        body = self._body(asked, 1, 0.0) | {"logprobs": True, "top_logprobs": TOP}
        found = await self._server.complete(body, until)
        spent = found.usage.prompt_tokens if found.usage else _estimate(asked)
        told = found.choices[0].logprobs if found.choices else None
        if told is None or not told.content:
            raise Unsupported(f"{self._model} tells no log-probabilities")
        likely = {item.token: item.logprob for item in told.content[0].top_logprobs}
        return decisions.by_letter(likely, count), spent

    async def _choose(self, asked: tuple[Said, ...], count: int, until: float) -> tuple[tuple[float, ...], int]:
        letters = decisions.labels(count)
        schema = {"type": "object", "properties": {"answer": {"enum": list(letters)}}, "required": ["answer"]}
        spent = 0
        for _ in range(2):
            said, _reason, usage = await self._whole(asked, 20, schema, until)
            spent += usage.prompt_tokens or _estimate(asked)
            if (chosen := decisions.letter_in(said, count)) is not None:
                return decisions.sure_of(chosen, count), spent
            again = Said(role="user", text=f"Answer with one of these letters and nothing else: {', '.join(letters)}")
            asked = (*asked, Said(role="assistant", text=said), again)
        raise LLMError(f"{self._model} didn't choose one of {count} options")

    async def _whole(
        self, asked: tuple[Said, ...], limit: int, schema: Mapping[str, object], until: float
    ) -> tuple[str, str, openai.Usage]:
        body = self._body(asked, limit, 0.0)
        bound = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        try:
            found = await self._server.complete(body | {"response_format": bound} if self._binds else body, until)
        except Unsupported:
            if not self._binds:
                raise
            found = await self._server.complete(body, until)
            self._binds = False
        if not found.choices:
            raise LLMError(f"{self._model}: an answer without choices")
        choice = found.choices[0]
        return choice.message.content or "", choice.finish_reason or "", found.usage or openai.Usage()

    def _body(self, prompt: Sequence[Said], limit: int, temperature: float) -> Body:
        said = openai.messages(prompt)
        return {"model": self._model, "messages": said, "max_tokens": limit, "temperature": temperature}


def _joined(prompt: Sequence[Said], instruction: str, lead: str) -> tuple[Said, ...]:
    text = f"{instruction}\nIt continues your words: {lead}" if lead else instruction
    return decisions.appended(prompt, text)


def _estimate(prompt: Sequence[Said]) -> int:
    return sum(round(len(said.text) / LETTERS_PER_TOKEN) + AROUND for said in prompt)


def _now() -> float:
    return asyncio.get_running_loop().time()
