"""How good answers are: shares, calibration, areas and clusters, as pure functions."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, median

from msgspec import Struct


class Cost(Struct, frozen=True, kw_only=True):
    """What something cost for each message or item."""

    median: float
    mean: float


class Detection(Struct, frozen=True, kw_only=True):
    """How well one answer among others is found."""

    precision: float
    recall: float
    f1: float


def cost(values: Sequence[float]) -> Cost:
    """Return the middle and the mean; of nothing, zeros."""
    return Cost(median=median(values), mean=fmean(values)) if values else Cost(median=0.0, mean=0.0)


def share(hits: Iterable[bool]) -> float | None:
    """Return how many of them are true, from 0 to 1; None if there are none at all."""
    found = list(hits)
    return sum(found) / len(found) if found else None


def detection(said: Sequence[bool], true: Sequence[bool]) -> Detection:
    """Compare what was said to be so with what is so."""
    both = sum(one and other for one, other in zip(said, true, strict=True))
    precision, recall = both / max(1, sum(said)), both / max(1, sum(true))
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return Detection(precision=precision, recall=recall, f1=f1)


def area(judged: Sequence[tuple[float, bool]]) -> float | None:
    """Return the area under the ROC curve: how often a true one ranks above a false one; ties count half."""
    true = sorted(p for p, is_true in judged if is_true)
    false = sorted(p for p, is_true in judged if not is_true)
    if not true or not false:
        return None
    above = 0.0
    for probability in true:
        below = sum(other < probability for other in false)
        above += below + sum(other == probability for other in false) / 2
    return above / len(true) / len(false)


def one_to_one(gold: Sequence[str], made: Sequence[str]) -> float:
    """Return the share covered by the best one-to-one matching of made and gold clusters."""
    rows, columns = sorted(set(gold)), sorted(set(made))
    together = Counter(zip(gold, made, strict=True))
    size = max(len(rows), len(columns))
    gains = [[0] * size for _ in range(size)]
    for at, row in enumerate(rows):
        for place, column in enumerate(columns):
            gains[at][place] = together[row, column]
    return _best_matching(gains) / len(gold)


def information_kept(gold: Sequence[str], made: Sequence[str]) -> float:
    """Return 1 - VI(gold, made) / log2(n): 1 for equal clusters, whatever they're called."""
    count = len(gold)
    if count < 2:
        return 1.0
    together, ones, others = Counter(zip(gold, made, strict=True)), Counter(gold), Counter(made)
    variation = -sum(
        many / count * (math.log2(many / ones[one]) + math.log2(many / others[other]))
        for (one, other), many in together.items()
    )
    return 1 - variation / math.log2(count)


def _best_matching(gains: Sequence[Sequence[int]]) -> int:
    """Return the most that a one-to-one matching of rows and columns gains: the Hungarian algorithm, O(n^3)."""
    size = len(gains)
    of_row, of_column = [0.0] * (size + 1), [0.0] * (size + 1)
    match = [0] * (size + 1)
    for row in range(1, size + 1):
        match[0], column = row, 0
        least, way, used = [math.inf] * (size + 1), [0] * (size + 1), [False] * (size + 1)
        while match[column]:
            used[column] = True
            column = _grow(gains, match, column, of_row, of_column, least, way, used)
        while column:
            match[column], column = match[way[column]], way[column]
    return sum(gains[match[column] - 1][column - 1] for column in range(1, size + 1))


def _grow(
    gains: Sequence[Sequence[int]],
    match: Sequence[int],
    column: int,
    of_row: list[float],
    of_column: list[float],
    least: list[float],
    way: list[int],
    used: Sequence[bool],
) -> int:
    """Lengthen the alternating path by the cheapest edge; return the column that it reaches."""
    free = [other for other in range(1, len(match)) if not used[other]]
    for other in free:
        cost = -gains[match[column] - 1][other - 1] - of_row[match[column]] - of_column[other]
        if cost < least[other]:
            least[other], way[other] = cost, column
    reached = min(free, key=lambda other: least[other])
    delta = least[reached]
    for other, is_used in enumerate(used):
        if is_used:
            of_row[match[other]] += delta
            of_column[other] -= delta
        else:
            least[other] -= delta
    return reached
