"""The product's own supervisor over labelled transcripts."""

from pathlib import Path

import pytest

from hub.errors import LLMTimeout
from hub.evals.completion import Verdict, cuts, figures, predictions, verdicts
from hub.evals.lines import DataError
from hub.flow.supervisor import Supervisor
from hub.testing import ScriptedLLM
from tests.unit.evals.data import a_cut, write

BOOKED = a_cut(
    "c-1",
    "Your table for two is booked for tonight. The reference is 6LZYPIFZ.",
    complete=1,
    kind="done_open",
    calls=[{"method": "Book", "service": "Tables_1", "results": 1, "after": 1}],
)
PROMISED = a_cut("c-2", "I'll book it and let you know.", complete=0, kind="promised")


async def judged(path: Path, llm: ScriptedLLM) -> list[Verdict]:
    return [verdict async for verdict in verdicts(Supervisor(llm), cuts(path))]


async def test_a_receipt_completes_and_a_promise_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl.gz", BOOKED, PROMISED)

    found = await judged(path, ScriptedLLM())

    told = figures(found)
    assert (told.accuracy, told.false_complete, told.area) == (1.0, 0.0, 1.0)
    assert told.by_kind == {"done_open": 1.0, "promised": 1.0}
    assert [line.id for line in predictions(found)] == ["c-1", "c-2"]


async def test_what_could_not_be_judged_counts_as_incomplete_and_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", a_cut("c-3", "Fine.", complete=1, kind="closed"))

    (found,) = await judged(path, ScriptedLLM(decisions=[LLMTimeout()]))

    assert (found.probability, found.judged, found.right) == (0.0, False, False)
    assert figures([found]).unjudged == 1


@pytest.mark.parametrize("field", ["transcript", "complete", "id"])
def test_an_item_without_what_it_needs_is_named_with_its_line(tmp_path: Path, field: str) -> None:
    broken = {name: value for name, value in BOOKED.items() if name != field}
    path = write(tmp_path / "own.jsonl", BOOKED, PROMISED, broken)

    with pytest.raises(DataError, match=rf"line 3: .*{field}"):
        list(cuts(path))
