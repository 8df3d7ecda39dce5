"""/v1/status, /v1/dead, /healthz and /readyz: how the hub is."""

from collections import Counter
from datetime import datetime
from typing import Literal

from litestar import Controller, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from hub.errors import NotFound, StoreUnavailable
from hub.flow.alerts import Alert
from hub.flow.lanes import bridge_of
from hub.flow.sizes import PromptSizes
from hub.ports import BridgeInfo, HubInfo, LLMInfo
from hub.records import EntryId, Queue
from hub.web.auth import WHOLE, Asker, Hub
from hub.web.problems import PROBLEMS, shown
from hub.web.resources import HTTP, MessageView, Page, view_message
from hub.web.services import RouterInfo, Services, StoreInfo

DEAD = 200


class Status(Struct, frozen=True, kw_only=True):
    """How the hub is."""

    version: str
    boot: str
    started_at: datetime
    llm: LLMInfo
    decisions: LLMInfo
    queues: dict[str, int]
    tasks: dict[str, int]
    store: StoreInfo
    bridges: list[BridgeInfo]
    hubs: list[HubInfo]
    """All hubs on this database that live, and which of them has which lease."""
    requests: int
    """How many strangers ask to be let in."""
    router: RouterInfo
    alerts: list[Alert]
    """What's wrong now, the worst first: plain sentences, each with a way out."""
    prompts: PromptSizes | None
    """How long prompts are at their fullest; null while a model can't count."""


class Health(Struct, frozen=True, kw_only=True):
    """It serves."""

    status: Literal["ok"] = "ok"


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether messages are taken now."""

    ready: bool
    boot: str
    reason: str | UnsetType = UNSET


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A message that was given up."""

    entry: EntryId
    queue: Queue
    message: MessageView | None
    error: str | None
    created_at: datetime


class Retried(Struct, frozen=True, kw_only=True):
    """A dead letter that's taken up again."""

    entry: EntryId


class StatusController(Controller):
    """How the hub is."""

    tags = ("status",)

    @get("/healthz", opt={"open": True}, security=[{}], summary="Does it serve?")
    async def health(self) -> Health:
        """Answer, as long as the hub serves."""
        return Health()

    @get(
        "/readyz",
        opt={"open": True},
        security=[{}],
        responses={503: ResponseSpec(Readiness, description="Not now, and why.", generate_examples=False)},
        summary="Does it take messages?",
    )
    async def ready(self, services: Hub) -> Response[Readiness]:
        """Say whether messages are taken now, and why not."""
        reason = services.unready() or await _away(services)
        answer = Readiness(ready=reason is None, boot=services.boot, reason=reason if reason is not None else UNSET)
        return Response(
            answer, status_code=200 if reason is None else 503, headers={} if reason is None else {"Retry-After": "1"}
        )

    @get("/v1/status", opt={"scope": "status:read", WHOLE: True}, responses=PROBLEMS, summary="How is the hub?")
    async def status(self, services: Hub, caller: Asker) -> Status:
        """Return the states of the models, queues, tasks, bridges and the store."""
        return Status(
            version=services.version,
            boot=services.boot,
            started_at=services.started_at,
            llm=services.llm.info,
            decisions=services.decisions.info,
            queues=dict(await services.store.counts()),
            tasks={str(state): count for state, count in (await services.store.open_tasks(caller.tenant)).items()},
            store=await services.store_info(),
            bridges=await _bridges(services),
            hubs=list(await services.hubs.listed()),
            requests=len(await services.pairings.requests(caller.tenant)),
            router=services.router(),
            alerts=list(await services.alerts()),
            prompts=await services.prompts(),
        )

    @get("/v1/dead", opt={"scope": "admin"}, responses=PROBLEMS, summary="List dead letters")
    async def dead(self, services: Hub, caller: Asker) -> Page[DeadLetter]:
        """Return the messages that were given up, newest first."""
        letters = []
        for entry in await services.store.dead(caller.tenant, DEAD):
            message = await services.store.message(entry.message)
            letters.append(
                DeadLetter(
                    entry=entry.id,
                    queue=entry.queue,
                    message=await view_message(services.store, message) if message else None,
                    error=entry.error,
                    created_at=entry.created_at,
                )
            )
        return Page(items=letters)

    @post(
        "/v1/dead/{id:str}/retry",
        status_code=202,
        opt={"scope": "admin"},
        responses=PROBLEMS,
        summary="Take a dead letter up again",
    )
    async def retry(self, services: Hub, caller: Asker, id: FromPath[str]) -> Retried:
        """Have a message that was given up worked on again."""
        entry = await services.store.entry(EntryId(id))
        if entry is None or entry.tenant != caller.tenant or entry.state != "dead":
            raise NotFound(f"entry: there's no dead letter {shown(id)}; GET /v1/dead lists them")
        await services.letters.retry(entry)
        return Retried(entry=entry.id)


async def _away(services: Services) -> str | None:
    try:
        await services.store.last_event()
    except StoreUnavailable as error:
        return str(error)
    return None


async def _bridges(services: Services) -> list[BridgeInfo]:
    """Return how each bridge is, with what waits to be delivered over it."""
    waiting: Counter[str] = Counter()
    for lane, count in (await services.store.lengths("outbox")).items():
        waiting[bridge_of(lane)] += count
    infos = [BridgeInfo(name=HTTP, kind=HTTP), *(bridge.info for bridge in services.bridges.values())]
    return [replace(info, waiting=waiting[info.name]) for info in infos]
