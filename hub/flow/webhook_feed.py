"""Events -> deliveries: read in their order from where each webhook is, and kept together with how far that is.

Events have numbers without gaps and are kept, so one that nobody was there to read is read later: after a kill, or by
another hub. While nothing happens, nothing is read.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from hub.errors import Conflict, Duplicate
from hub.failpoints import reach
from hub.flow.webhook_events import Matching, delivery_of
from hub.flow.webhook_lanes import WebhookLanes
from hub.ports import Add, Change, Clock, Feed, Save, Store
from hub.records import Event, Webhook, WebhookCursor, WebhookId

log = logging.getLogger(__name__)

PAGE = 200
BEHIND = 1_000
"""So many events that weren't for a webhook are read again at most after a restart."""
KNOWN_FOR = 5.0
"""Seconds that it's believed which webhooks there are, if another hub changed one and couldn't say so."""
MOST_WAITING = 10_000
"""Deliveries that wait for one webhook."""


class WebhookFeed:
    """Makes deliveries of events."""

    def __init__(self, store: Store, feed: Feed, clock: Clock, lanes: WebhookLanes) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._lanes = lanes
        self._stirred = asyncio.Event()
        self._hooks: tuple[Webhook, ...] = ()
        self._known_at: float | None = None
        self._read: dict[WebhookId, int] = {}
        self._kept: dict[WebhookId, int] = {}

    async def behind(self) -> bool:
        """Say whether something happened that wasn't read yet, for webhooks that this hub reads for."""
        return bool(self._read) and await self._store.last_event() > min(self._read.values())

    def changed(self) -> None:
        """Take note that there are other webhooks than before."""
        self._known_at = None
        self._stirred.set()

    async def run(self) -> None:
        """Read what was missed, then what comes, until cancelled; by one hub at a time. Raises StoreUnavailable."""
        self._known_at = None
        self._read.clear()
        self._kept.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            while True:
                self._stirred.clear()
                await self._catch_up()
                await self._stirred.wait()

    async def _listen(self) -> None:
        while True:
            async for news in self._feed.watch_all():
                if isinstance(news, Event):
                    self._stirred.set()
            # More happened than was listened to: it's read from the store.
            self._stirred.set()

    async def _catch_up(self) -> None:
        while await self._page():
            pass

    async def _page(self) -> bool:
        """Read some more, and say whether there may be more yet."""
        hooks = await self._known()
        if not hooks:
            return False
        after = min(self._read[hook.id] for hook in hooks)
        events = await self._store.events_since(after, PAGE)
        if not events:
            return False
        try:
            await self._keep(hooks, events)
        except (Conflict, Duplicate) as error:
            # A webhook was removed at this moment, or another hub was here: what's kept says how far all are.
            log.info("webhooks are looked up anew: %s", error)
            self._known_at = None
            self._read.clear()
        return True

    async def _keep(self, hooks: Sequence[Webhook], events: Sequence[Event]) -> None:
        found = await self._found(hooks, events)
        last = events[-1].seq
        moved = [
            hook
            for hook in hooks
            if found[hook.id] or max(last, self._read[hook.id]) - self._kept.get(hook.id, 0) >= BEHIND
        ]
        changes = [change for hook in moved for change in found[hook.id]]
        read = {hook.id: max(last, self._read[hook.id]) for hook in hooks}
        if moved:
            reach("webhook.before-feed")
            cursors = [Save(WebhookCursor(webhook=hook.id, tenant=hook.tenant, seq=read[hook.id])) for hook in moved]
            await self._store.commit(*changes, *cursors)
            reach("webhook.after-feed")
            self._kept |= {hook.id: read[hook.id] for hook in moved}
            self._lanes.wake(*[hook.id for hook in moved if found[hook.id]])
        self._read |= read
        for hook in moved:
            await self._check_waiting(hook)

    async def _found(self, hooks: Sequence[Webhook], events: Sequence[Event]) -> Mapping[WebhookId, list[Change]]:
        matching, now = Matching(self._store), self._clock.now()
        found: dict[WebhookId, list[Change]] = {hook.id: [] for hook in hooks}
        for event in events:
            for hook in hooks:
                if event.seq > self._read[hook.id] and await matching.fits(hook, event):
                    delivery = delivery_of(hook, event, now)
                    found[hook.id] += [Add(delivery)] if delivery else []
        return found

    async def _check_waiting(self, hook: Webhook) -> None:
        """Switch off a webhook that more waits for than can be kept."""
        now = await self._store.webhook(hook.tenant, hook.id)
        if now is None or now.off_at is not None or now.failing_since is None:
            return
        if (await self._store.webhook_counts(hook.id)).get("waiting", 0) >= MOST_WAITING:
            await self._lanes.switch_off(now, f"{MOST_WAITING:,} deliveries wait, and it doesn't answer as it should")
            self._known_at = None

    async def _known(self) -> Sequence[Webhook]:
        """Return the webhooks that are on."""
        now = self._clock.monotonic()
        if self._known_at is None or now - self._known_at > KNOWN_FOR:
            hooks = await self._store.webhooks_on()
            cursors = {cursor.webhook: cursor.seq for cursor in await self._store.webhook_cursors()} if hooks else {}
            self._hooks = tuple(hook for hook in hooks if hook.id in cursors)
            self._kept = {hook.id: cursors[hook.id] for hook in self._hooks}
            self._read = {hook.id: max(self._read.get(hook.id, 0), cursors[hook.id]) for hook in self._hooks}
            self._known_at = now
        return self._hooks
