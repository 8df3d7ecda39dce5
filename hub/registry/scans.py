"""Looks into what was published, before anybody sees it.

A scan passes, flags or fails, and these are three things. Only what passed is listed. What's flagged waits for a
moderator. A scan that failed (the operator's command crashed, hung or isn't there, the machine is overloaded) says
nothing: its version stays pending, and is looked into again, for as long as it takes. No time that runs out lists
anything. What waits is in the database, so that a crash of the registry loses none of it.
"""

import asyncio
import logging
from contextlib import ExitStack
from functools import partial

from sqlalchemy import Connection, select, update

from hub.errors import AgentHostError, ScanError, StoreUnavailable
from hub.failpoints import reach
from hub.packages.inspecting import laid_out
from hub.packages.scanning import Scanner
from hub.ports import Clock
from hub.registry.auditing import note
from hub.registry.owning import is_one, one
from hub.registry.records import Version
from hub.registry.shelf import Shelf, hold, record
from hub.registry.tables import archives, versions
from hub.registry.verdicts import REGISTRY, YOUNG, settle, why_held
from hub.shelves import ShelfConfig

log = logging.getLogger(__name__)

AT_ONCE = 2
SECONDS = 120.0
"""For one scan; the operator's command has a limit of its own besides."""
TICK = 15.0
"""Seconds between looks at what's to be tried again, or has waited long enough."""
AGAIN, LONGEST = 30.0, 3_600.0
"""Seconds until a failed scan is tried again: doubled each time."""
MANY = 2_000
"""Versions that are looked through for the next one."""
FAILED = "it couldn't be looked into; that's tried again by itself"

Key = tuple[str, str, str]
"""Publisher, name and version."""


class Scans:
    """Looks into each pending version, and lists or holds it."""

    def __init__(self, shelf: Shelf, clock: Clock, config: ShelfConfig, scanner: Scanner) -> None:
        self._shelf = shelf
        self._clock = clock
        self._config = config
        self._scanner = scanner
        self._news = asyncio.Event()
        self._busy: set[Key] = set()
        self._due: dict[Key, tuple[int, float]] = {}
        """How often each was tried in vain, and when it's tried again, by the monotonic clock."""
        self._ends: dict[Key, asyncio.Event] = {}

    async def run(self) -> None:
        """Look into what's pending until cancelled; begins with what an earlier process left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())
            while True:
                await self._clock.sleep(TICK)
                self._news.set()
                try:
                    await self.grown_up()
                except StoreUnavailable as error:
                    log.warning("what was held for its account's age isn't listed yet: %s", error)
                except Exception:
                    log.exception("listing what was held for its account's age stumbled")

    def wake(self) -> None:
        """Have it looked at once for what's pending."""
        self._news.set()

    async def soon(self, key: Key, seconds: float) -> None:
        """Have a version looked into, and wait for that, but no longer than so many seconds."""
        ended = self._ends.setdefault(key, asyncio.Event())
        self.wake()
        try:
            async with asyncio.timeout(seconds):
                # It may have been looked into before anybody waited for that.
                if await self._is_fresh(key):
                    await ended.wait()
        except TimeoutError:
            log.info("%s/%s %s isn't looked into yet; it's pending", *key)
        finally:
            self._ends.pop(key, None)

    async def grown_up(self) -> None:
        """List what was held only because its account was new, and isn't any more."""
        now = self._clock.now()
        held = (
            select(versions)
            .where(versions.c.state == "held", versions.c.reason == YOUNG)
            .order_by(versions.c.published_at)
        )

        def ask(connection: Connection) -> list[Version]:
            found = (record(Version, row) for row in connection.execute(held.limit(MANY)))
            return [version for version in found if why_held(connection, version, now, self._config) != YOUNG]

        for version in await self._shelf.read(ask):
            await self._shelf.write(partial(self._grown, version=version))

    def _grown(self, connection: Connection, version: Version) -> None:
        hold(connection, f"account:{version.account}")
        hold(connection, f"package:{version.publisher}/{version.name}")
        settle(connection, version, "held", self._clock.now(), self._config, "its account is old enough now")

    async def _is_fresh(self, key: Key) -> bool:
        row = await self._shelf.read(lambda connection: connection.execute(one(*key)).first())
        return row is not None and row.state == "pending" and not row.reason

    async def _work(self) -> None:
        while True:
            self._news.clear()
            try:
                key = await self._next()
                if key is None:
                    await self._news.wait()
                    continue
                await self._look(key)
            except StoreUnavailable as error:
                log.warning("what was published can't be looked into: %s", error)
                await self._clock.sleep(TICK)
            except Exception:
                log.exception("looking into what was published stumbled")
                await self._clock.sleep(TICK)

    async def _next(self) -> Key | None:
        query = (
            select(versions.c.publisher, versions.c.name, versions.c.version)
            .where(versions.c.state == "pending")
            .order_by(versions.c.published_at)
            .limit(MANY)
        )
        rows = await self._shelf.read(lambda connection: connection.execute(query).all())
        keys: list[Key] = [(row.publisher, row.name, row.version) for row in rows]
        self._due = {key: due for key, due in self._due.items() if key in set(keys)}
        now = self._clock.monotonic()
        ready = (key for key in keys if key not in self._busy and self._due.get(key, (0, now))[1] <= now)
        return next(ready, None)

    async def _look(self, key: Key) -> None:
        if key in self._busy:
            return
        self._busy.add(key)
        try:
            findings = await self._findings(key)
            await self._shelf.write(lambda connection: self._found(connection, key, findings))
            reach("scan.after-commit")
        except StoreUnavailable:
            self._put_off(key)
            raise
        except Exception as error:
            if not isinstance(error, AgentHostError):
                log.exception("the scan of %s stumbled", _called(key))
            await self._failed(key, str(error) or type(error).__name__)
        finally:
            self._busy.discard(key)
            if ended := self._ends.get(key):
                ended.set()

    async def _findings(self, key: Key) -> tuple[str, ...]:
        """Return what's odd about a version's files; raises ScanError if that can't be told."""
        archive = await self._shelf.read(lambda connection: _archive(connection, key))
        stack = ExitStack()
        try:
            async with asyncio.timeout(SECONDS):
                found, folder = await asyncio.to_thread(lambda: stack.enter_context(laid_out(archive)))
                return await self._scanner.scan(folder, found.entries, found.sheet)
        except TimeoutError:
            raise ScanError(f"the scan took longer than {SECONDS:g} seconds") from None
        finally:
            await asyncio.to_thread(stack.close)

    def _put_off(self, key: Key) -> float:
        """Have a version tried again after a while that's longer each time; return how long."""
        tries = self._due.get(key, (0, 0.0))[0] + 1
        after = min(LONGEST, AGAIN * 2.0 ** min(tries - 1, 20))
        self._due[key] = (tries, self._clock.monotonic() + after)
        return after

    async def _failed(self, key: Key, why: str) -> None:
        after = self._put_off(key)
        log.warning("%s can't be looked into, and isn't listed; again in %g s: %s", _called(key), after, why)

        def change(connection: Connection) -> None:
            row = connection.execute(one(*key)).first()
            if row is None or row.state != "pending" or row.reason == FAILED:
                return
            connection.execute(update(versions).where(is_one(*key)).values(reason=FAILED))
            note(connection, self._clock.now(), REGISTRY, "version.scan-failed", _called(key), why)

        await self._shelf.write(change)

    def _found(self, connection: Connection, key: Key, findings: tuple[str, ...]) -> None:
        """List a pending version, or hold it, in one transaction."""
        row = connection.execute(one(*key)).first()
        if row is None:
            return
        hold(connection, f"account:{row.account}")
        hold(connection, f"package:{key[0]}/{key[1]}")
        pending = versions.c.state == "pending"
        connection.execute(update(versions).where(is_one(*key), pending).values(findings=findings))
        version = record(Version, connection.execute(one(*key)).one())
        settle(connection, version, "pending", self._clock.now(), self._config, "the scan found nothing")
        reach("scan.before-commit")


def _archive(connection: Connection, key: Key) -> bytes:
    query = select(archives.c.data).join(versions, versions.c.sha256 == archives.c.sha256).where(is_one(*key))
    row = connection.execute(query).first()
    if row is None:
        raise ScanError("its archive isn't there any more")
    return bytes(row.data)


def _called(key: Key) -> str:
    return f"{key[0]}/{key[1]}@{key[2]}"
