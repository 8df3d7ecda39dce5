"""A task's workspace stays while the task is open, and a while after; then it's cleared."""

from datetime import timedelta

from hub.flow.leftovers import Leftovers
from hub.ports import Add
from hub.records import HOME, TaskId
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeClock, MemoryWorkspaces, a_task


async def test_only_what_ended_long_ago_or_is_not_kept_is_cleared() -> None:
    store, workspaces = MemoryStore(), MemoryWorkspaces()
    old, new = NOON - timedelta(days=31), NOON - timedelta(days=29)
    over = a_task(number=1, state="completed", updated_at=old)
    failed = a_task(number=2, state="failed", updated_at=new)
    rests = a_task(number=3, state="input-required", updated_at=old)
    await store.commit(Add(over), Add(failed), Add(rests))
    for id in (over.id, failed.id, rests.id, TaskId("unknown")):
        await workspaces.write(HOME, id, "a.txt", b"x")

    await Leftovers(store, workspaces, FakeClock(), timedelta(days=30)).sweep()

    assert {task for _, task in await workspaces.kept()} == {failed.id, rests.id}
