"""A Telegram bot as a bridge: what comes in is kept before it's acknowledged, what goes out arrives in its topic."""

import asyncio
import hmac
import json
import logging
from collections.abc import Callable, Mapping, Sequence

from aiogram.methods import DeleteWebhook, GetMe, GetWebhookInfo, SendChatAction, SetWebhook
from aiogram.types import User
from msgspec.structs import replace

from bridges.telegram import convert
from bridges.telegram.albums import Albums
from bridges.telegram.api import Api, Fault
from bridges.telegram.drafts import Drafts
from bridges.telegram.fetching import Fetcher
from bridges.telegram.intake import Intake, Raw, Settled
from bridges.telegram.pace import Pace
from bridges.telegram.polling import Polling
from bridges.telegram.posting import Poster
from bridges.telegram.profile import introduce
from bridges.telegram.replies import Replies
from bridges.telegram.sending import Gate, Sender
from bridges.telegram.topics import Topics
from bridges.telegram.unfinished import Unfinished
from hub.accounts import UPDATES, TelegramAccount, name_of, webhook_secret
from hub.errors import DeliveryDelayed, StoreError
from hub.ports import Accept, BridgeInfo, Clock, Delivered, Desk, Documents, Draft, Files, Outgoing
from hub.records import Address, Message, Task, TurnId

log = logging.getLogger(__name__)

HEADER = "x-telegram-bot-api-secret-token"
CONNECTIONS = 40
LOOK = 60.0
"""Seconds between two looks at how Telegram gets on with our webhook."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 20.0
PROBING = 12
READY = 3.0
"""Seconds that a call of Telegram's waits for us to be ready."""
UNWANTED = 60.0
"""Seconds until a token that wasn't accepted is tried again."""


class TelegramBridge:
    """Bridge, Drafting, Typing, Retracting, Editing, Threading and Hooked for one bot; `account` has its token."""

    def __init__(
        self, account: TelegramAccount, *, files: Files, desk: Desk, documents: Documents, clock: Clock
    ) -> None:
        self.name = name_of(account)
        self._account = account
        self._desk = desk
        self._clock = clock
        self._me = convert.Me(id=0)
        self._info = BridgeInfo(name=self.name, kind="telegram", state="connecting", since=clock.now())
        self._take: Callable[[Raw], asyncio.Task[Settled]] | None = None
        self._connected = asyncio.Event()
        self._opening = asyncio.Lock()
        self._opened = False
        owner = f"bridges/{self.name}"
        self._api = api = self._called()
        self._gate = Gate(api, clock, met=self._met)
        self._pace = pace = Pace(clock)
        self._replies = replies = Replies(api, pace, clock, receipts=account.receipts)
        self._topics = topics = Topics(api, documents, owner, clock, bot=self._bot, wanted=account.topics)
        self._unfinished = Unfinished(documents, owner)
        self._albums = Albums(documents, owner, clock)
        self._fetcher = Fetcher(api, files, account.file_mb)
        poster = Poster(api, files)
        self._drafts = drafts = Drafts(
            api=api,
            pace=pace,
            poster=poster,
            topics=topics,
            unfinished=self._unfinished,
            replies=replies,
            clock=clock,
            every=account.pace,
        )
        self._sender = Sender(
            api=api,
            gate=self._gate,
            pace=pace,
            poster=poster,
            topics=topics,
            drafts=drafts,
            replies=replies,
            clock=clock,
        )

    @property
    def info(self) -> BridgeInfo:
        return self._info

    async def run(self, accept: Accept) -> None:
        intake = Intake(
            self._account,
            self.name,
            api=self._api,
            fetcher=self._fetcher,
            albums=self._albums,
            replies=self._replies,
            topics=self._topics,
            desk=self._desk,
            clock=self._clock,
            bot=self._bot,
            accept=accept,
            noted=self._noted,
        )
        await self._open()
        await self._albums.open()
        try:
            async with asyncio.TaskGroup() as group:
                self._take = lambda raw: group.create_task(intake.take(raw))
                group.create_task(self._replies.run())
                group.create_task(self._drafts.run())
                group.create_task(intake.run())
                await self._serve(intake)
        finally:
            self._take = None
            self._connected.clear()
            self._set("stopped", "")
            await self._api.close()

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        await self._open_for_delivery()
        return await self._sender.deliver(outgoing)

    async def show(self, draft: Draft) -> None:
        self._drafts.show(draft)

    async def drop(self, turn: TurnId) -> None:
        try:
            await self._open()
            await self._drafts.drop(turn)
        except StoreError as error:
            log.warning("a draft can't be forgotten: %s", error)

    async def typing(self, address: Address) -> None:
        thread = int(address.thread) if address.thread else None
        self._replies.put(None, SendChatAction(chat_id=int(address.chat), action="typing", message_thread_id=thread))

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        await self._open_for_delivery()
        await self._sender.retract(message, ids, to)

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        await self._open_for_delivery()
        await self._sender.edit(outgoing, ids)

    async def tell(self, address: Address, task: Task) -> None:
        await self._open_for_delivery()
        await self._sender.tell(address, task)

    async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
        if not hmac.compare_digest(headers.get(HEADER, "").encode(), self.secret.encode()):
            return 401
        try:
            raw = json.loads(body)
            int(raw["update_id"])
        except (ValueError, TypeError, KeyError):
            return 400
        self._heard()
        return 200 if await self._took(raw) else 503

    async def close(self) -> None:
        """Close what `deliver` opened without `run`."""
        await self._api.close()

    async def probe(self) -> BridgeInfo:
        """Ask the server who we are, and say how it is in words for `agenthost doctor`."""
        api = self._called()
        try:
            bot = convert.me(await api.call(GetMe(), patience=PROBING))
        except Fault as fault:
            state = "refused" if fault.kind == "unwanted" else "waiting"
            return replace(self._info, state=state, detail=self._explained(fault))
        finally:
            await api.close()
        return replace(self._info, state="running", detail="", account=bot.account, heard_at=self._clock.now())

    async def _open(self) -> None:
        """Remember what the last run knew, once; raises StoreError."""
        async with self._opening:
            if not self._opened:
                await self._topics.open()
                await self._unfinished.open()
                self._opened = True

    async def _open_for_delivery(self) -> None:
        try:
            await self._open()
        except StoreError as error:
            raise DeliveryDelayed(str(error), LONGEST_PAUSE) from None

    async def _took(self, raw: Raw) -> bool:
        """Take an update, once it's known who we are; return whether the hub answers for it."""
        try:
            async with asyncio.timeout(READY):
                await self._connected.wait()
        except TimeoutError:
            return False
        if self._take is None:
            return False
        # A task of the bridge's: it's cut off with the bridge, and not by a caller who hangs up.
        taking = self._take(raw)
        await asyncio.wait([taking])
        return not taking.cancelled() and taking.result() == "settled"

    async def _serve(self, intake: Intake) -> None:
        """Connect, and again whenever it turns out that we aren't wanted, until cancelled."""
        while True:
            await self._connect()
            try:
                if self._account.mode == "webhook":
                    await self._watch_webhook()
                elif self._account.mode == "waker":
                    # What people say comes from there, over `hook`; and so does the news that we aren't wanted.
                    self._set("running", "")
                    await asyncio.Event().wait()
                else:
                    await self._drop_webhook()
                    self._set("running", "")
                    raise await Polling(self._api, intake, self._clock, down=self._down).run()
            except Fault as fault:
                self._down(fault)
                log.warning("%s: %s", self.name, fault)
                await self._clock.sleep(UNWANTED if fault.kind == "unwanted" else FIRST_PAUSE)

    async def _connect(self) -> None:
        """Find out who we are, however long that takes."""
        pause = FIRST_PAUSE
        while True:
            try:
                user = await self._api.call(GetMe())
            except Fault as fault:
                self._down(fault)
                log.warning("%s: %s", self.name, fault)
                wait = {"unwanted": UNWANTED, "slow": fault.after}.get(fault.kind, pause)
                await self._clock.sleep(wait)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._met(user)
                self._connected.set()
                introduce(self._replies, self._account.owner)
                return

    async def _drop_webhook(self) -> None:
        try:
            info = await self._api.call(GetWebhookInfo())
        except Fault as fault:
            if fault.kind not in ("lacking", "refused"):
                raise
            return
        if info.url:
            log.info("%s: the webhook is taken away, for it's polled now", self.name)
            await self._api.call(DeleteWebhook())

    async def _watch_webhook(self) -> None:
        """Have Telegram call us, and look now and then how it gets on; raises Fault."""
        url = f"{self._account.webhook_url.rstrip('/')}/telegram/{self.name}"
        kinds = list(UPDATES)
        while True:
            info = await self._api.call(GetWebhookInfo())
            if info.url != url or self._info.state == "connecting":
                await self._set_webhook(url, kinds)
                info = await self._api.call(GetWebhookInfo())
            trouble = info.last_error_message if info.pending_update_count else None
            self._set("waiting" if trouble else "running", f"Telegram can't call {url}: {trouble}" if trouble else "")
            await self._clock.sleep(LOOK)

    async def _set_webhook(self, url: str, kinds: list[str]) -> None:
        while True:
            try:
                await self._api.call(
                    SetWebhook(url=url, secret_token=self.secret, allowed_updates=kinds, max_connections=CONNECTIONS)
                )
            except Fault as fault:
                if fault.kind != "refused" or not fault.says("allowed_updates") or len(kinds) == 1:
                    raise
                log.info("this server doesn't know %r", kinds.pop())
            else:
                return

    @property
    def secret(self) -> str:
        """What Telegram proves itself by when it calls us."""
        return webhook_secret(self._account)

    def _called(self) -> Api:
        return Api(self._account.token, self._account.api_url, heard=self._heard)

    def _bot(self) -> convert.Me:
        return self._me

    def _met(self, user: User) -> None:
        self._me = convert.me(user)
        invite = f"https://t.me/{user.username}?start={{code}}" if user.username else ""
        self._info = replace(self._info, account=self._me.account, invite=invite)

    def _heard(self) -> None:
        self._info = replace(self._info, heard_at=self._clock.now())
        if self._me.id:
            self._gate.open()

    def _noted(self, lag: float) -> None:
        self._info = replace(self._info, lag=max(lag, 0.0))

    def _down(self, fault: Fault | None) -> None:
        if fault is None:
            self._set("running", "")
        else:
            self._set("refused" if fault.kind == "unwanted" else "waiting", self._explained(fault))

    def _explained(self, fault: Fault) -> str:
        if fault.kind == "unwanted":
            return f"{fault}; take the token that BotFather shows, and look at api_url"
        if fault.kind == "conflict":
            return "another program takes this bot's messages; stop it, or give one of the two a bot of its own"
        return str(fault)

    def _set(self, state: str, detail: str) -> None:
        if (self._info.state, self._info.detail) != (state, detail):
            self._info = replace(self._info, state=state, detail=detail, since=self._clock.now())
