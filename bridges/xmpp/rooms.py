"""The rooms that the account is in (XEP-0045): joined, joined again when thrown out, and who's behind which nick."""

import logging
from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct, field

from bridges.xmpp.hearing import CLIENT, ERRORS

log = logging.getLogger(__name__)

MUC = "http://jabber.org/protocol/muc"
USER = f"{MUC}#user"
SELF, RENAMED = "110", "303"
TRIES = 5
"""Nicks tried if somebody has ours."""


class Room(Struct, kw_only=True):
    """A room as it's seen from inside."""

    jid: str
    nick: str
    wanted: str
    """The nick from the config."""
    joined: bool = False
    refused: str = ""
    tries: int = 0
    members: dict[str, str] = field(default_factory=dict)
    """Nick -> bare JID, where the room tells it."""

    @property
    def title(self) -> str:
        """What it's called."""
        return self.jid.partition("@")[0] or self.jid


class Rooms:
    """Keeps the account in its rooms. `show` sends a presence."""

    def __init__(self, wanted: Iterable[str], nick: str, show: Callable[[Element], None]) -> None:
        self._show = show
        self._rooms: dict[str, Room] = {}
        for place in wanted:
            jid, _, own = place.partition("/")
            self._rooms[jid.lower()] = Room(jid=jid.lower(), nick=own or nick, wanted=own or nick)

    def get(self, jid: str) -> Room | None:
        """Return a room by its bare JID."""
        return self._rooms.get(jid)

    @property
    def all(self) -> tuple[Room, ...]:
        """Every room that the account is or wants to be in."""
        return tuple(self._rooms.values())

    @property
    def absent(self) -> str:
        """What keeps the account out of a room, in words; empty if it's in all of them."""
        return "; ".join(f"not in {room.jid}: {room.refused}" for room in self.all if room.refused)

    def join(self, room: Room) -> None:
        """Ask to be let in, without what was said before: that's looked up where there's an archive."""
        room.joined, room.refused = False, ""
        room.members.clear()
        presence = Element(f"{{{CLIENT}}}presence", {"to": f"{room.jid}/{room.nick}"})
        SubElement(SubElement(presence, f"{{{MUC}}}x"), f"{{{MUC}}}history", maxstanzas="0")
        self._show(presence)

    def heard(self, presence: Element) -> bool:
        """Take in a presence; return True if it's a room's, and nobody else's business."""
        room_jid, _, nick = presence.get("from", "").partition("/")
        room = self._rooms.get(room_jid.lower())
        if room is None:
            return False
        if presence.get("type") == "error":
            self._turned_away(room, presence)
        else:
            self._moved(room, nick, presence)
        return True

    def _moved(self, room: Room, nick: str, presence: Element) -> None:
        details = presence.find(f"{{{USER}}}x")
        item = details.find(f"{{{USER}}}item") if details is not None else None
        codes = {code.get("code") for code in details.iterfind(f"{{{USER}}}status")} if details is not None else set()
        gone = presence.get("type") == "unavailable"
        if gone:
            room.members.pop(nick, None)
        elif item is not None:
            room.members[nick] = item.get("jid", "").partition("/")[0].lower()
        if SELF not in codes and nick != room.nick:
            return
        if gone and RENAMED in codes and item is not None:
            room.nick = item.get("nick", room.nick)
        elif gone:
            room.joined, room.refused = False, "we were sent out"
            log.warning("%s: sent out", room.jid)
        else:
            room.joined, room.tries, room.nick = True, 0, nick

    def _turned_away(self, room: Room, presence: Element) -> None:
        error = presence.find(f"{{{CLIENT}}}error")
        conditions = (
            [child.tag.rpartition("}")[2] for child in error if child.tag.startswith(f"{{{ERRORS}}}")]
            if error is not None
            else []
        )
        condition = conditions[0] if conditions else "unknown"
        if condition == "conflict" and room.tries < TRIES:
            room.tries += 1
            room.nick = f"{room.wanted}{room.tries + 1}"
            self.join(room)
            return
        room.refused = condition
        log.warning("%s: not let in: %s", room.jid, condition)
