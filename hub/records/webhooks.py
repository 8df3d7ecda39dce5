"""What tells other systems what happens here, and where they tell us."""

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from hub.records.ids import InletId, MessageId, PersonId, TaskId, TenantId, TurnId, WebhookDeliveryId, WebhookId

WebhookEvent = Literal[
    "message.accepted",
    "message.answered",
    "message.failed",
    "message.retracted",
    "message.delivered",
    "notice",
    "task.state",
    "approval",
]
"""message.retracted: an answer was taken back. message.delivered: what became of an answer on a chat platform."""
WEBHOOK_EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
Inclusion = Literal["text"]


class Webhook(Struct, frozen=True, kw_only=True):
    """An address of somebody's own that's told what happens in a tenant."""

    id: WebhookId
    tenant: TenantId
    by: PersonId
    """Who made it, and is told if it's switched off."""
    url: str
    events: tuple[WebhookEvent, ...]
    include: tuple[Inclusion, ...] = ()
    """text: what was said comes along, not just that something was."""
    description: str = ""
    task: TaskId | None = None
    """Only what happens in this task."""
    chat: str | None = None
    """Only what happens in this chat."""
    secret: str
    """What's signed by, locked by the hub's key."""
    old_secret: str = ""
    """Signed by as well until `old_until`, so that a receiver can change over."""
    old_until: datetime | None = None
    created_at: datetime
    failing_since: datetime | None = None
    """Of the first delivery that failed since one succeeded."""
    off_at: datetime | None = None
    """Since when it's told nothing."""
    off_why: str = ""
    """Empty where a person switched it off."""
    revision: int = 0


class WebhookCursor(Struct, frozen=True, kw_only=True):
    """Up to which event a webhook's deliveries were made."""

    webhook: WebhookId
    tenant: TenantId
    seq: int


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """One event on its way to a webhook. Ids and no words: what it says is read when it's sent."""

    id: WebhookDeliveryId
    """Sorts as its event does; the receiver is told it, and knows by it what came twice."""
    tenant: TenantId
    webhook: WebhookId
    event: WebhookEvent | Literal["webhook.test"]
    seq: int | None
    """The event's; None of a test."""
    person: PersonId
    message: MessageId | None = None
    task: TaskId | None = None
    turn: TurnId | None = None
    became: str | None = None
    """The state that its message, task or call had from then on."""
    happened_at: datetime
    state: Literal["waiting", "delivered", "dead"] = "waiting"
    """dead: given up; it can be sent again by hand."""
    created_at: datetime
    due_at: datetime
    """Not before this time."""
    attempts: int = 0
    sent_at: datetime | None = None
    """When it was tried last, and what came of it."""
    ms: float = 0.0
    status: int | None = None
    answer: str = ""
    """The first characters of what the receiver answered."""
    error: str = ""


class WebhookLane(Struct, frozen=True, kw_only=True):
    """What's next for a webhook that's on."""

    webhook: WebhookId
    delivery: WebhookDeliveryId
    due_at: datetime


InletSource = Literal["generic", "github", "gitlab", "stripe", "sentry", "alertmanager", "standard"]
"""Who posts: it says where a delivery's id stands, and which template there is. standard: Standard Webhooks."""
INLET_SOURCES: tuple[InletSource, ...] = get_args(InletSource)
InletProof = Literal["token", "bearer", "github", "gitlab", "stripe", "sentry", "standard"]
"""How a post proves where it's from. token: by the address alone, which nobody can guess."""


class Inlet(Struct, frozen=True, kw_only=True):
    """An address of the hub's that another system posts to: each post becomes a message."""

    id: InletId
    tenant: TenantId
    person: PersonId
    """Whose messages they are."""
    name: str
    source: InletSource
    proof: InletProof
    hash: str
    """Of the token in its address, which nobody can be told again."""
    secret: str = ""
    """What posts are proved by, locked by the hub's key; empty where the address is enough."""
    template: str
    chat: str
    agent: str | None = None
    task: str = "new"
    """new: each post founds a task. auto: the router finds out. Else a task's id."""
    per_minute: int = 60
    created_at: datetime
    off_at: datetime | None = None
    """Since when it takes nothing."""
