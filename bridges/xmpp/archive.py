"""The server's archive (XEP-0313): what came while nobody was connected, and whether what we sent is in it."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID
from slixmpp.stanza import Iq

from bridges.xmpp.hearing import MAM, Archived, archived
from bridges.xmpp.stream import Client

log = logging.getLogger(__name__)

PAGE = 50
PATIENCE = 15
SEARCHED = 6
"""Pages that are looked through for a message of ours."""
MARGIN = timedelta(minutes=10)
"""How far two clocks may be apart."""


NONE = frozenset({"service-unavailable", "feature-not-implemented", "item-not-found", "forbidden", "not-allowed"})


class NoArchive(Exception):
    """The server has none, or none for us."""


class Silent(Exception):
    """The archive doesn't answer now, or not as it should."""


class Expired(Exception):
    """The archive no longer knows the message after which it was asked to begin."""


class Archive:
    """An account's archive, or a room's."""

    def __init__(self, stream: Client, owner: str | None = None) -> None:
        self._stream = stream
        self._owner = owner

    async def keep_everything(self) -> None:
        """Have the server archive what strangers send too; some archive nothing until they're told to."""
        iq = self._stream.make_iq_set()
        prefs = SubElement(iq.xml, f"{{{MAM}}}prefs", default="always")
        SubElement(prefs, f"{{{MAM}}}always")
        SubElement(prefs, f"{{{MAM}}}never")
        try:
            await iq.send(timeout=PATIENCE)
        except (IqError, IqTimeout) as error:
            log.debug("the archive's preferences can't be set: %s", error)

    async def last(self) -> str:
        """Return the id of the latest message; empty if there's none. Raises NoArchive, Silent."""
        found, _ = await self._page({"before": "", "max": "1"})
        return found[-1].id if found else ""

    async def after(self, mark: str, start: datetime | None = None) -> AsyncIterator[list[Archived]]:
        """Yield what came after a message, or since a time, in order, a page at a time.

        Raises NoArchive, Silent, Expired.
        """
        while True:
            rsm = {"max": str(PAGE)} | ({"after": mark} if mark else {})
            found, complete = await self._page(rsm, start=start)
            if found:
                yield found
                mark = found[-1].id
            if complete or not found:
                return

    async def holds(self, to: str, id: str, since: datetime) -> bool:
        """Say whether a message of ours is in there: then it was delivered. Raises NoArchive, Silent."""
        rsm = {"max": str(PAGE)}
        for _ in range(SEARCHED):
            found, complete = await self._page(rsm, start=since - MARGIN, with_jid=None if self._owner else to)
            if any(id in (item.heard.id, item.heard.origin_id) for item in found):
                return True
            if complete or not found:
                return False
            rsm = {"max": str(PAGE), "after": found[-1].id}
        return False

    async def _page(
        self, rsm: dict[str, str], *, start: datetime | None = None, with_jid: str | None = None
    ) -> tuple[list[Archived], bool]:
        try:
            iq: Iq = await self._stream.plugin["xep_0313"].retrieve(
                jid=JID(self._owner) if self._owner else None,
                rsm=rsm,
                start=start,
                with_jid=JID(with_jid) if with_jid else None,
                timeout=PATIENCE,
            )
        except IqError as error:
            if error.condition == "item-not-found" and "after" in rsm:
                raise Expired from None
            raise (NoArchive if error.condition in NONE else Silent)(str(error.condition)) from None
        except IqTimeout:
            raise Silent("it doesn't answer") from None
        found = [item for result in iq["mam"]["results"] if (item := archived(result.xml)) is not None]
        return found, _is_complete(iq.xml)


def _is_complete(iq: Element) -> bool:
    fin = iq.find(f"{{{MAM}}}fin")
    return fin is None or fin.get("complete") == "true"
