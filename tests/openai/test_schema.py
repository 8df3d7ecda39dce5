"""What OpenAI's clients may send, and what they never would: many odd requests, and never a 5xx."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.live.test_api_schema import a_hub

PATHS = "^/v1/(chat/completions|responses|models|embeddings)"
EXAMPLES = int(os.environ.get("EXAMPLES", "12"))
"""Requests of each kind for each endpoint."""
MODELS = {"/v1/embeddings": "scripted"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    with a_hub(tmp_path_factory.mktemp("hub")) as served:
        yield served.url, dict(served.askers[0])


# Schemathesis does, for bodies of forms and misfit values.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_makes_the_hub_fail_or_answer_otherwise_than_it_says(
    hub: tuple[str, dict[str, str]], mode: GenerationMode
) -> None:
    """Every endpoint that speaks as OpenAI's does, with fitting and misfit data for an agent there is."""
    url, headers = hub
    made = httpx.post(f"{url}/v1/responses", json={"model": "default", "input": "Hi"}, headers=headers, timeout=30)
    schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json").include(path_regex=PATHS)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    statuses: set[int] = set()
    for operation in operations:
        with suppress(Unsatisfiable):
            statuses |= try_out(operation, mode, headers, made.json()["id"])
    assert len(operations) == 8
    assert 200 in statuses


def try_out(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    headers: dict[str, str],
    response: str,
) -> set[int]:
    statuses: set[int] = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(case: schemathesis.Case[Any]) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
            # Whoever names no model or end user that's there gets no further.
            case.body = {**case.body, "model": MODELS.get(operation.path, "default")}
            for name in ("user", "previous_response_id"):
                case.body.pop(name, None)
        if mode == GenerationMode.POSITIVE and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = response
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        statuses.add(answer.status_code)

    check()
    return statuses
