"""Where an answer is to stop, whatever pieces it comes in."""

from hypothesis import example, given
from hypothesis import strategies as st

from hub.flow.writing import Stops

LETTERS = st.text("abc", max_size=12)


@example(["bc", "a"], ["c", "bca"])
@given(st.lists(LETTERS, max_size=6), st.lists(st.text("abc", min_size=1, max_size=3), max_size=3))
def test_an_answer_ends_before_the_stop_that_is_whole_first(pieces: list[str], stops: list[str]) -> None:
    held, said = Stops(stops), ""
    for piece in pieces:
        said += held.take(piece)
        if held.met:
            break
    said += held.held

    whole = "".join(pieces)
    met = [(whole.find(stop) + len(stop), whole.find(stop)) for stop in stops if stop in whole]
    assert said == whole[: min(met, default=(0, len(whole)))[1]]


def test_nothing_is_held_back_without_need() -> None:
    stops = Stops(["END"])
    assert [stops.take(piece) for piece in ("one E", "N", "two ", "EN", "D three")] == ["one ", "", "ENtwo ", "", ""]
    assert stops.met
