"""Hands a hub's parts to its web."""

from collections.abc import Sequence
from hashlib import sha256

from hub import __version__
from hub.app import Hub
from hub.databases import database_of
from hub.flow import weights
from hub.flow.alerts import Alert
from hub.packages.market import Market
from hub.signing import Checker
from hub.store.sqlite import is_short
from hub.web.services import AgentInfo, BusinessServices, RouterInfo, Services, StoreInfo, WakerDoor


def services_of(hub: Hub, secret: str) -> Services:
    """Return what the web needs of a hub; `secret` stays the same over restarts."""
    return Services(
        config=hub.config,
        version=__version__,
        boot=hub.boot,
        hubs=hub.hubs,
        started_at=hub.started_at,
        clock=hub.clock,
        store=hub.store,
        feed=hub.feed,
        people=hub.people,
        tenants=hub.business.tenants,
        audit=hub.business.audit,
        desk=hub.desk,
        halting=hub.halting,
        webhooks=hub.business.webhooks.hooks,
        inlets=hub.business.inlets,
        embeds=hub.business.embeds,
        business=_business(hub),
        entrance=hub.business.entrance,
        pairings=hub.pairings,
        leaving=hub.leaving,
        portraits=hub.portraits,
        leave=hub.leave,
        habits=hub.habits,
        lending=hub.lending,
        inbox=hub.inbox,
        tasks=hub.tasks,
        outlines=hub.outlines,
        timetable=hub.timetable,
        zones=hub.zones,
        artefacts=hub.artefacts,
        corrections=hub.corrections,
        questions=hub.questions,
        letters=hub.letters,
        llm=hub.llm,
        decisions=hub.decider,
        agents=lambda: _agents(hub),
        bridges=hub.bridges,
        uploads=hub.uploads,
        packages=hub.installer,
        market=_market(hub),
        own=hub.own,
        tools=hub.toolbox.all,
        call=hub.toolbox.tried,
        router=lambda: _router(hub),
        prompts=hub.sizes.measured,
        store_info=lambda: _stored(hub),
        unready=lambda: _unready(hub),
        asked=hub.idling.asked,
        waker=WakerDoor(Checker(token), hub.idling) if (token := hub.config.waker.token) else None,
        metrics=hub.watch.metrics,
        alerts=lambda: _alerts(hub),
        secret=sha256(f"forgery:{secret}".encode()).digest(),
        closing=hub.closing,
    )


def _business(hub: Hub) -> BusinessServices:
    parts = hub.business
    return BusinessServices(
        usages=parts.usages,
        members=parts.members,
        rates=parts.rates,
        clearing=parts.clearing,
        direct=hub.direct,
        brands=parts.brands,
    )


def _agents(hub: Hub) -> list[AgentInfo]:
    return [
        AgentInfo(
            name=agent.name,
            description=agent.description,
            model=agent.model,
            tools=agent.tools,
            version=agent.version,
        )
        for agent in hub.agents.values()
    ]


def _unready(hub: Hub) -> str | None:
    if hub.config.data.is_dir() and is_short(hub.config.data):
        return "the disk is nearly full: no new messages are taken; make room"
    return None


async def _alerts(hub: Hub) -> Sequence[Alert]:
    """Return what's wrong now; first of all, that everything is paused."""
    found, halt = await hub.watch.health.look(), hub.halting.halt
    if halt is None:
        return found
    text = f"Everything is paused since {halt.since:%Y-%m-%d %H:%M} UTC{f': {halt.why}' if halt.why else ''}."
    return [Alert(name="paused", level="fault", text=text, fix="To go on: agenthost resume all"), *found]


def _market(hub: Hub) -> Market | None:
    registries = hub.installer.registries if hub.installer else None
    return Market(registries, hub.clock) if registries else None


def _router(hub: Hub) -> RouterInfo:
    info = hub.decider.info
    return RouterInfo(rule="trained" if info.sha256 == weights.MODEL_SHA256 else "untrained", model=info.model)


async def _stored(hub: Hub) -> StoreInfo:
    place = database_of(hub.config.store, hub.config.data)
    return StoreInfo(path=str(place), bytes=await hub.store.size())
