"""Chat platforms, seen from the hub; and the hub, seen from them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from hub.records import (
    Address,
    Incoming,
    Message,
    Person,
    Task,
    TurnId,
)

Accept = Callable[[Incoming], Awaitable[bool]]


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message on its way out, with what a platform has to know to show it well."""

    message: Message
    again: bool = False
    """It may have been delivered before: then it's marked, unless the platform removes doubles."""
    task: Task | None = None
    """What it's about, as the task stands now."""
    tagged: bool = False
    """The person has more than one task open: it must be seen which one this is about, by a thread or by a tag line."""
    thread: str | None = None
    """The thread of this chat that's the task's own, if it has one."""
    reply_to: str | None = None
    """The platform's id of the message that it answers, if that was said in the same chat."""
    silent: bool = False
    """It says how far something is: nobody need be woken by it."""
    newest: bool = True
    """Nothing that the hub said was delivered to its chat after it."""


class Delivered(Struct, frozen=True, kw_only=True):
    """What became of a message on its platform."""

    ids: tuple[str, ...]
    """The platform's ids of what people see, in order: a long text may have become several messages."""
    thread: str | None = None
    """The thread that's the task's own from now on, if the platform has one for it."""


class Draft(Struct, frozen=True, kw_only=True):
    """An answer while it's being written."""

    address: Address
    task: Task
    turn: TurnId
    text: str
    """All of it so far; it ends with the delivery of the message that has this turn, or with nothing if it's stopped
    before a word was kept."""
    tagged: bool = False
    thread: str | None = None
    reply_to: str | None = None


class BridgeInfo(Struct, frozen=True, kw_only=True):
    """How a bridge is, for status and doctor."""

    name: str
    kind: str = ""
    """telegram, xmpp, http, ..."""
    state: Literal["connecting", "running", "waiting", "refused", "stopped"] = "running"
    """waiting: the platform can't be reached or asked for patience. refused: it doesn't want us (a wrong token)."""
    detail: str = ""
    """Why it isn't running, and the way out."""
    account: str = ""
    """Who we are there: a user name, a JID."""
    invite: str = ""
    """A link that opens a chat with us there and hands over a `{code}`, where the platform has such links."""
    since: datetime | None = None
    """Of the state."""
    heard_at: datetime | None = None
    """When the platform last answered or said anything."""
    lag: float = 0.0
    """Seconds from a message's being sent to its being kept, of the last one."""
    waiting: int = 0
    """Messages that wait to be delivered; filled in by the hub."""


class Bridge(Protocol):
    """A chat platform, seen from the hub."""

    name: str

    @property
    def info(self) -> BridgeInfo:
        """Say how it is, at once."""

    async def run(self, accept: Accept) -> None:
        """Hand each incoming message to `accept` until cancelled.

        A message may be acknowledged to the platform only once `accept` has returned: from then on the hub answers for
        it. Handing over the same message twice is harmless; `accept` returns False the second time. It raises
        PersonError for what the sender must be told (Stranger: nothing is told, and nothing else is done for them),
        StoreUnavailable for what must be handed over again later. A chat's messages are handed over in their order.
        """

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        """Deliver a message to its address.

        Raises DeliveryDelayed, DeliveryUncertain or DeliveryRefused.
        """


@runtime_checkable
class Drafting(Protocol):
    """A bridge that can show what's being written."""

    async def show(self, draft: Draft) -> None:
        """Show an answer so far; each call has all of the text.

        The bridge sets the pace: it may leave out any of them, never raises for a platform that says no, and returns
        within a second. An answer's last state is shown by `deliver`, whatever became of its drafts.
        """

    async def drop(self, turn: TurnId) -> None:
        """There'll be no message for this turn: take its draft away, or leave it if it can't be taken away."""


@runtime_checkable
class Typing(Protocol):
    """A bridge that can show that somebody is at work."""

    async def typing(self, address: Address) -> None:
        """Show it for some seconds; called every four seconds for as long as it's so. Never raises DeliveryError."""


@runtime_checkable
class Retracting(Protocol):
    """A bridge that can take back what it delivered."""

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        """Take back a message (its parts have these ids) because what it answers was moved to another task.

        Where the platform can't delete it, it's changed to say so. Raises what `deliver` raises.
        """


@runtime_checkable
class Editing(Protocol):
    """A bridge that can give what it delivered other words."""

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        """Show a message's present words in place of those that it was delivered with; its parts have these ids.

        The same words twice are harmless. Raises what `deliver` raises: DeliveryRefused also where people would see
        another message beside the first, or none.
        """


@runtime_checkable
class Threading(Protocol):
    """A bridge whose platform has threads (topics, rooms) with a name and a state of their own."""

    async def tell(self, address: Address, task: Task) -> None:
        """Show a task's title and state on its thread (`address.thread`): renamed, closed when done, opened again.

        Raises what `deliver` raises.
        """


@runtime_checkable
class Hooked(Protocol):
    """A bridge whose platform calls the hub over HTTP."""

    async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take what the platform posted to /KIND/NAME, and return the HTTP status for it.

        200 only once it's kept. Header names are in lower case.
        """


@runtime_checkable
class Relayed(Protocol):
    """A bridge that can be given what the waker heard in its place."""

    async def take(self, said: str) -> bool:
        """Take what the platform said, as it came; True once it's kept, or refused for good.

        False if it can't be kept now: it's offered again then. The same given twice is kept once.
        """


@runtime_checkable
class Probing(Protocol):
    """A bridge that can be tried out without being run."""

    async def probe(self) -> BridgeInfo:
        """Connect, ask the platform who we are, and disconnect; nothing is received or acknowledged.

        The state is running, refused or waiting; if it isn't running, `detail` says why, and the way out. It never
        raises what the platform or the network does, returns within 15 seconds, and may be called while another
        process runs the account.
        """


class Desk(Protocol):
    """The hub, seen from a bridge: what it may ask, all of it cheap. What's to be done comes in by `accept`."""

    async def person(self, bridge: str, sender: str) -> Person | None:
        """Return who a sender is; None for a stranger."""

    async def tasks(self, bridge: str, sender: str) -> tuple[Task, ...]:
        """Return a person's open tasks and those just finished, the latest first, a handful; none for a stranger."""

    async def message(self, address: Address, external_id: str) -> Message | None:
        """Return the message, a person's or the hub's, that the platform calls by that id in that chat."""
