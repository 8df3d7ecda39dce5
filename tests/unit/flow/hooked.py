"""A hub's webhooks over the memory store, and receivers that answer as a test wishes."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from hub.dispatch.alone import Alone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.errors import EgressError
from hub.flow.elsewhere import Elsewhere
from hub.flow.guard import Guard
from hub.flow.journal import Journal
from hub.flow.labels import Labels
from hub.flow.outbox import Outbox
from hub.flow.preferences import Preferences
from hub.flow.quiet import Quiet
from hub.flow.webhook_work import WebhookWork
from hub.flow.webhooks import HookWish
from hub.ports import Add, Fetched
from hub.records import HOME, OWNER, Message, Webhook, WebhookDelivery
from hub.spool import Spool
from hub.store.documents import MemoryDocuments
from hub.store.memory import MemoryStore
from hub.testing import FakeClock, a_message, a_person, a_reply, settle
from hub.times.zones import Zones
from hub.vault import Vault

URL = "https://example.org/hook"
Answer = Callable[[], Fetched | EgressError]


@dataclass
class Got:
    """A request that a receiver got."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    def is_by(self, secret: str) -> bool:
        """Check the signature as the standard says, by no code of the hub's."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        said = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        right = base64.b64encode(hmac.new(key, said, sha256).digest()).decode()
        return f"v1,{right}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receivers:
    """An Egress to receivers; each URL answers 204 until the test says otherwise."""

    got: list[Got] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    async def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, **how: Any
    ) -> Fetched:
        self.asked.append(how)
        self.got.append(Got(url, headers or {}, body or b""))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if url in self.slow:
                await self.slow[url].wait()
        finally:
            self.at_once -= 1
        answer = self.answers[url]() if url in self.answers else told(204)
        if isinstance(answer, EgressError):
            raise answer
        return answer

    def says(self, status: int, body: bytes = b"", url: str = URL, **headers: str) -> None:
        self.answers[url] = lambda: told(status, body, **headers)

    def is_down(self, url: str = URL) -> None:
        self.answers[url] = lambda: EgressError(f"{url}: gave no answer (refused)")

    def bodies(self, url: str = URL) -> list[Any]:
        return [got.said for got in self.got if got.url == url]


def told(status: int, body: bytes = b"", **headers: str) -> Fetched:
    return Fetched(url="", status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body)


@dataclass
class Hooked:
    """Webhooks, and what they stand on."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: FakeClock = field(default_factory=FakeClock)
    outside: Receivers = field(default_factory=Receivers)
    feed: LocalFeed = field(default_factory=LocalFeed)
    vault: Vault = field(default_factory=lambda: Vault(b"k" * 32))
    halted: bool = False

    def __post_init__(self) -> None:
        store, clock = self.store, self.clock
        self.journal = journal = Journal(store, self.feed, LocalDispatcher(clock), clock)
        elsewhere = Elsewhere(store, clock, {})
        quiet = Quiet(store, Preferences(MemoryDocuments(), Zones(MemoryDocuments(), "UTC")), clock)
        labels, guard, spool = Labels(store, clock, 24.0), Guard(clock, {}), Spool(store, "boot1")
        self.outbox = Outbox(store, spool, journal, clock, {}, labels, elsewhere, guard, quiet)
        self.work = WebhookWork(
            store,
            journal,
            self.outbox,
            elsewhere,
            clock,
            self.feed,
            Alone("boot1", "here", clock),
            egress=self.outside,
            vault=self.vault,
            url="https://hub.example.org/",
            halted=lambda: self.halted,
        )
        self.hooks = self.work.hooks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver until the end of the block; what ends it is like a kill."""
        work = asyncio.ensure_future(self.work.run())
        await settle()
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait([work])

    def again(self) -> "Hooked":
        """Return the hub as it starts anew over what's kept."""
        return Hooked(self.store, self.clock, self.outside, LocalFeed(), self.vault)

    async def hook(self, *events: Any, **wish: Any) -> tuple[Webhook, str]:
        wish = {"url": URL, "events": events or ("message.answered",)} | wish
        return await self.hooks.create(HOME, OWNER, HookWish(**wish))

    async def answered(self, text: str = "Hi!", **fields: Any) -> Message:
        """Have an agent answer something."""
        asked = a_message(**fields)
        reply = a_reply(asked, text)
        await self.journal.commit(Add(asked), *self.outbox.say(reply))
        await settle()
        return reply


async def hooked(**fields: Any) -> Hooked:
    """Return webhooks of a hub that has an owner."""
    found = Hooked(**fields)
    await found.store.commit(Add(a_person()))
    return found


async def deliveries(hub: Hooked) -> list[WebhookDelivery]:
    """Return what went to the only webhook, or waits for it, oldest first."""
    [hook] = await hub.store.webhooks(HOME)
    return list(reversed(await hub.store.webhook_deliveries(HOME, hook.id, limit=200)))
