"""The jobs of procrastinate: each says "look at lane X", and is gone once somebody has.

Its tables and its rules are used (no two jobs of a lane at work at once, none of a lane waits twice), but not its
worker, which ends with the first connection that breaks, and looks at a job that waited for its lane's lock only with
the next poll.
"""

from collections.abc import Collection, Sequence

import psycopg
import psycopg_pool
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from hub.dispatch.database import Database, certainly_cut_off
from hub.errors import StoreUnavailable

CHANNEL = "procrastinate_any_queue_v1"
"""On which a new job is notified of."""
TASK = "look"
PUT = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)
SELECT queue, 'look', lane, lane FROM unnest(%(queues)s::text[], %(lanes)s::text[]) AS new (queue, lane)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
FIND = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)
SELECT queue, 'look', lane, lane FROM unnest(%(queues)s::text[], %(lanes)s::text[]) AS new (queue, lane)
WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = lane AND status IN ('todo', 'doing'))
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
RETURNING lock
"""
DONE = "DELETE FROM procrastinate_jobs WHERE lock = %(lane)s AND worker_id = %(worker)s AND status = 'doing'"
PUT_BACK = """
WITH gone AS (
    DELETE FROM procrastinate_jobs
    WHERE status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker)s AND lock <> ALL(%(lanes)s::text[])
    RETURNING queue_name, lock
)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)
SELECT queue_name, 'look', lock, lock FROM gone
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
FORGET = "DELETE FROM procrastinate_workers WHERE id = %(worker)s"


class Jobs:
    """What's to be looked at, shared by all hubs; everything raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._app = App(connector=PsycopgConnector())

    @property
    def _manager(self) -> JobManager:
        return self._app.job_manager

    async def open(self) -> None:
        """Begin to use the database's connections."""
        await self._app.open_async(self._database.pool)

    async def register(self) -> int:
        """Return the number of a new worker."""
        return await certainly_cut_off(self._manager.register_worker())

    async def put(self, lanes: Collection[str]) -> None:
        """Have lanes looked at, each once however often it's put before that."""
        await self._database.rows(PUT, {"queues": [*map(queue_of, lanes)], "lanes": [*lanes]})

    async def find(self, lanes: Collection[str]) -> Sequence[str]:
        """Put those lanes that have no job, and return them."""
        found = await self._database.rows(FIND, {"queues": [*map(queue_of, lanes)], "lanes": [*lanes]})
        return [lane for (lane,) in found]

    async def take(self, queues: Collection[str], worker: int) -> Job | None:
        """Return the next job that nobody works on, and whose lane nobody works on."""
        try:
            return await certainly_cut_off(self._manager.fetch_job([*queues], worker))
        except (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout) as error:
            raise StoreUnavailable(f"no work can be taken: {error.__cause__ or error}") from None

    async def done(self, lane: str, worker: int) -> None:
        """Forget the job of a lane that a worker has looked at, if it's still that worker's."""
        await self._database.rows(DONE, {"lane": lane, "worker": worker})

    async def put_back(self, worker: int, lanes: Collection[str]) -> None:
        """Have looked at anew what a worker has taken by the tables, but isn't at: all but these lanes.

        A server that died has forgotten what it was told last: also that a job was done, or who was given it.
        """
        await self._database.rows(PUT_BACK, {"worker": worker, "lanes": [*lanes]})

    async def give_back(self, worker: int) -> None:
        """Have everything looked at anew that a worker had taken; it's gone, or takes nothing more."""
        # Its jobs are nobody's then, also one that it was just being given.
        await self._database.rows(FORGET, {"worker": worker})
        await self._database.rows(PUT_BACK, {"worker": None, "lanes": []})


def queue_of(lane: str) -> str:
    """Return the queue of a lane: what's to be delivered is for the hub that runs the bridge, the rest for any."""
    kind, _, rest = lane.partition(":")
    match kind:
        case "out":
            return f"out:{rest.split(':', 2)[1]}" if rest.count(":") >= 2 else "out"
        case "task":
            return "task"
        case _:
            return "chat"
