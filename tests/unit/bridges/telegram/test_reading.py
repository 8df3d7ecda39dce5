"""What stands in a Telegram message."""

from typing import Any

import pytest
from aiogram.types import Message

from bridges.telegram.reading import attachments, words

ANN = {"id": 1001, "is_bot": False, "first_name": "Ann"}
FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 5}


def message(**fields: Any) -> Message:
    known = {"message_id": 7, "date": 1, "chat": {"id": 1001, "type": "private"}, "from": ANN}
    return Message.model_validate({**known, **fields})


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"text": "2 < 3 * 4"}, "2 < 3 * 4"),
        ({"sticker": {**FILE, "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False,
                      "emoji": "😀"}}, "[sticker: 😀]"),
        ({"location": {"latitude": 52.52, "longitude": 13.405}}, "[location: 52.52000, 13.40500]"),
        ({"location": {"latitude": 1, "longitude": 2},
          "venue": {"location": {"latitude": 1, "longitude": 2}, "title": "Inn", "address": "Road 1"}},
         "[place: Inn, Road 1 (1.00000, 2.00000)]"),
        ({"contact": {"phone_number": "+49", "first_name": "Ann", "last_name": "Lee"}}, "[contact: Ann Lee, +49]"),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[🎲 shows 4]"),
        ({"new_chat_title": "x"}, ""),
    ],
)  # fmt: skip
def test_what_is_said_is_said_in_words(fields: dict[str, Any], read: str) -> None:
    assert words(message(**fields)) == read


def test_code_and_hidden_links_are_written_out_at_their_places_behind_emoji() -> None:
    entities = [
        {"type": "text_link", "offset": 3, "length": 4, "url": "https://a.example"},
        {"type": "code", "offset": 8, "length": 1},
        {"type": "bold", "offset": 0, "length": 2},
    ]

    assert words(message(text="😀 here x", entities=entities)) == "😀 here (https://a.example) `x`"


def test_a_block_of_code_keeps_its_language() -> None:
    entities = [{"type": "pre", "offset": 0, "length": 8, "language": "python"}]

    assert words(message(text="print(1)", entities=entities)) == "```python\nprint(1)\n```"


def test_what_is_forwarded_says_from_whom() -> None:
    hidden = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}

    assert words(message(text="Look", forward_origin=hidden)) == "[forwarded from Somebody]\nLook"


def test_of_a_photo_the_largest_is_taken() -> None:
    sizes = [{**FILE, "file_id": f"f{side}", "width": side, "height": side} for side in (90, 1280, 320)]

    assert [(file.file_id, file.name) for file in attachments(message(photo=sizes))] == [("f1280", "photo-u.jpg")]


@pytest.mark.parametrize(
    ("fields", "name", "media_type"),
    [
        ({"voice": {**FILE, "duration": 1, "mime_type": "audio/ogg"}}, "voice-u.ogg", "audio/ogg"),
        ({"audio": {**FILE, "duration": 1, "file_name": "song.mp3"}}, "song.mp3", "audio/mpeg"),
        ({"video": {**FILE, "duration": 1, "width": 1, "height": 1}}, "video-u.mp4", "video/mp4"),
        ({"video_note": {**FILE, "duration": 1, "length": 1}}, "video-u.mp4", "video/mp4"),
        ({"document": {**FILE, "file_name": "a.pdf", "mime_type": "application/pdf"}}, "a.pdf", "application/pdf"),
    ],
)  # fmt: skip
def test_each_kind_of_file_has_a_name_and_a_type(fields: dict[str, Any], name: str, media_type: str) -> None:
    [file] = attachments(message(**fields))

    assert (file.name, file.media_type, file.size) == (name, media_type, 5)


def test_an_animation_is_one_file_though_it_comes_as_a_document_too() -> None:
    animation = {**FILE, "duration": 1, "width": 1, "height": 1, "mime_type": "video/mp4"}

    assert len(attachments(message(animation=animation, document=FILE))) == 1
