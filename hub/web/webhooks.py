"""/v1/webhooks: addresses of others that are told what happens, and what went to them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from hub.flow.webhooks import HookWish
from hub.records import (
    Inclusion,
    MessageId,
    PersonId,
    TaskId,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookEvent,
    WebhookId,
)
from hub.web.auth import Asker, Caller, Hub
from hub.web.chats import PRINTABLE, Cursor, Id, Limit
from hub.web.problems import PROBLEMS
from hub.web.replaying import SHOWN_ONCE
from hub.web.resources import Page

WRITE = {"scope": "webhooks:write"}
Url = Annotated[str, Meta(min_length=8, max_length=2_000)]
Described = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Events = Annotated[list[WebhookEvent], Meta(min_length=1, max_length=20)]
Including = Annotated[list[Inclusion], Meta(max_length=5)]
Chat = Annotated[str, Meta(min_length=1, max_length=500, pattern=PRINTABLE)]


class NewWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of yours that shall be told what happens."""

    url: Url
    """https://; a private address only if the hub's operator allows it."""
    events: Events
    include: Including = []
    """`text`: what was said comes along. Without it there are ids, states and links alone."""
    description: Described = ""
    task: Id | None = None
    """Only what happens in this task."""
    chat: Chat | None = None
    """Only what happens in chats of this name, as GET /v1/messages calls them."""
    active: bool = True


class ChangedWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a webhook shall be otherwise; what isn't named stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    include: Including | UnsetType = UNSET
    description: Described | UnsetType = UNSET
    task: Id | UnsetType | None = UNSET
    chat: Chat | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old secret signs as well."""

    keep_hours: Annotated[float, Meta(ge=0, le=24 * 30)] = 24.0


class Recovery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since when what was given up shall be sent again."""

    since: Annotated[datetime, Meta(tz=True)]


class Recovered(Struct, frozen=True, kw_only=True):
    """How many deliveries are sent again."""

    recovered: int


class WebhookView(Struct, frozen=True, kw_only=True):
    """An address that's told what happens."""

    id: WebhookId
    url: str
    events: list[WebhookEvent]
    include: list[Inclusion]
    description: str
    task: TaskId | None
    chat: str | None
    active: bool
    off_since: datetime | None
    off_why: str
    """Why the hub switched it off; empty if a person did."""
    failing_since: datetime | None
    """Since when nothing could be delivered."""
    old_secret_until: datetime | None
    """Until when the secret before this one signs as well."""
    by: PersonId
    created_at: datetime


class FreshWebhook(Struct, frozen=True, kw_only=True):
    """A webhook whose secret is shown, and never again."""

    id: WebhookId
    secret: str
    """What deliveries are signed by, after Standard Webhooks."""
    webhook: WebhookView


class DeliveryView(Struct, frozen=True, kw_only=True):
    """An event on its way to a webhook, or what became of it."""

    id: WebhookDeliveryId
    """What the receiver sees as `webhook-id`; the same however often it's sent."""
    event: str
    sequence: int | None
    message: MessageId | None
    task: TaskId | None
    became: str | None
    happened_at: datetime
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    due_at: datetime | None
    """When it's tried next, if it waits."""
    sent_at: datetime | None
    ms: float
    status: int | None
    """What the receiver answered last, and the beginning of it."""
    answer: str
    error: str


class WebhooksController(Controller):
    """Addresses of others that are told what happens."""

    path = "/v1/webhooks"
    tags = ("webhooks",)

    @post(status_code=201, opt={**WRITE, SHOWN_ONCE: True}, responses=PROBLEMS, summary="Make a webhook")
    async def make(self, services: Hub, caller: Asker, data: JSONBody[NewWebhook]) -> FreshWebhook:
        """Have an address told what happens from now on; the answer is the only time that its secret is shown."""
        _check_text(caller, data.include)
        wish = HookWish(
            url=data.url,
            events=data.events,
            include=data.include,
            description=data.description,
            task=TaskId(data.task) if data.task else None,
            chat=data.chat,
            active=data.active,
        )
        hook, secret = await services.webhooks.create(caller.tenant, caller.person, wish)
        return FreshWebhook(id=hook.id, secret=secret, webhook=_view(hook))

    @get(opt=WRITE, responses=PROBLEMS, summary="List webhooks")
    async def listed(self, services: Hub, caller: Asker) -> Page[WebhookView]:
        """Return your tenant's webhooks, oldest first."""
        return Page(items=[_view(hook) for hook in await services.store.webhooks(caller.tenant)])

    @get("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Read a webhook")
    async def read(self, services: Hub, caller: Asker, id: FromPath[str]) -> WebhookView:
        """Return a webhook, without its secret."""
        return _view(await services.webhooks.named(caller.tenant, id))

    @patch("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Change a webhook")
    async def change(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[ChangedWebhook]
    ) -> WebhookView:
        """Change a webhook, or switch it off or on; on again it's sent what waits and what happens from then on."""
        _check_text(caller, data.include)
        wish = HookWish(
            url=data.url,
            events=data.events,
            include=data.include,
            description=data.description,
            task=TaskId(data.task) if isinstance(data.task, str) else data.task,
            chat=data.chat,
            active=data.active,
        )
        return _view(await services.webhooks.change(caller.tenant, id, wish))

    @delete("/{id:str}", opt=WRITE, responses=PROBLEMS, summary="Remove a webhook")
    async def remove(self, services: Hub, caller: Asker, id: FromPath[str]) -> None:
        """Forget a webhook, and all that went to it or waits for it."""
        await services.webhooks.remove(caller.tenant, id)

    @post(
        "/{id:str}/secret",
        status_code=200,
        opt={**WRITE, SHOWN_ONCE: True},
        responses=PROBLEMS,
        summary="Rotate a webhook's secret",
    )
    async def rotate(
        self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Rotation | None] = None
    ) -> FreshWebhook:
        """Give a webhook a fresh secret, shown once; until the old one's end deliveries are signed by both."""
        keep = timedelta(hours=(data or Rotation()).keep_hours)
        hook, secret = await services.webhooks.rotate(caller.tenant, id, keep)
        return FreshWebhook(id=hook.id, secret=secret, webhook=_view(hook))

    @post("/{id:str}/test", status_code=200, opt=WRITE, responses=PROBLEMS, summary="Try a webhook")
    async def test(self, services: Hub, caller: Asker, id: FromPath[str]) -> DeliveryView:
        """Send a `webhook.test` at once, whatever waits, and say what came of it."""
        return _delivery(await services.webhooks.try_out(caller.tenant, id))

    @get("/{id:str}/deliveries", opt=WRITE, responses=PROBLEMS, summary="List deliveries")
    async def deliveries(
        self,
        services: Hub,
        caller: Asker,
        id: FromPath[str],
        states: Annotated[
            Literal["waiting", "delivered", "dead"] | None,
            QueryParameter(name="state", description="Only in this state."),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[DeliveryView]:
        """Return what's on its way to a webhook, was delivered or given up (dead), newest first."""
        found = await services.webhooks.deliveries(caller.tenant, id, limit=limit + 1, before=cursor, state=states)
        more, found = len(found) > limit, found[:limit]
        return Page(items=[_delivery(each) for each in found], next=found[-1].id if more else None)

    @post(
        "/{id:str}/deliveries/{delivery:str}/replay",
        status_code=202,
        opt=WRITE,
        responses=PROBLEMS,
        summary="Send a delivery again",
    )
    async def replay(self, services: Hub, caller: Asker, id: FromPath[str], delivery: FromPath[str]) -> DeliveryView:
        """Send a delivery once more, with the same id, before others that wait; 409 if it waits anyway."""
        return _delivery(await services.webhooks.replay(caller.tenant, id, delivery))

    @post("/{id:str}/recover", status_code=202, opt=WRITE, responses=PROBLEMS, summary="Send all again")
    async def recover(self, services: Hub, caller: Asker, id: FromPath[str], data: JSONBody[Recovery]) -> Recovered:
        """Send again, in order, what was given up of what happened since a time: 1,000 deliveries at most."""
        count = await services.webhooks.recover(caller.tenant, id, data.since.astimezone(UTC))
        return Recovered(recovered=count)


def _check_text(caller: Caller, include: Sequence[Inclusion] | UnsetType) -> None:
    """Raise NotAllowed where who may not read messages would have them sent."""
    if include is not UNSET and "text" in include:
        caller.needs("messages:read")


def _view(hook: Webhook) -> WebhookView:
    return WebhookView(
        id=hook.id,
        url=hook.url,
        events=list(hook.events),
        include=list(hook.include),
        description=hook.description,
        task=hook.task,
        chat=hook.chat,
        active=hook.off_at is None,
        off_since=hook.off_at,
        off_why=hook.off_why,
        failing_since=hook.failing_since,
        old_secret_until=hook.old_until,
        by=hook.by,
        created_at=hook.created_at,
    )


def _delivery(each: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        id=each.id,
        event=each.event,
        sequence=each.seq,
        message=each.message,
        task=each.task,
        became=each.became,
        happened_at=each.happened_at,
        state=each.state,
        attempts=each.attempts,
        due_at=each.due_at if each.state == "waiting" else None,
        sent_at=each.sent_at,
        ms=each.ms,
        status=each.status,
        answer=each.answer,
        error=each.error,
    )
