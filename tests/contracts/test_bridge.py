"""Every sentence that ports.Bridge promises, over every bridge.

A bridge joins by a Stage: its platform as a test sees it. Add the stage's class to STAGES.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from hub.errors import BadRequest, DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUncertain, StoreUnavailable
from hub.ports import Accept, Bridge, Outgoing
from hub.records import Address, Incoming
from hub.testing import FakeBridge, a_message, hello


class Stage(Protocol):
    """A bridge with the platform on its other side."""

    @property
    def bridge(self) -> Bridge:
        """Return the bridge under test."""

    @property
    def address(self) -> Address:
        """Return a chat that exists."""

    async def say(self, text: str, *, id: str) -> None:
        """Have a person write a message; return when the platform has handed it to the bridge."""

    async def hand_over_again(self) -> None:
        """Have the platform hand over what was never acknowledged."""

    def acknowledged(self) -> list[str]:
        """Return the external ids of messages that the platform believes received."""

    def read(self) -> list[tuple[str, str]]:
        """Return what people read: the platform's id and the text of each message."""

    def fail_next(self, error: type[DeliveryError]) -> None:
        """Have the platform answer the next delivery so that it's this error."""


class FakeStage:
    """FakeBridge is its own platform."""

    def __init__(self) -> None:
        self.bridge = FakeBridge()
        self.address = a_message().address

    async def say(self, text: str, *, id: str) -> None:
        self.bridge.push(hello(text, external_id=id, address=self.address))

    async def hand_over_again(self) -> None:
        self.bridge.hand_over_again()

    def acknowledged(self) -> list[str]:
        return self.bridge.acknowledged

    def read(self) -> list[tuple[str, str]]:
        return [(delivery.id, delivery.text) for delivery in self.bridge.deliveries]

    def fail_next(self, error: type[DeliveryError]) -> None:
        self.bridge.faults.append(DeliveryDelayed("slow down", 3.0) if error is DeliveryDelayed else error("fault"))


STAGES: list[type[Stage]] = [FakeStage]


@pytest.fixture(params=STAGES, ids=lambda stage: stage.__name__)
def stage(request: pytest.FixtureRequest) -> Stage:
    made: Stage = request.param()
    return made


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
    yield
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


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
    assert [(kept.external_id, kept.address) for kept in inbox.kept] == [("1", stage.address), ("2", stage.address)]
    assert stage.acknowledged() == ["1", "2"]


async def test_a_message_is_acknowledged_only_once_accept_has_returned(stage: Stage) -> None:
    inbox = Inbox()
    inbox.gate.clear()
    async with running(stage.bridge, inbox.accept):
        await stage.say("one", id="1")
        await until(inbox, 1)
        assert stage.acknowledged() == []
        inbox.gate.set()
        await until(inbox, 1)
        assert stage.acknowledged() == ["1"]


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
    assert stage.acknowledged() == ["1"]


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
        assert stage.acknowledged() == ["1"]


async def test_a_refused_message_stops_nobody_elses(stage: Stage) -> None:
    inbox = Inbox(BadRequest("text", "is empty; write something"))
    async with running(stage.bridge, inbox.accept):
        await stage.say("", id="1")
        await stage.say("two", id="2")
        await until(inbox, 2)
    assert [kept.external_id for kept in inbox.kept] == ["2"]


async def test_a_delivered_message_is_read_in_its_chat_under_the_id_returned(stage: Stage) -> None:
    message = a_message("Hi!", role="agent", state="sent", address=stage.address)
    delivered = await stage.bridge.deliver(Outgoing(message=message))
    assert stage.read() == [(delivered.ids[0], "Hi!")]


@pytest.mark.parametrize("error", [DeliveryDelayed, DeliveryUncertain, DeliveryRefused])
async def test_a_delivery_that_fails_says_how(stage: Stage, error: type[DeliveryError]) -> None:
    stage.fail_next(error)
    message = a_message("Hi!", role="agent", state="sent", address=stage.address)
    with pytest.raises(error):
        await stage.bridge.deliver(Outgoing(message=message))
    if error is not DeliveryUncertain:
        assert stage.read() == []
    await stage.bridge.deliver(Outgoing(message=message, again=True))
    assert stage.read()[-1][1].endswith("Hi!")


async def test_a_bridge_says_at_once_how_it_is(stage: Stage) -> None:
    assert stage.bridge.info.name == stage.bridge.name
