"""How often the router was right, as far as people's corrections tell: pure functions over what's kept.

A message that nobody moved counts as right, though nobody has said so: shares are the most that can be true. What a
person was asked about, and answered, is the exception: there it's known whether the best guess was theirs.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median

from msgspec import Struct

from hub.records import Candidate, Correction, Message, MessageId, Route

WEIGHED = ("model", "fallback")
"""Rules by which the router decided by itself."""
BINS = 10
Z = 1.959963984540054
"""Of a normal distribution, 95 % lie within so many standard deviations of the middle."""


class Live(Struct, frozen=True, kw_only=True):
    """What the router did when the messages came."""

    weighed: int
    """Messages that it decided about by itself."""
    moved: int
    """Of these, how many people moved: its mistakes that we know of."""
    asked: int
    """Messages that it asked about, besides."""


class Share(Struct, frozen=True, kw_only=True):
    """How many of some messages were right, and between which shares the truth lies in 95 of 100 cases."""

    n: int
    right: int
    share: float | None
    """None: there were none."""
    low: float
    high: float


class Week(Struct, frozen=True, kw_only=True):
    """What the router decided in a week, by Coordinated Universal Time."""

    monday: date
    decided: Share
    asked: int


class Bin(Struct, frozen=True, kw_only=True):
    """Messages for which it gave about the same probability."""

    low: float
    high: float
    said: float
    """The mean of the probabilities."""
    decided: Share
    proven: int
    """Of these, how many it's known of: moved ones, and those that were asked about."""


class Figures(Struct, frozen=True, kw_only=True):
    """How the router did."""

    messages: int
    """With a route, whatever decided."""
    live: Live
    decided: Share
    """Of what it decided by itself."""
    guessed: Share
    """Of what it asked about: whether its best guess was what the person chose."""
    weeks: tuple[Week, ...]
    """Oldest first, each week from the first with a message to the last."""
    bins: tuple[Bin, ...]
    calibration_error: float | None
    tokens: float
    """The median of what weighing a message took."""
    ms: float


def said_first(message: Message, corrections: Sequence[Correction]) -> Route | None:
    """Return what the router said of a message before anybody moved it; corrections come oldest first."""
    return corrections[0].route if corrections else message.route


def live(routes: Iterable[Route | None], moved: Iterable[Route]) -> Live:
    """Count what the router did: `routes` as it first said them, `moved` those of them that people put right."""
    rules = [route.rule if route else "first" for route in routes]
    return Live(
        weighed=sum(rule in WEIGHED for rule in rules),
        moved=sum(route.rule in WEIGHED for route in moved),
        asked=rules.count("asked"),
    )


def share_of(right: int, n: int) -> Share:
    """Return a share with Wilson's interval, which is honest about few messages and about shares near 1."""
    if n == 0:
        return Share(n=0, right=0, share=None, low=0.0, high=1.0)
    p, z = right / n, Z * Z / n
    middle, half = p + z / 2, Z * math.sqrt(p * (1 - p) / n + z / n / 4)
    return Share(
        n=n,
        right=right,
        share=p,
        low=max(0.0, (middle - half) / (1 + z)),
        high=min(1.0, (middle + half) / (1 + z)),
    )


def calibration_error(judged: Sequence[tuple[float, bool]]) -> float | None:
    """Return how far probabilities are from how often they came true: the expected error over ten equal bins."""
    bins: dict[int, float] = {}
    for probability, true in judged:
        at = bin_of(probability)
        bins[at] = bins.get(at, 0.0) + probability - true
    return sum(map(abs, bins.values())) / len(judged) if judged else None


def bin_of(probability: float) -> int:
    """Return which of ten equal bins a probability falls into."""
    return min(BINS - 1, int(probability * BINS))


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the likeliest candidate."""
    return max(candidates, key=lambda candidate: candidate.probability, default=None)


def second(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the likeliest candidate but one."""
    return next(iter(sorted(candidates, key=lambda candidate: -candidate.probability)[1:]), None)


def guessed_right(route: Route) -> bool | None:
    """Say whether what a person was asked and chose was the router's best guess; None: they weren't asked."""
    guess = best(route.candidates)
    if route.rule != "asked" or guess is None:
        return None
    return route.new if guess.task is None else guess.task == route.task


def figures(messages: Sequence[Message], corrections: Mapping[MessageId, Sequence[Correction]]) -> Figures:
    """Sum up how the router did on these messages; of each, its corrections oldest first."""
    judged: list[tuple[float, bool, bool]] = []
    weeks: dict[date, list[bool | None]] = defaultdict(list)
    weighed: list[Route] = []
    routes, moved, guesses = [], [], []
    for message in messages:
        own = corrections.get(message.id, ())
        route = said_first(message, own)
        routes.append(route)
        if route is None:
            continue
        if own:
            moved.append(route)
        if route.rule in WEIGHED:
            weighed.append(route)
            weeks[_monday(message.created_at)].append(not own)
            judged.append((route.probability, not own, bool(own)))
        elif (is_right := guessed_right(route)) is not None and (guess := best(route.candidates)):
            guesses.append(is_right)
            weeks[_monday(message.created_at)].append(None)
            judged.append((guess.probability, is_right, True))
    decided = live(routes, moved)
    return Figures(
        messages=len(messages),
        live=decided,
        decided=share_of(decided.weighed - decided.moved, decided.weighed),
        guessed=share_of(sum(guesses), len(guesses)),
        weeks=_weeks(weeks),
        bins=_bins(judged),
        calibration_error=calibration_error([(probability, right) for probability, right, _ in judged]),
        tokens=median(route.tokens for route in weighed) if weighed else 0.0,
        ms=median(route.ms for route in weighed) if weighed else 0.0,
    )


def _monday(at: datetime) -> date:
    return at.date() - timedelta(days=at.weekday())


def _weeks(weeks: Mapping[date, Sequence[bool | None]]) -> tuple[Week, ...]:
    """Return them without a gap from the first to the last; None stands for a message that was asked about."""
    if not weeks:
        return ()
    first, last = min(weeks), max(weeks)
    mondays = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    found = {monday: weeks.get(monday, ()) for monday in mondays}
    return tuple(
        Week(
            monday=monday,
            decided=share_of(list(said).count(True), len(said) - list(said).count(None)),
            asked=list(said).count(None),
        )
        for monday, said in found.items()
    )


def _bins(judged: Sequence[tuple[float, bool, bool]]) -> tuple[Bin, ...]:
    found: dict[int, list[tuple[float, bool, bool]]] = defaultdict(list)
    for each in judged:
        found[bin_of(each[0])].append(each)
    return tuple(
        Bin(
            low=at / BINS,
            high=(at + 1) / BINS,
            said=sum(probability for probability, _, _ in each) / len(each),
            decided=share_of(sum(right for _, right, _ in each), len(each)),
            proven=sum(proven for _, _, proven in each),
        )
        for at, each in sorted(found.items())
    )
