"""A topic for each task (T3), against our own Bot API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.ports import Draft
from hub.records import Address, Choice, Text, TurnId
from hub.testing import a_message, a_task
from tests.telegram.botapi import ANN, BOT, TOKEN, BotApi
from tests.telegram.says import until
from tests.telegram.world import World, an_account, outgoing

LANDLORD = a_task(number=2, title="Landlord email")
TAXES = a_task(number=3, title="Taxes")


@pytest.fixture
async def world(topical: BotApi, tmp_path: Path) -> AsyncIterator[World]:
    world = World(an_account(topical.url, TOKEN), tmp_path / "files")
    async with world.running():
        yield world


async def test_two_tasks_have_two_topics_and_their_answers_stay_there(topical: BotApi, world: World) -> None:
    first = await world.bridge.deliver(outgoing("Sent.", task=LANDLORD, tagged=True))
    second = await world.bridge.deliver(outgoing("Filed.", task=TAXES, tagged=True))
    assert {topic.name for topic in topical.topics.values()} == {"#2 Landlord email", "#3 Taxes"}
    assert first.thread != second.thread
    topical.says("And now?", thread=int(first.thread or 0))
    [incoming] = await world.kept.count(1)
    assert incoming.address == Address(bridge="telegram", chat="1001", thread=first.thread)
    again = outgoing("Done.", thread=first.thread, task=LANDLORD, tagged=True, reply_to=incoming.external_id)
    assert (await world.bridge.deliver(replace(again, thread=first.thread))).thread == first.thread
    assert [(shown.text, str(shown.thread)) for shown in topical.shown] == [
        ("Sent.", first.thread),
        ("Filed.", second.thread),
        ("Done.", first.thread),
    ]
    assert topical.shown[2].fields["reply_parameters"]


async def test_a_topic_survives_a_restart_even_before_the_hub_knew_of_it(topical: BotApi, world: World) -> None:
    first = await world.bridge.deliver(outgoing("Sent.", task=LANDLORD))
    restarted = world.another()
    second = await restarted.deliver(outgoing("Done.", task=LANDLORD))
    await restarted.close()
    assert second.thread == first.thread
    assert len(topical.topics) == 1


async def test_a_pressed_button_and_what_comes_of_it_stay_in_their_topic(topical: BotApi, world: World) -> None:
    choices = (Choice(id="yes", text="Yes"),)
    message = outgoing("Shall I?", task=LANDLORD, choices=choices)
    delivered = await world.bridge.deliver(message)
    offered = a_message("Shall I?", address=message.message.address, external_id=delivered.ids[0], choices=choices)
    world.desk.messages.append(offered)
    topical.presses(topical.shown[0], "Yes")
    [incoming] = await world.kept.count(1)
    assert (incoming.address.thread, incoming.choice) == (delivered.thread, "yes")
    notice = outgoing("I shall.", role="notice", thread=delivered.thread, answers="m1", task=LANDLORD)
    await world.bridge.deliver(notice)
    assert str(topical.shown[1].thread) == delivered.thread


async def test_what_answers_a_command_stays_where_it_was_given(topical: BotApi, world: World) -> None:
    delivered = await world.bridge.deliver(outgoing("Stopped.", role="notice", answers="m1", task=LANDLORD))
    assert (delivered.thread, topical.shown[0].thread, topical.topics) == (None, None, {})


async def test_a_topic_shows_its_tasks_title_and_that_it_is_done(topical: BotApi, world: World) -> None:
    delivered = await world.bridge.deliver(outgoing("Sent.", task=LANDLORD))
    address = Address(bridge="telegram", chat="1001", thread=delivered.thread)
    await world.bridge.tell(address, replace(LANDLORD, title="Email to the landlord"))
    [topic] = topical.topics.values()
    assert topic.name == "#2 Email to the landlord"
    await world.bridge.tell(address, replace(LANDLORD, state="completed"))
    assert topic.name == "✅ #2 Landlord email"
    await world.bridge.tell(address, LANDLORD)
    assert topic.name == "#2 Landlord email"


async def test_a_topic_that_somebody_deleted_is_made_again(topical: BotApi, world: World) -> None:
    first = await world.bridge.deliver(outgoing("Sent.", task=LANDLORD))
    topical.topics.clear()
    second = await world.bridge.deliver(outgoing("Done.", thread=first.thread, task=LANDLORD))
    assert second.thread not in {None, first.thread}
    assert [topic.name for topic in topical.topics.values()] == ["#2 Landlord email"]
    assert str(topical.shown[-1].thread) == second.thread


async def test_a_topic_that_a_person_began_becomes_their_tasks_own_and_keeps_its_name(
    topical: BotApi, world: World
) -> None:
    topical.open_topic(1001, 77, "My plans")
    topical.says("What about Bonn?", thread=77)
    [incoming] = await world.kept.count(1)
    delivered = await world.bridge.deliver(outgoing("Nice.", thread="77", task=TAXES, reply_to=incoming.external_id))
    await world.bridge.tell(Address(bridge="telegram", chat="1001", thread="77"), replace(TAXES, state="completed"))
    assert delivered.thread == "77"
    assert topical.topics[1001, 77].name == "My plans"


async def test_a_second_task_begun_in_a_topic_gets_its_own(topical: BotApi, world: World) -> None:
    topical.open_topic(1001, 77, "My plans")
    await world.bridge.deliver(outgoing("Nice.", thread="77", task=TAXES))
    delivered = await world.bridge.deliver(outgoing("Sent.", thread="77", task=LANDLORD))
    assert delivered.thread != "77"
    assert topical.topics[1001, int(delivered.thread or 0)].name == "#2 Landlord email"


async def test_a_topic_without_a_name_is_named_by_its_task(topical: BotApi, world: World) -> None:
    topical.open_topic(1001, 77, "New chat", implicit=True)
    topical.says("My taxes", thread=77)
    await world.kept.count(1)
    await world.bridge.deliver(outgoing("Filed.", thread="77", task=TAXES))
    assert topical.topics[1001, 77].name == "#3 Taxes"


async def test_in_a_forum_there_is_a_topic_where_tasks_would_get_mixed_up_and_it_is_closed(
    topical: BotApi, world: World
) -> None:
    topical.open_topic(-1001, 5, "General chatter")
    mention = [{"type": "mention", "offset": 0, "length": 7}]
    topical.says("@HubBot hello", chat=-1001, entities=mention)
    await world.kept.count(1)
    await world.bridge.deliver(outgoing("Hi", chat="-1001", task=LANDLORD))
    delivered = await world.bridge.deliver(outgoing("Filed.", chat="-1001", task=TAXES, tagged=True))
    assert [shown.thread for shown in topical.shown] == [None, int(delivered.thread or 0)]
    address = Address(bridge="telegram", chat="-1001", thread=delivered.thread)
    await world.bridge.tell(address, replace(TAXES, state="completed"))
    assert topical.topics[-1001, int(delivered.thread or 0)].closed
    await world.bridge.deliver(outgoing("One more thing.", chat="-1001", thread=delivered.thread, task=TAXES))
    assert not topical.topics[-1001, int(delivered.thread or 0)].closed


async def test_a_bots_own_topic_needs_no_mention(topical: BotApi, world: World) -> None:
    """Telegram has each message of a topic "reply" to the message that began it."""
    topical.open_topic(-1001, 5, "Taxes")
    began = topical.message(chat=-1001, forum_topic_created={"name": "Taxes", "icon_color": 1}) | {"from": BOT}
    topical.says("And the rest?", chat=-1001, thread=5, reply_to_message=began)
    topical.says("Between us", chat=-1001, thread=6, reply_to_message=began | {"from": ANN})
    topical.says("/status@HubBot", chat=-1001)
    first, _ = await world.kept.count(2)
    assert (first.parts, first.reply_to, first.address.thread) == ((Text("And the rest?"),), None, "5")


async def test_a_chat_that_allows_no_topics_gets_tag_lines(topical: BotApi, world: World) -> None:
    topical.lacking.add("createForumTopic")
    await world.bridge.deliver(outgoing("Sent.", task=LANDLORD, tagged=True))
    assert topical.texts == ["#2 Landlord email\nSent."]


async def test_a_draft_is_shown_where_its_answer_will_be(topical: BotApi, world: World) -> None:
    turn = TurnId("t1")
    address = Address(bridge="telegram", chat="1001")
    await world.bridge.show(Draft(address=address, task=TAXES, turn=turn, text="I'm on", tagged=True))
    await until(lambda: bool(topical.drafts))
    delivered = await world.bridge.deliver(outgoing("I'm on it.", task=TAXES, turn=turn, tagged=True))
    assert str(topical.drafts[0].thread) == delivered.thread
    assert len(topical.topics) == 1
