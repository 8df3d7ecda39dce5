"""The one thread that writes: it takes all commits waiting at a moment, and commits them as one group.

A thread with a plain connection, for a group is a dozen statements: over aiosqlite each would be a trip between two
threads (`make bench` tells what a commit costs beside the disk's own fsync).
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreError, StoreUnavailable
from hub.ports import Add
from hub.records import Event, Message
from hub.store.writer import Changes, Result, Writer

log = logging.getLogger(__name__)

GROUP = 256
"""At most so many commits share a transaction: a group that never ends would let nobody go."""


class _Waiting(Struct, frozen=True):
    """A commit and whom to tell."""

    changes: Changes
    told: asyncio.Future[Result]
    loop: asyncio.AbstractEventLoop
    over: Callable[[bool], None]


class Committer:
    """Commits change sets in groups, in the order they came.

    A commit that was handed over is done or not, whatever becomes of its caller. `is_short` says, before each group,
    whether the disk is nearly full: then no new messages of people are taken, so that those taken can be finished.
    """

    def __init__(self, writer: Writer, is_short: Callable[[], bool]) -> None:
        self._writer = writer
        self._is_short = is_short
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._closing = False

    def open(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """Finish the commits that were handed over; refuse later ones."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def commit(self, changes: Changes, *, over: Callable[[bool], None] = lambda _: None) -> tuple[Event, ...]:
        """Do a change set, or raise why not.

        `over` is called once that's clear, also if nobody waits any more: with whether the changes are kept.
        """
        if self._closing:
            over(False)
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Result] = loop.create_future()
        self._queue.put(_Waiting(changes, told, loop, over))
        result = await told
        if isinstance(result, StoreError):
            raise result
        return result

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                _tell(group, self._commit([waiting.changes for waiting in group]))
        self._writer.close()

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        group = list[_Waiting]()
        with suppress(queue.Empty):
            while len(group) < GROUP:
                waiting = self._queue.get(block=not group)
                if waiting is None:
                    return group, False
                group.append(waiting)
        return group, True

    def _commit(self, sets: Sequence[Changes]) -> Sequence[Result]:
        short = self._is_short()
        taken = [changes for changes in sets if not (short and _brings_more(changes))]
        results = iter(self._write(taken) if taken else ())
        refused = StoreUnavailable("the disk is nearly full: no new messages are taken until there's room again")
        return [refused if short and _brings_more(changes) else next(results) for changes in sets]

    def _write(self, sets: Sequence[Changes]) -> Sequence[Result]:
        try:
            return self._writer.write(sets)
        except StoreUnavailable as error:
            return [error] * len(sets)
        except DBAPIError as error:
            # Full, broken or not writable: a fresh connection tries again with the next group.
            self._writer.disconnect()
            reason = _first(error).orig
            log.error("The database took nothing of %d commits: %s", len(sets), reason)
            return [StoreUnavailable(f"the database can't write: {reason}")] * len(sets)
        except Exception:
            # Whatever it is, the callers must not wait for ever and this thread must live on.
            self._writer.disconnect()
            log.exception("%d commits failed", len(sets))
            return [StoreError("the commit failed; the log says why")] * len(sets)


def _first(error: DBAPIError) -> DBAPIError:
    """Return what went wrong first: a full disk ends the transaction, and leaving its blocks fails once more."""
    first, earlier = error, error.__context__
    while earlier is not None:
        first = earlier if isinstance(earlier, DBAPIError) else first
        earlier = earlier.__context__
    return first


def _brings_more(changes: Changes) -> bool:
    return any(
        isinstance(change, Add) and isinstance(change.record, Message) and change.record.role == "user"
        for change in changes
    )


def _tell(group: Sequence[_Waiting], results: Sequence[Result]) -> None:
    """Wake each caller's event loop once for all its results."""
    for loop in {waiting.loop for waiting in group}:
        of_loop = [(waiting, result) for waiting, result in zip(group, results, strict=True) if waiting.loop is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_set, of_loop)


def _set(results: Sequence[tuple[_Waiting, Result]]) -> None:
    for waiting, result in results:
        waiting.over(not isinstance(result, StoreError))
        if not waiting.told.done():  # it's cancelled with whoever waited
            waiting.told.set_result(result)
