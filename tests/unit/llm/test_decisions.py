"""A closed set gets probabilities, whatever the backend tells."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.llm import decisions
from hub.ports import Said


@given(st.lists(st.floats(-1e6, 0), min_size=2, max_size=20))
def test_probabilities_sum_to_one_and_keep_the_order(logprobs: list[float]) -> None:
    found = decisions.softmax(logprobs)

    assert math.isclose(sum(found), 1, abs_tol=1e-9)
    assert found[logprobs.index(max(logprobs))] == max(found)


def test_options_that_are_all_impossible_are_equally_likely() -> None:
    assert decisions.softmax([-math.inf, -math.inf]) == (0.5, 0.5)


@pytest.mark.parametrize("options", [["yes"], ["yes", "yes, but"], ["a", "a"], ["", "b"]])
def test_options_that_cannot_be_told_apart_are_refused(options: list[str]) -> None:
    with pytest.raises(ValueError, match="option"):
        decisions.checked(options)


def test_a_letter_counts_however_it_is_written() -> None:
    found = decisions.by_letter({"A": math.log(0.3), " A": math.log(0.3), "**B": math.log(0.2), "I": math.log(0.1)}, 2)

    assert found is not None
    assert math.isclose(found[0], 0.75)


def test_a_letter_that_is_not_told_is_as_likely_as_the_least_told() -> None:
    found = decisions.by_letter({"A": math.log(0.6), "x": math.log(0.2)}, 2)

    assert found is not None
    assert math.isclose(found[1], 0.25)


def test_without_any_letter_nothing_is_known() -> None:
    assert decisions.by_letter({"I": -0.1}, 2) is None
    assert decisions.by_letter({}, 2) is None


@pytest.mark.parametrize(
    ("said", "option"),
    [("B", 1), ("(b) B.", 1), ('{"answer": "A"}', 0), ("A or B", None), ("neither", None), ("", None), ('["A"', 0)],
)
def test_an_answer_names_one_option_or_none(said: str, option: int | None) -> None:
    assert decisions.letter_in(said, 2) == option


def test_the_options_are_listed_in_the_last_word_to_the_model() -> None:
    (said,) = decisions.lettered([Said("user", "Coffee?")], [" yes", " no"], "I say")

    assert said.text.startswith("Coffee?\n\n")
    assert "A) yes\nB) no" in said.text
    assert "“I say”" in said.text


def test_more_than_26_options_are_numbered() -> None:
    assert len(set(decisions.labels(40))) == 40
