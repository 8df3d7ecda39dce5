"""A secret that comes back from whoever was given it has its name in its place."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from hub.packages.scrubbing import scrubbed

VALUE = 'sesame "opens" this/door+too'


@pytest.mark.parametrize(
    "said",
    [VALUE, quote(VALUE), quote(VALUE, safe=""), quote_plus(VALUE), json.dumps({"a": VALUE}),
     base64.b64encode(VALUE.encode()).decode()],
)  # fmt: skip
def test_it_is_taken_out_as_it_was_in_a_url_in_json_and_in_base64(said: str) -> None:
    text = scrubbed(f"the key {said} isn't good", {"DOOR": VALUE})

    assert "{{DOOR}}" in text
    assert "sesame" not in text
    assert base64.b64encode(VALUE.encode()).decode().rstrip("=") not in text


def test_one_that_holds_another_goes_whole() -> None:
    assert scrubbed("long-short", {"A": "short", "B": "long-short"}) == "{{B}}"


def test_none_changes_nothing() -> None:
    assert scrubbed("as it was", {"UNSET": ""}) == "as it was"
