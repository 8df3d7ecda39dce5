"""Whose account a sender is, asked for every message: what's known is remembered."""

from collections import OrderedDict

from hub.ports import Store
from hub.records import Link, TenantId

REMEMBERED = 10_000
"""Senders whose person is remembered between messages."""
GROUP = "group:"

Sender = tuple[TenantId, str, str]


class Links:
    """Finds links, and forgets them when they change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[Sender, Link] = OrderedDict()

    async def find(self, tenant: TenantId, bridge: str, sender: str) -> Link | None:
        """Return a sender's link, or a group's by `group:` and its chat."""
        who = (tenant, bridge, sender)
        link = self._known.get(who) or await self._store.link(*who)
        if link is not None:
            self._known[who] = link
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return link

    def forget(self, tenant: TenantId, bridge: str, sender: str) -> None:
        """Ask the store the next time."""
        self._known.pop((tenant, bridge, sender), None)


def of_group(chat: str) -> str:
    """Return what stands for a sender in a group's link; no platform calls a sender so."""
    return f"{GROUP}{chat}"


def is_group(sender: str) -> bool:
    """Say whether that stands for a group."""
    return sender.startswith(GROUP)
