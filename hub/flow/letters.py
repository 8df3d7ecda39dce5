"""Dead letters: what was given up, kept for the operator, who may have it tried once more."""

from msgspec.structs import replace

from hub.errors import Conflict, NotFound
from hub.flow import lanes
from hub.flow.journal import Journal
from hub.ports import Change, Save, Store
from hub.records import Entry, saved


class Letters:
    """Gives dead letters another life."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def retry(self, entry: Entry) -> Entry:
        """Have a dead letter worked on again, as if it had come just now; return its entry.

        Raises NotFound if it's no dead letter (any more).
        """
        if entry.state != "dead":
            raise NotFound(f"{entry.id} is no dead letter; GET /v1/dead lists them")
        again = replace(entry, state="ready", deaths=0, attempts=0, error=None, due_at=None, boot=None)
        changes: list[Change] = [Save(again)]
        message = await self._store.message(entry.message)
        if message is not None:
            waiting = "ready" if entry.queue == "outbox" else ("routed" if message.task else "accepted")
            again_message = replace(message, state=waiting, error=None)
            changes += [Save(again_message), self._journal.about_message("message", again_message)]
            if entry.queue == "inbox" and not entry.lane.startswith("task:"):
                again = replace(again, lane=lanes.chat(message.tenant, message.address))
                changes[0] = Save(again)
        try:
            await self._journal.commit(*changes, wake=(again.lane,))
        except Conflict:
            raise NotFound(f"{entry.id} is being tried again already") from None
        return saved(again)
