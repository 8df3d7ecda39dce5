"""An OpenAI-compatible server: requests, tried again where that may help; errors as ours."""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from hub.errors import ContextOverflow, LLMAway, LLMError, LLMTimeout, LLMUnavailable
from hub.llm import openai
from hub.llm.dialect import Body, Dialect
from hub.llm.refusals import Away, Passing, Unsupported, is_page, page, refusal
from hub.reading import url_shown

log = logging.getLogger(__name__)

ATTEMPTS = 4
LARGEST = 16 * 1024 * 1024
"""Bytes of an answer, or of one line of a streamed one."""

CONNECTING = 10.0
ENDING = 0.2
"""Seconds from the last event of an answer to the end of the answer."""


class Patience(Struct, frozen=True, kw_only=True):
    """How many seconds of silence mean that a server is down."""

    first: float = 120.0
    """Until the first token: it may be reading a long prompt."""
    between: float = 60.0
    """Between tokens."""


class Server:
    """A server at a base URL, as http://127.0.0.1:8081/v1. What's told of it never names the key.

    `setting` is the config's section that names it.
    """

    def __init__(
        self, url: str, key: str, *, backoff: float, patience: Patience | None = None, setting: str = "llm"
    ) -> None:
        self._url = url.rstrip("/")
        self._shown = url_shown(self._url)
        self._backoff = backoff
        self._patience = patience or Patience()
        self._setting = setting
        self._dialect = Dialect()
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # How long it may think is seen to below; only the connection must come quickly.
            timeout=httpx.Timeout(None, connect=CONNECTING, pool=60.0),
            verify=_trust(),
        )

    async def close(self) -> None:
        """Close every connection; later requests fail."""
        await self._client.aclose()

    async def look(self) -> str:
        """Return "" if the server answers, else why it's of no use; raises LLMRefused if it never will be."""
        try:
            async with asyncio.timeout(CONNECTING):
                response = await self._client.get(f"{self._url}/models")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return f"{self._shown} can't be reached ({_named(error)}); start the server, or mend {self._setting}.url"
        if response.status_code in (401, 402, 403):
            raise refusal(response, response.content, self._setting)
        if is_page(response) and response.status_code != 404:
            return page(response, self._setting)
        # Some servers have no list of models: any answer that isn't a fault of theirs will do.
        return f"{self._shown} answers HTTP {response.status_code}" if response.status_code >= 500 else ""

    async def complete(self, body: Body, until: float) -> openai.Completion:
        """Return a whole answer; raises what `stream` does."""
        return _read(await self._whole("chat/completions", body, until))

    async def embed(self, body: Body, until: float) -> openai.Vectors:
        """Return vectors for texts; raises what `stream` does."""
        try:
            return openai.vectors(await self._whole("embeddings", body, until))
        except msgspec.DecodeError as error:
            raise LLMError(f"the server's vectors can't be understood: {error}") from None

    async def stream(self, body: Body, until: float) -> AsyncGenerator[openai.Completion]:
        """Yield the events of an answer as they come; closing it closes the connection.

        Raises LLMAway where nothing was taken, LLMUnavailable when it breaks off or falls silent, LLMTimeout,
        LLMRefused, ContextOverflow, and LLMError for what can't be understood.
        """
        async with self._post("chat/completions", body, until, self._patience.first) as response:
            lines = response.aiter_lines()
            async for line in self._by(until, self._patience.first, lines):
                if len(line) > LARGEST:
                    raise LLMError(f"a line of more than {LARGEST} characters")
                field, _, data = line.partition(":")
                if field != "data":
                    continue
                if data.strip() == "[DONE]":
                    await _read_out(lines)
                    return
                yield _read(data.strip())

    async def _whole(self, path: str, body: Body, until: float) -> bytes:
        data = b""
        # It comes when it's whole, and so do its headers.
        silence = self._patience.first + self._patience.between
        async with self._post(path, body, until, silence) as response:
            async for chunk in self._by(until, silence, response.aiter_bytes()):
                data += chunk
                if len(data) > LARGEST:
                    raise LLMError(f"an answer of more than {LARGEST} bytes")
        return data

    @asynccontextmanager
    async def _post(self, path: str, body: Body, until: float, silence: float) -> AsyncIterator[httpx.Response]:
        response = await self._connect(path, body, until, silence)
        try:
            if is_page(response):
                raise LLMAway(page(response, self._setting))
            yield response
        finally:
            await response.aclose()

    async def _connect(self, path: str, body: Body, until: float, silence: float) -> httpx.Response:
        """Send a request until it's taken; nothing of an answer is read yet, so nothing can be said twice."""
        if self._client.is_closed:
            raise LLMUnavailable(f"{self._shown}: the connection to it is closed")
        pause = self._backoff
        attempt = 1
        while True:
            sent = self._dialect.of(body)
            try:
                return await self._send(path, sent, until, silence)
            except Unsupported as error:
                self._dialect.learn(body, error)
                if self._dialect.of(body) == sent:
                    raise
                continue  # and no attempt: it can learn each thing only once
            except Passing as error:
                last, wait = error, max(pause, error.after)
            if attempt == ATTEMPTS or _now() + wait > until:
                raise last
            log.info("%s; trying again in %.1f s", last, wait)
            await asyncio.sleep(wait)
            attempt += 1
            pause *= 2

    async def _send(self, path: str, body: Body, until: float, silence: float) -> httpx.Response:
        request = self._client.build_request("POST", f"{self._url}/{path}", json=body)
        try:
            async with asyncio.timeout_at(min(until, _now() + silence)):
                response = await self._client.send(request, stream=True)
                if response.status_code == 200:
                    return response
                try:
                    said = await response.aread()
                finally:
                    await response.aclose()
        except TimeoutError:
            raise self._silent(until, silence, "didn't answer") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            raise Away(f"{self._shown} can't be reached ({_named(error)})") from None
        except httpx.HTTPError as error:
            raise Passing(f"{self._shown} broke off before it answered ({_named(error)})") from None
        raise refusal(response, said, self._setting)

    async def _by(
        self, until: float, silence: float, source: AsyncIterator[bytes] | AsyncIterator[str]
    ) -> AsyncGenerator[Any]:
        """Pass on what comes in time. The limit is on each wait: one around a yield would cut the caller short."""
        while True:
            try:
                async with asyncio.timeout_at(min(until, _now() + silence)):
                    item = await anext(source, None)
            except TimeoutError:
                raise self._silent(until, silence, "fell silent in the middle of an answer") from None
            except httpx.HTTPError as error:
                raise LLMUnavailable(f"the connection broke in the middle of an answer ({_named(error)})") from None
            if item is None:
                return
            yield item
            silence = self._patience.between

    def _silent(self, until: float, silence: float, what: str) -> LLMError:
        if _now() >= until:
            return LLMTimeout(f"{self._shown} {what} before the request's deadline")
        return LLMUnavailable(f"{self._shown} {what}: nothing for {silence:.0f} s")


@cache
def _trust() -> ssl.SSLContext:
    """Return what servers are certified by: to load it takes a while, and once does for all of them."""
    return httpx.create_ssl_context()


async def _read_out(lines: AsyncIterator[str]) -> None:
    """Read to the end of an answer: its connection serves again only then, and a new one takes a while."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(ENDING):
            async for _ in lines:
                pass


def _read(data: bytes | str) -> openai.Completion:
    try:
        found = openai.completion(data)
    except msgspec.DecodeError as error:
        raise LLMError(f"the server's answer can't be understood: {error}") from None
    if found.error:
        problem = openai.Problem(message=found.error) if isinstance(found.error, str) else found.error
        if problem.overflow:
            raise ContextOverflow(problem.n_prompt_tokens, problem.n_ctx)
        raise LLMUnavailable(f"the server broke off: {problem.message[:300]}")
    return found


def _named(error: Exception) -> str:
    # Its text may quote headers; its kind and the first line are enough.
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _now() -> float:
    return asyncio.get_running_loop().time()
