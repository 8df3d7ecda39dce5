"""Calls to the Bot API: what came of each in few words, and never a token in any of these."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, TypeVar

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetFile, TelegramMethod

from hub.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain

log = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE = 20
"""Seconds that a call may take."""
CONNECTING = 10
UPLOADING = 120
DOWNLOADING = 120
CHUNK = 1 << 16
HIDDEN = "[hidden]"

Kind = Literal["slow", "unsent", "unsure", "refused", "lacking", "unwanted", "conflict"]
"""slow: too many calls, ask again after so many seconds. unsent: certainly not done. unsure: perhaps done.
refused: not like this. lacking: this server doesn't know the method. unwanted: it doesn't accept the token.
conflict: somebody else polls, or a webhook is set."""


class Fault(Exception):
    """A call that wasn't answered with a result."""

    def __init__(self, kind: Kind, text: str, *, after: float = 0.0, chat: int | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.after = after
        self.chat = chat
        """Where a group lives now that was made a supergroup."""

    def says(self, *words: str) -> bool:
        """Say whether the platform's words are among these, whatever their case."""
        text = str(self).lower()
        return any(word in text for word in words)

    @property
    def is_outage(self) -> bool:
        """The platform, or the way to it, is down."""
        return self.kind in ("unsent", "unsure")


class Api:
    """A bot's account at a Bot API server.

    Remembers which methods the server lacks, so that each is asked for once, and when it last answered.
    """

    def __init__(self, token: str, url: str, *, heard: Callable[[], None]) -> None:
        self._token = token
        self._session = _Session(api=TelegramAPIServer.from_base(url.rstrip("/")), timeout=PATIENCE)
        self._bot = Bot(token, session=self._session)
        self._heard = heard
        self._lacking: set[str] = set()

    @property
    def bot(self) -> Bot:
        """The context that aiogram's types are read in."""
        return self._bot

    def knows(self, method: type[TelegramMethod[Any]]) -> bool:
        """Say whether the server has a method, as far as is known."""
        return method.__api_method__ not in self._lacking

    async def call(self, method: TelegramMethod[T], *, patience: int = PATIENCE) -> T:
        """Return a method's result; raises Fault."""
        name = method.__api_method__
        if name in self._lacking:
            raise Fault("lacking", f"{name}: this server doesn't have it")
        try:
            result = await self._bot.session(self._bot, method, timeout=patience)
        except Fault as fault:
            raise self._told(name, fault) from None
        self._heard()
        return result

    async def download(self, file_id: str) -> AsyncIterator[bytes]:
        """Return a file's bytes, piece by piece; raises Fault, in the middle too."""
        file = await self.call(GetFile(file_id=file_id))
        if not file.file_path:
            raise Fault("refused", "getFile: it has no path")
        url = self._session.api.file_url(self._token, file.file_path)
        return self._stream(url)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def hide(self, text: str) -> str:
        """Return a text without the token."""
        return text.replace(self._token, HIDDEN)

    async def _stream(self, url: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._session.stream_content(url, timeout=DOWNLOADING, chunk_size=CHUNK):
                yield chunk
        except aiohttp.ClientResponseError as error:
            # Its text has the URL, and the URL has the token.
            kind: Kind = "unsure" if error.status >= 500 or error.status == 429 else "refused"
            raise Fault(kind, f"the file: HTTP {error.status}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Fault("unsure", f"the file: {type(error).__name__}") from None
        self._heard()

    def _told(self, name: str, fault: Fault) -> Fault:
        if fault.kind == "lacking":
            log.info("%s: this server doesn't have it", name)
            self._lacking.add(name)
        if not fault.is_outage:
            self._heard()
        return Fault(fault.kind, self.hide(f"{name}: {fault}"), after=fault.after, chat=fault.chat)


class _Session(AiohttpSession):
    """aiogram's session, with what went wrong told by what it means for the message that was sent."""

    async def close(self) -> None:
        if self._session is not None and not self._session.closed:
            await self._session.close()

    async def make_request(self, bot: Bot, method: TelegramMethod[T], timeout: int | None = None) -> T:  # noqa: ASYNC109
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        limits = aiohttp.ClientTimeout(total=timeout or self.timeout, sock_connect=CONNECTING)
        try:
            async with session.post(url, data=form, timeout=limits) as response:
                status, body = response.status, await response.text(errors="replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Fault("unsent", f"no connection ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Fault("unsure", f"the connection broke ({type(error).__name__})") from None
        try:
            answer = self.check_response(bot=bot, method=method, status_code=status, content=body)
        except AiogramError as error:
            raise _fault(error, status) from None
        return answer.result  # type: ignore[return-value]  # a good answer has one


def _fault(error: AiogramError, status: int) -> Fault:
    fault = Fault("unsure", type(error).__name__)
    match error:
        case TelegramRetryAfter():
            fault = Fault("slow", f"too many calls, again in {error.retry_after} s", after=float(error.retry_after))
        case TelegramMigrateToChat():
            fault = Fault("refused", "the group became a supergroup", chat=error.migrate_to_chat_id)
        case TelegramUnauthorizedError():
            fault = Fault("unwanted", "the token isn't accepted")
        case TelegramConflictError():
            fault = Fault("conflict", error.message)
        case TelegramNotFound() if "method" in error.message.lower():
            fault = Fault("lacking", error.message)
        case TelegramNotFound():
            # A wrong token is "Not Found" too: the path has it.
            fault = Fault("unwanted", "the token isn't accepted, or there's no Bot API at api_url")
        case TelegramServerError():
            fault = _outage(error.message, status)
        case TelegramAPIError():
            fault = Fault("refused", error.message)
        case ClientDecodeError():
            fault = _unreadable(status)
    return fault


def _outage(words: str, status: int) -> Fault:
    if status == 501:
        return Fault("lacking", words)
    # 500 and 503 are the server's own word that it did nothing. A gateway's 502 or 504 isn't.
    return Fault("unsent" if status in (500, 503) else "unsure", f"HTTP {status}: {words}")


def _unreadable(status: int) -> Fault:
    """What an answer means that isn't the Bot API's: a gateway's HTML page, mostly."""
    text = f"HTTP {status}, and no answer of the Bot API"
    if status == 429:
        return Fault("slow", text, after=5.0)
    if status == 404:
        return Fault("unwanted", f"{text}; see api_url")
    if status == 503:
        return Fault("unsent", text)
    return Fault("refused" if 400 <= status < 500 else "unsure", text)


def as_delivery_error(fault: Fault) -> DeliveryError:
    """Return what a fault means for a message that was to be delivered."""
    match fault.kind:
        case "slow":
            return DeliveryDelayed(str(fault), max(fault.after, 1.0))
        case "unsent" | "conflict":
            return DeliveryDelayed(str(fault), 2.0)
        case "unwanted":
            return DeliveryDelayed(str(fault), 60.0)
        case "unsure":
            return DeliveryUncertain(str(fault))
        case "refused" | "lacking":
            return DeliveryRefused(str(fault))
