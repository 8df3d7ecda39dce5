"""Webhooks: made, changed, tried, removed; and what went to them, sent once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from hub.errors import BadRequest, Decided, EgressError, NotFound, TooMany
from hub.flow.webhook_events import id_for
from hub.flow.webhook_feed import WebhookFeed
from hub.flow.webhook_lanes import WebhookLanes
from hub.flow.webhook_posting import Poster, about, hosts_of
from hub.flow.webhook_signing import fresh_secret
from hub.ports import Add, Clock, Egress, Hubs, Remove, Save, Store, Vetting
from hub.records import (
    Inclusion,
    PersonId,
    TaskId,
    TenantId,
    Webhook,
    WebhookCursor,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookEvent,
    WebhookId,
    new_id,
)
from hub.vault import Vault

TOPIC = "webhooks"
"""Under which hubs tell each other that one was changed."""
MOST = 50
"""Webhooks of a tenant."""
LONGEST = 2_000
"""Characters of a URL."""
CHUNK = 100
RECOVERED = 1_000
"""Deliveries that are sent again in one go."""


@dataclass(frozen=True, kw_only=True)
class HookWish:
    """How a webhook shall be; UNSET leaves it as it is."""

    url: str | UnsetType = UNSET
    events: Sequence[WebhookEvent] | UnsetType = UNSET
    include: Sequence[Inclusion] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    task: TaskId | UnsetType | None = UNSET
    chat: str | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Webhooks:
    """Keeps webhooks."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        egress: Egress,
        vault: Vault,
        hubs: Hubs,
        feed: WebhookFeed,
        lanes: WebhookLanes,
        poster: Poster,
    ) -> None:
        self._store = store
        self._clock = clock
        self._egress = egress
        self._vault = vault
        self._hubs = hubs
        self._feed = feed
        self._lanes = lanes
        self._poster = poster
        hubs.hear(TOPIC, self._heard)

    async def create(self, tenant: TenantId, by: PersonId, wish: HookWish) -> tuple[Webhook, str]:
        """Make a webhook that's told of what happens from now on; return it with its secret, shown once.

        Raises BadRequest, and TooMany beyond the most of a tenant.
        """
        if len(await self._store.webhooks(tenant)) >= MOST:
            raise TooMany(f"webhooks: there are {MOST}, which is the most; remove one first", after=60.0)
        hook = Webhook(
            id=WebhookId(new_id()), tenant=tenant, by=by, url="", events=(), secret="", created_at=self._clock.now()
        )
        secret = fresh_secret()
        hook = await self._wished(replace(hook, secret=self._vault.seal(secret.encode(), about=about(hook))), wish)
        seq = await self._store.last_event()
        await self._store.commit(Add(hook), Add(WebhookCursor(webhook=hook.id, tenant=tenant, seq=seq)))
        await self._changed(hook)
        return hook, secret

    async def named(self, tenant: TenantId, id: str) -> Webhook:
        """Return a webhook; raises NotFound."""
        found = await self._store.webhook(tenant, WebhookId(id))
        if found is None:
            raise NotFound(f"webhook: there's no {id[:80]!r}; GET /v1/webhooks lists them")
        return found

    async def change(self, tenant: TenantId, id: str, wish: HookWish) -> Webhook:
        """Change a webhook. Switched on again it's told of what happens from then on, and of what still waits.

        Raises NotFound, BadRequest, and Conflict if it was changed by somebody else meanwhile.
        """
        was = await self.named(tenant, id)
        hook = await self._wished(was, wish)
        if was.off_at is not None and hook.off_at is None:
            seq = await self._store.last_event()
            await self._store.commit(Save(hook), Save(WebhookCursor(webhook=hook.id, tenant=tenant, seq=seq)))
        else:
            await self._store.commit(Save(hook))
        await self._changed(hook)
        return replace(hook, revision=hook.revision + 1)

    async def rotate(self, tenant: TenantId, id: str, keep: timedelta) -> tuple[Webhook, str]:
        """Give a webhook a fresh secret, and sign by the old one as well for so long. Raises NotFound."""
        hook, secret = await self.named(tenant, id), fresh_secret()
        hook = replace(
            hook,
            secret=self._vault.seal(secret.encode(), about=about(hook)),
            old_secret=hook.secret if keep else "",
            old_until=self._clock.now() + keep if keep else None,
        )
        await self._store.commit(Save(hook))
        await self._changed(hook)
        return hook, secret

    async def remove(self, tenant: TenantId, id: str) -> None:
        """Forget a webhook, and all that went to it or waits for it. Raises NotFound."""
        hook = await self.named(tenant, id)
        await self._store.commit(Remove(hook), Remove(WebhookCursor(webhook=hook.id, tenant=tenant, seq=0)))
        await self._changed(hook)
        while found := await self._store.webhook_deliveries(tenant, hook.id, limit=CHUNK):
            await self._store.commit(*map(Remove, found))

    async def try_out(self, tenant: TenantId, id: str) -> WebhookDelivery:
        """Send a webhook a test at once, whatever waits for it, and return what came of it. Raises NotFound."""
        hook, now = await self.named(tenant, id), self._clock.now()
        test = WebhookDelivery(
            id=id_for(await self._store.last_event()),
            tenant=tenant,
            webhook=hook.id,
            event="webhook.test",
            seq=None,
            person=hook.by,
            happened_at=now,
            created_at=now,
            due_at=now,
        )
        outcome = await self._poster.post(hook, test)
        test = replace(
            test,
            state="delivered" if outcome.delivered else "dead",
            attempts=1,
            sent_at=now,
            ms=outcome.ms,
            status=outcome.status,
            answer=outcome.answer,
            error=outcome.error,
        )
        await self._store.commit(Add(test))
        return test

    # --- what went to one

    async def deliveries(
        self,
        tenant: TenantId,
        id: str,
        *,
        limit: int,
        before: str | None = None,
        state: Literal["waiting", "delivered", "dead"] | None = None,
    ) -> tuple[WebhookDelivery, ...]:
        """Return what's on its way to a webhook, was delivered or given up, newest first. Raises NotFound."""
        hook, cursor = await self.named(tenant, id), WebhookDeliveryId(before) if before else None
        return await self._store.webhook_deliveries(tenant, hook.id, limit=limit, before=cursor, state=state)

    async def replay(self, tenant: TenantId, id: str, delivery: str) -> WebhookDelivery:
        """Send a delivery once more, with the same id, before others that wait.

        Raises NotFound, and Decided where it waits anyway or the webhook is switched off.
        """
        hook = await self._on(tenant, id)
        found = await self._store.webhook_delivery(tenant, WebhookDeliveryId(delivery))
        if found is None or found.webhook != hook.id:
            raise NotFound(f"delivery: there's no {delivery[:80]!r}; GET /v1/webhooks/{hook.id}/deliveries lists them")
        if found.state == "waiting":
            raise Decided("delivery: it waits to be sent already")
        [again] = await self._again([found])
        await self._changed(hook)
        return again

    async def recover(self, tenant: TenantId, id: str, since: datetime) -> int:
        """Send again, in their order, what was given up of events since a time; return how many, 1,000 at most.

        Raises NotFound, and Decided where the webhook is switched off.
        """
        hook, found = await self._on(tenant, id), list[WebhookDelivery]()
        before: WebhookDeliveryId | None = None
        while page := await self._store.webhook_deliveries(tenant, hook.id, limit=CHUNK, before=before, state="dead"):
            found += [dead for dead in page if dead.happened_at >= since and dead.event != "webhook.test"]
            before = page[-1].id
        oldest = found[::-1][:RECOVERED]
        for start in range(0, len(oldest), CHUNK):
            await self._again(oldest[start : start + CHUNK])
        await self._changed(hook)
        return len(oldest)

    async def _again(self, deliveries: Sequence[WebhookDelivery]) -> list[WebhookDelivery]:
        now = self._clock.now()
        again = [replace(each, state="waiting", due_at=now, attempts=0, error="") for each in deliveries]
        await self._store.commit(*map(Save, again))
        return again

    # --- below

    async def _on(self, tenant: TenantId, id: str) -> Webhook:
        hook = await self.named(tenant, id)
        if hook.off_at is not None:
            raise Decided("webhook: it's switched off; switch it on first")
        return hook

    async def _wished(self, hook: Webhook, wish: HookWish) -> Webhook:
        if wish.url is not UNSET:
            await self._check_url(wish.url)
            hook = replace(hook, url=wish.url)
        if wish.events is not UNSET:
            hook = replace(hook, events=tuple(dict.fromkeys(wish.events)))
        if wish.include is not UNSET:
            hook = replace(hook, include=tuple(dict.fromkeys(wish.include)))
        if wish.description is not UNSET:
            hook = replace(hook, description=wish.description)
        if wish.task is not UNSET:
            hook = replace(hook, task=await self._task(hook.tenant, wish.task))
        if wish.chat is not UNSET:
            hook = replace(hook, chat=wish.chat)
        if wish.active is True and hook.off_at is not None:
            hook = replace(hook, off_at=None, off_why="", failing_since=None)
        if wish.active is False and hook.off_at is None:
            hook = replace(hook, off_at=self._clock.now(), off_why="")
        return hook

    async def _task(self, tenant: TenantId, id: TaskId | None) -> TaskId | None:
        task = await self._store.task(id) if id else None
        if id and (task is None or task.tenant != tenant):
            raise BadRequest("task", f"there's no {id[:80]!r}; give an id from GET /v1/tasks")
        return id

    async def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            odd = not parts.hostname or parts.scheme not in {"https", "http"} or "@" in parts.netloc or parts.fragment
        except ValueError:
            odd = True
        if odd or len(url) > LONGEST:
            raise BadRequest("url", "write it as https://example.org/hook, without a name, a password or a #")
        if isinstance(self._egress, Vetting):
            try:
                await self._egress.vet(url, hosts=hosts_of(url))
            except EgressError as error:
                raise BadRequest("url", str(error)) from None

    async def _changed(self, hook: Webhook) -> None:
        self._heard(hook.id)
        await self._hubs.tell(TOPIC, hook.id)

    def _heard(self, id: str) -> None:
        self._feed.changed()
        self._lanes.look_anew(WebhookId(id))
