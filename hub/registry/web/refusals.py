"""What a registry's endpoints may answer instead, for their documents."""

from collections.abc import Mapping

from litestar.openapi.datastructures import ResponseSpec

from hub.web.problems import MEDIA_TYPE, PROBLEMS, Problem

MORE: Mapping[int, str] = {
    409: "Something else has this name, version or key already: the answer says what.",
    413: "Too large.",
    415: "It isn't text.",
    416: "No byte of that range is there.",
    422: "The package, or its statement, won't do: the answer says what to mend.",
    451: "A moderator took it out of everybody's reach: the answer says why.",
}
ALWAYS = (400, 401, 403, 429, 500, 503)
"""A bad parameter, a bad token, another site's page, too many at a time, a fault, a full disk."""


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """Return an endpoint's `responses` besides the good ones: those that any has, and these."""
    return {
        status: PROBLEMS[status] if status not in MORE else _problem(MORE[status]) for status in (*ALWAYS, *statuses)
    }


def _problem(text: str) -> ResponseSpec:
    return ResponseSpec(Problem, description=text, media_type=MEDIA_TYPE, generate_examples=False)
