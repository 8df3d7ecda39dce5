"""Taking back what was answered to a message that was moved or changed."""

from hub.flow.outbox import Outbox
from hub.flow.pauses import voided
from hub.ports import Change, Clock, Store
from hub.records import Message, Turn


class Retraction:
    """Retracts answers."""

    def __init__(self, store: Store, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def of(self, message: Message) -> tuple[list[Change], set[str]]:
        """Return what takes back the answers to this message alone, wherever they were said; and the lanes to wake.

        An answer to several messages at once stays: it's right about the others.
        """
        changes: list[Change] = []
        wake: set[str] = set()
        turn: Turn | None = await self._store.turn(message.turn) if message.turn else None
        if turn is not None and turn.messages != (message.id,):
            return changes, wake
        if message.task is not None:
            # What was asked for its old words, or in its old task, nobody can allow any more.
            changes += await voided(
                self._store, message.task, self._clock.now(), "what asked for it changed", message.id
            )
        for reply in await self._store.replies(message.id):
            if reply.role == "agent":
                for said in (reply, *await self._store.copies(reply.id)):
                    changes += await self._outbox.take_back(said)
                    wake.add(self._outbox.lane(said))
        return changes, wake
