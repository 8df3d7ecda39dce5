"""An OpenAI-compatible server: requests, tried again where that may help; errors as ours."""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
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
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def close(self) -> None:
        """Close every connection; later requests fail."""
        self._closed = True
        if self._session:
            await self._session.close()

    async def look(self) -> str:
        """Return "" if the server answers, else why it's of no use; raises LLMRefused if it never will be."""
        try:
            async with asyncio.timeout(CONNECTING):
                response = await self._request("GET", "models")
                try:
                    said = await _all(response)
                finally:
                    response.close()
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{self._shown} can't be reached ({_named(error)}); start the server, or mend {self._setting}.url"
        if response.status in (401, 402, 403):
            raise refusal(response, said, self._setting)
        if is_page(response) and response.status != 404:
            return page(response, self._setting)
        # Some servers have no list of models: any answer that isn't a fault of theirs will do.
        return f"{self._shown} answers HTTP {response.status}" if response.status >= 500 else ""

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
            async for line in _lines(self._by(until, self._patience.first, response)):
                field, _, data = line.partition(b":")
                if field != b"data":
                    continue
                if data.strip() == b"[DONE]":
                    await _read_out(response)
                    return
                yield _read(data.strip())

    async def _whole(self, path: str, body: Body, until: float) -> bytes:
        data = b""
        # It comes when it's whole, and so do its headers.
        silence = self._patience.first + self._patience.between
        async with self._post(path, body, until, silence) as response:
            async for chunk in self._by(until, silence, response):
                data += chunk
                if len(data) > LARGEST:
                    raise LLMError(f"an answer of more than {LARGEST} bytes")
        return data

    @asynccontextmanager
    async def _post(self, path: str, body: Body, until: float, silence: float) -> AsyncIterator[aiohttp.ClientResponse]:
        response = await self._connect(path, body, until, silence)
        try:
            if is_page(response):
                raise LLMAway(page(response, self._setting))
            yield response
        finally:
            response.close()  # the connection, unless all was read

    async def _connect(self, path: str, body: Body, until: float, silence: float) -> aiohttp.ClientResponse:
        """Send a request until it's taken; nothing of an answer is read yet, so nothing can be said twice."""
        if self._closed:
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

    async def _send(self, path: str, body: Body, until: float, silence: float) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout_at(min(until, _now() + silence)):
                response = await self._request("POST", path, msgspec.json.encode(body))
                if response.status == 200:
                    return response
                try:
                    said = await _all(response)
                finally:
                    response.close()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise Away(f"{self._shown} can't be reached ({_named(error)})") from None
        except TimeoutError:
            raise self._silent(until, silence, "didn't answer") from None
        except aiohttp.ClientError as error:
            raise Passing(f"{self._shown} broke off before it answered ({_named(error)})") from None
        raise refusal(response, said, self._setting)

    async def _request(self, method: str, path: str, body: bytes | None = None) -> aiohttp.ClientResponse:
        """Return an answer once its headers are there; raises aiohttp.ClientError."""
        if self._session is None:
            self._session = _session(self._url, self._key)
        return await self._session.request(method, f"{self._url}/{path}", data=body, allow_redirects=False)

    async def _by(self, until: float, silence: float, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
        """Pass on what comes in time. The limit is on each wait: one around a yield would cut the caller short."""
        while True:
            try:
                async with asyncio.timeout_at(min(until, _now() + silence)):
                    chunk = await response.content.readany()
            except TimeoutError:
                raise self._silent(until, silence, "fell silent in the middle of an answer") from None
            except aiohttp.ClientError as error:
                raise LLMUnavailable(f"the connection broke in the middle of an answer ({_named(error)})") from None
            if not chunk:
                return
            yield chunk
            silence = self._patience.between

    def _silent(self, until: float, silence: float, what: str) -> LLMError:
        if _now() >= until:
            return LLMTimeout(f"{self._shown} {what} before the request's deadline")
        return LLMUnavailable(f"{self._shown} {what}: nothing for {silence:.0f} s")


def _session(url: str, key: str) -> aiohttp.ClientSession:
    """Return what keeps the connections to a server; credentials in its URL go before a key."""
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    return aiohttp.ClientSession(
        headers={"Content-Type": "application/json"}
        | ({"Authorization": f"Bearer {key}"} if key and not urlsplit(url).username else {}),
        connector=aiohttp.TCPConnector(ssl=_trust()) if scheme == "https" else None,
        cookie_jar=aiohttp.DummyCookieJar(),
        # How long it may think is seen to elsewhere; only the connection must come quickly.
        timeout=aiohttp.ClientTimeout(total=None, connect=60.0, sock_connect=CONNECTING),
        proxy=_proxy(scheme, host),
    )


def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host."""
    proxies = {} if proxy_bypass(host) else getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    return found if found is None or "://" in found else f"http://{found}"


@cache
def _trust() -> ssl.SSLContext:
    """Return what servers are certified by: to load it takes a while, and once does for all of them."""
    own = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    return ssl.create_default_context(cafile=None if own else certifi.where())


async def _lines(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the lines of what comes in pieces; raises LLMError for one that's too long."""
    rest = b""
    async with aclosing(chunks):
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > LARGEST:
                raise LLMError(f"a line of more than {LARGEST} bytes")
    if rest:
        yield rest


async def _all(response: aiohttp.ClientResponse) -> bytes:
    """Return what a server said with a no, as far as it's of use."""
    said = b""
    while len(said) <= LARGEST and (chunk := await response.content.readany()):
        said += chunk
    return said


async def _read_out(response: aiohttp.ClientResponse) -> None:
    """Read to the end of an answer: its connection serves again only then, and a new one takes a while."""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(ENDING):
            while await response.content.readany():
                pass


def _read(data: bytes) -> openai.Completion:
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
