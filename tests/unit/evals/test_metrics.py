"""Shares, calibration, areas and clusters."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hub.evals.metrics import area, cost, detection, information_kept, one_to_one, share
from hub.flow.accuracy import calibration_error

CLUSTERS = some.lists(some.tuples(some.sampled_from("abcd"), some.sampled_from("wxyz")), min_size=1, max_size=12)


def test_of_nothing_there_is_no_share() -> None:
    assert share([]) is None
    assert share([True, False, True, True]) == 0.75


def test_what_was_found_is_compared_with_what_is_so() -> None:
    found = detection([True, True, False, False], [True, False, True, True])

    assert found.precision == 0.5
    assert found.recall == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(0.4)
    assert detection([False], [False]).f1 == 0.0


def test_probabilities_that_come_true_as_often_as_they_say_have_no_calibration_error() -> None:
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == pytest.approx(0.0)
    assert calibration_error([(0.95, False), (0.55, True)]) == pytest.approx((0.95 + 0.45) / 2)
    assert calibration_error([(1.0, True)]) == 0.0
    assert calibration_error([]) is None


def test_the_area_counts_how_often_a_true_one_ranks_above_a_false_one() -> None:
    assert area([(0.9, True), (0.1, False)]) == 1.0
    assert area([(0.5, True), (0.5, False)]) == 0.5
    assert area([(0.9, True), (0.4, True), (0.6, False), (0.2, False)]) == 0.75
    assert area([(0.9, True)]) is None


def test_equal_clusters_are_equal_whatever_they_are_called() -> None:
    assert one_to_one("aabbc", "xxyyz") == 1.0
    assert information_kept("aabbc", "xxyyz") == pytest.approx(1.0)


def test_one_cluster_for_everything_covers_the_biggest() -> None:
    assert one_to_one("aaab", "xxxx") == 0.75
    assert information_kept("abcd", "xxxx") == pytest.approx(0.0)
    assert information_kept("a", "x") == 1.0


@given(CLUSTERS)
def test_no_other_matching_covers_more_than_the_best(pairs: list[tuple[str, str]]) -> None:
    gold, made = [one for one, _ in pairs], [other for _, other in pairs]
    by_hand = max(
        sum((one, other) in zip("abcd", order, strict=True) for one, other in pairs) for order in permutations("wxyz")
    )

    assert one_to_one(gold, made) == pytest.approx(by_hand / len(pairs))


@given(CLUSTERS)
def test_information_is_lost_by_as_much_in_both_directions(pairs: list[tuple[str, str]]) -> None:
    gold, made = [one for one, _ in pairs], [other for _, other in pairs]

    kept = information_kept(gold, made)
    assert kept == pytest.approx(information_kept(made, gold))
    assert not math.isnan(kept)
    assert -1e-9 <= kept <= 1 + 1e-9


def test_costs_have_a_middle_and_a_mean() -> None:
    found = cost([1, 2, 9])

    assert (found.median, found.mean) == (2, 4)
    assert cost([]).mean == 0.0
