"""Every sentence that ports.WebhookStore promises, over every store."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.errors import Conflict, Duplicate
from hub.ports import Add, Remove, Save, Store
from hub.records import HOME, Webhook, WebhookDeliveryId, WebhookId, WebhookLane
from hub.testing import NOON, a_webhook, a_webhook_cursor, a_webhook_delivery, an_inlet
from tests.contracts.people import BEA, OTHERS, SOON, add

HOUR = timedelta(hours=1)


async def test_webhooks_are_a_tenants_own_oldest_first(store: Store) -> None:
    first, second, others = a_webhook(), a_webhook(include=("text",), chat="x" * 900), a_webhook(tenant=OTHERS)
    await add(store, second, others, first)

    assert [hook.id for hook in await store.webhooks(HOME)] == [first.id, second.id]
    assert await store.webhook(HOME, first.id) == first
    assert await store.webhook(HOME, others.id) is None
    assert await store.webhook(HOME, WebhookId("none")) is None


async def test_webhooks_on_are_those_of_all_tenants_that_arent_switched_off(store: Store) -> None:
    on, off, others = a_webhook(), a_webhook(off_at=NOON), a_webhook(tenant=OTHERS)
    await add(store, on, off, others)

    assert await store.webhooks_on() == (on, others)


async def test_a_webhook_is_saved_over_the_revision_that_was_read_alone(store: Store) -> None:
    hook = a_webhook()
    await add(store, hook)
    await store.commit(Save(replace(hook, description="changed")))

    with pytest.raises(Conflict):
        await store.commit(Save(replace(hook, description="changed from what was")))
    assert (await _webhook(store, hook)).description == "changed"


async def test_a_cursor_moves_with_what_was_made_of_the_events_or_not_at_all(store: Store) -> None:
    hook = a_webhook()
    cursor, delivery = a_webhook_cursor(hook), a_webhook_delivery(hook, 7)
    await add(store, hook, cursor, delivery)

    with pytest.raises(Duplicate):
        await store.commit(Add(a_webhook_delivery(hook, 7)), Save(replace(cursor, seq=7)))
    assert await store.webhook_cursors() == (cursor,)
    await store.commit(Add(a_webhook_delivery(hook, 8)), Save(replace(cursor, seq=8)))
    assert await store.webhook_cursors() == (replace(cursor, seq=8),)


async def test_deliveries_without_an_event_may_be_many(store: Store) -> None:
    hook = a_webhook()
    tests = [replace(a_webhook_delivery(hook, 7), seq=None) for _ in range(2)]
    await add(store, hook, *tests)

    assert len(await store.webhook_waiting(hook.id, 9)) == 2


async def test_lanes_are_the_first_waiting_deliveries_of_webhooks_that_are_on(store: Store) -> None:
    on, off, done, others = a_webhook(), a_webhook(off_at=NOON), a_webhook(), a_webhook(tenant=OTHERS)
    heads = [a_webhook_delivery(on, 2, due_at=SOON), a_webhook_delivery(others, 5, tenant=OTHERS)]
    rest = [a_webhook_delivery(on, 1, state="delivered"), a_webhook_delivery(on, 3), a_webhook_delivery(off, 2)]
    await add(store, on, off, done, others, *heads, *rest, a_webhook_delivery(done, 2, state="dead"))

    assert await store.webhook_lanes() == (
        WebhookLane(webhook=on.id, delivery=heads[0].id, due_at=SOON),
        WebhookLane(webhook=others.id, delivery=heads[1].id, due_at=NOON),
    )


async def test_deliveries_are_listed_newest_first_and_wait_in_the_order_of_their_events(store: Store) -> None:
    hook, other = a_webhook(), a_webhook()
    third, first, second = (a_webhook_delivery(hook, seq) for seq in (300, 1, 20))
    dead = a_webhook_delivery(hook, 4, state="dead", status=500, answer="no \0", ms=1.5, sent_at=NOON, attempts=3)
    await add(store, hook, other, third, first, second, dead, a_webhook_delivery(other, 5))
    kept = replace(dead, answer=(await store.webhook_delivery(HOME, dead.id) or dead).answer)

    assert await store.webhook_deliveries(HOME, hook.id, limit=9) == (third, second, kept, first)
    assert await store.webhook_deliveries(HOME, hook.id, limit=1) == (third,)
    assert await store.webhook_deliveries(HOME, hook.id, limit=9, before=dead.id) == (first,)
    assert await store.webhook_deliveries(HOME, hook.id, limit=9, state="dead") == (kept,)
    assert await store.webhook_deliveries(OTHERS, hook.id, limit=9) == ()
    assert await store.webhook_waiting(hook.id, 2) == (first, second)
    assert await store.webhook_counts(hook.id) == {"waiting": 3, "dead": 1}


async def test_deliveries_about_a_person_are_found_whichever_webhook_they_went_to(store: Store) -> None:
    hook, other = a_webhook(), a_webhook()
    first, second = a_webhook_delivery(other, 1, person=BEA), a_webhook_delivery(hook, 2, person=BEA, state="dead")
    await add(store, hook, other, second, first, a_webhook_delivery(hook, 3))
    await add(store, a_webhook_delivery(hook, 4, person=BEA, tenant=OTHERS))

    assert await store.webhook_deliveries_about(HOME, BEA, 9) == (first, second)
    assert await store.webhook_deliveries_about(HOME, BEA, 1) == (first,)


async def test_a_delivery_is_found_by_its_tenant_alone(store: Store) -> None:
    hook = a_webhook()
    await add(store, hook, delivery := a_webhook_delivery(hook))

    assert await store.webhook_delivery(HOME, delivery.id) == delivery
    assert await store.webhook_delivery(OTHERS, delivery.id) is None
    assert await store.webhook_delivery(HOME, WebhookDeliveryId("none")) is None


async def test_forget_webhook_deliveries_removes_old_ones_whatever_their_state(store: Store) -> None:
    hook = a_webhook()
    old = [a_webhook_delivery(hook, seq, created_at=NOON - HOUR, state="delivered") for seq in range(1, 151)]
    waiting, young = a_webhook_delivery(hook, 151, created_at=NOON - HOUR), a_webhook_delivery(hook, 152)
    await add(store, hook, *old, waiting, young)

    assert await store.forget_webhook_deliveries(NOON) == 151
    assert await store.webhook_deliveries(HOME, hook.id, limit=9) == (young,)


async def test_inlets_are_a_tenants_own_and_found_by_their_tokens_hash(store: Store) -> None:
    first, second, others = an_inlet(), an_inlet(agent="ops", off_at=NOON), an_inlet(tenant=OTHERS)
    await add(store, second, first, others)

    assert await store.inlets(HOME) == (first, second)
    assert await store.inlets_on(9) == (first, others)
    assert await store.inlets_on(1) == (first,)
    assert await store.inlet(HOME, second.id) == second
    assert await store.inlet(HOME, others.id) is None
    assert await store.inlet_by_hash(others.hash) == others
    assert await store.inlet_by_hash("none") is None
    with pytest.raises(Duplicate):
        await store.commit(Add(an_inlet(hash=first.hash)))
    await store.commit(Remove(first))
    assert await store.inlet_by_hash(first.hash) is None


async def _webhook(store: Store, hook: Webhook) -> Webhook:
    found = await store.webhook(hook.tenant, hook.id)
    assert found
    return found
