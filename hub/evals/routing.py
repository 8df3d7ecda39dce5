"""How good the product's own router is over labelled streams; replies and threads that would tell it aren't given."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from hub.config import LimitsConfig
from hub.evals.metrics import Cost, Detection, cost, detection, information_kept, one_to_one, share
from hub.evals.streams import FLAGS, Item, Kind, Stream, replay
from hub.flow.accuracy import calibration_error
from hub.flow.router import OFFERED
from hub.flow.weigher import Weigher
from hub.records import Rule, TenantId

Mode = Literal["teacher-forced", "on-line", "asking"]
MODES: tuple[Mode, ...] = ("teacher-forced", "on-line", "asking")
"""asking: on-line, and what's too close to call is asked about; the labels answer."""
CLUSTERED = ("on-line", "asking")
ASKED = 0.1
"""The share of messages that may be asked about."""


class Answered(Struct, frozen=True, kw_only=True):
    """A message with the router's answer."""

    stream: str
    i: int
    kind: Kind
    flags: tuple[str, ...]
    gold: str
    task: str
    """A label of the router's own, stable within a stream and mode."""
    new: bool
    right: bool
    asked: bool
    """In the mode "asking" the labels answered; in others it's what the router would have asked about."""
    probability: float
    open: int
    """Tasks that it could belong to."""
    rule: Rule
    tokens: int
    read: int
    ms: float


class Prediction(Struct, frozen=True, kw_only=True):
    """An answer as it's written to a file."""

    stream: str
    i: int
    mode: Literal["on-line", "teacher-forced"]
    new: bool
    task: str
    asked: bool


class Figures(Struct, frozen=True, kw_only=True):
    """How good answers are; shares are from 0 to 1, and None where there was nothing to count."""

    mode: Mode
    streams: int
    messages: int
    accuracy: dict[str, float | None]
    """Over all, by kind and by flag."""
    counts: dict[str, int]
    new: Detection
    stream_exact: float | None
    one_to_one: float | None
    information_kept: float | None
    calibration_error: float | None
    asked: float | None
    without_model: int
    """Messages that no model could weigh though there was a choice."""
    tokens: Cost
    """Tokens that the language model evaluated for a message."""
    read: Cost
    """Tokens that the reader, a tenth of its size, read for it."""
    ms: Cost


class Budget:
    """Questions that may be asked: at no time more than a share of the messages so far."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._messages = 0
        self._asked = 0

    def may_ask(self, *, unsure: bool) -> bool:
        """Count a message, and the question about it if it's allowed."""
        self._messages += 1
        asks = unsure and self._asked + 1 <= self._most * self._messages
        self._asked += asks
        return asks


async def answers(
    weigher: Weigher, streams: Iterable[Stream], mode: Mode, limits: LimitsConfig, budget: Budget
) -> AsyncIterator[list[Answered]]:
    """Yield the router's answers, stream by stream."""
    # Nothing that was computed in one mode may make another look cheaper.
    tenant = TenantId(f"eval-{mode}")
    for stream in streams:
        walk = replay(stream, forced=mode == "teacher-forced", limits=limits)
        found: list[Answered] = []
        item = next(walk, None)
        while item is not None:
            place, answered = await _answer(weigher, item, mode, budget, tenant)
            found.append(answered)
            try:
                item = walk.send(place)
            except StopIteration:
                item = None
        yield found


async def _answer(weigher: Weigher, item: Item, mode: Mode, budget: Budget, tenant: TenantId) -> tuple[int, Answered]:
    message = item.message
    began = time.perf_counter()
    rule, weighed = await weigher.weigh(message.text, item.roster, item.now, tenant, about=f"message {message.i}")
    ms = (time.perf_counter() - began) * 1000
    likely = weighed.probabilities
    place = likely.index(max(likely))
    asked = budget.may_ask(unsure=bool(item.roster) and weigher.unsure(likely))
    if asked and mode == "asking":
        place = _told(item, likely)
    new = place == len(item.roster)
    return place, Answered(
        stream=item.stream,
        i=message.i,
        kind=item.kind,
        flags=message.flags,
        gold=message.gold_task,
        # Put right at once, a task that's wrongly made isn't there for later messages: it's called by this one alone.
        task=f"M{message.i}" if mode == "teacher-forced" and new and item.kind != "new" else item.label(place),
        new=new,
        right=place in item.right,
        asked=asked,
        probability=max(likely),
        open=len(item.roster),
        rule=rule if item.roster else "first",
        tokens=weighed.tokens,
        read=weighed.read,
        ms=ms,
    )


def _told(item: Item, likely: Sequence[float]) -> int:
    """Return what a person answers: their task where it's offered, else that it's a new one, right or not."""
    offered = sorted(range(len(item.roster)), key=lambda place: likely[place], reverse=True)[:OFFERED]
    return next((place for place in item.right if place in offered), len(item.roster))


def figures(mode: Mode, answered: Sequence[Sequence[Answered]]) -> Figures:
    """Sum up a mode's answers, each stream's together."""
    every = [one for stream in answered for one in stream]
    groups = {"all": every}
    groups |= {kind: [one for one in every if one.kind == kind] for kind in ("new", "stay", "switch")}
    groups |= {flag: [one for one in every if flag in one.flags] for flag in FLAGS}
    labels = [([one.gold for one in stream], [one.task for one in stream]) for stream in answered if stream]
    clustered = mode in CLUSTERED and labels
    return Figures(
        mode=mode,
        streams=len(answered),
        messages=len(every),
        accuracy={name: share(one.right for one in group) for name, group in groups.items()},
        counts={name: len(group) for name, group in groups.items()},
        new=detection([one.new for one in every], [one.kind == "new" for one in every]),
        stream_exact=share(all(one.right for one in stream) for stream in answered),
        one_to_one=sum(one_to_one(*pair) for pair in labels) / len(labels) if clustered else None,
        information_kept=sum(information_kept(*pair) for pair in labels) / len(labels) if clustered else None,
        calibration_error=calibration_error([(one.probability, one.right) for one in every if _guessed(one, mode)]),
        asked=share(one.asked for one in every) if mode == "asking" else None,
        without_model=sum(one.rule == "fallback" for one in every),
        tokens=cost([one.tokens for one in every]),
        read=cost([one.read for one in every]),
        ms=cost([one.ms for one in every]),
    )


def _guessed(one: Answered, mode: Mode) -> bool:
    return one.open > 0 and not (one.asked and mode == "asking")


def predictions(mode: Mode, answered: Iterable[Answered]) -> list[Prediction]:
    """Return answers as they're written to a file."""
    return [
        Prediction(
            stream=one.stream,
            i=one.i,
            mode="teacher-forced" if mode == "teacher-forced" else "on-line",
            new=one.new,
            task=one.task,
            asked=one.asked,
        )
        for one in answered
    ]
