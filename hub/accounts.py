"""[[bridges]]: the accounts that the hub has on chat platforms, and who may write to them."""

import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta, Struct
from msgspec.structs import replace

from hub.sections import Secret

Port = Annotated[int, Meta(ge=1, le=65535)]
Pace = Annotated[float, Meta(ge=0.2, le=60)]
Megabytes = Annotated[int, Meta(ge=1, le=2000)]

TELEGRAM = "https://api.telegram.org"
WEBHOOK_PORTS = (443, 80, 88, 8443)
"""All that Telegram calls."""
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation")
"""The kinds of Telegram's updates that are asked for."""
NAME = re.compile("[a-z0-9-]{1,32}")
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
WEBHOOK_SECRET = re.compile("[A-Za-z0-9_-]{1,256}")
TELEGRAM_SENDER = re.compile("-?[0-9]+|@[A-Za-z0-9_]+")
JID = re.compile(r"[^@/\s]+@[^@/\s]+(/\S.*)?")
XMPP_SENDER = re.compile(r"[^@/\s]*@[^@/\s]+")
DOMAIN = re.compile(r"[^@/\s]+")


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
    api_url: str = TELEGRAM
    mode: Literal["polling", "webhook", "waker"] = "polling"
    """waker: what was said is handed over by the hub's waker, which hears at Telegram in its place."""
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
    mode: Literal["session", "waker"] = "session"
    """waker: what was said is handed over by the hub's waker, which hears in its place."""
    omemo: bool = False
    """Read and answer encrypted messages; needs the extra `omemo`."""


BridgeAccount = TelegramAccount | XmppAccount


def kind_of(account: BridgeAccount) -> str:
    """Return an account's platform."""
    return "telegram" if isinstance(account, TelegramAccount) else "xmpp"


def name_of(account: BridgeAccount) -> str:
    """Return what the hub calls an account."""
    return account.name or kind_of(account)


def secrets_of(account: BridgeAccount) -> tuple[str, ...]:
    """Return what must never be read in a log."""
    if isinstance(account, TelegramAccount):
        return (account.token, webhook_secret(account)) if account.token else (account.webhook_secret,)
    return (account.password,)


def api_of(account: BridgeAccount) -> str:
    """Return the address of an account's platform, where the config names it."""
    return account.api_url if isinstance(account, TelegramAccount) else ""


def webhook_secret(account: TelegramAccount) -> str:
    """Return what Telegram proves itself by when it calls us."""
    return account.webhook_secret or sha256(f"webhook:{account.token}".encode()).hexdigest()


def secret_file_of(account: BridgeAccount) -> str:
    """Return the file that an account's secret was read from, if it was."""
    return account.token_file if isinstance(account, TelegramAccount) else account.password_file


def threads_of(account: BridgeAccount) -> bool:
    """Say whether a message in a new thread begins a new task."""
    return account.threads if isinstance(account, XmppAccount) else True


def with_secret(account: BridgeAccount) -> BridgeAccount:
    """Return an account with its secrets, read from their files where they're named."""
    if isinstance(account, TelegramAccount):
        hook = Secret(account.webhook_secret)
        return replace(account, token=secret(account.token, account.token_file), webhook_secret=hook)
    return replace(account, password=secret(account.password, account.password_file))


def secret(value: str, file: str) -> Secret:
    """Return a secret that's given itself or by its file, which can be read."""
    return Secret(Path(file).expanduser().read_text(encoding="utf-8").strip() if file else value)


def faults(accounts: Mapping[str, BridgeAccount]) -> list[str]:
    """Return what's wrong with accounts by their key paths, a line for each fault, as `bridges[0].token: missing`."""
    found: list[str] = []
    taken, tokens = {"http": "by the hub itself"}, dict[str, str]()
    for path, account in accounts.items():
        if by := taken.get(name := name_of(account)):
            found.append(f"{path}.name: {name!r} is taken {by}; give each account a name of its own")
        taken[name] = f"by {path}"
        token = account.token if isinstance(account, TelegramAccount) else ""
        if token and (first := tokens.setdefault(token, path)) != path:
            found.append(f"{path}.token: is that of {first} too; Telegram serves a bot at one place only")
        own = _of_telegram(account) if isinstance(account, TelegramAccount) else _of_xmpp(account)
        found += [f"{path}.{fault}" for fault in (*_of_any(account), *own)]
    return found


def _of_any(account: BridgeAccount) -> Iterator[str]:
    if account.name and not NAME.fullmatch(account.name):
        yield f"name: takes a-z, 0-9 and -, at most 32 of them; it is {account.name!r}"
    if account.access == "list" and not account.allow and not account.owner:
        yield 'allow: empty, and so nobody may write; name senders, or set access = "pairing"'


def _of_telegram(account: TelegramAccount) -> Iterator[str]:
    yield from _of_secret("token", account.token, account.token_file, "@BotFather gives one")
    if account.token and not TOKEN.fullmatch(account.token):
        yield "token: isn't a bot's token; @BotFather gives one, as 123456789:AAE4..."
    if not account.api_url.startswith(("http://", "https://")):
        yield f"api_url: must begin with http:// or https://; it is {account.api_url!r}"
    if account.webhook_secret and not WEBHOOK_SECRET.fullmatch(account.webhook_secret):
        yield "webhook_secret: takes A-Z, a-z, 0-9, _ and -, at most 256 of them; leave it empty to have one made"
    yield from _of_senders(account, TELEGRAM_SENDER, 'must be a user id, as "123456789", or a @name')
    if account.mode == "webhook":
        yield from _of_webhook(account)


def _of_webhook(account: TelegramAccount) -> Iterator[str]:
    # A Bot API server of one's own calls any port, and without TLS; Telegram's doesn't.
    own = account.api_url != TELEGRAM
    url = urlsplit(account.webhook_url)
    shown = f"it is {account.webhook_url!r}"
    if not account.webhook_url:
        yield 'webhook_url: missing; say how Telegram reaches the hub, as https://hub.example.org, or mode = "polling"'
    elif url.scheme not in ({"https", "http"} if own else {"https"}):
        yield f"webhook_url: must begin with https://; {shown}"
    elif not url.hostname or url.query or url.fragment:
        yield f"webhook_url: must name a host, and have no ? and no #, for /telegram/NAME is added; {shown}"
    elif not own and (_port(url) or 443) not in WEBHOOK_PORTS:
        yield f"webhook_url: Telegram calls only the ports {', '.join(map(str, WEBHOOK_PORTS))}; {shown}"


def _of_xmpp(account: XmppAccount) -> Iterator[str]:
    yield from _of_secret("password", account.password, account.password_file, "it's the account's, or the component's")
    if account.component and not DOMAIN.fullmatch(account.jid):
        yield f"jid: must be a component's domain, as agents.example.org; it is {account.jid!r}"
    elif not account.component and not JID.fullmatch(account.jid):
        yield f"jid: must be an account, as hub@example.org; it is {account.jid!r}"
    if account.component:
        yield from _of_component(account)
    if account.plaintext and not is_loopback(account.host):
        yield f"plaintext: only with a host on this machine, as 127.0.0.1; host is {account.host!r}"
    if account.ca_file and not _readable(account.ca_file):
        yield f"ca_file: {account.ca_file!r} can't be read; create it or mend its rights"
    for room in account.rooms:
        if not JID.fullmatch(room):
            yield f"rooms: each must be room@muc.example.org or room@muc.example.org/nick; one is {room!r}"
    yield from _of_senders(
        account, XMPP_SENDER, "must be an address, as ann@example.org, or @example.org for all of it"
    )


def _of_component(account: XmppAccount) -> Iterator[str]:
    if not account.host:
        yield "host: missing; a component is connected to its server at a host and port, as 127.0.0.1 and 5347"
    elif not is_loopback(account.host):
        yield f"host: must be this machine, as 127.0.0.1, for a component has no TLS; it is {account.host!r}"
    if account.rooms:
        yield "rooms: a component joins none; give the hub an account besides it"
    if account.mode == "waker":
        yield 'mode: a component has one connection, and so the waker can\'t hear for it; keep "session"'
    if account.omemo:
        yield "omemo: not for a component, which has nowhere to publish its keys; give the hub an account besides it"


def _of_secret(key: str, value: str, file: str, whence: str) -> Iterator[str]:
    if value and file:
        yield f"{key}_file: set besides {key}; keep one of them"
    elif not value and not file:
        yield f"{key}: missing; {whence}: set it, or point {key}_file at a file with it"
    elif file and not _readable(file):
        yield f"{key}_file: {file!r} can't be read; create it or mend its rights"


def _of_senders(account: BridgeAccount, form: re.Pattern[str], words: str) -> Iterator[str]:
    if account.owner and not form.fullmatch(account.owner):
        yield f"owner: {words}; it is {account.owner!r}"
    for sender in account.allow:
        if not form.fullmatch(sender):
            yield f"allow: each {words}; one is {sender!r}"


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _readable(file: str) -> bool:
    path = Path(file).expanduser()
    return path.is_file() and os.access(path, os.R_OK)


def _port(url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError:
        return -1
