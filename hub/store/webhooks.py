"""What the store tells of webhooks, over SQL: see ports.WebhookStore."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

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
from hub.store import webhook_queries as queries
from hub.store.queries import by
from hub.store.upkeep import CHUNK, UpkeepAnswers


class WebhookAnswers(UpkeepAnswers):
    """The queries of WebhookStore; the database answers `_rows` and does `commit`."""

    async def webhook(self, tenant: TenantId, id: WebhookId) -> Webhook | None:
        return next(iter(await self._all(Webhook, by(Webhook, tenant=tenant, id=id))), None)

    async def webhooks(self, tenant: TenantId) -> tuple[Webhook, ...]:
        return await self._all(Webhook, queries.webhooks_of(tenant))

    async def webhooks_on(self) -> tuple[Webhook, ...]:
        return await self._all(Webhook, queries.webhooks_on())

    async def webhook_cursors(self) -> tuple[WebhookCursor, ...]:
        return await self._all(WebhookCursor, queries.every_cursor())

    async def webhook_lanes(self) -> tuple[WebhookLane, ...]:
        rows = await self._rows(queries.lanes())
        return tuple(WebhookLane(webhook=row.id, delivery=row.delivery, due_at=row.due_at) for row in rows)

    async def webhook_delivery(self, tenant: TenantId, id: WebhookDeliveryId) -> WebhookDelivery | None:
        return next(iter(await self._all(WebhookDelivery, by(WebhookDelivery, tenant=tenant, id=id))), None)

    async def webhook_deliveries(
        self,
        tenant: TenantId,
        webhook: WebhookId,
        *,
        limit: int,
        before: WebhookDeliveryId | None = None,
        state: Literal["waiting", "delivered", "dead"] | None = None,
    ) -> tuple[WebhookDelivery, ...]:
        return await self._all(WebhookDelivery, queries.deliveries_of(tenant, webhook, limit, before, state))

    async def webhook_deliveries_about(
        self, tenant: TenantId, person: PersonId, limit: int
    ) -> tuple[WebhookDelivery, ...]:
        return await self._all(WebhookDelivery, queries.deliveries_about(tenant, person, limit))

    async def webhook_waiting(self, webhook: WebhookId, limit: int) -> tuple[WebhookDelivery, ...]:
        return await self._all(WebhookDelivery, queries.waiting_for(webhook, limit))

    async def webhook_counts(self, webhook: WebhookId) -> Mapping[str, int]:
        return {row.state: row.number for row in await self._rows(queries.counted(webhook))}

    async def forget_webhook_deliveries(self, before: datetime) -> int:
        return await self._forget(WebhookDelivery, queries.old_deliveries(before, CHUNK))

    async def inlet(self, tenant: TenantId, id: InletId) -> Inlet | None:
        return next(iter(await self._all(Inlet, by(Inlet, tenant=tenant, id=id))), None)

    async def inlets(self, tenant: TenantId) -> tuple[Inlet, ...]:
        return await self._all(Inlet, queries.inlets_of(tenant))

    async def inlets_on(self, limit: int) -> tuple[Inlet, ...]:
        return await self._all(Inlet, queries.inlets_on(limit))

    async def inlet_by_hash(self, hash: str) -> Inlet | None:
        return next(iter(await self._all(Inlet, by(Inlet, hash=hash))), None)
