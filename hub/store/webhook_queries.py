"""The queries of webhooks as SQL, each answered from an index as those of queries.py are."""

from datetime import datetime

from sqlalchemy import func, select

from hub.records import Inlet, Webhook, WebhookCursor, WebhookDelivery
from hub.store.queries import Query, by, of
from hub.store.webhook_tables import ON, WAITING_HOOK, cursors, deliveries, inlets, webhooks


def webhooks_of(tenant: str) -> Query:
    return by(Webhook, tenant=tenant).order_by(webhooks.c.id)


def webhooks_on() -> Query:
    return of(Webhook).where(ON).order_by(webhooks.c.id)


def every_cursor() -> Query:
    return of(WebhookCursor).order_by(cursors.c.webhook)


def lanes() -> Query:
    """The heads alone: a hook that's down may have thousands waiting behind it."""
    head = (
        select(deliveries.c.id)
        .where(WAITING_HOOK, deliveries.c.webhook == webhooks.c.id)
        .order_by(deliveries.c.id)
        .limit(1)
        .scalar_subquery()
        .correlate(webhooks)
    )
    hooks = select(webhooks.c.id, head.label("delivery")).where(ON).subquery("anon")
    found = select(hooks.c.id, hooks.c.delivery, deliveries.c.due_at)
    return found.join(deliveries, deliveries.c.id == hooks.c.delivery).order_by(hooks.c.id)


def deliveries_of(tenant: str, webhook: str, limit: int, before: str | None, state: str | None) -> Query:
    found = by(WebhookDelivery, webhook=webhook).where(deliveries.c.tenant == tenant)
    if state is not None:
        found = found.where(deliveries.c.state == state)
    if before is not None:
        found = found.where(deliveries.c.id < before)
    return found.order_by(deliveries.c.id.desc()).limit(limit)


def deliveries_about(tenant: str, person: str, limit: int) -> Query:
    return by(WebhookDelivery, tenant=tenant, person=person).order_by(deliveries.c.id).limit(limit)


def waiting_for(webhook: str, limit: int) -> Query:
    found = of(WebhookDelivery).where(WAITING_HOOK, deliveries.c.webhook == webhook)
    return found.order_by(deliveries.c.id).limit(limit)


def counted(webhook: str) -> Query:
    found = select(deliveries.c.state, func.count().label("number")).where(deliveries.c.webhook == webhook)
    return found.group_by(deliveries.c.state)


def old_deliveries(before: datetime, limit: int) -> Query:
    found = of(WebhookDelivery).where(deliveries.c.created_at < before)
    return found.order_by(deliveries.c.created_at).limit(limit)


def inlets_on(limit: int) -> Query:
    return of(Inlet).where(inlets.c.off_at.is_(None)).order_by(inlets.c.id).limit(limit)


def inlets_of(tenant: str) -> Query:
    return by(Inlet, tenant=tenant).order_by(inlets.c.id)
