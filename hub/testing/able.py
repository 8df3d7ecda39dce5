"""A platform that can do all that a platform may: drafts, typing, taking back, threads, calls over HTTP."""

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from hub.errors import DeliveryError, PersonError, StoreUnavailable
from hub.ports import Accept, BridgeInfo, Delivered, Draft, Outgoing
from hub.records import Address, Message, Task, TurnId
from hub.testing.bridge import FakeBridge, Fault
from hub.testing.builders import hello


class AbleBridge(FakeBridge):
    """A FakeBridge with every ability.

    With `threads`, a task that must be seen (`tagged`) gets a thread of its own at its first message. What's posted to
    `hook` is the JSON of `posted`. Faults befall `retract`, `edit` and `tell` as they do `deliver`; drafts have none.
    """

    def __init__(
        self, name: str = "able", *, faults: Iterable[Fault] = (), parts: int = 1, threads: bool = False
    ) -> None:
        super().__init__(name, faults=faults, parts=parts)
        self.drafts: list[Draft] = []
        self.dropped: list[TurnId] = []
        self.typed: list[Address] = []
        self.threads: list[tuple[Address, Task]] = []
        """What was told of each thread's task, in order."""
        self.edits: list[tuple[str, tuple[str, ...]]] = []
        """What was given other words: these, and the ids of what had others."""
        self._with_threads = threads
        self._accept: Accept | None = None

    async def run(self, accept: Accept) -> None:
        self._accept = accept
        await super().run(accept)

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        delivered = await super().deliver(outgoing)
        thread = outgoing.thread
        if self._with_threads and outgoing.task and outgoing.tagged and thread is None:
            thread = f"thread-{outgoing.task.number}"
        return replace(delivered, thread=thread)

    async def show(self, draft: Draft) -> None:
        self.drafts.append(draft)

    async def drop(self, turn: TurnId) -> None:
        self.dropped.append(turn)

    async def typing(self, address: Address) -> None:
        self.typed.append(address)

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        self._befall()
        self.gone.extend(ids)

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        self._befall()
        self.edits.append((outgoing.message.text, tuple(ids)))
        at = next(number for number, delivery in enumerate(self.deliveries) if delivery.id == ids[0])
        self.deliveries[at] = replace(self.deliveries[at], message=outgoing.message, outgoing=outgoing)

    async def tell(self, address: Address, task: Task) -> None:
        self._befall()
        self.threads.append((address, task))

    async def probe(self) -> BridgeInfo:
        return self.info

    async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
        try:
            posted = json.loads(body)
            incoming = hello(str(posted["text"]), external_id=str(posted["id"]), address=Address(**posted["address"]))
        except (ValueError, KeyError, TypeError):
            return 400
        if headers.get("x-secret") != "open":
            return 401
        if self._accept is None:
            return 503
        try:
            await self._accept(incoming)
        except StoreUnavailable:
            return 503
        except PersonError as error:
            self._tell(error)
        self.acknowledged.append(incoming.external_id)
        return 200

    def posted(self, text: str, *, id: str, address: Address) -> tuple[dict[str, str], bytes]:
        """Return what the platform posts for a message: headers and body."""
        place = {"bridge": address.bridge, "chat": address.chat, "thread": address.thread}
        return {"x-secret": "open"}, json.dumps({"text": text, "id": id, "address": place}).encode()

    def _befall(self) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, DeliveryError):
            raise fault
