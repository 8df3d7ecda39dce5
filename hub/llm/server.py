"""An OpenAI-compatible server: requests, tried again where that may help; errors as ours."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from hub.errors import ContextOverflow, LLMError, LLMRefused, LLMTimeout, LLMUnavailable
from hub.llm import openai

log = logging.getLogger(__name__)

ATTEMPTS = 4
LARGEST = 16 * 1024 * 1024
"""Bytes of an answer, or of one line of a streamed one."""

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
CONNECTING = 10.0

Body = dict[str, object]


class Unsupported(LLMRefused):
    """The server doesn't take something that was in the request's body."""


class Server:
    """A server at a base URL, as http://127.0.0.1:8081/v1. What's told of it never names the key."""

    def __init__(self, url: str, key: str, *, backoff: float) -> None:
        self._url = url.rstrip("/")
        self._backoff = backoff
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # It may think as long as the request's deadline allows; only the connection must come quickly.
            timeout=httpx.Timeout(None, connect=CONNECTING, pool=60.0),
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
            return f"{self._url} can't be reached ({_named(error)}); start the server, or mend llm.url"
        if response.status_code in (401, 403):
            raise LLMRefused(f"{self._url} refuses the key (HTTP {response.status_code}); mend llm.key or llm.key_file")
        # Some servers have no list of models: any answer that isn't a fault of theirs will do.
        return f"{self._url} answers HTTP {response.status_code}" if response.status_code >= 500 else ""

    async def complete(self, body: Body, until: float) -> openai.Completion:
        """Return a whole answer; raises what `stream` does."""
        data = b""
        async with self._post(body, until) as response:
            async for chunk in _by(until, response.aiter_bytes()):
                data += chunk
                if len(data) > LARGEST:
                    raise LLMError(f"an answer of more than {LARGEST} bytes")
        return _read(data)

    async def stream(self, body: Body, until: float) -> AsyncGenerator[openai.Completion]:
        """Yield the events of an answer as they come; closing it closes the connection.

        Raises LLMUnavailable, LLMTimeout, LLMRefused, ContextOverflow, and LLMError for what can't be understood.
        """
        async with self._post(body, until) as response:
            async for line in _by(until, response.aiter_lines()):
                if len(line) > LARGEST:
                    raise LLMError(f"a line of more than {LARGEST} characters")
                field, _, data = line.partition(":")
                if field != "data":
                    continue
                if data.strip() == "[DONE]":
                    return
                yield _read(data.strip())

    @asynccontextmanager
    async def _post(self, body: Body, until: float) -> AsyncIterator[httpx.Response]:
        response = await self._connect(body, until)
        try:
            yield response
        finally:
            await response.aclose()

    async def _connect(self, body: Body, until: float) -> httpx.Response:
        """Send a request until it's taken; nothing of an answer is read yet, so nothing can be said twice."""
        if self._client.is_closed:
            raise LLMUnavailable(f"{self._url}: the connection to it is closed")
        pause = self._backoff
        for attempt in range(1, ATTEMPTS + 1):
            reason, wish = "", 0.0
            request = self._client.build_request("POST", f"{self._url}/chat/completions", json=body)
            try:
                async with asyncio.timeout_at(until):
                    response = await self._client.send(request, stream=True)
                    if response.status_code == 200:
                        return response
                    reason, wish = await _refused(response), _wish(response)
            except TimeoutError:
                raise LLMTimeout(f"{self._url} didn't answer before the request's deadline") from None
            except httpx.HTTPError as error:
                reason = f"{self._url} can't be reached ({_named(error)})"
            wait = max(pause, wish)
            if attempt == ATTEMPTS or asyncio.get_running_loop().time() + wait > until:
                break
            log.info("%s; trying again in %.1f s", reason, wait)
            await asyncio.sleep(wait)
            pause *= 2
        raise LLMUnavailable(reason)


async def _refused(response: httpx.Response) -> str:
    """Return why another attempt may help; raises where none will."""
    try:
        problem = openai.problem(await response.aread())
    finally:
        await response.aclose()
    status = response.status_code
    said = f"{response.url.host} answers HTTP {status}: {problem.message[:300]}"
    if status in AGAIN:
        return said
    if problem.overflow:
        raise ContextOverflow(problem.n_prompt_tokens, problem.n_ctx)
    if status in (400, 404, 415, 422, 501):
        raise Unsupported(said)
    raise LLMRefused(said)


async def _by(until: float, source: AsyncIterator[bytes] | AsyncIterator[str]) -> AsyncGenerator[Any]:
    """Pass on what comes before a time. The limit is on each wait: one around a yield would cut the caller short."""
    while True:
        try:
            async with asyncio.timeout_at(until):
                item = await anext(source, None)
        except TimeoutError:
            raise LLMTimeout("the answer wasn't over before the request's deadline") from None
        except httpx.HTTPError as error:
            raise LLMUnavailable(f"the connection broke in the middle of an answer ({_named(error)})") from None
        if item is None:
            return
        yield item


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


def _wish(response: httpx.Response) -> float:
    """Return how long the server wants us to wait: seconds, or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _named(error: Exception) -> str:
    # Its text may quote headers; its kind and the first line are enough.
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
