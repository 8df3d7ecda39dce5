"""Deliver what the hub says: in order within a chat, as patiently as the platform asks, and never silently not."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain
from hub.failpoints import reach
from hub.flow import lanes
from hub.flow.journal import Journal
from hub.ports import Add, Bridge, Change, Clock, Outgoing, Save, Store
from hub.records import Entry, EventKind, Message, saved
from hub.spool import Spool

log = logging.getLogger(__name__)

UNCERTAIN = 5
"""So many deliveries of unknown outcome, and it's given up: something dies over it each time."""
SOON = 1.0


class Outbox:
    """Delivers to the bridges that push. Where people read for themselves (HTTP), a kept message is a delivered one."""

    def __init__(
        self, store: Store, spool: Spool, journal: Journal, clock: Clock, bridges: Mapping[str, Bridge]
    ) -> None:
        self._store = store
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._bridges = bridges

    def say(self, message: Message) -> tuple[Change, ...]:
        """Return what keeps a message of the hub and has it delivered; commit it with what it tells of."""
        kind: EventKind = "notice" if message.role == "notice" else "reply"
        if message.address.bridge not in self._bridges:
            sent = replace(message, state="sent")
            return Add(sent), self._journal.about_message(kind, sent)
        lane = lanes.out(message.tenant, message.address)
        return (
            Add(message),
            self._spool.put("outbox", lane, message, self._clock.now()),
            self._journal.about_message(kind, message),
        )

    def lane(self, message: Message) -> str:
        """Return the lane to wake once `say` is committed."""
        return lanes.out(message.tenant, message.address)

    async def deliver(self, lane: str) -> None:
        """Deliver what waits in a lane, until it's empty or must wait."""
        while waiting := await self._spool.ready(lane, self._clock.now()):
            if not await self._deliver(waiting[0]):
                return

    async def _deliver(self, entry: Entry) -> bool:
        message = await self._store.message(entry.message)
        bridge = self._bridges.get(message.address.bridge) if message else None
        if message is None or bridge is None or message.state == "moved":
            await self._journal.commit(self._spool.settle(entry))
            return True
        begun = self._spool.begin(entry)
        await self._journal.commit(Save(begun))
        entry = saved(begun)
        reach("outbox.before-deliver")
        try:
            await bridge.deliver(Outgoing(message=message, again=entry.deaths > 0))
        except DeliveryDelayed as delay:
            due_at = self._clock.now() + timedelta(seconds=delay.after)
            await self._journal.commit(self._spool.release(entry, due_at=due_at, error=str(delay)))
            return False
        except DeliveryUncertain as doubt:
            return await self._doubt(entry, message, str(doubt))
        except DeliveryRefused as refusal:
            await self._give_up(entry, message, str(refusal))
            return True
        reach("outbox.after-deliver")
        await self._journal.commit(
            self._spool.settle(entry),
            Save(replace(message, state="sent")),
            self._journal.about_message("delivery", message),
        )
        reach("outbox.after-settle")
        return True

    async def _doubt(self, entry: Entry, message: Message, why: str) -> bool:
        if entry.deaths + 1 >= UNCERTAIN:
            await self._give_up(entry, message, why)
            return True
        doubted = replace(entry, deaths=entry.deaths + 1)
        due_at = self._clock.now() + timedelta(seconds=SOON)
        await self._journal.commit(self._spool.release(doubted, due_at=due_at, error=why))
        return False

    async def _give_up(self, entry: Entry, message: Message, why: str) -> None:
        log.error("message %s to %s: given up: %s", message.id, message.address.bridge, why)
        failed = replace(message, state="failed", error=why)
        await self._journal.commit(
            self._spool.bury(entry, why), Save(failed), self._journal.about_message("delivery", failed)
        )
