"""What keeps tool calls within their rights: calls that wait for a person, and where strangers' words came in."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hub.records.ids import MessageId, PackageId, PauseId, PersonId, TaskId, TenantId, TurnId

PauseState = Literal["asked", "approved", "denied", "answered", "expired", "done"]


class Pause(Struct, frozen=True, kw_only=True):
    """A tool call that waits for its person: for leave to do exactly this, or for an answer that the tool asked for.

    asked: it waits. approved, denied, answered, expired: decided, and the task's next turn takes it up. done: it was.
    """

    id: PauseId
    tenant: TenantId
    person: PersonId
    task: TaskId
    turn: TurnId
    """The turn that it stopped."""
    kind: Literal["leave", "answer"]
    tool: str
    arguments: str
    """JSON, to the byte what the tool will be called with."""
    digest: str = ""
    """Of the package that the tool is from; after an update it's another tool, and the leave is void."""
    key: str
    """The call's key: done under it, the call is done once."""
    why: str
    """Why it's asked, in words for the person; of an answer, the question."""
    state: PauseState = "asked"
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: PersonId | None = None
    to: MessageId | None = None
    """The person's message that the turn answers."""
    snapshot: str = ""
    """Of an answer: the program as it stood, in base64, with a seal."""
    answer: str = ""
    """What the person said. Of leave, once it's decided: approved or denied, or in words why neither counts."""
    revision: int = 0
    reason: str = ""
    """Why leave was refused, if who refused it said so."""


class Taint(Struct, frozen=True, kw_only=True):
    """A task has read words of somebody else than its person: from then on some calls need leave."""

    tenant: TenantId
    task: TaskId
    source: str
    """What brought them: a tool's name, or the task that this one was planned by."""
    detail: str = ""
    """Where from, in words: a URL, a file's name."""
    created_at: datetime


class Pin(Struct, frozen=True, kw_only=True):
    """A task has used an edition of a package, and goes on with that until it ends."""

    tenant: TenantId
    task: TaskId
    package: PackageId
    version: str
    digest: str
    created_at: datetime
