"""The evaluation with the real small model."""

from pathlib import Path

import pytest

from hub.cli.eval import judge, route
from hub.config import LimitsConfig
from hub.evals import completion, routing
from hub.llm.llamacpp import LlamaCpp
from tests.live.real import MODEL_SHA256, model_file
from tests.unit.evals.data import a_cut, a_stream, write

pytestmark = pytest.mark.live


async def test_the_real_model_routes_a_stream_and_tells_what_it_cost(tmp_path: Path) -> None:
    llm = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=4096, threads=1)
    file = write(tmp_path / "own.jsonl.gz", a_stream())
    written: list[routing.Prediction] = []

    told = await route([file], llm, LimitsConfig(), routing.MODES, None, None, written)

    assert [one.threads for one in told] == [1, 1, 1]
    assert len(written) == 8
    for one in told:
        assert isinstance(one.figures, routing.Figures)
        assert one.figures.without_model == 0
        assert one.figures.tokens.median > 10
        assert one.figures.ms.mean > 0


async def test_the_real_model_judges_what_no_rule_can_tell(tmp_path: Path) -> None:
    llm = LlamaCpp(model_file(), sha256=MODEL_SHA256, context=4096, threads=1)
    file = write(tmp_path / "own.jsonl", a_cut("c-1", "There are three tables.", complete=0, kind="question"))
    written: list[completion.Prediction] = []

    (told,) = await judge([file], llm, None, written)

    assert isinstance(told.figures, completion.Figures)
    assert told.figures.unjudged == 0
    assert 0 <= written[0].complete <= 1
