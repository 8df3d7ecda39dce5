"""Texts that a database may refuse are kept all the same: no message is lost for a character or a long name."""

import random

import pytest
from msgspec.structs import replace

from hub.errors import Duplicate
from hub.ports import Add, Store
from hub.records import HOME, Message, Task, Text
from hub.testing import a_message, a_posting, a_reply, a_step, a_task, a_thread, a_turn, an_address, an_entry
from tests.contracts.people import add

HALF = "\ud800"
LONG = "".join(random.Random(7).choices([chr(number) for number in range(0x4E00, 0x9FA0)], k=5000))
"""Neither an index nor its compression can hold it."""


def plain(text: str) -> str:
    """Return a text with what isn't kept replaced."""
    return text.replace("\0", "\ufffd").replace(HALF, "\ufffd")


@pytest.mark.parametrize("odd", ["a\0b", f"a{HALF}b", f"\0{HALF}é\0"])
async def test_a_message_with_characters_that_no_database_takes_is_kept(store: Store, odd: str) -> None:
    message = a_message(odd, name=odd, sender=odd, external_id=odd)
    task = a_task(title=odd, goal=odd)
    turn = a_turn(task)
    step = a_step(turn, request=odd, result=odd)
    await add(store, message, task, turn, step, an_entry(message, error=odd))
    found, kept, [taken] = await store.message(message.id), await store.task(task.id), await store.steps(turn.id)
    assert isinstance(found, Message)
    assert isinstance(kept, Task)
    assert plain(found.text) == plain(odd)
    assert [plain(text) for text in (found.name, found.sender, kept.title, kept.goal)] == [plain(odd)] * 4
    assert plain(taken.result) == plain(odd)
    assert await store.message_by_external(HOME, message.address, odd) == found


async def test_a_files_name_may_have_any_character_in_it(store: Store) -> None:
    message = a_message(parts=(Text(text=f"{HALF}"), Text(text="fine")))
    await add(store, message)
    found = await store.message(message.id)
    assert found is not None
    assert [plain(part.text) for part in found.parts if isinstance(part, Text)] == ["\ufffd", "fine"]


async def test_a_message_whose_ids_are_endless_is_kept_once_and_found_by_them(store: Store) -> None:
    chat = an_address(chat=LONG, thread=LONG + "t")
    message, task = a_message(address=chat, external_id=LONG + "m", sender=LONG), a_task(origin=chat)
    await add(
        store, message, task, an_entry(message, lane=f"chat:{LONG}"), a_thread(task, chat=LONG, thread=LONG + "t")
    )
    with pytest.raises(Duplicate):
        await store.commit(Add(a_message(address=chat, external_id=LONG + "m")))
    other = a_message(address=chat, external_id=LONG + "n")
    await store.commit(Add(other))
    found = await store.message_by_external(HOME, chat, LONG + "m")
    assert found is not None
    assert found.id == message.id
    assert {each.id for each in await store.messages_of_chat(HOME, chat, limit=9)} == {message.id, other.id}
    thread = await store.thread(HOME, chat)
    assert thread is not None
    assert thread.task == task.id
    said = a_reply(message)
    await store.commit(Add(said), Add(replace(a_posting(said), chat=LONG, external_id=LONG)))
    posted = await store.message_by_external(HOME, chat, LONG)
    assert posted is not None
    assert posted.id == said.id
