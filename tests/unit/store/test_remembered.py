"""What's remembered of the store is what the store holds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import Conflict
from hub.ports import Add, Remove, Save
from hub.records import HOME, OWNER, Message, MessageId, PersonId, Task, new_id
from hub.store.keys import identity
from hub.store.remembered import MOST, Remembered
from hub.store.sql import SqlStore
from hub.store.writer import Changes, Result, Writer
from hub.testing import a_message, a_task

MESSAGE = ("id",)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore.in_folder(tmp_path)
    await store.open()
    yield store
    await store.close()


def known(remembered: Remembered, message: Message) -> object:
    return remembered.get(Message, MESSAGE, identity(message))


async def test_what_was_changed_is_read_anew(store: SqlStore) -> None:
    task = a_task()
    await store.commit(Add(task))
    read = await store.task(task.id)
    assert read is not None
    assert await store.task(task.id) is read

    await store.commit(Save(replace(read, title="Another")))

    now = await store.task(task.id)
    assert now is not None
    assert (now.title, now.revision) == ("Another", read.revision + 1)


async def test_a_change_that_is_refused_leaves_what_is_kept(store: SqlStore) -> None:
    task = a_task()
    await store.commit(Add(task))
    read = await store.task(task.id)
    assert read is not None
    await store.commit(Save(read))
    with pytest.raises(Conflict):
        await store.commit(Save(replace(read, title="Too late")))

    now = await store.task(task.id)
    assert now is not None
    assert now.title == task.title


async def test_what_was_removed_is_gone(store: SqlStore) -> None:
    message = a_message()
    await store.commit(Add(message))
    assert await store.message(message.id) is not None
    await store.commit(Remove(message))

    assert await store.message(message.id) is None


async def test_whoever_reads_during_a_commit_never_keeps_what_was_before_it(store: SqlStore) -> None:
    task = a_task()
    await store.commit(Add(task))
    for number in range(50):
        read = await store.task(task.id)
        assert read is not None
        saving = asyncio.ensure_future(store.commit(Save(replace(read, title=f"{number}"))))
        while not saving.done():
            await store.task(task.id)
            await asyncio.sleep(0)
        now = await store.task(task.id)
        assert now is not None
        assert now.title == f"{number}"


async def test_a_commit_that_nobody_waits_for_any_more_is_read_all_the_same(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_task()
    await store.commit(Add(task))
    read = await store.task(task.id)
    assert read is not None
    go_on, write = threading.Event(), Writer.write

    def held_up(self: Writer, sets: Sequence[Changes]) -> list[Result]:
        go_on.wait(10)
        return write(self, sets)

    monkeypatch.setattr(Writer, "write", held_up)
    saving = asyncio.ensure_future(store.commit(Save(replace(read, title="Kept"))))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert (await store.task(task.id)) == read
    go_on.set()
    await store.commit(Add(a_message()))

    now = await store.task(task.id)
    assert now is not None
    assert now.title == "Kept"


async def test_a_record_of_another_tenant_is_not_had_by_its_id_alone(store: SqlStore) -> None:
    await store.commit(Add(a_message()))

    assert await store.person(HOME, PersonId("nobody")) is None
    assert await store.person(HOME, OWNER) is None


def test_what_is_being_changed_is_not_remembered_before_the_last_change_is_over() -> None:
    remembered, message = Remembered(), a_message()
    first, second = remembered.change([Save(message)]), remembered.change([Save(message)])
    first()
    remembered.keep(message)
    assert known(remembered, message) is None
    second()
    remembered.keep(message)

    assert known(remembered, message) is message


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    remembered = Remembered()
    messages = [a_message(id=MessageId(new_id())) for _ in range(MOST)]
    for message in messages:
        remembered.keep(message)
    assert known(remembered, messages[0]) is messages[0]
    remembered.keep(a_message(id=MessageId(new_id())))

    assert known(remembered, messages[0]) is messages[0]
    assert known(remembered, messages[1]) is None


def test_it_is_had_by_its_whole_identity_and_its_kind() -> None:
    remembered, message = Remembered(), a_message()
    remembered.keep(message)

    assert remembered.get(Message, ("external_id",), identity(message)) is None
    assert remembered.get(Task, MESSAGE, identity(message)) is None
