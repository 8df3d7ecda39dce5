"""What a store tells of webhooks: which there are, what's on its way to them, and where others write."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

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


class WebhookStore(Protocol):
    """The queries of webhooks, out to others and in from them; every listing reads from an index."""

    async def webhook(self, tenant: TenantId, id: WebhookId) -> Webhook | None: ...
    async def webhooks(self, tenant: TenantId) -> tuple[Webhook, ...]:
        """Return a tenant's webhooks, oldest first."""

    async def webhooks_on(self) -> tuple[Webhook, ...]:
        """Return the webhooks of all tenants that aren't switched off, by id."""

    async def webhook_cursors(self) -> tuple[WebhookCursor, ...]:
        """Return up to where the events were read for each webhook, by webhook."""

    async def webhook_lanes(self) -> tuple[WebhookLane, ...]:
        """Return the first waiting delivery of each webhook that's on and has some, by webhook."""

    async def webhook_delivery(self, tenant: TenantId, id: WebhookDeliveryId) -> WebhookDelivery | None: ...
    async def webhook_deliveries(
        self,
        tenant: TenantId,
        webhook: WebhookId,
        *,
        limit: int,
        before: WebhookDeliveryId | None = None,
        state: Literal["waiting", "delivered", "dead"] | None = None,
    ) -> tuple[WebhookDelivery, ...]:
        """Return a webhook's deliveries, newest first; `before` excludes itself."""

    async def webhook_deliveries_about(
        self, tenant: TenantId, person: PersonId, limit: int
    ) -> tuple[WebhookDelivery, ...]:
        """Return deliveries of any webhook that tell of what happened to a person, by id."""

    async def webhook_waiting(self, webhook: WebhookId, limit: int) -> tuple[WebhookDelivery, ...]:
        """Return the waiting deliveries of a webhook in the order of their events."""

    async def webhook_counts(self, webhook: WebhookId) -> Mapping[str, int]:
        """Return how many deliveries of a webhook stand in each state that has some."""

    async def forget_webhook_deliveries(self, before: datetime) -> int:
        """Remove deliveries of any state that were made before a time; return how many."""

    async def inlet(self, tenant: TenantId, id: InletId) -> Inlet | None: ...
    async def inlets(self, tenant: TenantId) -> tuple[Inlet, ...]:
        """Return where others write to a tenant, oldest first."""

    async def inlets_on(self, limit: int) -> tuple[Inlet, ...]:
        """Return those of all tenants that aren't switched off, by id."""

    async def inlet_by_hash(self, hash: str) -> Inlet | None:
        """Return the one whose token has this hash."""
