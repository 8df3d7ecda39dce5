"""What the reference store tells of webhooks: see ports.WebhookStore."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from hub.ports import Remove
from hub.records import (
    Inlet,
    InletId,
    PersonId,
    TenantId,
    Webhook,
    WebhookCursor,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookId,
    WebhookLane,
)
from hub.store.kept import Kept


class WebhooksInMemory(Kept):
    """The queries of WebhookStore, as plainly as they read."""

    async def webhook(self, tenant: TenantId, id: WebhookId) -> Webhook | None:
        found = self._one(Webhook, id)
        return found if found and found.tenant == tenant else None

    async def webhooks(self, tenant: TenantId) -> tuple[Webhook, ...]:
        return tuple(hook for hook in self._by_id(Webhook) if hook.tenant == tenant)

    async def webhooks_on(self) -> tuple[Webhook, ...]:
        return tuple(hook for hook in self._by_id(Webhook) if hook.off_at is None)

    async def webhook_cursors(self) -> tuple[WebhookCursor, ...]:
        return tuple(self._by_id(WebhookCursor))

    async def webhook_lanes(self) -> tuple[WebhookLane, ...]:
        heads = [(hook, await self.webhook_waiting(hook.id, 1)) for hook in await self.webhooks_on()]
        return tuple(
            WebhookLane(webhook=hook.id, delivery=head.id, due_at=head.due_at)
            for hook, heads in heads
            for head in heads
        )

    async def webhook_delivery(self, tenant: TenantId, id: WebhookDeliveryId) -> WebhookDelivery | None:
        found = self._one(WebhookDelivery, id)
        return found if found and found.tenant == tenant else None

    async def webhook_deliveries(
        self,
        tenant: TenantId,
        webhook: WebhookId,
        *,
        limit: int,
        before: WebhookDeliveryId | None = None,
        state: Literal["waiting", "delivered", "dead"] | None = None,
    ) -> tuple[WebhookDelivery, ...]:
        found = [
            each
            for each in reversed(self._by_id(WebhookDelivery))
            if (each.tenant, each.webhook) == (tenant, webhook)
            and state in (None, each.state)
            and (before is None or each.id < before)
        ]
        return tuple(found[:limit])

    async def webhook_deliveries_about(
        self, tenant: TenantId, person: PersonId, limit: int
    ) -> tuple[WebhookDelivery, ...]:
        found = [each for each in self._by_id(WebhookDelivery) if (each.tenant, each.person) == (tenant, person)]
        return tuple(found[:limit])

    async def webhook_waiting(self, webhook: WebhookId, limit: int) -> tuple[WebhookDelivery, ...]:
        found = [each for each in self._by_id(WebhookDelivery) if each.webhook == webhook and each.state == "waiting"]
        return tuple(found[:limit])

    async def webhook_counts(self, webhook: WebhookId) -> Mapping[str, int]:
        return Counter(each.state for each in self._all(WebhookDelivery) if each.webhook == webhook)

    async def forget_webhook_deliveries(self, before: datetime) -> int:
        old = [each for each in self._all(WebhookDelivery) if each.created_at < before]
        await self.commit(*map(Remove, old))
        return len(old)

    async def inlet(self, tenant: TenantId, id: InletId) -> Inlet | None:
        found = self._one(Inlet, id)
        return found if found and found.tenant == tenant else None

    async def inlets(self, tenant: TenantId) -> tuple[Inlet, ...]:
        return tuple(inlet for inlet in self._by_id(Inlet) if inlet.tenant == tenant)

    async def inlets_on(self, limit: int) -> tuple[Inlet, ...]:
        return tuple([inlet for inlet in self._by_id(Inlet) if inlet.off_at is None][:limit])

    async def inlet_by_hash(self, hash: str) -> Inlet | None:
        return self._by_name(Inlet, hash)
