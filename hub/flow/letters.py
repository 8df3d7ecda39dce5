"""Dead letters: what the hub gave up, taken up again at the operator's word."""

from msgspec.structs import replace

from hub.errors import NotFound
from hub.flow.journal import Journal
from hub.ports import Save, Store
from hub.records import Entry, Message, MessageState


class Letters:
    """Gives dead letters another life."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def retry(self, entry: Entry) -> Entry:
        """Have a dead letter worked on as if it had just come; return its entry as it waits now.

        Raises NotFound if it isn't a dead letter (any more), Conflict if somebody changes it at the same time.
        """
        found = await self._store.entry(entry.id)
        message = await self._store.message(entry.message)
        if found is None or message is None or found.state != "dead":
            raise NotFound(f"entry: {entry.id!r} isn't a dead letter; it may have been taken up already")
        ready = replace(found, state="ready", boot=None, due_at=None, attempts=0, deaths=0, error=None)
        waiting = replace(message, state=_state(found, message), error=None)
        await self._journal.commit(
            Save(ready), Save(waiting), self._journal.about_message("message", waiting), wake=(ready.lane,)
        )
        return await self._store.entry(entry.id) or ready


def _state(entry: Entry, message: Message) -> MessageState:
    if entry.queue == "outbox":
        return "ready"
    return "routed" if message.task else "accepted"
