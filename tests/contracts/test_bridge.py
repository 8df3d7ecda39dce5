"""Every sentence that ports.Bridge promises, over every bridge.

A bridge joins by a Stage: its platform as a test sees it. Add the stage's class to STAGES.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable

import pytest
from msgspec.structs import replace

from hub.errors import (
    BadRequest,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUncertain,
    NotAllowed,
    StoreUnavailable,
    Stranger,
)
from hub.ports import (
    Accept,
    Bridge,
    Draft,
    Drafting,
    Editing,
    Hooked,
    Outgoing,
    Probing,
    Relayed,
    Retracting,
    Threading,
    Typing,
)
from hub.records import Address, Incoming, Text, TurnId
from hub.testing import a_message, a_task
from tests.contracts.stages import AbleStage, FakeStage, Stage
from tests.telegram.stage import TelegramHooked, TelegramPolled
from tests.xmpp.stage import XmppStage

STAGES: list[type[Stage]] = [FakeStage, AbleStage, TelegramPolled, TelegramHooked, XmppStage]


@runtime_checkable
class Built(Protocol):
    """A stage that has to be built, and taken down."""

    async def build(self) -> None: ...

    async def take_down(self) -> None: ...


@pytest.fixture(params=STAGES, ids=lambda stage: stage.__name__)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    made: Stage = request.param()
    if not isinstance(made, Built):
        yield made
        return
    await made.build()
    try:
        yield made
    finally:
        await made.take_down()


class Inbox:
    """What the hub's side of `accept` does in these tests."""

    def __init__(self, *faults: Exception) -> None:
        self.kept: list[Incoming] = []
        self.asked = 0
        self.came = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._faults = list(faults)

    async def accept(self, incoming: Incoming) -> bool:
        self.asked += 1
        self.came.set()
        await self.gate.wait()
        if self._faults:
            raise self._faults.pop(0)
        if incoming.external_id in [kept.external_id for kept in self.kept]:
            return False
        self.kept.append(incoming)
        return True


@asynccontextmanager
async def running(bridge: Bridge, accept: Accept) -> AsyncIterator[None]:
    run = asyncio.create_task(bridge.run(accept))
    # It may need a moment to be there; what's said before that is said to nobody yet.
    await asyncio.sleep(0)
    try:
        yield
    finally:
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run


async def acknowledges(stage: Stage, *ids: str) -> None:
    """Wait until these, and only these, are acknowledged: that may need a word to a platform in another process."""
    end = time.monotonic() + 5
    while stage.acknowledged() != list(ids) and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert stage.acknowledged() == list(ids)


async def until(inbox: Inbox, asked: int) -> None:
    """Wait until `accept` was called so often and the bridge has gone on."""
    async with asyncio.timeout(5):
        while inbox.asked < asked:
            inbox.came.clear()
            await inbox.came.wait()
    await asyncio.sleep(0.01)


async def test_each_incoming_message_is_handed_over(stage: Stage) -> None:
    inbox = Inbox()
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await stage.say("two", id="2")
        await until(inbox, 2)
        await acknowledges(stage, "1", "2")
    assert [(kept.external_id, kept.address) for kept in inbox.kept] == [("1", stage.address), ("2", stage.address)]


async def test_a_message_is_acknowledged_only_once_accept_has_returned(stage: Stage) -> None:
    inbox = Inbox()
    inbox.gate.clear()
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await until(inbox, 1)
        assert stage.acknowledged() == []
        inbox.gate.set()
        await acknowledges(stage, "1")


async def test_a_message_cut_off_in_accept_is_not_acknowledged_but_handed_over_again(stage: Stage) -> None:
    inbox = Inbox()
    inbox.gate.clear()
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await until(inbox, 1)
    assert stage.acknowledged() == []
    inbox.gate.set()
    async with running(stage.bridge, inbox.accept):
        await stage.hand_over_again()
        await until(inbox, 2)
        await acknowledges(stage, "1")


async def test_handing_over_the_same_message_twice_is_harmless(stage: Stage) -> None:
    inbox = Inbox()
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await stage.say("one", id="1")
        await until(inbox, 2)
    assert len(inbox.kept) == 1


async def test_what_could_not_be_kept_is_handed_over_again_later(stage: Stage) -> None:
    inbox = Inbox(StoreUnavailable("full"))
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await until(inbox, 1)
        assert stage.acknowledged() == []
        await stage.hand_over_again()
        await until(inbox, 2)
        await acknowledges(stage, "1")


async def test_a_refused_message_stops_nobody_elses(stage: Stage) -> None:
    inbox = Inbox(BadRequest("text", "is empty; write something"))
    async with running(stage.bridge, inbox.accept):
        await stage.say("", id="1")
        await stage.say("two", id="2")
        await until(inbox, 2)
    assert [kept.external_id for kept in inbox.kept] == ["2"]


async def test_a_sender_is_told_why_their_message_was_refused(stage: Stage) -> None:
    inbox = Inbox(NotAllowed("say /pair"))
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await until(inbox, 1)
        await acknowledges(stage, "1")
    assert [text for text in stage.told() if "say /pair" in text] != []


async def test_a_stranger_is_told_nothing_and_shown_nothing(stage: Stage) -> None:
    inbox = Inbox(Stranger("unknown"))
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await acknowledges(stage, "1")
    assert (stage.told(), stage.read()) == ([], [])


async def test_a_delivered_message_is_read_in_its_chat_under_the_id_returned(stage: Stage) -> None:
    message = a_message("Hi!", role="agent", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        delivered = await stage.bridge.deliver(Outgoing(message=message))
        assert stage.read() == [(delivered.ids[0], "Hi!")]


@pytest.mark.parametrize("error", [DeliveryDelayed, DeliveryUncertain, DeliveryRefused])
async def test_a_delivery_that_fails_says_how(stage: Stage, error: type[DeliveryError]) -> None:
    stage.fail_next(error)
    message = a_message("Hi!", role="agent", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        with pytest.raises(error):
            await stage.bridge.deliver(Outgoing(message=message))
        if error is not DeliveryUncertain:
            assert stage.read() == []
        await stage.bridge.deliver(Outgoing(message=message, again=True))
        assert stage.read()[-1][1].endswith("Hi!")


async def test_a_bridge_says_at_once_how_it_is(stage: Stage) -> None:
    assert stage.bridge.info.name == stage.bridge.name


# --- abilities: what only some bridges can


def a_draft(stage: Stage, text: str) -> Draft:
    return Draft(address=stage.address, task=a_task(origin=stage.address), turn=TurnId("t1"), text=text)


async def test_a_draft_is_shown_within_a_second_whatever_the_platform_says(stage: Stage) -> None:
    if not isinstance(stage.bridge, Drafting):
        pytest.skip("shows no drafts")
    async with asyncio.timeout(1):
        await stage.bridge.show(a_draft(stage, "On its"))
        await stage.bridge.show(a_draft(stage, "On its way"))
        await stage.bridge.drop(TurnId("t1"))


async def test_dropping_a_draft_that_was_never_shown_is_harmless(stage: Stage) -> None:
    if not isinstance(stage.bridge, Drafting):
        pytest.skip("shows no drafts")
    await stage.bridge.drop(TurnId("never"))


async def test_typing_is_shown_or_not_but_never_a_failure(stage: Stage) -> None:
    if not isinstance(stage.bridge, Typing):
        pytest.skip("doesn't show that somebody is at work")
    await stage.bridge.typing(stage.address)


async def test_what_was_taken_back_is_not_read_any_more_as_it_was(stage: Stage) -> None:
    if not isinstance(stage.bridge, Retracting):
        pytest.skip("takes nothing back")
    message = a_message("Wrong!", role="agent", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        delivered = await stage.bridge.deliver(Outgoing(message=message))
        await stage.bridge.retract(message, delivered.ids, a_task(number=2))
        assert "Wrong!" not in [text for _, text in stage.read()]


async def test_taking_back_fails_as_a_delivery_does(stage: Stage) -> None:
    if not isinstance(stage.bridge, Retracting):
        pytest.skip("takes nothing back")
    message = a_message("Wrong!", role="agent", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        delivered = await stage.bridge.deliver(Outgoing(message=message))
        stage.fail_next(DeliveryDelayed)
        with pytest.raises(DeliveryDelayed):
            await stage.bridge.retract(message, delivered.ids, None)


async def test_a_message_with_other_words_is_read_as_one_or_the_platform_says_no(stage: Stage) -> None:
    if not isinstance(stage.bridge, Editing):
        pytest.skip("changes nothing that's delivered")
    message = a_message("Turn 1", role="notice", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        delivered = await stage.bridge.deliver(Outgoing(message=message))
        before = stage.read()
        now = Outgoing(message=replace(message, parts=(Text("Turn 2"),)))
        try:
            await stage.bridge.edit(now, delivered.ids)
            await stage.bridge.edit(now, delivered.ids)
        except DeliveryRefused:
            assert stage.read() == before
        else:
            assert stage.read() == [(before[0][0], "Turn 2")]


async def test_other_words_fail_as_a_delivery_does(stage: Stage) -> None:
    if not isinstance(stage.bridge, Editing):
        pytest.skip("changes nothing that's delivered")
    message = a_message("Turn 1", role="notice", state="sent", address=stage.address)
    async with running(stage.bridge, Inbox().accept):
        delivered = await stage.bridge.deliver(Outgoing(message=message))
        stage.fail_next(DeliveryDelayed)
        with pytest.raises((DeliveryDelayed, DeliveryRefused)):
            await stage.bridge.edit(Outgoing(message=replace(message, parts=(Text("Turn 2"),))), delivered.ids)


async def test_a_threads_task_is_told_and_that_fails_as_a_delivery_does(stage: Stage) -> None:
    if not isinstance(stage.bridge, Threading):
        pytest.skip("has no threads with a name")
    message = a_message("Hi!", role="agent", state="sent", address=stage.address)
    task = a_task(origin=stage.address)
    delivered = await stage.bridge.deliver(Outgoing(message=message, task=task, tagged=True))
    address = Address(bridge=stage.address.bridge, chat=stage.address.chat, thread=delivered.thread)
    await stage.bridge.tell(address, task)
    stage.fail_next(DeliveryDelayed)
    with pytest.raises(DeliveryDelayed):
        await stage.bridge.tell(address, task)


async def test_what_is_posted_is_received_only_once_it_is_kept(stage: Stage) -> None:
    if not isinstance(stage.bridge, Hooked):
        pytest.skip("isn't called over HTTP")
    inbox = Inbox(StoreUnavailable("full"))
    async with running(stage.bridge, inbox.accept):
        await asyncio.sleep(0)
        assert await stage.bridge.hook(*stage.posted("one", id="1")) >= 500
        assert await stage.bridge.hook(*stage.posted("one", id="1")) == 200
        assert await stage.bridge.hook(*stage.posted("one", id="1")) == 200
    assert [kept.external_id for kept in inbox.kept] == ["1"]


async def test_what_the_waker_heard_is_received_only_once_it_is_kept(stage: Stage) -> None:
    if not isinstance(stage.bridge, Relayed):
        pytest.skip("isn't heard by the waker")
    inbox = Inbox(StoreUnavailable("full"))
    said = stage.relayed("one", id="the-first-one")
    async with running(stage.bridge, inbox.accept):
        async with asyncio.timeout(60):
            while not await stage.bridge.take(said):
                assert inbox.kept == []
        assert inbox.asked == 2, "it's offered again once it couldn't be kept"
        assert await stage.bridge.take(said)
        assert await stage.bridge.take("nonsense"), "refused for good"
    assert [kept.external_id for kept in inbox.kept] == ["the-first-one"]


async def test_what_nobody_vouches_for_is_not_received(stage: Stage) -> None:
    if not isinstance(stage.bridge, Hooked):
        pytest.skip("isn't called over HTTP")
    inbox = Inbox()
    async with running(stage.bridge, inbox.accept):
        await asyncio.sleep(0)
        _, body = stage.posted("one", id="1")
        assert 400 <= await stage.bridge.hook({}, body) < 500
        headers, _ = stage.posted("one", id="1")
        assert 400 <= await stage.bridge.hook(headers, b"nonsense") < 500
    assert inbox.asked == 0


async def test_a_bridge_that_is_tried_out_says_who_we_are_and_takes_nothing_in(stage: Stage) -> None:
    if not isinstance(stage.bridge, Probing):
        pytest.skip("can't be tried out")
    found = await stage.bridge.probe()
    assert (found.name, found.state, found.detail) == (stage.bridge.name, "running", "")
    assert stage.acknowledged() == []
