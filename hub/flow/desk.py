"""What bridges may ask of the hub: who somebody is, what they have under way, what was said."""

from collections.abc import Mapping
from datetime import timedelta

from hub.accounts import Account
from hub.flow.access import shuts_out
from hub.flow.links import is_group
from hub.ports import Clock, Store
from hub.records import HOME, OPEN, Address, Link, Message, Person, Task

HANDFUL = 10


class FrontDesk:
    """A Desk over the store."""

    def __init__(
        self, store: Store, clock: Clock, reopen_hours: float, accounts: Mapping[str, Account] | None = None
    ) -> None:
        self._accounts = accounts or {}
        self._store = store
        self._clock = clock
        self._just_now = timedelta(hours=reopen_hours)

    async def person(self, bridge: str, sender: str) -> Person | None:
        """See Desk."""
        link = await self._link(bridge, sender)
        return await self._store.person(HOME, link.person) if link else None

    async def tasks(self, bridge: str, sender: str) -> tuple[Task, ...]:
        """See Desk."""
        link = await self._link(bridge, sender)
        if link is None:
            return ()
        since = self._clock.now() - self._just_now
        still_open = await self._store.tasks(
            HOME, link.person, states=OPEN, limit=HANDFUL, by="updated_at", split=False
        )
        finished = await self._store.tasks(
            HOME, link.person, states=("completed",), updated_since=since, limit=HANDFUL, by="updated_at", split=False
        )
        latest = sorted((*still_open, *finished), key=lambda task: task.updated_at, reverse=True)
        return tuple(latest[:HANDFUL])

    async def _link(self, bridge: str, sender: str) -> Link | None:
        # By a public name alone nobody is told anything here: the platform doesn't say it with every question.
        if not is_group(sender) and shuts_out(self._accounts.get(bridge), sender, ""):
            return None
        link = await self._store.link(HOME, bridge, sender)
        person = await self._store.person(HOME, link.person) if link else None
        return link if person is not None and person.is_heard else None

    async def message(self, address: Address, external_id: str) -> Message | None:
        """See Desk."""
        return await self._store.message_by_external(HOME, address, external_id)
