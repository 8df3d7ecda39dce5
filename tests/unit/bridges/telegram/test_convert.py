"""What Telegram tells -> Incoming."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.types import CallbackQuery, Message, MessageGenerationStopped, User

from bridges.telegram import convert
from bridges.telegram.convert import Me
from hub.records import Address, Text

BOT = Me(id=42, username="hubbot")
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "AnnLee"}
BOB = {"id": 1002, "is_bot": False, "first_name": "Bob"}
US = {"id": 42, "is_bot": True, "first_name": "Hub", "username": "HubBot"}
PRIVATE = {"id": 1001, "type": "private", "first_name": "Ann"}
GROUP = {"id": -1001, "type": "supergroup", "title": "The house"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def message(**fields: Any) -> Message:
    known = {"message_id": 7, "date": 1_790_000_000, "chat": PRIVATE, "from": ANN}
    return Message.model_validate({**known, **fields})


def said(*messages: Message) -> str:
    return "".join(part.text for part in convert.texts(messages, BOT))


def test_a_message_says_who_said_what_where_and_when() -> None:
    incoming = convert.said("telegram", [message(text="Hello")], [Text("Hello")], BOT)

    assert incoming.address == Address(bridge="telegram", chat="1001")
    assert (incoming.external_id, incoming.sender, incoming.name) == ("7", "1001", "Ann Lee")
    assert (incoming.handle, incoming.group, incoming.reply_to) == ("@annlee", None, None)
    assert incoming.sent_at == datetime.fromtimestamp(1_790_000_000, UTC)


def test_a_topic_is_the_thread_and_a_thread_of_replies_in_a_plain_group_is_none() -> None:
    topic = message(text="x", message_thread_id=5, is_topic_message=True)
    replies = message(text="x", chat=GROUP, message_thread_id=5)

    assert convert.address("telegram", topic).thread == "5"
    assert convert.address("telegram", replies).thread is None


def test_a_reply_names_the_message_and_a_topics_first_message_is_no_reply() -> None:
    before = {"message_id": 3, "date": 1, "chat": PRIVATE, "from": US, "text": "Hi"}
    began = {**before, "forum_topic_created": {"name": "x", "icon_color": 1}}

    assert convert.replied_to([message(text="x", reply_to_message=before)], BOT) == "3"
    assert convert.replied_to([message(text="x", reply_to_message=began)], BOT) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x", "from": {**ANN, "is_bot": True}},
        {"text": "x", "from": None},
        {"text": "x", "chat": {"id": -1, "type": "channel"}},
        {"text": "x", "chat": GROUP, "sender_chat": {"id": -1, "type": "channel"}},
        {"text": "x", "chat": GROUP, "is_automatic_forward": True},
        {"new_chat_title": "Our house", "chat": GROUP},
        {"pinned_message": {"message_id": 1, "date": 1, "chat": PRIVATE}},
        {"forum_topic_created": {"name": "x", "icon_color": 1}},
    ],
)
def test_bots_channels_and_services_say_nothing(fields: dict[str, Any]) -> None:
    assert not convert.is_said(message(**fields))


@pytest.mark.parametrize(
    ("fields", "addressed"),
    [
        ({"text": "Lovely weather"}, False),
        ({"text": "Hey @hubbot", "entities": [{"type": "mention", "offset": 4, "length": 7}]}, True),
        ({"text": "Hey @hubbots", "entities": [{"type": "mention", "offset": 4, "length": 8}]}, False),
        ({"text": "mail@hubbot.org"}, False),
        ({"text": "Hub?", "entities": [{"type": "text_mention", "offset": 0, "length": 3, "user": US}]}, True),
        ({"caption": "@HubBot", "caption_entities": [{"type": "mention", "offset": 0, "length": 7}]}, True),
        ({"text": "/tasks"}, True),
        ({"text": "/tasks@HubBot"}, True),
        ({"text": "/tasks@OtherBot"}, False),
        ({"text": "/weather"}, False),
        ({"text": "Yes", "reply_to_message": {"message_id": 3, "date": 1, "chat": GROUP, "from": US}}, True),
        ({"text": "Yes", "reply_to_message": {"message_id": 3, "date": 1, "chat": GROUP, "from": BOB}}, False),
    ],
)
def test_in_a_group_the_bot_is_spoken_to_by_name_command_or_reply(fields: dict[str, Any], addressed: bool) -> None:
    assert convert.is_addressed([message(chat=GROUP, **fields)], BOT) is addressed


def test_an_album_is_addressed_by_any_of_its_parts() -> None:
    mention = {"caption": "@hubbot", "caption_entities": [{"type": "mention", "offset": 0, "length": 7}]}
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]

    assert convert.is_addressed([message(chat=GROUP, photo=photo), message(chat=GROUP, photo=photo, **mention)], BOT)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@HubBot, what's up?", "what's up?"),
        ("what's up @hubbot", "what's up"),
        ("/move@HubBot 2", "/move 2"),
        ("ask @hubbot about it", "ask @hubbot about it"),
        ("@hubbots", "@hubbots"),
    ],
)
def test_the_bots_own_name_is_taken_off_both_ends(text: str, left: str) -> None:
    assert said(message(chat=GROUP, text=text)) == left


def test_a_quote_comes_along_where_the_hub_has_not_the_whole_message() -> None:
    bobs = {"message_id": 3, "date": 1, "chat": GROUP, "from": BOB, "text": "Der Zug\nist weg"}
    ours = {**bobs, "from": US}
    quote = {"text": "ist weg", "position": 8, "is_manual": True}

    assert (
        said(message(chat=GROUP, text="translate", reply_to_message=bobs)) == "> Bob: Der Zug\n> ist weg\n\ntranslate"
    )
    assert said(message(chat=GROUP, text="translate", reply_to_message=ours)) == "translate"
    assert said(message(text="why?", reply_to_message=ours, quote=quote)) == "> ist weg\n\nwhy?"
    assert said(message(chat=GROUP, text="/move 2", reply_to_message=bobs)) == "/move 2"


def test_an_edit_replaces_the_message_under_an_id_of_its_own() -> None:
    edited = message(text="Hello", edit_date=1_790_000_060)
    incoming = convert.said("telegram", [edited], [Text("Hello")], BOT, corrects=True)

    assert (incoming.external_id, incoming.corrects) == ("7/e1790000060", "7")
    assert convert.number_of(incoming.external_id) == 7


def pressed(data: str, **fields: Any) -> CallbackQuery:
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "c0"}]]}
    offered = {"message_id": 9, "date": 1, "chat": PRIVATE, "from": US, "text": "?", "reply_markup": buttons}
    known = {"id": "q1", "from": ANN, "chat_instance": "1", "data": data, "message": offered}
    return CallbackQuery.model_validate({**known, **fields})


def test_a_pressed_button_is_the_choice_it_stands_for() -> None:
    incoming = convert.pressed("telegram", pressed("c0"), NOW, choice="task/1/yes")

    assert incoming is not None
    assert (incoming.choice, incoming.reply_to, incoming.external_id) == ("task/1/yes", "9", "cbq1")
    assert (incoming.parts, convert.number_of(incoming.external_id)) == ((Text("Yes"),), None)


def test_a_button_that_is_spent_unknown_or_pressed_by_a_bot_is_nothing() -> None:
    assert convert.pressed("telegram", pressed("-"), NOW, choice=None) is None
    assert convert.pressed("telegram", pressed("c0"), NOW, choice=None) is None
    assert convert.pressed("telegram", pressed("c0", **{"from": US}), NOW, choice="x") is None


def test_the_button_on_a_wrong_answer_is_the_command_move() -> None:
    incoming = convert.pressed("telegram", pressed("w"), NOW, choice=None)

    assert incoming is not None
    assert (incoming.parts, incoming.reply_to) == ((Text("/move"),), "9")


def test_a_button_of_a_message_too_old_to_be_seen_still_says_where_it_is() -> None:
    old = {"message_id": 9, "date": 0, "chat": PRIVATE}
    incoming = convert.pressed("telegram", pressed("w", message=old), NOW, choice=None)

    assert incoming is not None
    assert incoming.address.chat == "1001"


def test_the_native_stop_is_the_command_stop_in_its_topic() -> None:
    stop = MessageGenerationStopped.model_validate({"chat": PRIVATE, "draft_id": 5, "message_thread_id": 8})
    incoming = convert.stopped("telegram", 77, stop, NOW)

    assert (incoming.parts, incoming.address.thread, incoming.external_id) == ((Text("/stop"),), "8", "stop77")


def test_who_the_bot_is() -> None:
    user = User.model_validate({**US, "has_topics_enabled": True})

    assert convert.me(user) == Me(id=42, username="hubbot", topics=True)
    assert convert.me(user).account == "@hubbot"
