"""One Protocol for each thing that can be swapped; their docstrings are what the contract tests check."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from hub.records import (
    Address,
    Correction,
    Entry,
    EntryId,
    Event,
    Incoming,
    Key,
    KeyId,
    Link,
    Message,
    MessageId,
    Person,
    PersonId,
    Record,
    Replay,
    Step,
    Task,
    TaskId,
    TaskState,
    TenantId,
    Turn,
    TurnId,
)


class Clock(Protocol):
    """Where all times come from."""

    def now(self) -> datetime:
        """Return the time, aware and UTC."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""


# --- the store


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


Change = Add | Save | Remove


class Store(Protocol):
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
        StoreUnavailable (no space, not writable). Natural keys: a message's (tenant, bridge, chat, external_id), a
        task's (tenant, person, number), a turn's (task, number), a step's (turn, number), a link's
        (tenant, bridge, sender), a key's hash, a replay's (key, name). An entry is added after its message. Removing
        what isn't kept is harmless. Calls at the same time may share one
        write to disk; each still succeeds or fails on its own.
        """

    async def person(self, tenant: TenantId, id: PersonId) -> Person | None: ...
    async def people(self, tenant: TenantId) -> tuple[Person, ...]:
        """Return everybody, oldest first."""

    async def link(self, tenant: TenantId, bridge: str, sender: str) -> Link | None: ...
    async def key_by_hash(self, hash: str) -> Key | None: ...
    async def key(self, tenant: TenantId, id: KeyId) -> Key | None: ...
    async def keys(self, tenant: TenantId) -> tuple[Key, ...]:
        """Return the API keys, revoked ones too, oldest first; sessions are left out."""

    async def message(self, id: MessageId) -> Message | None: ...
    async def message_by_external(self, tenant: TenantId, address: Address, external_id: str) -> Message | None:
        """Return the message that this bridge and chat call by that id; the thread doesn't count."""

    async def messages_of_task(
        self, task: TaskId, *, limit: int, before: MessageId | None = None, after: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return the newest `limit` messages of a task, oldest first; retracted ones (`moved`) are left out.

        `before` and `after` exclude themselves; with `after` alone, the oldest `limit` after it.
        """

    async def messages_of_chat(
        self, tenant: TenantId, address: Address, *, limit: int, before: MessageId | None = None
    ) -> tuple[Message, ...]:
        """Return the newest `limit` messages of a chat before that one, oldest first; the thread doesn't count."""

    async def replies(self, message: MessageId) -> tuple[Message, ...]:
        """Return what the hub said in answer to a message: by `answers`, or by its `turn`; oldest first.

        Retracted ones (`moved`) are left out.
        """

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
    ) -> tuple[Task, ...]:
        """Return tasks, newest first by `by`; no states means all. `before` is a cursor and goes with `by="id"`."""

    async def due_tasks(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Return open tasks whose `due_at` has come, the longest due first."""

    async def next_due(self) -> datetime | None:
        """Return the earliest `due_at` of open tasks and of waiting entries."""

    async def turn(self, id: TurnId) -> Turn | None: ...
    async def turns(self, task: TaskId, *, before: int | None = None, limit: int = 50) -> tuple[Turn, ...]:
        """Return a task's turns, newest first; `before` is a turn's number."""

    async def steps(self, turn: TurnId) -> tuple[Step, ...]:
        """Return a turn's finished steps in order."""

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

    async def dead(self, tenant: TenantId, limit: int) -> tuple[Entry, ...]:
        """Return the dead letters, newest first."""

    async def events(self, tenant: TenantId, person: PersonId, *, after: int, limit: int) -> tuple[Event, ...]:
        """Return a person's kept events with a `seq` above `after`, in order."""

    async def last_event(self) -> int:
        """Return the highest `seq` given so far, 0 if none."""

    async def forget_events(self, before: datetime) -> int:
        """Remove events made before a time; return how many. Their `seq` is never given again."""

    async def corrections(self, tenant: TenantId, limit: int) -> tuple[Correction, ...]:
        """Return the newest corrections, newest first."""

    async def replay(self, key: KeyId, name: str) -> Replay | None: ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy of everything committed to a file, while work goes on."""


# --- the LLM


class Priority(IntEnum):
    """Who goes first when the model is busy."""

    DECISION = 0
    CHAT = 1
    BACKGROUND = 2


class Said(Struct, frozen=True):
    """One part of a prompt, as chat models know it."""

    role: Literal["system", "user", "assistant"]
    text: str


class Terms(Struct, frozen=True, kw_only=True):
    """What goes with every request to an LLM."""

    priority: Priority = Priority.CHAT
    deadline: float = 120.0
    """Seconds until LLMTimeout."""
    tenant: TenantId
    """What the model computed for one tenant is never used for another."""


class Piece(Struct, frozen=True, tag="piece"):
    """Some more text of an answer."""

    text: str


class End(Struct, frozen=True, kw_only=True, tag="end"):
    """The answer is over."""

    reason: Literal["stop", "length"]
    tokens_in: int
    """Tokens of the prompt."""
    tokens_new: int
    """Of these, how many had to be evaluated: the rest was still known."""
    tokens_out: int
    ms: float
    ms_first: float
    """Until the first token."""
    money: float = 0.0


class Decision(Struct, frozen=True, kw_only=True):
    """How likely each option is; sums to 1."""

    probabilities: tuple[float, ...]
    model: str
    tokens: int
    """Evaluated for it."""
    ms: float


class Filled(Struct, frozen=True, kw_only=True):
    """A JSON value that fits the schema it was asked for."""

    json: str
    tokens_in: int
    tokens_out: int
    ms: float


class Score(Struct, frozen=True):
    """How well a text continues another: the sum of its tokens' log-probabilities (natural), and how many."""

    logprob: float
    tokens: int


class Scores(Struct, frozen=True, kw_only=True):
    """One score for each pair that was asked for, in order."""

    scores: tuple[Score, ...]
    model: str
    tokens: int
    ms: float


class LLMInfo(Struct, frozen=True, kw_only=True):
    """What stands behind the port, for status and doctor."""

    model: str
    state: Literal["absent", "loading", "ready", "restarting", "broken"]
    detail: str = ""
    """Why it isn't ready, and the way out."""
    context: int = 0
    sha256: str = ""
    restarts: int = 0
    tokens_per_second: float = 0.0
    threads: int = 0


class LLM(Protocol):
    """A language model, small and near or big and far.

    Every method raises LLMUnavailable, LLMTimeout or ContextOverflow; a cancelled call stops the model's work within
    half a second, in the middle of a prompt too.
    """

    @property
    def info(self) -> LLMInfo:
        """Say how it is, at once."""

    async def open(self) -> None:
        """Begin to get ready, and return without waiting for it."""

    async def close(self) -> None:
        """Stop every process and connection; requests under way fail."""

    async def ready(self) -> None:
        """Return when requests can be served; wait for ever if that never comes."""

    def chat(
        self, prompt: Sequence[Said], ask: Terms, *, limit: int, temperature: float = 0.0
    ) -> AsyncIterator[Piece | End]:
        """Answer in pieces, then one End, with at most `limit` tokens. Closing the iterator cancels."""

    async def decide(self, prompt: Sequence[Said], options: Sequence[str], ask: Terms, *, lead: str = "") -> Decision:
        """Say how likely each option is as the assistant's next words after `lead`.

        The options are two or more, and none is the beginning of another.
        """

    async def fill(
        self, prompt: Sequence[Said], schema: Mapping[str, object], ask: Terms, *, lead: str = "", limit: int = 200
    ) -> Filled:
        """Answer with a JSON value bound by a JSON schema; raises LLMError if none comes within `limit` tokens."""

    async def count(self, prompt: Sequence[Said]) -> int:
        """Return how many tokens a prompt has, with all that the model's template adds; an estimate for remote ones."""


@runtime_checkable
class Scoring(Protocol):
    """An LLM that can tell how likely a text is."""

    async def score(self, pairs: Sequence[tuple[str, str]], ask: Terms) -> Scores:
        """Score each pair (prefix, continuation) of plain text, no chat template; common prefixes cost once."""


# --- bridges


Accept = Callable[[Incoming], Awaitable[bool]]


class Bridge(Protocol):
    """A chat platform, seen from the hub."""

    name: str

    async def run(self, accept: Accept) -> None:
        """Hand each incoming message to `accept` until cancelled.

        A message may be acknowledged to the platform only once `accept` has returned: from then on the hub answers for
        it. Handing over the same message twice is harmless; `accept` returns False the second time. It raises
        PersonError for what the sender must be told, StoreUnavailable for what must be handed over again later.
        """

    async def deliver(self, message: Message, *, again: bool) -> str:
        """Deliver a message to its address; return the platform's id for it.

        `again` says that it may have been delivered before: then it's marked, unless the platform removes doubles.
        Raises DeliveryDelayed, DeliveryUncertain or DeliveryRefused.
        """


class Typing(Protocol):
    """A bridge that can show that an answer is being written."""

    async def typing(self, address: Address) -> None:
        """Show it for a few seconds; failures are swallowed."""


# --- who works, when, and who watches


class Dispatcher(Protocol):
    """Decides who works on which lane, and when."""

    def wake(self, *lanes: str) -> None:
        """Have each lane looked at soon. Waking a lane that's being worked on has it looked at once more after that."""

    async def run(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Call `work(lane)` for lanes that were woken, each lane by one worker at a time, until cancelled.

        Work that raises is logged, and the lane is looked at again after a pause that grows; other lanes go on.
        """


class Delta(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written; not kept. `text` is all of it so far where `whole` is true."""

    tenant: TenantId
    person: PersonId
    task: TaskId
    turn: TurnId
    message: MessageId | None
    """The person's message that's being answered; None if nobody asked just now."""
    text: str
    whole: bool = False


class Feed(Protocol):
    """Tells those who watch what happens: committed events, and answers while they are being written."""

    def publish(self, *news: Event | Delta) -> None:
        """Hand news to every watcher of that person; never waits for a slow one."""

    def finish(self, turn: TurnId) -> None:
        """Forget the text of a turn's unfinished answer: the reply is kept, or there won't be one."""

    def watch(self, tenant: TenantId, person: PersonId) -> AsyncIterator[Event | Delta]:
        """Yield news from the moment of this call on, first the unfinished answers as they stand.

        A watcher that falls too far behind is ended; it can catch up from the store.
        """


class Documents(Protocol):
    """Small human-readable documents with one owner: an agent's memory of a person, a plugin's own data."""

    async def put(self, owner: str, id: str, document: Mapping[str, object]) -> None:
        """Keep a document under an id, in place of one that's there; raises TooLarge above the owner's quota."""

    async def get(self, owner: str, id: str) -> Mapping[str, object] | None: ...
    async def all(self, owner: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
        """Return an owner's documents with their ids, in the order they were first put."""

    async def remove(self, owner: str, id: str) -> bool: ...


class Files(Protocol):
    """The bytes of files that came along with messages, each kept once under their SHA-256 in hexadecimal."""

    async def put(self, data: bytes | AsyncIterable[bytes], *, limit: int) -> tuple[str, int]:
        """Keep a file durably, and return its SHA-256 and size.

        Raises TooLarge as soon as more than `limit` bytes have come, StoreUnavailable if there's no room.
        """

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes; raises NotFound."""

    async def exists(self, sha256: str) -> bool: ...


# --- tools


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call of a tool as the LLM wished it."""

    tool: str
    arguments: Mapping[str, object]
    key: str
    """The same for every attempt at this call: what a tool keeps under it is kept once."""
    tenant: TenantId
    person: PersonId
    agent: str
    task: TaskId


class Tool(Protocol):
    """Something that an agent may call."""

    name: str
    description: str
    """One line, written for the LLM."""
    schema: Mapping[str, object]
    """JSON schema of the arguments."""
    effect: Literal["none", "keyed"]
    """keyed: it changes something, and calling it twice with one key does it once."""

    def fits(self, text: str) -> bool:
        """Say whether it's worth offering for a message; cheap, and rather yes than no."""

    async def call(self, call: ToolCall) -> str:
        """Do it; the result is written for the LLM. Raises ToolError."""


@runtime_checkable
class Reading(Protocol):
    """A tool that sees by plain rules when a message asks for it: it spares the LLM a call, and a small one errors."""

    def read(self, text: str) -> Mapping[str, object] | None:
        """Return the arguments if the message leaves no doubt that it wants this tool, with what, and nothing else.

        The result of that call is then a whole answer, in a sentence that the person can be sent. None, rather too
        often than wrongly, leaves choice and arguments to the LLM. May take some milliseconds; is called in a thread.
        """


@runtime_checkable
class Quoting(Protocol):
    """A tool of which some arguments must be what was said: an LLM's inventions are kept from it."""

    quotes: tuple[str, ...]
    """These arguments. In place of what nobody said, the tool gets the person's own sentence."""


class Example(Struct, frozen=True):
    """A message and the arguments that a tool should be called with for it."""

    text: str
    arguments: Mapping[str, object]


@runtime_checkable
class Exemplary(Protocol):
    """A tool that shows by examples what it's for: a small LLM learns more from them than from a description."""

    examples: tuple[Example, ...]
    """Messages that need it."""
    others: tuple[str, ...]
    """Messages that look a little like it, and don't need it; about as many."""
