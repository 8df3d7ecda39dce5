"""Text comes in whole characters, and an answer that only repeats itself is ended."""

from hypothesis import given
from hypothesis import strategies as st

from hub.llm.text import Utf8, loops


@given(st.text(), st.integers(1, 3))
def test_no_character_is_cut_in_two(text: str, size: int) -> None:
    data = text.encode()
    utf8 = Utf8()

    pieces = [utf8.more(data[i : i + size]) for i in range(0, len(data), size)]

    assert "".join([*pieces, utf8.rest()]) == text
    assert "\ufffd" not in "".join(pieces) or "\ufffd" in text


def test_a_character_that_never_gets_whole_is_marked() -> None:
    utf8 = Utf8()
    assert utf8.more("é".encode()[:1]) == ""
    assert utf8.rest() == "\ufffd"


def test_the_same_sentence_three_times_is_a_loop() -> None:
    sentence = [5, 9, 2, 7, 1]
    assert not loops([1, 2, *sentence, *sentence])
    assert loops([1, 2, *sentence, *sentence, *sentence])


def test_a_word_may_be_said_a_few_times() -> None:
    assert not loops([4, 4, 4])
    assert loops([4] * 8)


@given(st.lists(st.integers(), unique=True))
def test_what_never_repeats_is_no_loop(tokens: list[int]) -> None:
    assert not loops(tokens)
