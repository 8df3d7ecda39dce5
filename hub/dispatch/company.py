"""How a hub works with others on its store, or alone: what decides who does what, and what tells of it."""

import logging
import socket
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.config import Config
from hub.dispatch.alone import Alone
from hub.dispatch.feed import LocalFeed
from hub.dispatch.local import LocalDispatcher
from hub.errors import StoreUnavailable
from hub.ports import Clock, Hubs, Store

log = logging.getLogger(__name__)

LOST, FOUND = 5.0, 10_000
"""Seconds between two looks at lanes that wait unseen, and how many are found at once."""

if TYPE_CHECKING:
    from hub.dispatch.postgres import PostgresDispatcher


@dataclass(frozen=True)
class Company:
    """The parts of a hub that are other ones where several hubs share a store."""

    hubs: Hubs
    dispatcher: "LocalDispatcher | PostgresDispatcher"
    feed: LocalFeed
    find: Callable[..., Coroutine[None, None, None]] | None = None
    """Has lanes looked at that wait unseen; None where none can."""
    tell: Callable[[], Coroutine[None, None, None]] | None = None
    """Carries news between hubs until cancelled; None where there's one."""

    async def find_lost(self, store: Store, clock: Clock) -> None:
        """Have lanes looked at whose wake was lost, until cancelled: a hub may die between a commit and its wakes."""
        while self.find:
            try:
                await self.find(*await store.lanes(clock.now(), FOUND))
            except StoreUnavailable as error:
                log.warning("what waits unseen isn't looked for now: %s", error)
            await clock.sleep(LOST)


def name_of_hub(config: Config) -> str:
    """Return what a hub is called among others."""
    return config.hub.name or f"{socket.gethostname()}:{config.hub.port}"


def by_itself(boot: str, name: str, clock: Clock) -> Company:
    """Return what a hub needs that has its store to itself."""
    return Company(Alone(boot, name, clock), LocalDispatcher(clock), LocalFeed())


async def joined(
    stack: AsyncExitStack,
    url: str,
    store: Store,
    clock: Clock,
    *,
    boot: str,
    name: str,
    bridges: Collection[str],
    slots: int,
) -> Company:
    """Join the hubs that share a PostgreSQL, and return what this one needs; `stack` leaves them. Raises StartError."""
    # Only who has several hubs loads what they need.
    from hub.dispatch.database import Database  # noqa: PLC0415
    from hub.dispatch.ear import Ear  # noqa: PLC0415
    from hub.dispatch.hubs import PostgresHubs, application  # noqa: PLC0415
    from hub.dispatch.jobs import Jobs  # noqa: PLC0415
    from hub.dispatch.postgres import PostgresDispatcher  # noqa: PLC0415
    from hub.dispatch.shared_feed import SharedFeed  # noqa: PLC0415

    database = await stack.enter_async_context(Database(url, application(boot)))
    jobs, ear = Jobs(database), Ear(url, application(boot))
    await jobs.open()
    hubs = PostgresHubs(database, jobs, ear, boot, name)
    feed = SharedFeed(database, ear, store)
    dispatcher = PostgresDispatcher(jobs, ear, clock, lambda: hubs.worker, hubs.holds, bridges, slots)
    await hubs.open()
    stack.push_async_callback(hubs.close)
    await feed.open()
    return Company(hubs, dispatcher, feed, dispatcher.find, feed.run)
