"""The router's weights belong to files, and to evidence that there is."""

import hashlib
from datetime import UTC, datetime

from hub import config
from hub.flow import weights
from hub.flow.evidence import Seen, gather
from hub.flow.weighing import with_reader, with_scores
from hub.llm.matching import READER
from hub.ports import Score
from hub.testing import a_task

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_they_were_fitted_with_the_files_that_come_along() -> None:
    assert weights.MODEL_SHA256 == config.MODEL_SHA256
    assert hashlib.sha256(READER.read_bytes()).hexdigest() == weights.READER_SHA256


def test_what_was_trained_is_small() -> None:
    assert READER.stat().st_size < 30_000_000


def test_each_weight_is_of_evidence_that_is_gathered() -> None:
    roster = [Seen(task=a_task(), lines=(("agent", "Which one?", NOW),), asked=True)]
    found = with_scores(with_reader(gather("Hello", roster, NOW), [1.0, 0.0]), [Score(-9.0, 3), Score(-8.0, 3)])
    known = {name for features in found for name in features}

    assert known >= weights.CHEAP.keys() | weights.SCORED.keys() | weights.READ.keys() | weights.READ_SCORED.keys()
