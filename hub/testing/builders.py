"""Records with everything filled in: a test names only the fields that it's about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from hub.records import (
    HOME,
    OWNER,
    Address,
    Brand,
    Correction,
    Edition,
    Embed,
    EmbedId,
    Entry,
    EntryId,
    Event,
    Follow,
    HostName,
    Incoming,
    Inlet,
    InletId,
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
    Person,
    Pin,
    Posting,
    Replay,
    Route,
    Step,
    Taint,
    Taken,
    Task,
    TaskId,
    Tenant,
    TenantId,
    Text,
    Thread,
    Transition,
    Turn,
    TurnId,
    Webhook,
    WebhookCursor,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookId,
    new_id,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""When every FakeClock starts, and when built records were made."""


def hello(text: str = "Hello", **fields: Any) -> Incoming:
    """Return what FakeBridge would hand in for a text; sent by "ann" in the chat "ann"."""
    incoming = Incoming(
        address=an_address(), external_id=new_id(), sender="ann", parts=(Text(text=text),), sent_at=NOON
    )
    return replace(incoming, **fields)


def an_address(chat: str = "ann", *, bridge: str = "fake", thread: str | None = None) -> Address:
    """Return a chat of FakeBridge."""
    return Address(bridge=bridge, chat=chat, thread=thread)


def a_tenant(**fields: Any) -> Tenant:
    """Return a customer of the hub."""
    return replace(Tenant(id=TenantId(new_id()), name="Bea & Co", created_at=NOON), **fields)


def an_embed(**fields: Any) -> Embed:
    """Return a chat for the pages of https://shop.example."""
    id, origins = EmbedId(new_id()), ("https://shop.example",)
    return replace(Embed(id=id, tenant=HOME, name="Shop", origins=origins, visitors=True, created_at=NOON), **fields)


def a_brand(**fields: Any) -> Brand:
    """Return how the hub's own pages are made to look."""
    brand = Brand(
        tenant=HOME, name="Bea’s", accent="#7c2d12", logo="UklGRgAAAABXRUJQ", logo_type="image/webp", changed_at=NOON
    )
    return replace(brand, **fields)


def a_host_name(name: str = "chat.bea.example", **fields: Any) -> HostName:
    """Return a name by which the hub's own tenant is reached."""
    return replace(HostName(name=name, tenant=HOME, created_at=NOON), **fields)


def a_taken(**fields: Any) -> Taken:
    """Return what the owner took on the day of NOON, by no key: one message."""
    return replace(Taken(tenant=HOME, day="2026-11-22", person=OWNER, messages=1), **fields)


def a_person(**fields: Any) -> Person:
    """Return the owner."""
    return replace(Person(id=OWNER, tenant=HOME, name="Ann", role="owner", created_at=NOON), **fields)


def a_link(**fields: Any) -> Link:
    """Return the owner's account on FakeBridge: "ann"."""
    return replace(Link(tenant=HOME, bridge="fake", sender="ann", person=OWNER, created_at=NOON), **fields)


def a_key(**fields: Any) -> Key:
    """Return an API key of the owner with all rights."""
    id = new_id()
    key = Key(
        id=KeyId(id), tenant=HOME, person=OWNER, name="test", hash=f"hash-{id}", scopes=("admin",), created_at=NOON
    )
    return replace(key, **fields)


def a_message(text: str = "Hello", **fields: Any) -> Message:
    """Return a message of the owner, just accepted."""
    id = MessageId(new_id())
    message = Message(
        id=id,
        tenant=HOME,
        address=an_address(),
        external_id=f"ext-{id}",
        role="user",
        person=OWNER,
        parts=(Text(text=text),),
        state="accepted",
        created_at=NOON,
    )
    return replace(message, **fields)


def a_reply(to: Message, text: str = "Hi!", **fields: Any) -> Message:
    """Return an agent's answer to a message."""
    said = a_message(text, role="agent", state="sent", address=to.address, person=to.person, tenant=to.tenant)
    return replace(said, **({"answers": to.id, "task": to.task, "turn": to.turn} | fields))


def a_route(task: Task | None = None, **fields: Any) -> Route:
    """Return the route of a message that founded a task."""
    id = task.id if task else TaskId(new_id())
    return replace(Route(rule="first", task=id, new=True, probability=1.0), **fields)


def a_task(goal: str = "Find a train to Bonn", **fields: Any) -> Task:
    """Return the owner's first task, just submitted."""
    task = Task(
        id=TaskId(new_id()),
        tenant=HOME,
        person=OWNER,
        number=1,
        origin=an_address(),
        title=goal,
        goal=goal,
        agent="default",
        state="submitted",
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(task, **fields)


def a_transition(task: Task, **fields: Any) -> Transition:
    """Return that a task was founded by its person."""
    moved = Transition(
        id=new_id(), tenant=task.tenant, task=task.id, before=None, after=task.state, by="person", why="", at=NOON
    )
    return replace(moved, **fields)


def a_turn(task: Task, **fields: Any) -> Turn:
    """Return a task's first turn, under way."""
    turn = Turn(
        id=TurnId(new_id()),
        tenant=task.tenant,
        task=task.id,
        number=1,
        state="working",
        messages=(),
        started_at=NOON,
    )
    return replace(turn, **fields)


def a_step(turn: Turn, **fields: Any) -> Step:
    """Return a turn's first step."""
    step = Step(turn=turn.id, number=1, kind="answer", name="answer", request="Hello", result="Hi!", ended_at=NOON)
    return replace(step, **fields)


def an_entry(message: Message, **fields: Any) -> Entry:
    """Return an inbox entry of a message, ready, in its chat's lane."""
    entry = Entry(
        id=EntryId(new_id()),
        tenant=message.tenant,
        queue="inbox",
        lane=f"{message.address.bridge}/{message.address.chat}",
        message=message.id,
        state="ready",
        created_at=NOON,
    )
    return replace(entry, **fields)


def an_event(**fields: Any) -> Event:
    """Return news for the owner about a message."""
    return replace(Event(tenant=HOME, person=OWNER, kind="message", created_at=NOON), **fields)


def a_correction(message: Message, wrong: Task, right: Task, **fields: Any) -> Correction:
    """Return what's kept when a message is moved from one task to another."""
    correction = Correction(
        id=new_id(),
        tenant=message.tenant,
        message=message.id,
        wrong=wrong.id,
        right=right.id,
        route=a_route(wrong),
        created_at=NOON,
    )
    return replace(correction, **fields)


def a_package(id: str = "units", **fields: Any) -> Package:
    """Return an installed and enabled plugin."""
    package = Package(
        id=PackageId(id),
        tenant=HOME,
        kind="plugin",
        state="enabled",
        now=Edition(version="1.0.0", digest="0" * 64),
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(package, **fields)


def an_installation(**fields: Any) -> Installation:
    """Return a package on its way in."""
    installation = Installation(
        id=InstallationId(new_id()),
        tenant=HOME,
        by=OWNER,
        source="https://example.org/units.zip",
        state="requested",
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(installation, **fields)


def a_pin(task: Task, **fields: Any) -> Pin:
    """Return an edition that a task goes on with."""
    pin = Pin(tenant=HOME, task=task.id, package=PackageId("units"), version="1.0.0", digest="0" * 64, created_at=NOON)
    return replace(pin, **fields)


def a_pause(turn: Turn, **fields: Any) -> Pause:
    """Return a tool call that waits for leave."""
    pause = Pause(
        id=PauseId(new_id()),
        tenant=HOME,
        person=OWNER,
        task=turn.task,
        turn=turn.id,
        kind="leave",
        tool="send",
        arguments='{"to":"ann"}',
        key=f"{turn.id}:1",
        why="it tells something to somebody else",
        created_at=NOON,
        expires_at=NOON + timedelta(minutes=10),
    )
    return replace(pause, **fields)


def a_taint(task: Task, **fields: Any) -> Taint:
    """Return whose words a task has read."""
    taint = Taint(tenant=HOME, task=task.id, source="web_fetch", detail="https://example.org", created_at=NOON)
    return replace(taint, **fields)


def a_pairing(**fields: Any) -> Pairing:
    """Return a stranger's request on FakeBridge, just made: "eve" asks to be let in."""
    id = PairingId(new_id())
    pairing = Pairing(
        id=id,
        tenant=HOME,
        kind="request",
        hash=f"hash-{id}",
        state="open",
        created_at=NOON,
        expires_at=NOON + timedelta(hours=1),
        bridge="fake",
        sender="eve",
        chat="eve",
        name="Eve",
    )
    return replace(pairing, **fields)


def a_posting(message: Message, **fields: Any) -> Posting:
    """Return what FakeBridge calls a message that was delivered."""
    at = message.address
    posting = Posting(
        tenant=message.tenant, bridge=at.bridge, chat=at.chat, external_id="fake-1", message=message.id, number=0
    )
    return replace(posting, **fields)


def a_thread(task: Task, thread: str = "7", **fields: Any) -> Thread:
    """Return a thread that's the task's own in the chat where it began."""
    at = task.origin
    return replace(Thread(tenant=task.tenant, bridge=at.bridge, chat=at.chat, thread=thread, task=task.id), **fields)


def a_follow(task: Task, **fields: Any) -> Follow:
    """Return that a task is followed from a chat on another bridge."""
    follow = Follow(task=task.id, bridge="other", chat="ann", tenant=task.tenant, person=task.person, created_at=NOON)
    return replace(follow, **fields)


def a_replay(key: Key, **fields: Any) -> Replay:
    """Return a kept answer to a request."""
    replay = Replay(
        tenant=key.tenant,
        key=key.id,
        name="POST /v1/messages 1",
        fingerprint="0" * 64,
        status=202,
        body="{}",
        created_at=NOON,
    )
    return replace(replay, **fields)


def a_webhook(**fields: Any) -> Webhook:
    """Return the owner's webhook, told of answers."""
    webhook = Webhook(
        id=WebhookId(new_id()),
        tenant=HOME,
        by=OWNER,
        url="https://example.org/hook",
        events=("message.answered",),
        secret="locked",  # noqa: S106 - no secret
        created_at=NOON,
    )
    return replace(webhook, **fields)


def a_webhook_cursor(webhook: Webhook, **fields: Any) -> WebhookCursor:
    """Return that all events were read for a webhook, of which there are none."""
    return replace(WebhookCursor(webhook=webhook.id, tenant=webhook.tenant, seq=0), **fields)


def a_webhook_delivery(webhook: Webhook, seq: int = 1, **fields: Any) -> WebhookDelivery:
    """Return an answer on its way to a webhook."""
    delivery = WebhookDelivery(
        id=WebhookDeliveryId(f"{seq:016x}-{new_id()}"),
        tenant=webhook.tenant,
        webhook=webhook.id,
        event="message.answered",
        seq=seq,
        person=OWNER,
        happened_at=NOON,
        created_at=NOON,
        due_at=NOON,
    )
    return replace(delivery, **fields)


def an_inlet(**fields: Any) -> Inlet:
    """Return where anybody who knows the address writes to the owner."""
    id = new_id()
    inlet = Inlet(
        id=InletId(id),
        tenant=HOME,
        person=OWNER,
        name="alerts",
        source="generic",
        proof="token",
        hash=f"hash-{id}",
        template="{text}",
        chat="alerts",
        created_at=NOON,
    )
    return replace(inlet, **fields)
