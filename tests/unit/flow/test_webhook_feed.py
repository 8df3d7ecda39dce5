"""Events -> deliveries: each once and none lost, whoever reads them; and an idle hub reads nothing."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hub.flow import webhook_feed
from hub.flow.webhook_feed import BEHIND, KNOWN_FOR
from hub.flow.webhook_lanes import PAUSES
from hub.ports import Add, Save
from hub.records import HOME, WebhookDelivery
from hub.testing import NOON, a_message, a_reply, a_tenant, an_event, settle
from tests.unit.flow.hooked import URL, deliveries, hooked

HOUR, DAY = 3600.0, 86_400.0
LONG = sum(PAUSES) * 1.3


async def test_an_idle_hub_with_webhooks_waits_for_news_alone() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        await hub.answered()
        assert hub.clock.sleepers == 0
        assert await hub.work.waiting() == ([], None)


async def test_what_waits_counts_as_work_or_as_the_next_due() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(500)
    async with hub.running():
        await hub.answered()
        busy, due = await hub.work.waiting()
        [delivery] = await deliveries(hub)
        assert (busy, due) == ([], delivery.due_at)
        await hub.store.commit(Save(replace(delivery, due_at=NOON)))
        assert (await hub.work.waiting())[0] == ["deliveries to webhooks"]


async def test_an_event_that_was_not_read_yet_is_work() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        await hub.answered()
        asked = a_message()
        await hub.store.commit(Add(asked), *hub.outbox.say(a_reply(asked)))
        assert (await hub.work.waiting())[0] == ["events that webhooks are told of"]


async def test_what_happened_while_no_hub_was_up_is_told_by_the_next_one() -> None:
    hub = await hooked()
    await hub.hook()
    said = [await hub.answered(str(number)) for number in range(450)]
    assert hub.outside.got == []

    again = hub.again()
    async with again.running():
        for _ in range(400):
            await settle()

    assert [each["data"]["message"] for each in hub.outside.bodies()] == [reply.id for reply in said]


async def test_another_hub_goes_on_where_the_first_one_ended_with_the_same_ids() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.is_down()
    async with hub.running():
        await hub.answered("first")
        await hub.answered("second")
    hub.outside.says(200)
    again = hub.again()
    async with again.running():
        await again.clock.advance(10)
        await again.answered("third")

    ids = [got.id for got in hub.outside.got]
    assert ids[0] == ids[1]
    assert ids[1:] == sorted(set(ids))
    assert len(ids) == 4


async def test_a_webhook_removed_while_it_is_sent_to_leaves_nothing_behind() -> None:
    hub = await hooked()
    hook, _ = await hub.hook()
    gate = hub.outside.slow[URL] = asyncio.Event()
    async with hub.running():
        await hub.answered("first")
        await hub.answered("second")
        await hub.hooks.remove(HOME, hook.id)
        gate.set()
        await settle()
        await hub.answered("third")

    assert len(hub.outside.got) == 1
    assert hub.store._all(WebhookDelivery) == []
    assert await hub.store.webhook_cursors() == ()


async def test_a_suspended_tenants_webhooks_wait() -> None:
    hub = await hooked()
    await hub.store.commit(Add(a_tenant(id=HOME, suspended_at=NOON)))
    await hub.hook()
    async with hub.running():
        await hub.answered()
        assert hub.outside.got == []
        tenant = await hub.store.tenant(HOME)
        assert tenant
        await hub.store.commit(Save(a_tenant(id=HOME)))
        await hub.clock.advance(HOUR + 1)

    assert len(hub.outside.got) == 1


async def test_old_deliveries_are_forgotten() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        await hub.answered()
        hub.clock.put(NOON + timedelta(days=13))
        await hub.work.sweep()
        assert len(await deliveries(hub)) == 1
        hub.clock.put(NOON + timedelta(days=15))
        await hub.work.sweep()

    assert await deliveries(hub) == []


async def test_events_that_are_not_for_a_webhook_are_read_once_and_that_is_kept_now_and_then() -> None:
    hub = await hooked()
    await hub.hook("approval")
    async with hub.running():
        await hub.store.commit(*(Add(an_event(kind="message", state="accepted")) for _ in range(BEHIND - 1)))
        await hub.answered()

    [cursor] = await hub.store.webhook_cursors()
    assert cursor.seq >= BEHIND
    assert hub.outside.got == []


async def test_a_webhook_hears_of_nothing_that_happened_before_it_was_made() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        await hub.answered("before")
        await hub.hook(url="https://later.example.org/")
        later = await hub.answered("after")

    assert [said["data"]["message"] for said in hub.outside.bodies("https://later.example.org/")] == [later.id]
    assert len(hub.outside.bodies()) == 2


async def test_a_webhook_that_another_hub_made_is_found_though_that_hub_could_not_say_so() -> None:
    hub = await hooked()
    await hub.hook(url="https://first.example.org/")
    async with hub.running():
        await hub.again().hook()  # the other hub's word doesn't get here
        missed = await hub.answered("first")
        await hub.clock.advance(KNOWN_FOR + 1)
        heard = await hub.answered("second")

    assert [said["data"]["message"] for said in hub.outside.bodies()] == [missed.id, heard.id]


async def test_two_hubs_that_read_the_same_events_make_each_delivery_once() -> None:
    hub = await hooked()
    await hub.hook()
    other = hub.again()
    async with hub.running(), other.running():
        for number in range(5):
            await hub.answered(str(number))
            await other.answered(f"other {number}")

    seqs = [each.seq for each in await deliveries(hub)]
    assert len(seqs) == len(set(seqs)) == 10


async def test_more_than_can_be_kept_for_a_webhook_that_fails_switches_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_feed, "MOST_WAITING", 20)
    hub = await hooked()
    await hub.hook()
    hub.outside.is_down()
    async with hub.running():
        for number in range(30):
            await hub.answered(str(number))
        await hub.clock.advance(DAY)

    [hook] = await hub.store.webhooks(HOME)
    assert "deliveries wait" in hook.off_why
    assert (await hub.store.webhook_counts(hook.id))["waiting"] <= 25
