"""A Telegram bot's ear: updates are fetched or posted here, kept as they came, and then acknowledged.

Only as much of an update is read as says who it's from and which chat it's in: all else is the hub's own bridge's.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpcore
import msgspec

from hub.accounts import UPDATES, TelegramAccount, name_of, webhook_secret
from hub.errors import StoreUnavailable
from hub.ports.time import Clock
from hub.waker.ears import STRANGERS
from hub.waker.power import Power
from hub.waker.spool import Heard, Spool

log = logging.getLogger(__name__)

HEADER = "x-telegram-bot-api-secret-token"
POLL = 50
"""Seconds that Telegram holds a poll open."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
TYPING = 4.0
"""Seconds between two signs that somebody is at work: Telegram shows each for five."""
TOLD = 20
"""Chats that are told of a hub that can't be started."""
WEBHOOK = {"max_connections": 40, "allowed_updates": UPDATES}
Update = dict[str, Any]


class Refused(Exception):
    """Telegram didn't do what it was asked."""

    def __init__(self, detail: str, after: float = 0.0) -> None:
        super().__init__(detail)
        self.after = after


class TelegramEar:
    """Hears for one bot."""

    def __init__(self, account: TelegramAccount, power: Power, spool: Spool, clock: Clock) -> None:
        self.name = name_of(account)
        self.account = account
        self._power = power
        self._spool = spool
        self._clock = clock
        self._pool = httpcore.AsyncConnectionPool(max_connections=8)
        self.trouble = ""
        """See Ear.trouble."""
        self._awaiting: dict[str, float] = {}
        """Chats whose last words the hub is being woken for, and since when."""

    async def run(self) -> None:
        """Hear until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._type())
            await (self._be_called() if self.account.mode == "webhook" else self._poll())

    async def close(self) -> None:
        await self._pool.aclose()

    async def posted(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take what Telegram posts; return the status to answer with: 200 once it's on disk."""
        if not hmac.compare_digest(headers.get(HEADER, "").encode(), webhook_secret(self.account).encode()):
            return 401
        try:
            update = msgspec.json.decode(body, type=dict[str, Any])
            await self._keep(update, body)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            return 400
        except StoreUnavailable as error:
            log.error("%s: %s", self.name, error)
            return 503
        return 200

    async def tell(self, text: str, *, owner: bool) -> None:
        """Tell those who wait that their words can't be answered for now, and the owner if that's wanted."""
        chats = list(self._awaiting)[:TOLD]
        # A person's own chat with a bot has the person's number.
        if owner and self.account.owner.isdecimal() and self.account.owner not in chats:
            chats.append(self.account.owner)
        for chat in chats:
            self._awaiting.pop(chat, None)
            try:
                await self._call("sendMessage", {"chat_id": int(chat), "text": text}, 15.0)
            except Refused as fault:
                log.warning("%s: a chat can't be told: %s", self.name, fault)

    # --- hearing

    async def _poll(self) -> None:
        pause = FIRST_PAUSE
        offset = int(await self._spool.marked(f"offset:{self.name}") or 0)
        dropped = False
        while True:
            try:
                if not dropped:
                    await self._call("deleteWebhook", {}, 15.0)
                    dropped = True
                asked = {"offset": offset, "timeout": POLL, "allowed_updates": UPDATES}
                updates = await self._call("getUpdates", asked, POLL + 15.0)
                for update in updates:
                    await self._keep(update, msgspec.json.encode(update))
                    offset = max(offset, int(update["update_id"]) + 1)
                if updates:
                    # Only now does the next poll tell Telegram that these were received.
                    await self._spool.mark(f"offset:{self.name}", str(offset))
                pause, self.trouble = FIRST_PAUSE, ""
            except (Refused, StoreUnavailable) as fault:
                self.trouble = str(fault)
                log.warning("%s: %s", self.name, fault)
                await self._clock.sleep(max(pause, getattr(fault, "after", 0.0)))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _be_called(self) -> None:
        url = f"{self.account.webhook_url.rstrip('/')}/telegram/{self.name}"
        pause = FIRST_PAUSE
        while True:
            try:
                info = await self._call("getWebhookInfo", {}, 15.0)
                if info.get("url") != url:
                    wanted = {"url": url, "secret_token": webhook_secret(self.account), **WEBHOOK}
                    await self._call("setWebhook", wanted, 15.0)
                pause, self.trouble = FIRST_PAUSE, ""
                await self._clock.sleep(60.0)
            except Refused as fault:
                self.trouble = str(fault)
                log.warning("%s: %s", self.name, fault)
                await self._clock.sleep(max(pause, fault.after))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _keep(self, update: Update, body: bytes) -> None:
        chat, senders = _whose(update)
        known = await self._known(senders)
        heard = Heard(
            hub=self._power.hub.name,
            account=self.name,
            key=str(int(update["update_id"])),
            lane=chat,
            body=body,
            wakes=known,
            at=time.time(),
        )
        await self._spool.put(heard)
        if not known:
            await self._spool.crowd(self.name, STRANGERS)
        elif self._power.state != "ready":
            if chat:
                self._awaiting[chat] = self._clock.monotonic()
            self._power.wake()

    async def _known(self, senders: Sequence[str]) -> bool:
        if self.account.access == "open" and senders:
            return True
        named = {entry.strip().casefold() for entry in (self.account.owner, *self.account.allow) if entry}
        if any(sender.casefold() in named for sender in senders):
            return True
        if self.account.access == "list":
            return False
        return bool(senders) and await self._spool.knows(self._power.hub.name, f"sender:{self.name}", senders)

    async def _type(self) -> None:
        """Show those whose words wake the hub that something is happening."""
        while True:
            await self._clock.sleep(TYPING)
            if self._power.state == "ready":
                self._awaiting.clear()
            for chat in list(self._awaiting)[:TOLD]:
                try:
                    await self._call("sendChatAction", {"chat_id": int(chat), "action": "typing"}, 10.0)
                except Refused:
                    break

    # --- below

    async def _call(self, method: str, values: Mapping[str, object], patience: float) -> Any:
        """Return what Telegram answers; raises Refused, whose words hold no token."""
        url = f"{self.account.api_url.rstrip('/')}/bot{self.account.token}/{method}"
        headers: dict[bytes | str, bytes | str] = {"Content-Type": "application/x-www-form-urlencoded"}
        form = {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in values.items()
        }
        waits = {"connect": 15.0, "read": patience, "write": 15.0, "pool": 15.0}
        try:
            answer = await self._pool.request(
                "POST",
                url,
                headers=headers,
                content=urlencode(form).encode(),
                extensions={"timeout": waits},
            )
            found = msgspec.json.decode(answer.content, type=dict[str, Any])
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise Refused(f"{method}: Telegram can't be reached ({type(error).__name__})") from None
        except msgspec.MsgspecError:
            raise Refused(f"{method}: Telegram answered with something else than JSON") from None
        if not found.get("ok"):
            after = float((found.get("parameters") or {}).get("retry_after") or 0.0)
            raise Refused(f"{method}: {found.get('description', 'no')}", after)
        return found.get("result")


def _whose(update: Update) -> tuple[str, tuple[str, ...]]:
    """Return the chat of an update, and how its sender is called: by number and by public name."""
    for value in update.values():
        if isinstance(value, dict):
            message = value.get("message") if isinstance(value.get("message"), dict) else value
            chat = message.get("chat") if isinstance(message, dict) else None
            sender = value.get("from") or value.get("user") or {}
            number = str(sender.get("id", "")) if isinstance(sender, dict) else ""
            handle = str(sender.get("username") or "") if isinstance(sender, dict) else ""
            names = tuple(name for name in (number, f"@{handle}" if handle else "") if name)
            return (str(chat.get("id", "")) if isinstance(chat, dict) else number), names
    return "", ()
