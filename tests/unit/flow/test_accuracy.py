"""How often the router was right, worked out by hand and by another way."""

from datetime import timedelta

import pytest

from hub.flow.accuracy import Share, calibration_error, figures, guessed_right, live, second, share_of
from hub.records import Candidate, Correction, Message, MessageId, Rule, Task
from hub.testing import NOON, a_correction, a_message, a_route, a_task

ONE, TWO = a_task("One", number=1), a_task("Two", number=2)


def candidates(first: float, task: Task | None = ONE) -> tuple[Candidate, ...]:
    return (
        Candidate(task=task.id if task else None, title="likeliest", probability=first),
        Candidate(task=TWO.id, title="Two", probability=1 - first),
    )


def said(rule: Rule, probability: float = 0.9, *, days: int = 0, **route: object) -> Message:
    made = a_route(ONE, rule=rule, new=False, probability=probability, tokens=60, ms=40.0, **route)
    return a_message(task=ONE.id, route=made, created_at=NOON + timedelta(days=days))


def moved(message: Message) -> tuple[Message, Correction]:
    """Return a message as it is once it's been moved, and what's kept of that."""
    assert message.route
    correction = a_correction(message, ONE, TWO, route=message.route)
    return a_message(id=message.id, task=TWO.id, route=a_route(TWO, rule="corrected"), created_at=message.created_at), (
        correction
    )


def test_what_nobody_moved_counts_as_right_and_what_was_told_outright_counts_not_at_all() -> None:
    stayed = [said("model") for _ in range(7)]
    wrong, correction = moved(said("fallback", 0.7))
    told, told_wrong = said("explicit"), moved(said("reply"))
    found = figures([*stayed, wrong, told, told_wrong[0]], {wrong.id: [correction], told_wrong[0].id: [told_wrong[1]]})
    assert (found.messages, found.live.weighed, found.live.moved) == (10, 8, 1)
    assert (found.decided.n, found.decided.right, found.decided.share) == (8, 7, 7 / 8)
    assert (found.tokens, found.ms) == (60, 40.0)


def test_a_message_that_was_moved_twice_counts_by_what_the_router_said_first() -> None:
    wrong, first = moved(said("model", 0.8))
    again = a_correction(wrong, TWO, ONE, route=a_route(TWO, rule="corrected"))
    found = figures([wrong], {wrong.id: [first, again]})
    assert (found.live.weighed, found.live.moved, found.decided.right) == (1, 1, 0)


def test_where_it_asked_it_is_known_whether_its_best_guess_was_right() -> None:
    right = said("asked", 1.0, candidates=candidates(0.6))
    other = said("asked", 1.0, candidates=candidates(0.55, TWO))
    assert (guessed_right(right.route), guessed_right(other.route)) == (True, False)  # type: ignore[arg-type]
    new = a_route(ONE, rule="asked", new=True, candidates=candidates(0.6, None))
    assert guessed_right(new)
    assert guessed_right(a_route(ONE, rule="asked")) is None
    found = figures([right, other, said("model", 0.97)], {})
    assert (found.guessed.n, found.guessed.right, found.live.asked) == (2, 1, 2)
    assert [(each.low, each.decided.n, each.proven) for each in found.bins] == [(0.5, 1, 1), (0.6, 1, 1), (0.9, 1, 0)]


def test_weeks_begin_on_mondays_and_none_is_left_out_between_the_first_and_the_last() -> None:
    asked = said("asked", days=15, candidates=candidates(0.6))
    found = figures([said("model"), said("model", days=15), asked], {})
    monday = NOON.date() - timedelta(days=NOON.weekday())
    weeks = [(each.monday, each.decided.n, each.asked) for each in found.weeks]
    assert weeks[0] == (monday, 1, 0)
    assert weeks[-1][1:] == (1, 1)
    assert [each[0] for each in weeks] == [monday + timedelta(weeks=number) for number in range(len(weeks))]
    assert len(weeks) in (3, 4)
    assert all(each[1:] == (0, 0) for each in weeks[1:-1])


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        # Newcombe (1998), table I: Wilson's score method without continuity correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(right: int, n: int, low: float, high: float) -> None:
    found = share_of(right, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = share_of(n - right, n)
    assert mirrored.low == pytest.approx(1 - found.high)


def test_of_nothing_nothing_is_claimed() -> None:
    found = figures([], {})
    assert found.decided == Share(n=0, right=0, share=None, low=0.0, high=1.0)
    assert (found.weeks, found.bins, found.calibration_error) == ((), (), None)
    assert live([], []).weighed == 0
    assert second(()) is None


def test_groups_and_the_calibration_error_are_of_the_same_judgements() -> None:
    messages, corrections = [], dict[MessageId, list[Correction]]()
    for number in range(40):
        message = said("model", 0.52 + 0.011 * number)
        if number % 5 == 0:
            message, correction = moved(message)
            corrections[message.id] = [correction]
        messages.append(message)
    found = figures(messages, corrections)
    assert sum(each.decided.n for each in found.bins) == 40
    # The error is what the groups are off by, weighed by their sizes.
    off = sum(abs(each.said * each.decided.n - each.decided.right) for each in found.bins) / 40
    assert found.calibration_error == pytest.approx(off)
    assert calibration_error([(0.9, True), (0.9, True)]) == pytest.approx(0.1)
