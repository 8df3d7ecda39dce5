"""Platforms as a test of bridges sees them."""

from typing import Protocol

from hub.errors import DeliveryDelayed, DeliveryError
from hub.ports import Bridge
from hub.records import Address
from hub.testing import AbleBridge, FakeBridge, a_message, hello


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

    def told(self) -> list[str]:
        """Return what senders were told when their messages were refused, in words, reactions and receipts alike."""

    def fail_next(self, error: type[DeliveryError]) -> None:
        """Have the platform answer the next thing asked of it so that it's this error."""

    def posted(self, text: str, *, id: str) -> tuple[dict[str, str], bytes]:
        """Return what the platform posts for a message (headers in lower case, body), if the bridge is Hooked."""

    def relayed(self, text: str, *, id: str) -> str:
        """Return a message as the platform says it, if the bridge is Relayed."""


class FakeStage:
    """FakeBridge is its own platform."""

    def __init__(self, bridge: FakeBridge | None = None) -> None:
        self.bridge = bridge or FakeBridge()
        self.address = a_message().address

    async def say(self, text: str, *, id: str) -> None:
        self.bridge.push(hello(text, external_id=id, address=self.address))

    async def hand_over_again(self) -> None:
        self.bridge.hand_over_again()

    def acknowledged(self) -> list[str]:
        return self.bridge.acknowledged

    def read(self) -> list[tuple[str, str]]:
        return [
            (delivery.id, delivery.text) for delivery in self.bridge.deliveries if delivery.id not in self.bridge.gone
        ]

    def told(self) -> list[str]:
        return [str(error) for error in self.bridge.told]

    def fail_next(self, error: type[DeliveryError]) -> None:
        self.bridge.faults.append(DeliveryDelayed("slow down", 3.0) if error is DeliveryDelayed else error("fault"))

    def posted(self, text: str, *, id: str) -> tuple[dict[str, str], bytes]:
        raise NotImplementedError("nobody posts to a FakeBridge")

    def relayed(self, text: str, *, id: str) -> str:
        raise NotImplementedError("no waker hears for a FakeBridge")


class AbleStage(FakeStage):
    """AbleBridge has every ability that a platform may have."""

    def __init__(self) -> None:
        super().__init__(AbleBridge())

    def posted(self, text: str, *, id: str) -> tuple[dict[str, str], bytes]:
        assert isinstance(self.bridge, AbleBridge)
        return self.bridge.posted(text, id=id, address=self.address)
