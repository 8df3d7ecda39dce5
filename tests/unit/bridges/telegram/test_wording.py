"""What the hub says -> what Telegram shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.telegram import wording
from bridges.telegram.wording import Letter, Media, Words
from hub.records import Choice, File, Text
from hub.testing import a_message, a_task
from tests.telegram.world import outgoing

PICTURE = File(name="a.png", media_type="image/png", size=5, sha256="0" * 64)


def pieces(text: str, **fields: object) -> list[wording.Piece]:
    return wording.pieces(outgoing(text, **fields), own_thread=False)  # type: ignore[arg-type]


def test_markdown_becomes_text_with_entities() -> None:
    [words] = pieces("# Title\n\n- a\n  - **b**\n\n[x](https://a.example)")

    assert isinstance(words, Words)
    assert words.text == "Title\n\n• a\n  • b\n\nx"
    assert {entity.type for entity in words.entities} >= {"bold", "text_link"}
    assert not words.rich


def test_a_notice_is_no_markdown() -> None:
    [words] = pieces("#2 *is* done", role="notice")

    assert words == Words(text="#2 *is* done")


def test_a_notices_commands_are_code_to_be_copied() -> None:
    [words] = pieces("😀 Write `/pair X` or `/new`.", role="notice")
    [odd] = pieces("It's a ` alone", role="notice")

    assert isinstance(words, Words)
    assert (words.text, [(one.type, one.offset, one.length) for one in words.entities]) == (
        "😀 Write /pair X or /new.",
        [("code", 9, 7), ("code", 20, 4)],
    )
    assert odd == Words(text="It's a ` alone")


def test_a_table_is_a_rich_message_with_something_in_reserve() -> None:
    [words] = pieces("| a | b |\n|---|---|\n| 1 | 2 |")

    assert isinstance(words, Words)
    assert words.rich.startswith("<table>")
    assert [one.entities[0].type for one in words.instead] == ["pre"]


def test_the_tag_line_stands_before_the_text_and_moves_its_entities() -> None:
    [words] = pieces("**Sent**", tagged=True, task=a_task(number=2, title="Landlord email 😀"))

    assert isinstance(words, Words)
    assert words.text == "#2 Landlord email 😀\nSent"
    assert [(entity.type, entity.offset, entity.length) for entity in words.entities] == [
        ("bold", 0, 20),
        ("bold", 21, 4),
    ]


def test_a_tag_line_is_no_markup_in_a_rich_message() -> None:
    task = a_task(number=2, title="<b> & co")
    [words] = pieces("| a | b |\n|---|---|\n| 1 | 2 |", tagged=True, task=task)

    assert isinstance(words, Words)
    assert words.rich.startswith("<p><b>#2 &lt;b&gt; &amp; co</b></p><table>")


def test_in_its_own_thread_an_answer_needs_no_tag_line() -> None:
    message = outgoing("Sent", tagged=True, task=a_task(number=2))

    assert wording.pieces(message, own_thread=True) == [Words(text="Sent")]


def test_a_short_text_is_the_caption_of_its_picture() -> None:
    [media] = pieces("", parts=(Text("**Look**"), PICTURE, PICTURE))

    assert isinstance(media, Media)
    assert (media.kind, len(media.files), media.caption.text) == ("photo", 2, "Look")


def test_a_long_text_stands_before_its_picture() -> None:
    words, media = pieces("", parts=(Text("x" * 1100), PICTURE))

    assert isinstance(words, Words)
    assert isinstance(media, Media)


def test_more_than_ten_pictures_are_two_albums() -> None:
    sizes = [len(media.files) for media in pieces("", parts=(Text("x"), *[PICTURE] * 12)) if isinstance(media, Media)]

    assert sizes == [10, 2]


def test_what_telegram_takes_no_more_is_said_in_words() -> None:
    film = File(name="film.mkv", media_type="video/x-matroska", size=60_000_000, sha256="0" * 64)
    found = pieces("", parts=(Text("Here"), film))

    assert [piece.text for piece in found if isinstance(piece, Words)] == [
        "Here",
        "[film.mkv has 60 MB; Telegram takes 50]",
    ]


def test_a_text_beyond_all_messages_is_a_file_with_its_beginning_shown() -> None:
    [letter] = pieces("word " * 20_000)

    assert isinstance(letter, Letter)
    assert letter.text == ("word " * 20_000).strip()
    assert wording.utf16(letter.caption.text) < 1024


def test_what_may_have_arrived_is_marked_once() -> None:
    [marked] = wording.again(Words(text="Hi"))

    assert isinstance(marked, Words)
    assert marked.text.endswith("\nHi")
    assert wording.again(marked) == [marked]
    assert len(wording.again(Words(text="x" * 4096))) == 2


def test_choices_are_buttons_whose_data_are_opaque_and_short() -> None:
    choices = tuple(Choice(id="x" * 80, text=f"{'Landlord email ' * 9}{n}") for n in range(3))
    markup = wording.keyboard(a_message("?", choices=choices, role="notice"), tagged=True)

    assert markup is not None
    assert [row[0].callback_data for row in markup.inline_keyboard] == ["c0", "c1", "c2"]
    assert all(len(row[0].text) <= 60 for row in markup.inline_keyboard)


def test_only_an_answer_among_several_tasks_can_be_called_wrong() -> None:
    answer = a_message("Hi", role="agent")

    assert wording.keyboard(answer, tagged=False) is None
    markup = wording.keyboard(answer, tagged=True)
    assert markup is not None
    assert markup.inline_keyboard[-1][0].callback_data == "w"


@pytest.mark.parametrize("text", ["", "   ", "**", "```", "# ", "|||", "[]()", "> ", "- [ ]", "\\", "$$"])
def test_whatever_an_agent_says_something_is_shown(text: str) -> None:
    [words] = pieces(text)

    assert isinstance(words, Words)
    assert words.text.strip()


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab *_`#|-\n[]()<>&~$\\😀é1."), max_size=400))
def test_no_entity_reaches_beyond_its_text_and_no_message_is_too_long(text: str) -> None:
    for piece in pieces(text * 20):
        assert isinstance(piece, Words | Letter)
        for words in (piece, *piece.instead) if isinstance(piece, Words) else (piece.caption,):
            assert words.rich or wording.utf16(words.text) <= wording.TEXT
            for entity in words.entities:
                assert entity.length > 0
                assert 0 <= entity.offset <= entity.offset + entity.length <= wording.utf16(words.text)
