"""Hubs on one PostgreSQL, as far as who works on what: without a store, a flow or a bridge."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hub.dispatch.database import Database
from hub.dispatch.ear import Ear
from hub.dispatch.hubs import PostgresHubs, application
from hub.dispatch.jobs import Jobs
from hub.dispatch.postgres import PostgresDispatcher
from hub.ports import Clock


@dataclass
class Member:
    """One of several hubs."""

    hubs: PostgresHubs
    dispatcher: PostgresDispatcher
    database: Database
    ear: Ear


@asynccontextmanager
async def a_member(
    url: str, boot: str, clock: Clock, *, name: str = "", bridges: tuple[str, ...] = (), slots: int = 8
) -> AsyncIterator[Member]:
    """Have a hub join."""
    async with Database(url, application(boot)) as database:
        jobs, ear = Jobs(database), Ear(url, application(boot))
        await jobs.open()
        hubs = PostgresHubs(database, jobs, ear, boot, name or boot)
        dispatcher = PostgresDispatcher(jobs, ear, clock, lambda: hubs.worker, hubs.holds, bridges, slots)
        await hubs.open()
        try:
            yield Member(hubs, dispatcher, database, ear)
        finally:
            await hubs.close()


async def nothing() -> None:
    """Take over nothing: what was begun is the store's."""


@asynccontextmanager
async def hub_running(member: Member) -> AsyncIterator[None]:
    """Have a hub keep its lease, and hear others."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(member.hubs.run(nothing))
        yield
        task.cancel()


async def until(true: Callable[[], bool], within: float = 20.0) -> None:
    """Return once something is so."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.005)
