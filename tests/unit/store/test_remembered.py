"""What's remembered of the store is what the store holds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from hub.errors import Conflict
from hub.ports import Add, Remove, Save
from hub.records import HOME, OWNER, Message, MessageId, PersonId, Task, TaskId, new_id
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


def keep(remembered: Remembered, message: Message) -> None:
    remembered.keep(Message, MESSAGE, identity(message), message)


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


async def test_what_was_written_is_as_if_it_had_been_read(store: SqlStore, tmp_path: Path) -> None:
    await store.task(TaskId("none"))
    await store.message(MessageId("none"))
    task, message = a_task(), a_message()
    await store.commit(Add(task), Add(message))
    await store.commit(Save(replace(task, title="Another")), Save(replace(message, state="done")))
    known_task, known_message = await store.task(task.id), await store.message(message.id)
    await store.close()
    anew = SqlStore.in_folder(tmp_path)
    await anew.open()

    assert known_task == await anew.task(task.id) == replace(task, title="Another", revision=task.revision + 1)
    assert known_message == await anew.message(message.id)
    await anew.close()


async def test_what_was_not_there_is_there_once_it_is_added(store: SqlStore) -> None:
    message = a_message()
    assert await store.message(message.id) is None
    assert await store.message(message.id) is None
    await store.commit(Add(message))

    assert await store.message(message.id) == message


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
    first(False)
    keep(remembered, message)
    assert known(remembered, message) is UNSET
    second(False)
    keep(remembered, message)

    assert known(remembered, message) is message


def test_of_changes_at_once_the_last_one_is_remembered() -> None:
    remembered, message = Remembered(), a_message()
    assert known(remembered, message) is UNSET
    later = replace(message, external_id="later")
    first, second = remembered.change([Save(message)]), remembered.change([Save(later)])
    first(True)
    assert known(remembered, message) is UNSET
    second(True)

    assert known(remembered, message) is later


def test_what_nobody_looks_up_is_not_remembered_when_it_is_written() -> None:
    remembered, message = Remembered(), a_message()
    remembered.change([Add(message)])(True)

    assert known(remembered, message) is UNSET


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    remembered = Remembered()
    messages = [a_message(id=MessageId(new_id())) for _ in range(MOST)]
    for message in messages:
        keep(remembered, message)
    assert known(remembered, messages[0]) is messages[0]
    keep(remembered, a_message(id=MessageId(new_id())))

    assert known(remembered, messages[0]) is messages[0]
    assert known(remembered, messages[1]) is UNSET


def test_it_is_had_by_its_whole_identity_and_its_kind() -> None:
    remembered, message = Remembered(), a_message()
    keep(remembered, message)

    assert remembered.get(Message, ("external_id",), identity(message)) is UNSET
    assert remembered.get(Task, MESSAGE, identity(message)) is UNSET
