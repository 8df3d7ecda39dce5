"""slixmpp's stream, made ours: it waits for nothing on its own, and counts as handled only what's kept."""

import ssl
from asyncio import Future
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.basexmpp import BaseXMPP
from slixmpp.clientxmpp import ClientXMPP
from slixmpp.componentxmpp import ComponentXMPP
from slixmpp.plugins.xep_0198 import stanza as sm
from slixmpp.stanza import Iq, Message, Presence
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from hub.accounts import XmppAccount, is_loopback
from hub.errors import ConfigError

PLUGINS = ("xep_0030", "xep_0004", "xep_0050", "xep_0059", "xep_0115", "xep_0198", "xep_0199", "xep_0297", "xep_0313")
FEATURES = (
    *("urn:xmpp:receipts", "urn:xmpp:message-correct:0", "urn:xmpp:reply:0", "urn:xmpp:fallback:0"),
    *("urn:xmpp:reactions:0", "urn:xmpp:message-retract:1", "urn:xmpp:sid:0", "jabber:x:oob", "urn:xmpp:styling:0"),
    *("http://jabber.org/protocol/chatstates", "http://jabber.org/protocol/muc", "urn:xmpp:sfs:0"),
)
DIRECT_TLS = 5223
"""The port that's usual for TLS from the first byte on; at the others it begins with STARTTLS."""


class Stream(BaseXMPP):
    """What both kinds of stream have in common."""

    heard = 0.0
    """When anything last came, on the event loop's clock."""
    gave_up = "gave_up"
    """The event of an attempt that came to nothing."""

    def data_received(self, data: bytes | str) -> None:
        """Note the time: a link that's only half open brings nothing."""
        self.heard = self.loop.time()
        super().data_received(data)

    def reschedule_connection_attempt(self) -> Future[Any] | None:
        """Leave it to us when to try again: slixmpp would wait up to five minutes, and tell nobody why."""
        self._current_connection_attempt = None
        self.event(self.gave_up)
        return None

    def say(self, message: Element) -> Message:
        """Send a message."""
        stanza = Message(self, xml=message)
        stanza.send()
        return stanza

    def show(self, presence: Element) -> None:
        """Send a presence."""
        Presence(self, xml=presence).send()

    def close(self) -> None:
        """Let go of everything at once."""
        self.cancel_connection_attempt()
        self.abort()
        if self._run_out_filters is not None:
            self._run_out_filters.cancel()


class Client(Stream, ClientXMPP):
    """An account's stream."""

    @property
    def managed(self) -> bool:
        """Whether the server counts what it gets, and says so (XEP-0198)."""
        return "stream_management" in self.features


class Component(Stream, ComponentXMPP):
    """A component's stream."""

    def __init__(self, account: XmppAccount, secret: str) -> None:
        ComponentXMPP.__init__(self, account.jid, secret, account.host, account.port)


def stream_of(account: XmppAccount, resource: str) -> Client | Component:
    """Return an account's stream, not yet connected. Raises ConfigError."""
    password = account.password
    if account.password_file and not password:
        try:
            password = Path(account.password_file).expanduser().read_text().strip()
        except OSError as error:
            raise ConfigError(f"password_file: {account.password_file} can't be read ({error.strerror})") from None
    return component(account, password) if account.component else client(account, password, resource)


def where(account: XmppAccount) -> tuple[str, int] | None:
    """Return where to connect; None if the JID's domain says so."""
    return (account.host, account.port) if account.host else None


def client(account: XmppAccount, password: str, resource: str) -> Client:
    """Return the stream of an account, not yet connected. Raises ConfigError for a CA file that can't be read."""
    stream = Client(f"{account.jid}/{resource}", password)
    stream.ssl_context = trusted(account)
    direct = account.port == DIRECT_TLS
    stream.enable_direct_tls, stream.enable_starttls = direct or not account.host, not direct
    if account.plaintext:
        _permit_plaintext(stream, account)
    _equip(stream)
    return stream


def component(account: XmppAccount, secret: str) -> Component:
    """Return the stream of a component, not yet connected. Raises ConfigError if it would leave this machine."""
    # Its protocol knows no TLS: the secret is only hashed, and all messages go as they are.
    if not is_loopback(account.host):
        where = account.host or "missing"
        raise ConfigError(f"host: {where}; a component has no TLS, so its server must be on this machine (127.0.0.1)")
    stream = Component(account, secret)
    _equip(stream)
    return stream


def _equip(stream: Client | Component) -> None:
    for name in PLUGINS:
        stream.register_plugin(name)
    stream.auto_authorize = None
    stream.auto_subscribe = False


def listen(stream: Client | Component, name: str, heard: Callable[[Element], None]) -> None:
    """Have each stanza of a name (message, presence) handed over as XML, in order, as it comes."""

    def hand_over(stanza: Any) -> None:
        heard(stanza.xml)

    stream.register_handler(Callback(f"AgentHost {name}", MatchXPath(f"{{{stream.default_ns}}}{name}"), hand_over))


def hold_acks(stream: Client, handled: Callable[[int], int]) -> None:
    """Have the server told as handled what `handled` makes of the number of stanzas that came.

    slixmpp says that a stanza is handled once it's parsed: a crash before it's kept would lose it.
    """
    plugin = stream.plugin["xep_0198"]

    def send_ack() -> None:
        if stream.transport:
            ack = sm.Ack(stream)
            ack["h"] = handled(plugin.handled)
            stream.send_raw(str(ack))

    # The instance's own: the class is shared with every other stream of the process.
    vars(plugin)["send_ack"] = send_ack


def ask_for_ack(stream: Client | Component) -> Iq | None:
    """Ask the server how far it got. Returns a request to await, where it can only be asked by one."""
    if isinstance(stream, Client) and stream.managed:
        # By the same queue as the messages, so that it follows them.
        stream.send(sm.RequestAck(stream))
        return None
    ping: Iq = stream.make_iq_get(ito=stream.boundjid.host, ifrom=stream.boundjid.full)
    ping.enable("ping")
    return ping


def trusted(account: XmppAccount) -> ssl.SSLContext:
    """Return what decides whom we trust over TLS. Raises ConfigError for a CA file that can't be read."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if account.ca_file:
        try:
            context.load_verify_locations(Path(account.ca_file).expanduser())
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"ca_file: {account.ca_file} can't be read as certificates ({error})") from None
    return context


def _permit_plaintext(stream: Client, account: XmppAccount) -> None:
    if not is_loopback(account.host):
        raise ConfigError(
            f"plaintext: only to this machine, and host is {account.host or 'missing'}; set it to 127.0.0.1, or"
            " plaintext to false"
        )
    stream.enable_plaintext, stream.enable_starttls, stream.enable_direct_tls = True, False, False
    stream.plugin["feature_mechanisms"].unencrypted_plain = True
    stream.plugin["feature_mechanisms"].unencrypted_scram = True
