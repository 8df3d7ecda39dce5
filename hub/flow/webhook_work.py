"""All of webhooks, put together: what makes deliveries, what sends them, who may change them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hub.errors import EgressError
from hub.flow.elsewhere import Elsewhere
from hub.flow.journal import Journal
from hub.flow.outbox import Outbox
from hub.flow.webhook_feed import WebhookFeed
from hub.flow.webhook_lanes import WebhookLanes
from hub.flow.webhook_posting import Poster
from hub.flow.webhooks import Webhooks
from hub.ports import Clock, Egress, Feed, Fetched, Hubs, Store
from hub.vault import Vault


class WebhookWork:
    """What one hub does for all webhooks."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        elsewhere: Elsewhere,
        clock: Clock,
        feed: Feed,
        hubs: Hubs,
        *,
        egress: Egress | None = None,
        vault: Vault | None = None,
        url: str = "",
        keep: timedelta = timedelta(days=14),
        halted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`egress` None: nothing goes out. `url` is the hub's own; deliveries are kept so long. While it's
        `halted`, nothing goes out.
        """
        self._store = store
        self._clock = clock
        self._keep = keep
        egress, vault = egress or _NoWayOut(), vault or Vault.fresh()
        poster = Poster(store, clock, egress, vault, url)
        self.lanes = WebhookLanes(store, journal, outbox, elsewhere, clock, poster, check=hubs.check, halted=halted)
        self.feed = WebhookFeed(store, feed, clock, self.lanes)
        self.hooks = Webhooks(store, clock, egress, vault, hubs, self.feed, self.lanes, poster)
        self.vault = vault

    async def run(self) -> None:
        """Make deliveries and send them until cancelled; by one hub at a time. Raises StoreUnavailable."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lanes.run())
            group.create_task(self.feed.run())

    async def sweep(self) -> None:
        """Forget deliveries that are too old; raises StoreUnavailable."""
        await self._store.forget_webhook_deliveries(self._clock.now() - self._keep)

    async def waiting(self) -> tuple[Sequence[str], datetime | None]:
        """Say what's to be done for webhooks now, in words, and when the next of what waits is due."""
        dues = [lane.due_at for lane in await self._store.webhook_lanes()]
        now, busy = self._clock.now(), list[str]()
        if self.lanes.sending or any(due <= now for due in dues):
            busy.append("deliveries to webhooks")
        if await self.feed.behind():
            busy.append("events that webhooks are told of")
        return busy, min((due for due in dues if due > now), default=None)


class _NoWayOut:
    """An Egress that asks nobody."""

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        hosts: Sequence[str] = (),
        limit: int = 5_000_000,
        seconds: float = 30.0,
        redirects: int = 3,
        cut: bool = False,
    ) -> Fetched:
        """See Egress."""
        raise EgressError(f"{url}: isn't asked, for this hub has no way out")
