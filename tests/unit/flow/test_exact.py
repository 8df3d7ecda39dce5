"""What a person approves is what they see."""

import pytest

from hub.flow.exact import legible, opened, sealed


def test_the_same_arguments_are_the_same_to_the_byte() -> None:
    assert sealed({"b": 1, "a": {"d": "x", "c": None}}) == sealed({"a": {"c": None, "d": "x"}, "b": 1})
    assert opened(sealed({"a": [1.5, "ä"]})) == {"a": [1.5, "ä"]}


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u200b", "\u3164", "\ufe0f", "\x07", "\u2028", "```", "\U000e0041", "\xad"]
)
def test_nothing_hides_in_what_is_shown(hidden: str) -> None:
    shown = legible(sealed({"text": f"one{hidden}two"}))

    assert hidden not in shown
    assert opened(shown) == {"text": f"one{hidden}two"}


def test_an_address_that_only_looks_like_another_is_told_apart() -> None:
    shown = legible(sealed({"to": "\N{CYRILLIC SMALL LETTER A}nn@example.org"}))

    assert "\\u0430nn@example.org" in shown
    assert "schön" in legible(sealed({"text": "schön, bis morgen"}))


def test_a_long_word_is_shown_at_once() -> None:
    assert len(legible(sealed({"text": "x" * 200_000}))) > 200_000
