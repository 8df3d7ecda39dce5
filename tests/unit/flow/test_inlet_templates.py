"""Templates: fields of what was posted, and nothing that runs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import BadRequest
from hub.flow.inlet_templates import TEMPLATES, check_template, filled, kind_of, read

POSTED: dict[str, Any] = {
    "a": {"b": [{"c": 1}, {"c": True}, {}, {"c": "x"}], "n": None, "f": 1.5},
    "text": "hello",
    "long": "y" * 3_000,
    "__class__": "harmless",
}


def fill(template: str) -> str:
    check_template(template)
    return filled(template, POSTED, {"x-event": "push"}, most=10_000)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{text}", "hello"),
        ("{a.b.0.c} {a.b.9.c}", "1"),
        ("{a.b.*.c}", "1, true, x"),
        ("{a.f}{a.n}!", "1.5!"),
        ("{none|nothing} {text}", "nothing hello"),
        ("{none.deep.*.er|}-{text}", "-hello"),
        ("{text:3}", "hel…"),
        ("{{text}} {text}", "{text} hello"),
        ("{headers.x-event}", "push"),
        ("first\n{none} is left out\n{text}", "first\nhello"),
        ("{a.b}", '[{"c":1},{"c":true},{},{"c":"x"}]'),
        ("{__class__}", "harmless"),
        ("{text.__class__}|{a.b.__len__}|{text}", "||hello"),
    ],
)
def test_fields_are_filled_in(template: str, said: str) -> None:
    assert fill(template) == said


def test_a_field_is_cut() -> None:
    assert len(fill("{long}")) == 1_001


def test_what_fills_no_line_is_shown_as_it_came() -> None:
    assert json.loads(fill("{none}")) == POSTED


@pytest.mark.parametrize(
    "template",
    ["", " ", "{", "}", "a } b", "{}", "{a b}", "{a.}", "{.a}", "{a!r}", "{a[0]}", "{a:x}", "x" * 4_001, "{a|{b}}"],
)
def test_what_is_no_template_is_refused_with_the_way_out(template: str) -> None:
    with pytest.raises(BadRequest, match="template"):
        check_template(template)


def test_every_ready_template_is_one() -> None:
    for template in TEMPLATES.values():
        check_template(template)


def test_a_push_reads_like_a_sentence() -> None:
    body: dict[str, object] = {
        "ref": "refs/heads/main",
        "repository": {"full_name": "ann/shop"},
        "sender": {"login": "ann"},
        "commits": [{"message": "Fix it"}, {"message": "Again"}],
    }
    said = filled(TEMPLATES["github"], body, {"x-github-event": "push"}, most=9_000)

    assert said == "GitHub: push  in ann/shop by ann\nPushed to refs/heads/main: Fix it, Again"


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/cloudevents+json; charset=utf-8", b"[1]", {"items": [1]}),
        ("application/json", b'"x"', {"text": "x"}),
        ("application/json", b"", {"text": None}),
        ("application/x-www-form-urlencoded", b"a=1&b=%20x&a=2", {"a": "2", "b": " x"}),
        ("application/x-www-form-urlencoded", b"payload=%7B%22a%22%3A1%7D", {"a": 1}),
        ("text/plain; charset=utf-8", b"hello", {"text": "hello"}),
        ("", b"hello", {"text": "hello"}),
    ],
)
def test_json_forms_and_texts_are_read(content_type: str, body: bytes, found: dict[str, Any]) -> None:
    assert read(kind_of(content_type), body) == found


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", b"{"),
        ("json", b"[" * 100_000),
        ("json", b"\xff"),
        ("text", b"\xff"),
        ("form", b"&".join(b"a=%d" % number for number in range(2_000))),
        ("form", b"payload=%7B"),
    ],
)
def test_what_cannot_be_read_is_refused(kind: Any, body: bytes) -> None:
    with pytest.raises(BadRequest, match="body"):
        read(kind, body)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(body=st.dictionaries(st.text(max_size=5), values, max_size=5))
def test_nothing_that_is_posted_makes_a_template_fail(body: dict[str, Any]) -> None:
    for template in TEMPLATES.values():
        assert len(filled(template, body, {}, most=500)) <= 500
