"""Deliveries: in order, at least once, each time with the same id, and as patiently as it takes."""

import asyncio

import pytest

from hub.errors import EgressError
from hub.flow.webhook_lanes import HALTED, OF_A_TENANT, PAUSES, REFUSED, STORE_PAUSE, TRIES
from hub.flow.webhooks import HookWish
from hub.ports import Remove
from hub.records import HOME, OWNER, Message
from hub.testing import NOON, settle
from hub.vault import Vault
from tests.unit.flow.hooked import URL, deliveries, hooked, told

HOUR, DAY = 3600.0, 86_400.0
LONG = sum(PAUSES) * 1.3


async def test_what_happens_is_told_signed_with_ids_and_no_words() -> None:
    hub = await hooked()
    _, secret = await hub.hook()
    async with hub.running():
        reply = await hub.answered("secret words")

    [got] = hub.outside.got
    assert got.is_by(secret)
    assert b"secret words" not in got.body
    assert got.said["type"] == "message.answered"
    assert got.said["data"]["message"] == reply.id
    assert got.said["data"]["answers"] == reply.answers
    assert got.said["data"]["links"]["message"] == f"https://hub.example.org/v1/messages/{reply.id}"
    assert got.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert [delivery.state for delivery in await deliveries(hub)] == ["delivered"]


async def test_what_was_said_comes_along_if_the_webhook_asks() -> None:
    hub = await hooked()
    await hub.hook(include=["text"])
    async with hub.running():
        await hub.answered("the words")

    assert hub.outside.bodies()[0]["data"]["text"] == "the words"


async def test_it_is_sent_by_the_one_way_out_to_that_host_alone_and_follows_nothing() -> None:
    hub = await hooked()
    await hub.hook(url="https://example.org:8443/hook")
    async with hub.running():
        await hub.answered()

    [how] = hub.outside.asked
    assert (how["hosts"], how["redirects"], how["seconds"], how["cut"]) == (("example.org:8443",), 0, 10.0, True)


async def test_a_receiver_that_is_down_for_an_hour_gets_everything_once_in_order() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.is_down()
    async with hub.running():
        said = [await hub.answered(str(number)) for number in range(20)]
        for _ in range(12):
            await hub.clock.advance(HOUR / 12)
        hub.outside.says(200)
        down = len(hub.outside.got)
        await hub.clock.advance(HOUR)
        for _ in range(20):
            await settle()

    after = hub.outside.got[down:]
    assert [got.said["data"]["message"] for got in after] == [reply.id for reply in said]
    assert len({got.id for got in after}) == len(said)
    assert {got.id for got in hub.outside.got[:down]} == {after[0].id}
    assert {delivery.state for delivery in await deliveries(hub)} == {"delivered"}
    [hook] = await hub.store.webhooks(HOME)
    assert hook.failing_since is None


async def test_pauses_grow_until_it_is_given_up_after_more_than_a_day_and_the_next_one_goes_on() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(500, b"broken")
    async with hub.running():
        await hub.answered("first")
        await hub.answered("second")
        await hub.clock.advance(LONG)
        first, second = await deliveries(hub)

        assert (first.state, first.attempts, first.status, first.answer) == ("dead", TRIES, 500, "broken")
        assert second.state == "waiting"
    assert len([got for got in hub.outside.got if got.id == first.id]) == TRIES
    assert LONG > DAY


async def test_what_the_receiver_will_not_have_holds_others_up_for_two_hours_at_most() -> None:
    hub = await hooked()
    await hub.hook()
    answers = iter([told(422)] * REFUSED)
    hub.outside.answers[URL] = lambda: next(answers, told(200))
    async with hub.running():
        await hub.answered("poison")
        await hub.answered("fine")
        await hub.clock.advance(2 * HOUR)

    assert [delivery.state for delivery in await deliveries(hub)] == ["dead", "delivered"]


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500])
async def test_only_2xx_is_a_success(status: int) -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(status)
    async with hub.running():
        await hub.answered()
        assert [(each.state, each.error) for each in await deliveries(hub)] == [("waiting", f"answered {status}")]
        hub.outside.says(299)
        await hub.clock.advance(10)

    assert [(each.state, each.error) for each in await deliveries(hub)] == [("delivered", "")]


@pytest.mark.parametrize("asked", ["600", "Sun, 22 Nov 2026 12:10:00 GMT"])
async def test_a_receiver_that_asks_to_wait_is_waited_for(asked: str) -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(429, retry_after=asked)
    async with hub.running():
        await hub.answered()
        await hub.clock.advance(599)
        assert len(hub.outside.got) == 1
        await hub.clock.advance(2)
        assert len(hub.outside.got) == 2


@pytest.mark.parametrize("odd", ["-1", "soon", "9" * 30, "Sun, 99 Nov 2026 12:10:00 GMT", ""])
async def test_an_odd_wish_to_wait_changes_nothing(odd: str) -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(503, retry_after=odd)
    async with hub.running():
        await hub.answered()
        await hub.clock.advance(PAUSES[0] * 1.3)

    assert len(hub.outside.got) == 2


async def test_410_ends_it_and_its_maker_is_told() -> None:
    hub = await hooked()
    await hub.hook(description="Our shop")
    hub.outside.says(410)
    async with hub.running():
        await hub.answered("first")
        await hub.answered("second")
        await hub.clock.advance(DAY)

    [hook] = await hub.store.webhooks(HOME)
    assert hook.off_at is not None
    assert len(hub.outside.got) == 1
    [told_] = [message for message in hub.store._all(Message) if message.role == "notice"]
    assert told_.person == OWNER
    assert "“Our shop” was switched off" in told_.text
    assert "410" in told_.text


async def test_a_webhook_that_fails_for_days_is_switched_off_and_what_waits_is_kept_until_it_is_on_again() -> None:
    hub = await hooked()
    hook, _ = await hub.hook()
    hub.outside.is_down()
    async with hub.running():
        said = [await hub.answered(str(number)) for number in range(5)]
        await hub.clock.advance(5 * DAY)
        [off] = await hub.store.webhooks(HOME)
        assert off.off_at is not None
        assert "nothing could be delivered since 2026-11-22 12:00 UTC" in off.off_why
        assert "refused" in off.off_why
        assert hub.clock.sleepers == 0
        await hub.answered("while it's off")
        hub.outside.says(200)
        before = len(hub.outside.got)
        await hub.hooks.change(HOME, hook.id, HookWish(active=True))
        await settle()
        last = await hub.answered("on again")

    got = [each.said["data"]["message"] for each in hub.outside.got[before:]]
    waited = [each.message for each in await deliveries(hub) if each.state == "delivered"]
    dead = [each.message for each in await deliveries(hub) if each.state == "dead"]
    assert got == waited
    assert got[-1] == last.id
    assert [*dead, *got] == [*(reply.id for reply in said), last.id]


async def test_a_slow_receiver_holds_up_nobody_else() -> None:
    hub = await hooked()
    await hub.hook(url="https://slow.example.org/")
    await hub.hook()
    hub.outside.slow["https://slow.example.org/"] = asyncio.Event()
    async with hub.running():
        for number in range(5):
            await hub.answered(str(number))

        assert len(hub.outside.bodies()) == 5
        assert len(hub.outside.bodies("https://slow.example.org/")) == 1


async def test_one_tenants_deliveries_at_once_are_bounded() -> None:
    hub = await hooked()
    gate = asyncio.Event()
    for number in range(20):
        await hub.hook(url=f"https://{number}.example.org/")
        hub.outside.slow[f"https://{number}.example.org/"] = gate
    async with hub.running():
        await hub.answered()
        assert hub.outside.most_at_once == OF_A_TENANT
        gate.set()
        await settle()

    assert len(hub.outside.got) == 20


async def test_a_delivery_cut_off_before_its_record_comes_again_with_the_same_id() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.slow[URL] = asyncio.Event()
    async with hub.running():
        await hub.answered()
    del hub.outside.slow[URL]
    async with hub.again().running():
        pass

    assert [got.id for got in hub.outside.got] == [hub.outside.got[0].id] * 2


async def test_a_secret_that_cannot_be_opened_sends_nothing_and_says_so() -> None:
    hub = await hooked()
    await hub.hook()
    other = hub.again()
    other.work.hooks._poster._vault = Vault(b"x" * 32)
    async with other.running():
        await other.answered()

    assert hub.outside.got == []
    assert "webhooks.key" in (await deliveries(hub))[0].error


async def test_what_a_receiver_answers_is_kept_short_and_harmless() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.says(200, b"a\x00b\xff\xe2\x80\xae" + b"x" * 10_000)
    async with hub.running():
        await hub.answered()

    [delivery] = await deliveries(hub)
    assert delivery.answer.startswith("a b\ufffd x")
    assert len(delivery.answer) == 500


async def test_an_address_that_may_not_be_asked_any_more_is_tried_as_long_as_one_that_is_down() -> None:
    hub = await hooked()
    await hub.hook()
    hub.outside.answers[URL] = lambda: EgressError("example.org is at an address that isn't public")
    async with hub.running():
        await hub.answered()
        await hub.clock.advance(3 * HOUR)

    [delivery] = await deliveries(hub)
    assert (delivery.state, delivery.status) == ("waiting", None)
    assert "isn't public" in delivery.error


async def test_nothing_goes_out_while_everything_is_paused() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        hub.halted = True
        await hub.answered()
        await hub.clock.advance(60)
        meanwhile = len(hub.outside.got)
        hub.halted = False
        await hub.clock.advance(HALTED)

    assert meanwhile == 0
    assert [each.state for each in await deliveries(hub)] == ["delivered"]


async def test_a_store_that_cannot_be_written_loses_nothing() -> None:
    hub = await hooked()
    await hub.hook()
    async with hub.running():
        gate = hub.outside.slow[URL] = asyncio.Event()
        await hub.answered()
        hub.store.full = True
        gate.set()
        await settle()
        hub.store.full = False
        del hub.outside.slow[URL]
        await hub.clock.advance(STORE_PAUSE)

    assert [each.state for each in await deliveries(hub)] == ["delivered"]
    assert len({got.id for got in hub.outside.got}) == 1


async def test_what_was_retracted_or_is_gone_says_so_without_words() -> None:
    hub = await hooked()
    await hub.hook("message.answered", "message.retracted", include=["text"])
    async with hub.running():
        reply = await hub.answered("wrong")
        await hub.journal.commit(*await hub.outbox.take_back(reply))
        await settle()
        hub.outside.is_down()
        gone = await hub.answered("forgotten")
        await hub.store.commit(Remove(gone))
        hub.outside.says(200)
        await hub.clock.advance(10)

    first, retracted, *_, last = hub.outside.bodies()
    assert first["data"]["text"] == "wrong"
    assert (retracted["type"], "text" in retracted["data"]) == ("message.retracted", False)
    assert (last["data"]["gone"], "text" in last["data"]) == (True, False)


async def test_what_waits_behind_a_change_goes_where_it_says_from_then_on() -> None:
    hub = await hooked()
    hook, _ = await hub.hook()
    gate = hub.outside.slow[URL] = asyncio.Event()
    async with hub.running():
        for number in range(3):
            await hub.answered(str(number))
        await hub.hooks.change(HOME, hook.id, HookWish(url="https://new.example.org/"))
        gate.set()
        await settle()
        await settle()

    assert [got.url for got in hub.outside.got] == [URL, *["https://new.example.org/"] * 2]
    assert {each.state for each in await deliveries(hub)} == {"delivered"}


async def test_what_is_sent_again_goes_before_what_waits() -> None:
    hub = await hooked()
    hook, _ = await hub.hook()
    async with hub.running():
        await hub.answered("first")
        [first] = await deliveries(hub)
        gate = hub.outside.slow[URL] = asyncio.Event()
        await hub.answered("second")
        await hub.answered("third")
        await hub.hooks.replay(HOME, hook.id, first.id)
        gate.set()
        await settle()
        await settle()

    ids = [got.id for got in hub.outside.got]
    assert ids[0] == ids[2] == first.id
    assert len(set(ids)) == 3
    assert len(ids) == 4
