"""A bridge to Telegram with our own Bot API server on its other side, for the contract tests."""

import asyncio
import json
import tempfile
from pathlib import Path

# Read here, and not in the first test's time: the bridge itself reads its library late.
import bridges.telegram.bridge  # noqa: F401
from hub.errors import DeliveryDelayed, DeliveryError, DeliveryUncertain
from hub.records import Address
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.description import described
from tests.telegram.proxy import Proxy
from tests.telegram.seen import Refusal
from tests.telegram.world import World, an_account


class TelegramPolled:
    """The bridge asks for what people write."""

    mode = "polling"

    def __init__(self) -> None:
        self.address = Address(bridge="telegram", chat="1001")
        self._folder = tempfile.TemporaryDirectory()
        self._api = BotApi(described(), topics=True)
        self._ids: dict[int, str] = {}

    async def build(self) -> None:
        """Have the platform listen."""
        await self._api.__aenter__()
        self._proxy = await Proxy(self._api.url).__aenter__()
        account = an_account(self._proxy.url, TOKEN, mode=self.mode, webhook_url="https://hub.example.org")
        self.world = World(account, Path(self._folder.name))
        await self.world.files.open()
        self.bridge = self.world.bridge

    async def take_down(self) -> None:
        """Have it gone, and see that nothing was asked of it that the Bot API doesn't know."""
        await self.bridge.close()
        await self._proxy.__aexit__(None, None, None)
        await self._api.__aexit__(None, None, None)
        self._folder.cleanup()
        assert self._api.faults == []

    async def say(self, text: str, *, id: str) -> None:
        update = self._api.tell({"message": self._message(text, id)})
        self._ids[update] = id

    async def hand_over_again(self) -> None:
        """It does that by itself: what isn't acknowledged comes with the next answer."""

    def acknowledged(self) -> list[str]:
        return [self._ids[update] for update in self._api.acknowledged if update in self._ids]

    def read(self) -> list[tuple[str, str]]:
        return [(str(shown.id), shown.text) for shown in self._api.shown if not shown.gone]

    def told(self) -> list[str]:
        return [*self._api.texts, *self._api.reactions.values()]

    def fail_next(self, error: type[DeliveryError]) -> None:
        if error is DeliveryUncertain:
            self._proxy.fail("sendMessage", "lost")
        elif error is DeliveryDelayed:
            for method in ("sendMessage", "deleteMessage", "editMessageText", "editForumTopic"):
                self._api.refusing.append((method, Refusal("Too Many Requests: retry after 1", 429, retry_after=1)))
        else:
            self._api.refusing.append(("sendMessage", Refusal("Forbidden: bot was blocked by the user", 403)))

    def posted(self, text: str, *, id: str) -> tuple[dict[str, str], bytes]:
        update = {"update_id": 7000 + int(id), "message": self._message(text, id)}
        return {"x-telegram-bot-api-secret-token": self.bridge.secret}, json.dumps(update).encode()

    def relayed(self, text: str, *, id: str) -> str:
        raise NotImplementedError("what the waker hears at Telegram is posted")

    def _message(self, text: str, id: str) -> dict[str, object]:
        # Nobody can write an empty text at Telegram; a sticker comes nearest.
        sticker = {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1,
                   "is_animated": False, "is_video": False, "emoji": "x"}  # fmt: skip
        said = {"text": text} if text else {"sticker": sticker}
        return self._api.message(**said) | {"message_id": int(id)}


class TelegramHooked(TelegramPolled):
    """The platform posts what people write to the bridge."""

    mode = "webhook"

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[str, str]] = []
        self._taken: list[str] = []
        self._posting: asyncio.Task[None] | None = None

    async def take_down(self) -> None:
        if self._posting is not None:
            self._posting.cancel()
        await super().take_down()

    async def say(self, text: str, *, id: str) -> None:
        self._waiting.append((text, id))
        await self.hand_over_again()

    async def hand_over_again(self) -> None:
        self._posting = asyncio.ensure_future(self._post(self._posting))

    def acknowledged(self) -> list[str]:
        return self._taken

    async def _post(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before], timeout=0.2)
        for text, id in tuple(self._waiting):
            if await self.bridge.hook(*self.posted(text, id=id)) == 200:
                self._waiting.remove((text, id))
                self._taken.append(id)
