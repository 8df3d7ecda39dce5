"""[[bridges]]: the accounts that the hub has on chat platforms, and who may write to them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=1, le=65535)]
Pace = Annotated[float, Meta(ge=0.2, le=60)]
Megabytes = Annotated[int, Meta(ge=1, le=2000)]


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every account has."""

    name: str = ""
    """What the hub calls it; empty: its kind."""
    access: Literal["pairing", "list", "open"] = "pairing"
    """pairing: who's unknown is given a code that the owner approves. list: only `allow`. open: everybody."""
    allow: tuple[str, ...] = ()
    """Senders who may write without being paired: Telegram's user ids or @names, JIDs, or @domain for all of one."""
    owner: str = ""
    """The sender who is the hub's owner."""
    file_mb: Megabytes = 20
    """Larger files aren't taken."""
    pace: Pace = 1.5
    """Seconds between two edits of a message that's being written."""
    receipts: bool = True
    """Show by a reaction or a receipt that a message is kept, and that it's answered."""


class TelegramAccount(Account, frozen=True, kw_only=True, tag="telegram", tag_field="kind"):
    """A Telegram bot."""

    token: str = ""
    token_file: str = ""
    api_url: str = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: str = ""
    """How Telegram reaches the hub, as https://hub.example.org; /telegram/NAME is added."""
    webhook_secret: str = ""
    """Empty: made from the token."""
    topics: bool = True
    """A topic for each task, where the bot has topics switched on."""


class XmppAccount(Account, frozen=True, kw_only=True, tag="xmpp", tag_field="kind"):
    """An XMPP account, or a component of a server."""

    jid: str = ""
    password: str = ""
    password_file: str = ""
    host: str = ""
    """Empty: found by the JID's domain."""
    port: Port = 5222
    ca_file: str = ""
    """Certificates to trust besides the system's."""
    rooms: tuple[str, ...] = ()
    """Rooms to join, as room@muc.example.org or room@muc.example.org/nick."""
    component: bool = False
    """`jid` is a component's domain: each agent has an address of its own there."""
    plaintext: bool = False
    """Without TLS; only to this machine."""
    threads: bool = True
    """A message in a new thread begins a new task; false for clients that put everything into one thread."""
    omemo: bool = False
    """End-to-end encryption; needs the extra agenthost[omemo]."""


BridgeAccount = TelegramAccount | XmppAccount


def name_of(account: BridgeAccount) -> str:
    """Return what the hub calls an account."""
    return account.name or ("telegram" if isinstance(account, TelegramAccount) else "xmpp")
