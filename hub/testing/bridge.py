"""A platform that a test speaks through and listens to."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from hub.errors import DeliveryError, DeliveryUncertain, PersonError, StoreUnavailable, Stranger
from hub.ports import Accept, BridgeInfo, Delivered, Outgoing
from hub.records import Incoming, Message
from hub.testing.llm import Hang

Fault = DeliveryError | Hang | None


class Delivery(Struct, frozen=True, kw_only=True):
    """A message as it arrived at the platform."""

    message: Message
    again: bool
    id: str
    """The platform's id of it, of its first part."""
    ids: tuple[str, ...]
    """Of all its parts."""
    outgoing: Outgoing

    @property
    def text(self) -> str:
        """What the person reads."""
        return self.message.text


class FakeBridge:
    """A Bridge to a platform that's a list.

    `faults` befall the deliveries in order, None lets one pass. What's uncertain has arrived; what's hung on has too,
    and isn't answered until cancelled.
    """

    def __init__(self, name: str = "fake", *, faults: Iterable[Fault] = (), parts: int = 1) -> None:
        self.name = name
        self.parts = parts
        """As how many messages of the platform each message arrives."""
        self.counted_from = 1
        """The number in the platform's id of the first delivery; higher for a bridge that comes after another."""
        self.info = BridgeInfo(name=name, kind="fake")
        """How it says that it is."""
        self.deliveries: list[Delivery] = []
        """What arrived, doubles too, in order."""
        self.attempts: list[Message] = []
        """What was tried to deliver."""
        self.acknowledged: list[str] = []
        """External ids of what `accept` took, or refused for good."""
        self.told: list[PersonError] = []
        """What senders were told when their message was refused; strangers aren't told anything."""
        self.unacknowledged: list[Incoming] = []
        """What the hub couldn't keep: handed over again by `hand_over_again`."""
        self.gone: list[str] = []
        """Ids of what was taken back."""
        self.faults: list[Fault] = list(faults)
        self.gate = asyncio.Event()
        """Cleared, it lets no delivery arrive until it's set."""
        self.gate.set()
        self._arrived = asyncio.Event()
        self._incoming: asyncio.Queue[tuple[Incoming, asyncio.Future[bool]]] = asyncio.Queue()

    async def say(self, incoming: Incoming) -> bool:
        """Send a message to the hub and return what `accept` returned; raises what it raised."""
        answer = self._send(incoming)
        return await answer

    def push(self, incoming: Incoming) -> None:
        """Send a message to the hub without waiting for it."""
        answer = self._send(incoming)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def hand_over_again(self) -> None:
        """Send everything again that was never acknowledged, as a platform does after a while."""
        again, self.unacknowledged = self.unacknowledged, []
        for incoming in again:
            self.push(incoming)

    async def run(self, accept: Accept) -> None:
        while True:
            incoming, answer = await self._incoming.get()
            try:
                new = await accept(incoming)
            except (PersonError, StoreUnavailable) as error:
                self._refuse(incoming, error)
                _give(answer, error)
            except BaseException:
                self.unacknowledged.append(incoming)
                answer.cancel()
                raise
            else:
                self.acknowledged.append(incoming.external_id)
                _give(answer, new)

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        self.attempts.append(outgoing.message)
        fault = self.faults.pop(0) if self.faults else None
        await asyncio.sleep(0)
        await self.gate.wait()
        if isinstance(fault, DeliveryError) and not isinstance(fault, DeliveryUncertain):
            raise fault
        id = f"{self.name}-{len(self.deliveries) + self.counted_from}"
        ids = (id, *(f"{id}.{part}" for part in range(2, self.parts + 1)))
        delivery = Delivery(message=outgoing.message, again=outgoing.again, id=id, ids=ids, outgoing=outgoing)
        self.deliveries.append(delivery)
        self._arrived.set()
        if isinstance(fault, DeliveryUncertain):
            raise fault
        if isinstance(fault, Hang):
            await asyncio.Event().wait()
        return Delivered(ids=ids)

    @property
    def texts(self) -> list[str]:
        """What people read, in order; what was taken back isn't there any more."""
        return [delivery.text for delivery in self.deliveries if delivery.id not in self.gone]

    async def heard(self, count: int, *, within: float = 5.0) -> list[str]:
        """Wait until so many messages have arrived, and return their texts; raises TimeoutError."""
        async with asyncio.timeout(within):
            while len(self.deliveries) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.texts

    def _send(self, incoming: Incoming) -> asyncio.Future[bool]:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._incoming.put_nowait((incoming, answer))
        return answer

    def _refuse(self, incoming: Incoming, error: PersonError | StoreUnavailable) -> None:
        if isinstance(error, PersonError):
            self._tell(error)
            self.acknowledged.append(incoming.external_id)
        else:
            self.unacknowledged.append(incoming)

    def _tell(self, error: PersonError) -> None:
        if not isinstance(error, Stranger):
            self.told.append(error)


def _give(answer: asyncio.Future[bool], result: bool | Exception) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
