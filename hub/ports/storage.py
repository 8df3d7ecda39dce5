"""Where records are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from hub.ports.brands import BrandStore
from hub.ports.deeds import Deeds
from hub.ports.handovers import Handovers
from hub.ports.overviews import Overviews
from hub.ports.signing_in import SigningIn
from hub.ports.upkeep import Upkeep
from hub.ports.usage import Takings
from hub.ports.webhooks import WebhookStore
from hub.records import (
    Address,
    Correction,
    Embed,
    EmbedId,
    Entry,
    EntryId,
    Event,
    File,
    Follow,
    Installation,
    InstallationId,
    Key,
    KeyId,
    Link,
    Message,
    MessageId,
    Package,
    PackageId,
    Pairing,
    PairingId,
    Pause,
    PauseId,
    PauseState,
    Person,
    PersonId,
    Pin,
    Posting,
    Queue,
    Record,
    Replay,
    Step,
    Taint,
    Taken,
    Task,
    TaskId,
    TaskState,
    Tenant,
    TenantId,
    Thread,
    Transition,
    Turn,
    TurnId,
    Usage,
)


class Add(Struct, frozen=True):
    """Keep a new record."""

    record: Record


class Save(Struct, frozen=True):
    """Keep a changed record in place of the one with its id.

    A record with a `revision` is saved over exactly that revision, and gets the next one.
    """

    record: Record


class Remove(Struct, frozen=True):
    """Forget a record."""

    record: Record


class Count(Struct, frozen=True):
    """Add numbers to those that are kept under the same names; where none are, these are the first.

    It never conflicts, whoever else counts at the same moment, and is kept with the changes beside it or not at all.
    """

    record: Taken


Change = Add | Save | Remove | Count


class Due(Struct, frozen=True, kw_only=True):
    """That a task's time has come."""

    task: TaskId
    due_at: datetime


class Store(Upkeep, Takings, SigningIn, Handovers, Deeds, WebhookStore, BrandStore, Overviews, Protocol):
    """Keeps records. What was committed survives the death of the process and of the machine."""

    async def open(self) -> None:
        """Bring the schema up to date (after a backup copy) and get ready.

        Raises StartError if the data were written by a newer version or can't be read.
        """

    async def close(self) -> None:
        """Finish what's being committed; later calls fail."""

    async def commit(self, *changes: Change) -> tuple[Event, ...]:
        """Do all the changes or none, durably, in their order; return the added events with their `seq`.

        Raises Duplicate (Add of a known id or natural key), Conflict (Save of an unknown record or an old revision),
        StoreUnavailable (no space, not writable). Natural keys: a person's
        (tenant, external) where it has one, a message's (tenant, bridge, chat, external_id), a task's (tenant, person,
        number), a turn's (task, number), a step's (turn, number), a link's (tenant, bridge, sender), a key's hash, a
        pairing's (tenant, hash), a posting's (tenant, bridge, chat, external_id), a thread's (tenant, bridge, chat,
        thread), a follow's (task, bridge, chat), a replay's (key, name), a handover's (tenant, holds), a webhook's
        delivery's (webhook, seq), an inlet's hash. An entry is
        added after its message. Removing what isn't kept is harmless. An added deed is put behind its tenant's last
        one, and that tenant's chain ends with it. Calls at the same time may share one
        write to disk; each still succeeds or fails on its own.
        """

    async def tenant(self, id: TenantId) -> Tenant | None: ...
    async def tenants(self, *, limit: int, after: TenantId | None = None) -> tuple[Tenant, ...]:
        """Return every tenant by id; `after` excludes itself."""

    async def embed(self, id: EmbedId) -> Embed | None:
        """Return a chat in other sites' pages, whose ever it is: its id stands in those pages for everybody to read."""

    async def embeds(self, tenant: TenantId, *, limit: int, after: EmbedId | None = None) -> tuple[Embed, ...]:
        """Return a tenant's chats in other sites' pages by id; `after` excludes itself."""

    async def embeds_shown(self, limit: int) -> tuple[Embed, ...]:
        """Return the chats of all tenants that aren't suspended, by id."""

    async def person(self, tenant: TenantId, id: PersonId) -> Person | None: ...
    async def people(self, tenant: TenantId) -> tuple[Person, ...]:
        """Return everybody, oldest first."""

    async def person_by_external(self, tenant: TenantId, external: str) -> Person | None:
        """Return whom a tenant's own software calls by this name."""

    async def link(self, tenant: TenantId, bridge: str, sender: str) -> Link | None: ...
    async def links(self, tenant: TenantId, person: PersonId) -> tuple[Link, ...]:
        """Return a person's accounts, oldest first."""

    async def every_key(self, now: datetime, limit: int) -> tuple[Key, ...]:
        """Return all good keys and sessions of every tenant, by id: few enough to be told to who guards the door."""

    async def every_link(self, limit: int) -> tuple[Link, ...]:
        """Return everybody's accounts, by tenant, bridge and sender."""

    async def pairing(self, tenant: TenantId, id: PairingId) -> Pairing | None: ...
    async def pairing_by_hash(self, tenant: TenantId, hash: str) -> Pairing | None: ...
    async def pairings(self, tenant: TenantId, limit: int) -> tuple[Pairing, ...]:
        """Return the newest pairings of any state, newest first."""

    async def forget_pairings(self, before: datetime) -> int:
        """Remove pairings that expired before a time; return how many."""

    async def package(self, tenant: TenantId, id: PackageId) -> Package | None: ...
    async def packages(self, tenant: TenantId) -> tuple[Package, ...]:
        """Return everything that's installed, by id."""

    async def installation(self, tenant: TenantId, id: InstallationId) -> Installation | None: ...
    async def installations(self, tenant: TenantId, limit: int) -> tuple[Installation, ...]:
        """Return packages that came in or are on their way, newest first."""

    async def pins(self, task: TaskId) -> tuple[Pin, ...]:
        """Return which editions of packages a task goes on with, by package."""

    async def pinned(self, tenant: TenantId) -> tuple[Pin, ...]:
        """Return the pins of open tasks, by task and package."""

    async def key_by_hash(self, hash: str) -> Key | None: ...
    async def key(self, tenant: TenantId, id: KeyId) -> Key | None: ...
    async def keys(self, tenant: TenantId) -> tuple[Key, ...]:
        """Return the API keys, revoked ones too, oldest first; sessions are left out."""

    async def message(self, id: MessageId) -> Message | None: ...
    async def message_by_external(self, tenant: TenantId, address: Address, external_id: str) -> Message | None:
        """Return the message that this bridge and chat call by that id; the thread doesn't count.

        A message of the hub is found by each of its postings.
        """

    async def postings(self, message: MessageId) -> tuple[Posting, ...]:
        """Return what a message of the hub, or its parts, are called where it was delivered, in their order."""

    async def file(self, tenant: TenantId, person: PersonId | None, sha256: str) -> File | None:
        """Return a file that a message of this person has, as the newest one calls it; None: a message of anybody."""

    async def messages_with_files(
        self, tenant: TenantId, person: PersonId, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return messages that this person sent files with, newest first."""

    async def messages_of_task(
        self, task: TaskId, *, limit: int, before: MessageId | None = None, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return the newest `limit` messages of a task, oldest first; retracted ones (`moved`) and copies are left out.

        `before` and `after` exclude themselves; with `after` alone, the oldest `limit` after it.
        """

    async def messages_of_chat(
        self, tenant: TenantId, address: Address, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return the newest `limit` messages of a chat before that one, oldest first; the thread doesn't count."""

    async def replies(self, message: MessageId) -> tuple[Message, ...]:
        """Return what the hub said in answer to a message: by `answers`, or by its `turn`; oldest first.

        Retracted ones (`moved`) and copies are left out.
        """

    async def copies(self, message: MessageId) -> tuple[Message, ...]:
        """Return what repeats a message elsewhere, oldest first."""

    async def task(self, id: TaskId) -> Task | None: ...
    async def task_by_number(self, tenant: TenantId, person: PersonId, number: int) -> Task | None: ...
    async def last_number(self, tenant: TenantId, person: PersonId) -> int:
        """Return the highest task number of a person, 0 if there's none."""

    async def tasks(
        self,
        tenant: TenantId,
        person: PersonId | None = None,
        *,
        states: Sequence[TaskState] = (),
        chat: Address | None = None,
        updated_since: datetime | None = None,
        before: TaskId | None = None,
        limit: int = 50,
        by: Literal["id", "updated_at"] = "id",
        split: bool | None = None,
    ) -> tuple[Task, ...]:
        """Return tasks, newest first by `by`; no states means all. `before` is a cursor and goes with `by="id"`.

        `split` leaves out those that were split off from others (False), or all but those (True).
        """

    async def tasks_told_of(self, limit: int) -> tuple[Task, ...]:
        """Return the tasks of everybody that have a message which says how far they are, oldest first."""

    async def split_off(self, task: TaskId) -> tuple[Task, ...]:
        """Return the tasks that were split off from one, oldest first."""

    async def transitions(
        self, task: TaskId, *, limit: int, before: str | None = None, after: str | None = None
    ) -> tuple[Transition, ...]:
        """Return how a task's state changed, newest first; `before` is a transition's id.

        With `after`, another one's or "", oldest first after it.
        """

    async def thread(self, tenant: TenantId, address: Address) -> Thread | None:
        """Return whose own the address's thread is; None without a thread."""

    async def threads(self, task: TaskId) -> tuple[Thread, ...]:
        """Return the threads that are a task's own, in whichever chats, by their names."""

    async def follows(self, task: TaskId) -> tuple[Follow, ...]:
        """Return who follows a task and where, oldest first."""

    async def due_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Return open tasks whose `due_at` has come, the longest due first."""

    async def dues(self, now: datetime, limit: int) -> tuple[Due, ...]:
        """Return what `due_tasks` returns, but only which they are and when they were due."""

    async def next_due(self) -> datetime | None:
        """Return the earliest `due_at` of open tasks and of waiting entries."""

    async def turn(self, id: TurnId) -> Turn | None: ...
    async def turns(
        self, task: TaskId, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> tuple[Turn, ...]:
        """Return a task's turns, newest first; `before` is a turn's number. With `after`, oldest first after it."""

    async def worked(self, task: TaskId) -> Usage:
        """Return what all turns of a task took together, running ones included; of money they know nothing."""

    async def steps(self, turn: TurnId) -> tuple[Step, ...]:
        """Return a turn's finished steps in order."""

    async def pause(self, id: PauseId) -> Pause | None: ...
    async def pauses(
        self, tenant: TenantId, person: PersonId, *, states: Sequence[PauseState], limit: int
    ) -> tuple[Pause, ...]:
        """Return a person's tool calls that wait, or waited, in one of these states, newest first."""

    async def pauses_of_task(self, task: TaskId, *, states: Sequence[PauseState], limit: int) -> tuple[Pause, ...]:
        """Return a task's in one of these states, oldest first."""

    async def expired_pauses(self, now: datetime, limit: int) -> tuple[Pause, ...]:
        """Return those still asked whose time is over, the longest over first."""

    async def taints(self, task: TaskId) -> tuple[Taint, ...]:
        """Return whose words a task has read besides its person's, by source."""

    async def entry(self, id: EntryId) -> Entry | None: ...
    async def entry_of(self, queue: str, message: MessageId) -> Entry | None:
        """Return the newest entry of a message in a queue."""

    async def entries(self, lane: str, now: datetime, limit: int) -> tuple[Entry, ...]:
        """Return the ready entries of a lane in order, up to the first that isn't due yet.

        So nothing overtakes an entry that waits for its time.
        """

    async def held(self, now: datetime, limit: int) -> tuple[Entry, ...]:
        """Return held entries whose `due_at` has passed."""

    async def lanes(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Return lanes whose first ready entry is due, each once."""

    async def begun(self) -> tuple[Entry, ...]:
        """Return ready entries with a `boot`: those that are being worked on, or were when a hub died."""

    async def waiting(self, tenant: TenantId, person: PersonId) -> int:
        """Return how many inbox entries of a person aren't settled."""

    async def counts(self) -> Mapping[str, int]:
        """Return how many entries stand in each state, as `queue.state`, without the done ones."""

    async def lengths(self, queue: Queue) -> Mapping[str, int]:
        """Return how many entries of a queue wait in each lane that has some, ready or held."""

    async def dead(self, tenant: TenantId, limit: int) -> tuple[Entry, ...]:
        """Return the dead letters, newest first."""

    async def events(self, tenant: TenantId, person: PersonId, *, after: int, limit: int) -> tuple[Event, ...]:
        """Return a person's kept events with a `seq` above `after`, in order."""

    async def events_since(self, after: int, limit: int) -> tuple[Event, ...]:
        """Return everybody's kept events with a `seq` above `after`, in order."""

    async def last_event(self) -> int:
        """Return the highest `seq` given so far, 0 if none."""

    async def forget_events(self, before: datetime) -> int:
        """Remove events made before a time; return how many. Their `seq` is never given again."""

    async def forget_replays(self, before: datetime) -> int:
        """Remove replays made before a time; return how many."""

    async def corrections(self, tenant: TenantId, limit: int) -> tuple[Correction, ...]:
        """Return the newest corrections, newest first."""

    async def corrections_of_task(self, task: TaskId, limit: int) -> tuple[Correction, ...]:
        """Return those that took a message out of a task or into it, newest first."""

    async def replay(self, key: KeyId, name: str) -> Replay | None: ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy of everything committed to a file, while work goes on."""

    async def size(self) -> int:
        """Return how many bytes the records take on the disk; 0 for those in memory."""
