"""/v1/waker: between the hub and whoever starts and stops it. Signed, and for nobody else."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from litestar import Controller, Request, get, post
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import FromQuery
from msgspec import Struct, ValidationError, json

from hub.accounts import TelegramAccount, XmppAccount, name_of, webhook_secret
from hub.errors import BadRequest, PersonError, StoreUnavailable
from hub.ports import Hooked, Relayed
from hub.signing import HEADER
from hub.web.auth import Hub
from hub.web.services import Services, WakerDoor
from hub.web.shield import CALLED_BY_ANY_NAME

PROOF = "x-telegram-bot-api-secret-token"
OPEN = {"open": True, CALLED_BY_ANY_NAME: True}
BODY = 64 << 20
"""Bytes of a batch: a hundred updates, each of a megabyte at most."""


class Report(Struct, frozen=True, kw_only=True):
    """How the hub is."""

    boot: str
    ready: bool
    busy: tuple[str, ...]
    idle_seconds: float
    next_due: float | None
    guests: tuple[tuple[str, str], ...] | None
    """None: those that were asked for by their name."""
    known: str


class Item(Struct, frozen=True, kw_only=True):
    """Something that a platform said, as it came."""

    id: int
    account: str
    lane: str
    body: str


class Batch(Struct, frozen=True, kw_only=True):
    """What was heard, oldest first."""

    items: tuple[Item, ...]


class Taken(Struct, frozen=True, kw_only=True):
    """What the hub answers for from now on, or has refused for good."""

    settled: tuple[int, ...]


class Drained(Struct, frozen=True, kw_only=True):
    """Whether the hub may be stopped."""

    drained: bool


class WakerController(Controller):
    """Between the hub and its waker."""

    path = "/v1/waker"
    include_in_schema = False

    @get("/report", opt=OPEN)
    async def report(self, request: Request[Any, Any, Any], services: Hub, known: FromQuery[str] = "") -> Report:
        """Say how the hub is, and whom it knows, if that has changed since it was said last."""
        door = await _door(request, services)
        idleness = await door.idling.look()
        guests, name = await door.idling.guests()
        return Report(
            boot=services.boot,
            ready=services.unready() is None,
            busy=idleness.busy,
            idle_seconds=idleness.idle_seconds,
            next_due=idleness.next_due,
            guests=None if name == known else guests,
            known=name,
        )

    @post("/heard", status_code=200, opt=OPEN, request_max_body_size=BODY)
    async def heard(self, request: Request[Any, Any, Any], services: Hub) -> Taken:
        """Take what was heard: each chat's in its order, all chats side by side; tell what was taken."""
        await _door(request, services)
        try:
            batch = json.decode(await request.body(), type=Batch)
        except ValidationError as error:
            raise BadRequest("items", str(error)) from None
        lanes: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in batch.items:
            lanes[item.account, item.lane].append(item)
        settled = await asyncio.gather(*(_taken(services, items) for items in lanes.values()))
        return Taken(settled=tuple(id for ids in settled for id in ids))

    @post("/drain", status_code=200, opt=OPEN)
    async def drain(self, request: Request[Any, Any, Any], services: Hub) -> Drained:
        """Take nothing more, if there's nothing to be up for."""
        door = await _door(request, services)
        return Drained(drained=await door.idling.drain())


async def _door(request: Request[Any, Any, Any], services: Services) -> WakerDoor:
    """Return what the waker is told by, once it has proved that it's the waker."""
    door = services.waker
    if door is None:
        raise NotFoundException
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    signature = request.headers.get(HEADER, "")
    now = services.clock.now().timestamp()
    if not door.checker.good(signature, request.method, path, await request.body(), now):
        raise NotAuthorizedException(
            detail=f"{HEADER}: missing, used before, by another token or by a clock that's minutes off; "
            "the hub's waker.token and the waker's must be the same"
        )
    return door


async def _taken(services: Services, items: Sequence[Item]) -> list[int]:
    """Hand a chat's items to their bridge one after another; return those that it answers for."""
    settled = []
    for item in items:
        try:
            taken = await _is_taken(services, item)
        except (PersonError, StoreUnavailable):
            break
        if not taken:
            break  # what comes after it must not overtake it
        settled.append(item.id)
    return settled


async def _is_taken(services: Services, item: Item) -> bool:
    """Give an item to its bridge; False if nobody takes it now: the waker keeps it until somebody does."""
    account = next((each for each in services.config.bridges if name_of(each) == item.account), None)
    bridge: object = services.bridges.get(item.account)
    if isinstance(account, TelegramAccount) and isinstance(bridge, Hooked):
        return await bridge.hook({PROOF: webhook_secret(account)}, item.body.encode()) < 500
    if isinstance(account, XmppAccount) and account.mode == "waker" and isinstance(bridge, Relayed):
        return await bridge.take(item.body)
    return False
