"""Every sentence that ports.Overviews promises, over every store."""

from datetime import timedelta

from msgspec.structs import replace

from hub.ports import Save, Store
from hub.records import HOME, OWNER, FileExists
from hub.testing import NOON, a_correction, a_message, a_pause, a_reply, a_route, a_task, a_turn, an_entry
from tests.contracts.people import BEA, OTHERS, add

MINUTE = timedelta(minutes=1)


async def test_calls_that_wait_are_told_of_everybody_in_a_tenant(store: Store) -> None:
    turn = a_turn(a_task())
    first, second = a_pause(turn), a_pause(turn, person=BEA)
    done = a_pause(turn, state="denied", decided_at=NOON, reason="Not today")
    await add(store, first, second, done, a_pause(turn, tenant=OTHERS))
    assert {each.id for each in await store.asked_pauses(HOME, None, 9)} == {first.id, second.id}
    assert len(await store.asked_pauses(HOME, None, 1)) == 1
    assert [each.id for each in await store.asked_pauses(HOME, OWNER, 9)] == [first.id]
    assert (await store.pause(done.id)) == done


async def test_decided_calls_come_the_last_decided_first(store: Store) -> None:
    turn = a_turn(a_task())
    old, new = a_pause(turn, state="done", decided_at=NOON), a_pause(turn, state="approved", decided_at=NOON + MINUTE)
    await add(store, new, old, a_pause(turn), a_pause(turn, tenant=OTHERS, state="denied", decided_at=NOON))
    assert [each.id for each in await store.decided_pauses(HOME, 9)] == [new.id, old.id]
    assert [each.id for each in await store.decided_pauses(HOME, 1)] == [new.id]


async def test_held_entries_are_those_of_messages_that_are_asked_about(store: Store) -> None:
    mine, beas = a_message("1", external_id="1"), a_message("2", external_id="2", person=BEA)
    other = a_message("3", external_id="3", tenant=OTHERS)
    held = [an_entry(message, state="held", due_at=NOON) for message in (mine, beas)]
    await add(store, mine, beas, other, *held, an_entry(mine), an_entry(other, state="held", due_at=NOON))
    assert [each.id for each in await store.held_entries(HOME, OWNER, 9)] == [held[0].id]
    assert {each.id for each in await store.held_entries(HOME, None, 9)} == {each.id for each in held}
    assert len(await store.held_entries(HOME, None, 1)) == 1
    await store.commit(Save(replace(held[0], state="done")))
    assert await store.held_entries(HOME, OWNER, 9) == ()


async def test_tasks_with_checks_that_nobody_agreed_to_are_found_while_they_are_open(store: Store) -> None:
    proposed = (FileExists(path="a.md"),)
    mine, beas = a_task(number=1, proposed=proposed), a_task(number=1, person=BEA, proposed=proposed)
    over, plain = a_task(number=2, proposed=proposed, state="completed"), a_task(number=3)
    await add(store, mine, beas, over, plain, a_task(number=1, tenant=OTHERS, proposed=proposed))
    assert [task.id for task in await store.proposing_tasks(HOME, OWNER, 9)] == [mine.id]
    assert {task.id for task in await store.proposing_tasks(HOME, None, 9)} == {mine.id, beas.id}
    assert len(await store.proposing_tasks(HOME, None, 1)) == 1


async def test_routed_messages_come_newest_first_of_one_person_or_of_all(store: Store) -> None:
    task = a_task()
    route = a_route(task)
    said = [
        a_message(str(number), external_id=str(number), route=route, created_at=NOON + number * MINUTE)
        for number in range(3)
    ]
    beas = a_message("Bea's", external_id="b", person=BEA, route=route)
    reply = a_reply(said[0], "Yes")
    await add(store, task, *said, reply, beas, a_message("not yet", external_id="n"))
    await add(store, a_message("theirs", external_id="t", tenant=OTHERS, route=route))
    assert [each.text for each in await store.routed_messages(HOME, OWNER, limit=2)] == ["2", "1"]
    assert [each.text for each in await store.routed_messages(HOME, OWNER, limit=9, before=said[1].id)] == ["0"]
    assert [each.text for each in await store.routed_messages(HOME, None, limit=9)] == ["Bea's", "2", "1", "0"]
    later = await store.routed_messages(HOME, None, limit=9, since=NOON + MINUTE)
    assert [each.text for each in later] == ["2", "1"]


async def test_corrections_of_some_messages_come_oldest_first(store: Store) -> None:
    one, two = a_task(number=1), a_task(number=2)
    said = [a_message(str(number), external_id=str(number)) for number in range(3)]
    first, again = a_correction(said[0], one, two, by=BEA), a_correction(said[0], two, one)
    other = a_correction(said[1], one, two)
    await add(store, one, two, *said, first, again, other)
    assert await store.corrections_among([said[0].id, said[2].id]) == (first, again)
    assert await store.corrections_among([]) == ()
    assert len(await store.corrections_among([message.id for message in said] * 200)) == 3
