"""Every sentence that ports.Desk promises, over every desk."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from hub.flow.desk import FrontDesk
from hub.ports import Add, Desk
from hub.records import Link, Message, Person, PersonId, Task, TaskState
from hub.store.memory import MemoryStore
from hub.testing import NOON, FakeClock, FakeDesk, a_link, a_message, a_person, a_task, an_address

Records = Sequence[Person | Link | Task | Message]
Make = Callable[[Records], Awaitable[Desk]]


async def a_front_desk(records: Records) -> Desk:
    store = MemoryStore()
    await store.commit(*map(Add, records))
    return FrontDesk(store, FakeClock(), reopen_hours=24)


async def a_fake_desk(records: Records) -> Desk:
    return FakeDesk(
        people=[record for record in records if isinstance(record, Person)],
        links=[record for record in records if isinstance(record, Link)],
        tasks=[record for record in records if isinstance(record, Task)],
        messages=[record for record in records if isinstance(record, Message)],
    )


@pytest.fixture(params=[a_front_desk, a_fake_desk], ids=["FrontDesk", "FakeDesk"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


async def test_a_linked_sender_is_a_person_and_nobody_else_is(make: Make) -> None:
    desk = await make([a_person(), a_link()])
    assert await desk.person("fake", "ann") == a_person()
    assert await desk.person("fake", "eve") is None
    assert await desk.person("other", "ann") is None


async def test_open_tasks_and_those_just_finished_are_told_latest_first(make: Make) -> None:
    def made(number: int, state: TaskState = "submitted") -> Task:
        return a_task(number=number, state=state, updated_at=NOON - timedelta(minutes=number))

    tasks = [made(3), made(1), made(2, "completed"), made(4, "canceled")]
    desk = await make([a_person(), a_link(), *tasks])
    assert [task.number for task in await desk.tasks("fake", "ann")] == [1, 2, 3]


async def test_tasks_are_told_by_the_handful(make: Make) -> None:
    desk = await make([a_person(), a_link(), *(a_task(number=number) for number in range(1, 40))])
    assert len(await desk.tasks("fake", "ann")) <= 10


async def test_nothing_is_told_to_a_stranger_nor_to_another_person(make: Make) -> None:
    bob = a_person(id=PersonId("bob"), name="Bob", role="member")
    desk = await make([a_person(), a_link(), bob, a_link(sender="bob", person=bob.id), a_task()])
    assert await desk.tasks("fake", "eve") == ()
    assert await desk.tasks("fake", "bob") == ()


async def test_a_message_is_found_by_its_id_in_its_chat(make: Make) -> None:
    message = a_message(external_id="17")
    desk = await make([a_person(), message])
    assert await desk.message(message.address, "17") == message
    assert await desk.message(message.address, "18") is None
    assert await desk.message(an_address("other"), "17") is None
