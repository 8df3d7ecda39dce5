"""What was said, and which task it was about."""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from hub.records.ids import HOME, KeyId, MessageId, PersonId, TaskId, TenantId, TurnId
from hub.records.people import Address
from hub.records.tasks import Choice


class Text(Struct, frozen=True, tag="text"):
    """Something said, in Markdown if an agent said it."""

    text: str


class File(Struct, frozen=True, kw_only=True, tag="file"):
    """A file that came along: its bytes lie in the file store under their SHA-256."""

    name: str
    media_type: str
    size: int
    sha256: str


Part = Text | File


class Candidate(Struct, frozen=True, kw_only=True):
    """A task that the router weighed; None stands for a new one."""

    task: TaskId | None
    title: str
    probability: float
    evidence: dict[str, float] = field(default_factory=dict)
    """What the probability was made of, by name."""


Rule = Literal["explicit", "reply", "thread", "first", "errand", "model", "asked", "corrected", "fallback", "command"]
"""first: there was no other task. errand: it asks for one tool and nothing else, and no task awaits an answer. asked:
the person chose. fallback: the model couldn't be asked in time."""


class Route(Struct, frozen=True, kw_only=True):
    """The router's answer, with its evidence."""

    rule: Rule
    task: TaskId
    new: bool
    probability: float
    candidates: tuple[Candidate, ...] = ()
    model: str = ""
    tokens: int = 0
    ms: float = 0.0


MessageState = Literal[
    "accepted",
    "asking",
    "routed",
    "working",
    "handed",
    "answered",
    "stopped",
    "failed",
    "moved",
    "ready",
    "sending",
    "unknown",
    "sent",
]
"""Of a person's message: accepted, asking (which task?), routed, working, handed (an operator is to answer it); then
answered, stopped or failed (dead).
Of the hub's: ready, sending, sent (to its platform; at once where people read for themselves), unknown (the platform's
answer was lost; it's tried again), failed (it can't be delivered); moved: retracted, for the message that it answers
was moved to another task or changed by its person."""


class Message(Struct, frozen=True, kw_only=True):
    """One thing said, by a person or to one."""

    id: MessageId
    tenant: TenantId
    address: Address
    external_id: str
    """The platform's id; with tenant, bridge and chat it's unique, so that a message is kept once."""
    role: Literal["user", "agent", "notice"]
    """user: a person; agent: an answer; notice: the hub itself (an answer to a command, a question about a route)."""
    person: PersonId
    parts: tuple[Part, ...]
    state: MessageState
    created_at: datetime
    reply_to: MessageId | None = None
    """The message that the person replied to or quoted."""
    answers: MessageId | None = None
    """The person's message that this one answers; set on what the hub says."""
    task: TaskId | None = None
    turn: TurnId | None = None
    """The turn that answered this message, or that said it."""
    route: Route | None = None
    wish: str | None = None
    """What the sender said outright: a task's id or "new"."""
    agent: str | None = None
    """The agent wished for, if the message founds a task."""
    choices: tuple[Choice, ...] = ()
    error: str | None = None
    sender: str = ""
    """The platform's id of who wrote it; of an agent's, the operator who wrote it in its place, or
    sent its draft, if people are to see that."""
    author: PersonId | None = None
    """Who wrote it in a group; `person` is then the group."""
    name: str = ""
    """What the author is called in the group."""
    choice: str | None = None
    """The id of the choice that was taken with it; `reply_to` is what offered it."""
    corrects: MessageId | None = None
    """The message that this one gave other words: that one has them since."""
    copy_of: MessageId | None = None
    """What's said here was said elsewhere first: to the task's origin, or to where it couldn't be delivered."""
    key: KeyId | None = None
    """The key or session by which it came over HTTP."""

    @property
    def text(self) -> str:
        """All that was said in words; files by name and size."""
        return "\n".join(part.text if isinstance(part, Text) else _note(part) for part in self.parts)


def file_of(message: Message, sha256: str) -> File | None:
    """Return the file of a message that has this SHA-256."""
    files = (part for part in message.parts if isinstance(part, File))
    return next((file for file in files if file.sha256 == sha256), None)


def _note(file: File) -> str:
    size = f"{file.size / 1_000_000:.1f} MB" if file.size >= 100_000 else f"{max(file.size, 100) / 1000:.1f} kB"
    return f"[file: {file.name}, {size}]"


class Incoming(Struct, frozen=True, kw_only=True):
    """What a bridge hands to the inbox: a message as the platform told it, before anybody decided anything."""

    address: Address
    external_id: str
    sender: str
    """The platform's id of who wrote it; for the HTTP bridge, the person's id."""
    parts: tuple[Part, ...]
    sent_at: datetime
    name: str = ""
    """What the sender is called there."""
    handle: str = ""
    """A public name like @ann, in lower case, if the sender has one; it may change hands, `sender` doesn't."""
    group: str | None = None
    """The title of the chat if several people share it: its tasks are then the group's, not the sender's."""
    reply_to: str | None = None
    """The external id of the message replied to; with `choice`, of the message that offers it."""
    choice: str | None = None
    """The id of a choice that was taken by a button: it's obeyed at once, like a command."""
    corrects: str | None = None
    """The external id of an earlier message of the sender that this one replaces: it was edited."""
    wish: str | None = None
    agent: str | None = None
    tenant: TenantId = HOME
    key: KeyId | None = None
    """The key or session by which it came over HTTP."""


class Correction(Struct, frozen=True, kw_only=True):
    """A labelled example: the router said `wrong`, the person said `right`."""

    id: str
    tenant: TenantId
    message: MessageId
    wrong: TaskId
    right: TaskId
    route: Route
    created_at: datetime
    by: PersonId | None = None
    """Who put it right; unknown of those that an earlier version kept."""
