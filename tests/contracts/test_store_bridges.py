"""Every sentence that ports.Store promises of what bridges need, over every store."""

import pytest
from msgspec.structs import replace

from hub.errors import Duplicate
from hub.ports import Remove, Save, Store
from hub.records import HOME, OWNER
from hub.testing import (
    NOON,
    a_follow,
    a_link,
    a_message,
    a_pairing,
    a_posting,
    a_reply,
    a_task,
    a_thread,
    an_address,
)
from tests.contracts.people import BEA, OTHERS, SOON, add


async def test_a_message_is_found_by_each_of_its_postings_in_its_chat(store: Store) -> None:
    message = a_message(role="agent", state="sent")
    await add(store, message, a_posting(message, external_id="1"), a_posting(message, external_id="2", number=1))
    chat = an_address(thread="7")
    assert [await store.message_by_external(HOME, chat, id) for id in ("1", "2")] == [message, message]
    assert await store.message_by_external(HOME, chat, message.external_id) == message
    assert await store.message_by_external(HOME, an_address("bea"), "1") is None
    assert await store.message_by_external(OTHERS, chat, "1") is None


async def test_postings_are_told_in_the_order_of_the_parts(store: Store) -> None:
    message = a_message(role="agent", state="sent")
    second, first = a_posting(message, external_id="1", number=1), a_posting(message, external_id="2", number=0)
    await add(store, message, second, first)
    assert await store.postings(message.id) == (first, second)


async def test_a_platforms_id_is_one_messages_only(store: Store) -> None:
    one, other = a_message(), a_message()
    await add(store, one, other, a_posting(one))
    with pytest.raises(Duplicate):
        await add(store, a_posting(other))


async def test_a_thread_is_one_tasks_in_one_chat(store: Store) -> None:
    one, other = a_task(number=1), a_task(number=2)
    await add(store, one, other, a_thread(one), a_thread(other, chat="bea"))
    assert await store.thread(HOME, an_address(thread="7")) == a_thread(one)
    assert await store.thread(HOME, an_address("bea", thread="7")) == a_thread(other, chat="bea")
    assert await store.thread(HOME, an_address(thread="8")) is None
    assert await store.thread(HOME, an_address()) is None
    with pytest.raises(Duplicate):
        await add(store, a_thread(other))


async def test_a_task_may_have_a_thread_in_several_chats(store: Store) -> None:
    task = a_task()
    here, there = a_thread(task), a_thread(task, bridge="other")
    await add(store, task, there, here)
    assert await store.threads(task.id) == (here, there)


async def test_who_follows_a_task_is_told_oldest_first(store: Store) -> None:
    task = a_task()
    late, early = a_follow(task, chat="a", created_at=SOON), a_follow(task, chat="b")
    await add(store, task, late, early, a_follow(a_task(number=2)))
    assert await store.follows(task.id) == (early, late)
    await store.commit(Remove(early))
    assert await store.follows(task.id) == (late,)


async def test_a_persons_accounts_are_told_oldest_first(store: Store) -> None:
    late, early = a_link(sender="a", created_at=SOON), a_link(sender="b")
    await add(store, late, early, a_link(sender="c", person=BEA))
    assert await store.links(HOME, OWNER) == (early, late)


async def test_a_link_learns_the_chat(store: Store) -> None:
    await add(store, a_link())
    await store.commit(Save(a_link(chat="ann")))
    assert await store.link(HOME, "fake", "ann") == a_link(chat="ann")


async def test_a_pairing_is_found_by_its_codes_hash_within_its_tenant(store: Store) -> None:
    pairing = a_pairing(hash="h")
    await add(store, pairing)
    assert await store.pairing_by_hash(HOME, "h") == pairing
    assert await store.pairing_by_hash(OTHERS, "h") is None
    assert await store.pairing(OTHERS, pairing.id) is None
    with pytest.raises(Duplicate):
        await add(store, a_pairing(hash="h"))


async def test_pairings_are_listed_newest_first(store: Store) -> None:
    old, new = a_pairing(), a_pairing(state="denied")
    await add(store, old, new, a_pairing(tenant=OTHERS))
    assert await store.pairings(HOME, 9) == (new, old)
    assert await store.pairings(HOME, 1) == (new,)


async def test_expired_pairings_are_forgotten(store: Store) -> None:
    old, young = a_pairing(expires_at=NOON), a_pairing(expires_at=SOON)
    await add(store, old, young)
    assert await store.forget_pairings(SOON) == 1
    assert await store.pairings(HOME, 9) == (young,)


async def test_what_repeats_a_message_elsewhere_is_neither_transcript_nor_reply(store: Store) -> None:
    task = a_task()
    asked = a_message(task=task.id)
    reply = a_reply(asked)
    copy = a_reply(asked, copy_of=reply.id, address=an_address("ann", bridge="other"))
    await add(store, task, asked, reply, copy)
    assert await store.messages_of_task(task.id, limit=9) == (asked, reply)
    assert await store.replies(asked.id) == (reply,)
    assert await store.copies(reply.id) == (copy,)
    assert await store.copies(asked.id) == ()


async def test_who_wrote_a_message_in_a_group_is_kept(store: Store) -> None:
    message = a_message(author=BEA, name="Bea", sender="4711", choice="route/1/new", corrects=a_message().id)
    await add(store, message)
    assert await store.message(message.id) == message
    moved = replace(message, state="moved")
    await store.commit(Save(moved))
    assert await store.message(message.id) == moved
