"""How good the product's own supervisor is at telling complete tasks from incomplete ones."""

import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from hub.errors import LLMError
from hub.evals.lines import read
from hub.evals.metrics import Cost, Detection, area, cost, detection, share
from hub.flow.accuracy import calibration_error
from hub.flow.judging import COMPLETE, Receipt, Spoken
from hub.flow.supervisor import Supervisor
from hub.ports import Priority, Terms
from hub.records import HOME, Step, TurnId

log = logging.getLogger(__name__)


class Line(Struct, frozen=True, kw_only=True):
    """Something said in a task."""

    role: Literal["user", "agent"]
    text: str


class Call(Struct, frozen=True, kw_only=True):
    """A tool call that was made, and how much it found."""

    method: str
    results: int
    after: int
    """How many lines had been said."""


class Cut(Struct, frozen=True, kw_only=True):
    """A task's transcript, cut somewhere, and whether the task is complete there."""

    id: str
    complete: Literal[0, 1]
    transcript: tuple[Line, ...]
    kind: str = ""
    dialogue: str = ""
    calls: tuple[Call, ...] | None = None
    """None: nobody kept them, so that their absence says nothing."""

    def __post_init__(self) -> None:
        """Refuse a transcript without words."""
        if not self.transcript:
            raise ValueError("a transcript has at least one line")


class Verdict(Struct, frozen=True, kw_only=True):
    """An item with what the supervisor found."""

    id: str
    kind: str
    complete: bool
    """The label."""
    probability: float
    """Of being complete; 0 if the supervisor couldn't judge, for then a task goes on."""
    judged: bool
    tokens: int
    ms: float

    @property
    def said(self) -> bool:
        """Whether it's called complete."""
        return self.probability >= COMPLETE

    @property
    def right(self) -> bool:
        """Whether that's so."""
        return self.said == self.complete


class Prediction(Struct, frozen=True, kw_only=True):
    """A verdict as it's written to a file."""

    id: str
    complete: float


class Figures(Struct, frozen=True, kw_only=True):
    """How good verdicts are; shares are from 0 to 1, and None where there was nothing to count."""

    items: int
    threshold: float
    accuracy: float | None
    false_complete: float | None
    """The share of incomplete tasks that were called complete: the costly error."""
    complete: Detection
    area: float | None
    calibration_error: float | None
    by_kind: dict[str, float | None]
    """Accuracy."""
    counts: dict[str, int]
    unjudged: int
    tokens: Cost
    ms: Cost


def cuts(path: Path, limit: int | None = None) -> Iterator[Cut]:
    """Yield a file's items, the first `limit` of them; raises DataError."""
    for count, cut in enumerate(read(path, Cut)):
        if count == limit:
            return
        yield cut


async def verdicts(supervisor: Supervisor, items: Iterable[Cut]) -> AsyncIterator[Verdict]:
    """Yield what the supervisor finds, item by item."""
    terms = Terms(tenant=HOME, priority=Priority.BACKGROUND)
    for cut in items:
        began = time.perf_counter()
        probability, tokens, judged = 0.0, 0, True
        try:
            found = await supervisor.likely(*evidence(cut), terms)
            probability, tokens = found.complete, found.tokens
        except LLMError as error:
            log.warning("%s: the supervisor couldn't judge: %s", cut.id, error)
            judged = False
        yield Verdict(
            id=cut.id,
            kind=cut.kind,
            complete=bool(cut.complete),
            probability=probability,
            judged=judged,
            tokens=tokens,
            ms=(time.perf_counter() - began) * 1000,
        )


def evidence(cut: Cut) -> tuple[str, list[Spoken], list[Receipt] | None, list[Step]]:
    """Return what the supervisor is given: the goal, what was said, and what tools did."""
    said: list[Spoken] = [(line.role, line.text) for line in cut.transcript]
    calls = cut.calls or ()
    receipts = [Receipt(tool=call.method, failed=not call.results, after=call.after) for call in calls]
    steps = [_step(number, call) for number, call in enumerate(calls, start=1)]
    return said[0][1], said, receipts if cut.calls is not None else None, steps


def figures(found: Sequence[Verdict]) -> Figures:
    """Sum up verdicts."""
    kinds = sorted({one.kind for one in found if one.kind})
    incomplete = [one for one in found if not one.complete]
    judged = [(one.probability, one.complete) for one in found]
    return Figures(
        items=len(found),
        threshold=COMPLETE,
        accuracy=share(one.right for one in found),
        false_complete=share(one.said for one in incomplete),
        complete=detection([one.said for one in found], [one.complete for one in found]),
        area=area(judged),
        calibration_error=calibration_error(judged),
        by_kind={kind: share(one.right for one in found if one.kind == kind) for kind in kinds},
        counts={kind: sum(one.kind == kind for one in found) for kind in kinds},
        unjudged=sum(not one.judged for one in found),
        tokens=cost([one.tokens for one in found]),
        ms=cost([one.ms for one in found]),
    )


def predictions(found: Iterable[Verdict]) -> list[Prediction]:
    """Return verdicts as they're written to a file."""
    return [Prediction(id=one.id, complete=one.probability) for one in found]


def _step(number: int, call: Call) -> Step:
    result = f"{call.results} results" if call.results else "nothing found"
    return Step(
        turn=TurnId("eval"),
        number=number,
        kind="tool",
        name=call.method,
        request="",
        result=result,
        failed=not call.results,
    )
