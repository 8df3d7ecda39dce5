"""What a program asks besides its words: instructions, tools of its own, how the answer shall look.

An order is kept in the same commit as the message that it came with, so that no crash parts them, and it goes with it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from hub.flow.wording import asked as words_of
from hub.ports import Add, Clock, Effect, Paused, Store, ToolCall
from hub.records import KeyId, Message, MessageId, Pause, PauseId, Replay, Task, TenantId

PREFIX = "order:"
"""Begins the external id of each message that came with an order."""
CLIENT = "client:"
"""Begins the names of programs' own tools here: no package's tool can be called so."""
HTTP = "http"
OFFERED = 16
"""Tools of a program that are put to the model for one message."""
RESULT = 20_000
"""Characters of what a program's tool found."""
SHOWN = 300
"""Characters of a call's arguments in what its person reads."""


class Earlier(Struct, frozen=True):
    """Something that was said elsewhere, before the message that founds a task."""

    role: Literal["user", "assistant"]
    text: str


class Offer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool that the program itself runs."""

    name: str
    description: str = ""
    schema: dict[str, object] = field(default_factory=dict)


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goes with a program's message."""

    instructions: str = ""
    """Follow the agent's own prompt."""
    earlier: tuple[Earlier, ...] = ()
    """What the program says was said before; kept with the message that founds the task."""
    tools: tuple[Offer, ...] = ()
    choice: Literal["auto", "none", "required"] = "auto"
    wanted: str = ""
    """The one of its tools that's to be called."""
    form: dict[str, object] | None = None
    """A JSON schema that the answer has to fit."""
    tokens: int | None = None
    """Of the answer at most, if that's less than the hub allows."""
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    """The answer ends before one of these."""
    model: str = ""
    """What the program calls the agent."""
    labels: dict[str, str] = field(default_factory=dict)
    """The program's own notes, given back as they came."""
    after: str = ""
    """The message that this one follows, if the program says so."""
    background: bool = False
    """Whether the program doesn't wait for the answer."""

    @property
    def is_forced(self) -> bool:
        """Whether a tool of the program is to be called, whatever the model thinks."""
        return bool(self.tools) and (self.choice == "required" or bool(self.wanted))


class ClientTool:
    """A tool that the program runs: its call ends the turn, and what the program says of it is its result."""

    effect: Effect = "keyed"
    outside = True
    characters = RESULT

    def __init__(self, offer: Offer) -> None:
        self.name = CLIENT + offer.name
        self.description = offer.description or offer.name.replace("_", " ")
        self.schema: Mapping[str, object] = offer.schema or {"type": "object", "properties": {}}

    def fits(self, text: str) -> bool:
        """Say yes: the program has put it there for this very message."""
        return True

    async def call(self, call: ToolCall) -> str:
        """Raise Paused."""
        given = msgspec.json.encode(dict(call.arguments), order="sorted").decode()
        shown = given if len(given) <= SHOWN else f"{given[:SHOWN]}…"
        raise Paused(f"I ask your program for {self.name.removeprefix(CLIENT)} with {shown}.", call.key)

    async def resume(self, call: ToolCall, snapshot: str, answer: str) -> str:
        """Return what the program found."""
        return answer


class Orders:
    """Keeps orders, and finds them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, message: Message) -> Order | None:
        """Return what came with a message; None if nothing did, or it's so long ago that it was forgotten."""
        return next((msgspec.json.decode(kept.body, type=Order) for kept in await self.kept_of(message)), None)

    async def kept_of(self, message: Message) -> tuple[Replay, ...]:
        """Return what keeps a message's order, for whoever removes both."""
        found = await self._store.replay(_key(message), message.external_id) if is_ordered(message) else None
        return (found,) if found else ()

    async def for_turn(self, task: Task, messages: Sequence[Message]) -> Order:
        """Return what holds for a turn: its newest message's order, and what its task was founded with."""
        ordered = any(map(is_ordered, messages))
        if not ordered and task.origin.bridge != HTTP:
            return Order()
        oldest = await self._store.messages_of_task(task.id, limit=1, after=MessageId(""))
        first = oldest[0] if oldest else None
        order = Order()
        for message in reversed(messages):
            if (own := await self.of(message)) is not None:
                order = own
                break
        began = await self.of(first) if first else None
        if began is None:
            return order
        return replace(order, instructions=order.instructions or began.instructions, earlier=began.earlier)


def kept(order: Order, tenant: TenantId, key: KeyId, external_id: str, clock: Clock) -> Add:
    """Return what keeps an order beside its message, which has this external id."""
    body = msgspec.json.encode(order).decode()
    now = clock.now()
    return Add(
        Replay(tenant=tenant, key=key, name=external_id, fingerprint="order", status=202, body=body, created_at=now)
    )


def external(key: KeyId, what: str) -> str:
    """Return the external id of a message that comes with an order, under a key."""
    return f"{PREFIX}{key}:{what}"


def of_result(key: KeyId, call: PauseId) -> str:
    """Return the external id of the message that says what came of a call of a program's own tool."""
    return external(key, f"call:{call}")


def is_ordered(message: Message) -> bool:
    """Say whether a message came with an order."""
    return is_order(message.address.bridge, message.external_id)


def is_order(bridge: str, external_id: str) -> bool:
    """Say whether a message with this external id comes with an order: it's then no command, whatever it says."""
    return bridge == HTTP and external_id.startswith(PREFIX)


def is_result(message: Message) -> bool:
    """Say whether a message says what came of a call, and nothing else."""
    return is_ordered(message) and ":call:" in message.external_id


def is_clients(tool: str) -> bool:
    """Say whether a tool is a program's own."""
    return tool.startswith(CLIENT)


def may_answer(message: Message, pause: Pause) -> bool:
    """Say whether a message can be the answer that a call waits for; for a program's own tool it's that result alone.

    Anything that's said may answer what another tool asks.
    """
    return not is_clients(pause.tool) or (is_result(message) and message.external_id.endswith(f":call:{pause.id}"))


def client_tool(name: str) -> ClientTool | None:
    """Return a program's own tool as a call needs it that's gone on with; None for any other name."""
    return ClientTool(Offer(name=name.removeprefix(CLIENT))) if is_clients(name) else None


def offered(order: Order, text: str, used: Sequence[str]) -> tuple[ClientTool, ...]:
    """Return the program's tools that are put to the model for a message, in the program's order.

    Each is called once for what was said. Of very many those are left out that have the fewest words in common with it.
    """
    if order.choice == "none":
        return ()
    tools = [tool for tool in map(ClientTool, order.tools) if tool.name not in used]
    if order.wanted:
        return tuple(tool for tool in tools if tool.name == CLIENT + order.wanted)
    if len(tools) <= OFFERED:
        return tuple(tools)
    said = set(words_of(text))
    best = sorted(tools, key=lambda tool: -len(said & set(words_of(f"{tool.name} {tool.description}"))))[:OFFERED]
    return tuple(tool for tool in tools if tool in best)


def _key(message: Message) -> KeyId:
    return KeyId(message.external_id.removeprefix(PREFIX).partition(":")[0])
