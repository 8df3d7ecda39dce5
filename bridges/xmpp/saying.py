"""What's said -> a <message/> as XML; pure functions."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from bridges.xmpp.hearing import CORRECT, OOB, RECEIPTS, REPLY, SIDS

STATES = "http://jabber.org/protocol/chatstates"
REACTIONS = "urn:xmpp:reactions:0"
RETRACT = "urn:xmpp:message-retract:1"
HINTS = "urn:xmpp:hints"
OLDMEMO = "eu.siacs.conversations.axolotl"
ENCRYPTION = "urn:xmpp:eme:0"
SEALED = "I've answered encrypted (OMEMO), and your client can't show it here."
Hint = Literal["store", "no-store", "no-permanent-store"]


class Target(Struct, frozen=True, kw_only=True):
    """Whom a message goes to, and from which of our addresses."""

    to: str
    kind: Literal["chat", "groupchat"] = "chat"
    sender: str | None = None
    """Ours, if there are several: a component's."""


class Words(Struct, frozen=True, kw_only=True):
    """A message that people read."""

    id: str
    body: str
    thread: str | None = None
    replaces: str | None = None
    reply_to: str | None = None
    reply_author: str = ""
    url: str | None = None
    """Of the file that the message is."""
    hint: Hint | None = None


def words(namespace: str, target: Target, said: Words) -> Element:
    """Return a message that people read."""
    message = _message(namespace, target, said.id)
    SubElement(message, f"{{{namespace}}}body").text = said.body
    if said.thread:
        SubElement(message, f"{{{namespace}}}thread").text = said.thread
    SubElement(message, f"{{{SIDS}}}origin-id", id=said.id)
    SubElement(message, f"{{{STATES}}}active")
    if said.replaces:
        SubElement(message, f"{{{CORRECT}}}replace", id=said.replaces)
    if said.reply_to:
        SubElement(message, f"{{{REPLY}}}reply", {"id": said.reply_to, "to": said.reply_author or target.to})
    if said.url:
        SubElement(SubElement(message, f"{{{OOB}}}x"), f"{{{OOB}}}url").text = said.url
    return _hinted(message, said.hint)


def sealed(message: Element, envelopes: Sequence[Element]) -> Element:
    """Return a message with its words in envelopes, and others in their place for clients that can't open these."""
    shut = deepcopy(message)
    for child in shut:
        if child.tag.endswith("}body"):
            child.text = SEALED
    shut.extend(envelopes)
    SubElement(shut, f"{{{ENCRYPTION}}}encryption", namespace=OLDMEMO, name="OMEMO")
    return _hinted(shut, "store")


def opened(message: Element, text: str) -> Element:
    """Return a message with its words in place of the envelopes."""
    plain = deepcopy(message)
    for child in list(plain):
        if child.tag.endswith("}body") or child.tag == f"{{{OLDMEMO}}}encrypted":
            plain.remove(child)
    namespace = message.tag[1:].partition("}")[0]
    SubElement(plain, f"{{{namespace}}}body").text = text
    return plain


def receipt(namespace: str, target: Target, id: str, of: str) -> Element:
    """Return what tells a client that its message is kept."""
    message = _message(namespace, target, id)
    SubElement(message, f"{{{RECEIPTS}}}received", id=of)
    return _hinted(message, "store")


def reaction(namespace: str, target: Target, id: str, of: str, emojis: Sequence[str]) -> Element:
    """Return what puts emojis, and only these, under a message."""
    message = _message(namespace, target, id)
    reactions = SubElement(message, f"{{{REACTIONS}}}reactions", id=of)
    for emoji in emojis:
        SubElement(reactions, f"{{{REACTIONS}}}reaction").text = emoji
    return _hinted(message, "store")


def typing(namespace: str, target: Target, id: str, state: Literal["composing", "active"] = "composing") -> Element:
    """Return what shows that somebody is at work, or no longer."""
    message = _message(namespace, target, id)
    SubElement(message, f"{{{STATES}}}{state}")
    return _hinted(message, "no-store")


def retraction(namespace: str, target: Target, id: str, of: str) -> Element:
    """Return what takes a message back."""
    message = _message(namespace, target, id)
    SubElement(message, f"{{{RETRACT}}}retract", id=of)
    return _hinted(message, "store")


def _message(namespace: str, target: Target, id: str) -> Element:
    message = Element(f"{{{namespace}}}message", {"to": target.to, "type": target.kind, "id": id})
    if target.sender:
        message.set("from", target.sender)
    return message


def _hinted(message: Element, hint: Hint | None) -> Element:
    if hint:
        SubElement(message, f"{{{HINTS}}}{hint}")
    return message
