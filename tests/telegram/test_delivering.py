"""What goes out, against our own Bot API server: each call is checked against a description that others made (T5)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import DeliveryDelayed, DeliveryRefused, DeliveryUncertain
from hub.ports import Outgoing
from hub.records import Choice, File, Text
from hub.testing import a_message, a_task
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.proxy import Kind, Proxy
from tests.telegram.says import until
from tests.telegram.seen import Refusal
from tests.telegram.world import World, an_account, outgoing

TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.fixture
async def world(way: Proxy, tmp_path: Path) -> AsyncIterator[World]:
    world = World(an_account(way.url, TOKEN), tmp_path / "files")
    async with world.running():
        yield world


async def test_markdown_is_sent_with_entities_and_a_table_as_a_rich_message(api: BotApi, world: World) -> None:
    await world.bridge.deliver(outgoing("**bold** and `code`"))
    await world.bridge.deliver(outgoing(TABLE))
    plain, rich = api.shown
    assert (plain.method, plain.text) == ("sendMessage", "bold and code")
    assert [entity["type"] for entity in json.loads(plain.fields["entities"])] == ["bold", "code"]
    assert (rich.method, rich.text) == (
        "sendRichMessage",
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
    )


async def test_a_server_without_rich_messages_is_asked_once_and_gets_entities(api: BotApi, world: World) -> None:
    api.lacking.add("sendRichMessage")
    await world.bridge.deliver(outgoing(TABLE))
    await world.bridge.deliver(outgoing(TABLE))
    assert [shown.method for shown in api.shown] == ["sendMessage", "sendMessage"]
    assert "1 | 2" in api.shown[0].text
    assert len([call for call in api.calls if call.method == "sendRichMessage"]) == 1


async def test_a_refused_form_falls_back_to_the_next(api: BotApi, world: World) -> None:
    api.refusing = [
        ("sendRichMessage", Refusal("Bad Request: RICH_MESSAGE_INVALID")),
        ("sendMessage", Refusal("Bad Request: can't parse entities")),
    ]
    await world.bridge.deliver(outgoing(TABLE))
    [shown] = api.shown
    assert (shown.method, "entities" in shown.fields) == ("sendMessage", False)


async def test_a_long_text_is_split_and_a_very_long_one_is_a_file(api: BotApi, world: World) -> None:
    api.lacking.add("sendRichMessage")
    lines = "\n".join(f"Line {number} 😀 of what there is to say" for number in range(250))
    delivered = await world.bridge.deliver(outgoing(f"```python\n{lines}\n```"))
    assert len(delivered.ids) == len(api.shown) == 3
    assert "\n".join(shown.text.strip("\n") for shown in api.shown) == lines
    assert all(json.loads(shown.fields["entities"])[0]["type"] == "pre" for shown in api.shown)
    await world.bridge.deliver(outgoing(lines * 20, chat="1002"))
    letter = api.made("sendDocument")[0]
    assert next(iter(letter.files.values())).decode() == lines * 20


async def test_choices_are_buttons_and_a_pressed_one_comes_in_and_is_spent(api: BotApi, world: World) -> None:
    choices = (Choice(id=f"route/{'0' * 28}/{'1' * 28}", text="Landlord email"), Choice(id="new", text="A new task"))
    message = outgoing("Which task?", role="notice", choices=choices)
    [id] = (await world.bridge.deliver(message)).ids
    world.desk.messages.append(
        a_message("Which task?", address=message.message.address, external_id=id, choices=choices)
    )
    query = api.presses(api.shown[0], "Landlord email")
    [incoming] = await world.kept.count(1)
    assert (incoming.choice, incoming.reply_to, incoming.parts) == (choices[0].id, id, (Text("Landlord email"),))
    assert incoming.external_id == f"cb{query}"
    await until(lambda: bool(api.made("answerCallbackQuery") and api.made("editMessageReplyMarkup")))
    assert [[button["text"] for button in row] for row in api.shown[0].buttons] == [["✓ Landlord email"]]
    api.presses(api.shown[0], "✓ Landlord email")
    await until(lambda: len(api.made("answerCallbackQuery")) == 2)
    assert len(world.kept.incoming) == 1


async def test_an_answer_among_several_tasks_says_which_and_can_be_moved(api: BotApi, world: World) -> None:
    task = a_task(number=2, title="Landlord email")
    [id] = (await world.bridge.deliver(outgoing("Sent.", task=task, tagged=True))).ids
    assert api.texts == ["#2 Landlord email\nSent."]
    api.presses(api.shown[0], "↪ Wrong task?")
    [incoming] = await world.kept.count(1)
    assert (incoming.parts, incoming.reply_to, incoming.choice) == ((Text("/move"),), id, None)


async def test_files_go_out_as_what_they_are(api: BotApi, world: World) -> None:
    async def file(name: str, kind: str) -> File:
        sha256, size = await world.files.put(name.encode(), limit=1000)
        return File(name=name, media_type=kind, size=size, sha256=sha256)

    pictures = [await file(f"{n}.jpg", "image/jpeg") for n in range(3)]
    await world.bridge.deliver(outgoing("", parts=(Text("Look"), *pictures)))
    album = api.made("sendMediaGroup")[0]
    assert sorted(album.files.values()) == [b"0.jpg", b"1.jpg", b"2.jpg"]
    assert json.loads(album.fields["media"])[0]["caption"] == "Look"
    others = (
        ("v.ogg", "audio/ogg", "sendVoice"),
        ("s.mp3", "audio/mpeg", "sendAudio"),
        ("f.mp4", "video/mp4", "sendVideo"),
        ("g.gif", "image/gif", "sendAnimation"),
        ("d.pdf", "application/pdf", "sendDocument"),
    )
    for name, kind, method in others:
        await world.bridge.deliver(outgoing("", chat=str(2000 + len(api.shown)), parts=(await file(name, kind),)))
        assert next(iter(api.made(method)[-1].files.values())) == name.encode()


async def test_a_picture_of_odd_proportions_goes_as_a_file(api: BotApi, world: World) -> None:
    sha256, size = await world.files.put(b"x", limit=9)
    picture = File(name="a.png", media_type="image/png", size=size, sha256=sha256)
    api.refusing = [("sendPhoto", Refusal("Bad Request: PHOTO_INVALID_DIMENSIONS"))]
    await world.bridge.deliver(outgoing("", parts=(Text("Look"), picture)))
    assert api.shown[0].method == "sendDocument"


async def test_patience_that_is_asked_for_is_passed_on_and_kept(api: BotApi, way: Proxy, world: World) -> None:
    way.fail("sendMessage", "slow", after=7)
    with pytest.raises(DeliveryDelayed) as delayed:
        await world.bridge.deliver(outgoing("Hi"))
    assert delayed.value.after == 7
    with pytest.raises(DeliveryDelayed) as still:
        await world.bridge.deliver(outgoing("Hi"))
    assert 6 < still.value.after <= 7
    await world.bridge.deliver(outgoing("Hi", chat="1002"))  # another chat isn't held up
    assert api.texts == ["Hi"]
    assert way.faults == 1


async def test_a_long_text_that_is_held_up_in_its_middle_goes_on_there(api: BotApi, way: Proxy, world: World) -> None:
    api.lacking.add("sendRichMessage")
    text = "\n".join(f"Line {number} of what there is to say" for number in range(250))
    message = outgoing(text)
    slow = Refusal("Too Many Requests: retry after 1", 429, retry_after=1)
    api.refusing = [("sendMessage", None), ("sendMessage", slow)]
    with pytest.raises(DeliveryDelayed):
        await world.bridge.deliver(message)
    assert len(api.shown) == 1
    delivered = await world.bridge.deliver(message)
    assert [str(shown.id) for shown in api.shown] == list(delivered.ids)
    assert "\n".join(shown.text.strip("\n") for shown in api.shown) == text


@pytest.mark.parametrize("kind", ["gateway", "cut", "lost"])
async def test_what_may_have_arrived_is_uncertain_and_marked_the_second_time(
    api: BotApi, way: Proxy, world: World, kind: Kind
) -> None:
    way.fail("sendMessage", kind)
    message = outgoing("Hi")
    with pytest.raises(DeliveryUncertain):
        await world.bridge.deliver(message)
    await world.bridge.deliver(outgoing("Hi", again=True, id=message.message.id))
    assert api.texts[-1].startswith("(Sent again")
    assert len(api.texts) == (2 if kind == "lost" else 1)


async def test_into_an_outage_nothing_is_sent(api: BotApi, way: Proxy, world: World) -> None:
    await way.down()
    for _ in range(3):
        with pytest.raises(DeliveryDelayed):
            await world.bridge.deliver(outgoing("Hi"))
    await way.up()
    await asyncio.sleep(2.1)
    await world.bridge.deliver(outgoing("Hi"))
    assert api.texts == ["Hi"]


async def test_who_blocked_the_bot_is_not_written_to_again(api: BotApi, world: World) -> None:
    api.blocked.add(1001)
    with pytest.raises(DeliveryRefused, match="blocked"):
        await world.bridge.deliver(outgoing("Hi"))


async def test_a_group_that_became_a_supergroup_is_written_to_where_it_is(api: BotApi, world: World) -> None:
    api.refusing = [("sendMessage", Refusal("Bad Request: group chat was upgraded", 400, migrate_to_chat_id=-100123))]
    await world.bridge.deliver(outgoing("Hi", chat="-55"))
    assert [shown.chat for shown in api.shown] == [-100123]


async def test_what_is_taken_back_is_gone_or_says_where_it_went(api: BotApi, world: World) -> None:
    message = outgoing("Hi")
    first = await world.bridge.deliver(message)
    await world.bridge.retract(message.message, first.ids, a_task(number=3, title="Taxes"))
    assert api.texts == []
    second = await world.bridge.deliver(outgoing("Hello"))
    api.refusing = [("deleteMessage", Refusal("Bad Request: message can't be deleted for everyone"))]
    await world.bridge.retract(message.message, second.ids, a_task(number=3, title="Taxes"))
    assert api.texts == ["(Moved to #3 Taxes.)"]


async def test_a_message_is_seen_and_then_answered(api: BotApi, world: World) -> None:
    number = api.says("Hello")
    [incoming] = await world.kept.count(1)
    await until(lambda: api.reactions.get((1001, number)) == "👀")
    await world.bridge.deliver(outgoing("Hi", reply_to=incoming.external_id))
    await until(lambda: api.reactions.get((1001, number)) == "👌")


async def test_an_edited_message_replaces_the_first_and_an_edit_that_says_the_same_does_not(
    api: BotApi, world: World
) -> None:
    number = api.says("Hello Bon")
    [first] = await world.kept.count(1)
    world.desk.messages.append(a_message("Hello Bon", address=first.address, external_id=first.external_id))
    edited = api.message(text="Hello Bonn", edit_date=1_790_000_000) | {"message_id": number}
    api.tell({"edited_message": edited | {"text": "Hello Bon"}})
    api.tell({"edited_message": edited})
    _, second = await world.kept.count(2)
    assert (second.corrects, second.external_id) == (str(number), f"{number}/e1790000000")
    assert second.parts == (Text("Hello Bonn"),)
    assert second.sent_at == datetime.fromtimestamp(1_790_000_000, UTC)


async def test_a_group_is_heard_only_when_it_speaks_to_the_bot(api: BotApi, world: World) -> None:
    mention = [{"type": "mention", "offset": 0, "length": 7}]
    api.says("Lovely weather", chat=-1001)
    api.says("@HubBot what's the time?", chat=-1001, entities=mention)
    api.says("/tasks@HubBot", chat=-1001)
    api.says("/tasks@OtherBot", chat=-1001)
    [id] = (await world.bridge.deliver(outgoing("Noon", chat="-1001"))).ids
    api.says("Thanks", chat=-1001, reply_to_message=api._told(api.shown[0]))
    kept = await world.kept.count(3)
    assert world.kept.texts == ["what's the time?", "/tasks", "Thanks"]
    assert {incoming.group for incoming in kept} == {"The house"}
    assert kept[2].reply_to == id


async def test_no_token_is_in_any_error(way: Proxy, world: World, caplog: pytest.LogCaptureFixture) -> None:
    kinds: tuple[Kind, ...] = ("gateway", "cut", "lost", "broken")
    for kind in kinds:
        way.fail("sendMessage", kind)
        with pytest.raises((DeliveryUncertain, DeliveryDelayed)) as error:
            await world.bridge.deliver(outgoing("Hi"))
        assert TOKEN not in str(error.value) + repr(error.value.__cause__)
    assert TOKEN not in caplog.text


async def test_progress_comes_without_a_sound_and_is_edited_with_its_task_named(api: BotApi, world: World) -> None:
    task = a_task(number=2, title="Landlord email")
    first = replace(outgoing("Working: turn 2 of 20", role="notice"), task=task, tagged=True, silent=True)
    delivered = await world.bridge.deliver(first)
    [shown] = api.shown
    assert shown.fields["disable_notification"] == "true"
    await world.bridge.edit(with_words(first, "Done after 3 turns, 2 min"), delivered.ids)
    assert [shown.text for shown in api.shown] == ["#2 Landlord email\nDone after 3 turns, 2 min"]


async def test_an_edit_that_is_refused_or_lost_says_how_and_the_same_one_twice_is_one(
    api: BotApi, way: Proxy, world: World
) -> None:
    delivered = await world.bridge.deliver(outgoing("Turn 1", role="notice"))
    now = outgoing("Turn 2", role="notice")
    api.refusing = [("editMessageText", Refusal("Bad Request: message can't be edited"))]
    with pytest.raises(DeliveryRefused):
        await world.bridge.edit(now, delivered.ids)
    way.fail("editMessageText", "lost")
    with pytest.raises(DeliveryDelayed):
        await world.bridge.edit(now, delivered.ids)
    await world.bridge.edit(now, delivered.ids)
    assert api.texts == ["Turn 2"]


def with_words(said: Outgoing, text: str) -> Outgoing:
    return replace(said, message=replace(said.message, parts=(Text(text),)))
