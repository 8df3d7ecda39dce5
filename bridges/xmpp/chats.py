"""Who's who and what's what in chats: addresses, our own names, the ids by which messages are known."""

from bridges.xmpp.backlog import Recent
from bridges.xmpp.convert import Place
from bridges.xmpp.hearing import Heard
from bridges.xmpp.rooms import Rooms
from bridges.xmpp.saying import Target

REMEMBERED = 5_000


class Chats:
    """What's remembered of chats while the bridge runs."""

    def __init__(self, bridge: str, own: str, namespace: str, rooms: Rooms, *, component: bool) -> None:
        self.own = own.lower()
        """Our bare JID; a component's domain."""
        self.namespace = namespace
        self.rooms = rooms
        self._bridge = bridge
        self._component = component
        self._known: Recent[tuple[str, str], str] = Recent(REMEMBERED)
        self._called: Recent[tuple[str, str], str] = Recent(REMEMBERED)
        self._authors: Recent[tuple[str, str], str] = Recent(REMEMBERED)
        self._latest: Recent[str, str] = Recent(REMEMBERED)
        self._voices: Recent[str, str] = Recent(REMEMBERED)
        self._threads: Recent[str, str] = Recent(REMEMBERED)
        self._spoken: Recent[tuple[str, str], bool] = Recent(REMEMBERED)
        self._seen: Recent[tuple[str, str], bool] = Recent(REMEMBERED)

    def place(self, said: Heard) -> Place:
        """Return where a message was said."""
        if said.kind == "groupchat" and (room := self.rooms.get(said.bare)):
            return Place(
                bridge=self._bridge,
                chat=room.jid,
                sender=room.members.get(said.resource) or f"{room.jid}/{said.resource}",
                name=said.resource,
                archive=room.jid,
                room=room.title,
                nick=room.nick,
            )
        # Somebody who writes from a room to us alone is known by their nick there.
        in_room = self.rooms.get(said.bare)
        who = said.sender if in_room else said.bare
        ours = said.to.partition("/")[0].lower()
        return Place(
            bridge=self._bridge,
            chat=f"{who} {ours}" if self._component else who,
            sender=(in_room.members.get(said.resource) if in_room else "") or who,
            name=said.resource if in_room else said.bare.partition("@")[0],
            archive=self.own,
            agent=(ours.partition("@")[0] if "@" in ours else None) if self._component else None,
        )

    def concerns(self, said: Heard, *, late: bool) -> bool:
        """Say whether a message may be one for the hub; bots' echoes, histories and asides are not."""
        if said.kind in {"error", "headline"} or said.aside or said.bare == self.own:
            return False
        if said.kind == "groupchat":
            room = self.rooms.get(said.bare)
            if room is None or not said.resource or said.resource == room.nick or (said.delayed_at and not late):
                return False
        return bool(said.body.strip() or said.urls or said.encrypted)

    def archive_of(self, said: Heard) -> str:
        """Return whose archive ids are good for a message."""
        return said.bare if said.kind == "groupchat" else self.own

    def target(self, chat: str) -> Target:
        """Return whom to write to in a chat, and as whom."""
        to, _, ours = chat.partition(" ") if self._component else (chat, "", "")
        kind = "groupchat" if self.rooms.get(to) else "chat"
        return Target(to=to, kind="groupchat" if kind == "groupchat" else "chat", sender=ours or None)

    def is_room(self, chat: str) -> bool:
        """Say whether a chat is a room."""
        return self.rooms.get(chat) is not None

    def name(self, chat: str, said: Heard, id: str) -> None:
        """Remember by which ids a message goes, and who said it from where."""
        raw = said.id or said.origin_id
        for alias in {said.id, said.origin_id} - {""}:
            self._known.put((chat, alias), id)
        if raw and said.kind != "groupchat":
            self._called.put((chat, id), raw)
        self._authors.put((chat, id), said.sender if said.kind == "groupchat" else said.bare)
        self._latest.put(chat, id)
        self._voices.put(chat, said.sender)
        if said.thread:
            self._threads.put(chat, said.thread)

    def known_as(self, chat: str, raw: str) -> str:
        """Return the external id of the message that a client calls so."""
        return self._known.get((chat, raw)) or raw

    def called(self, chat: str, id: str) -> str:
        """Return what clients call the message with an external id."""
        return self._called.get((chat, id)) or id

    def author(self, chat: str, id: str) -> str:
        """Return who said a message; empty if that's forgotten."""
        return self._authors.get((chat, id)) or ""

    def latest(self, chat: str) -> str | None:
        """Return the external id of the latest message of a chat."""
        return self._latest.get(chat)

    def voice(self, chat: str) -> str | None:
        """Return the full JID that wrote last."""
        return self._voices.get(chat)

    def thread(self, chat: str) -> str | None:
        """Return the thread that was used last."""
        return self._threads.get(chat)

    def speak_in(self, chat: str, thread: str) -> None:
        """Remember that we've said something in a thread."""
        self._spoken.put((chat, thread), value=True)

    def spoke_in(self, chat: str, thread: str) -> bool:
        """Say whether we've said something in a thread."""
        return bool(self._spoken.get((chat, thread)))

    def note_seen(self, chat: str, id: str) -> None:
        """Remember that a message has our mark."""
        self._seen.put((chat, id), value=True)

    def was_seen(self, chat: str, id: str) -> bool:
        """Say whether a message has our mark, and forget it."""
        return bool(self._seen.pop((chat, id)))
