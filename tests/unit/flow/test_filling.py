"""Arguments are taken from the message where it's plain, else written by an LLM, bound, checked, and mended once."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import LLMError, LLMUnavailable, ToolError
from hub.flow.filling import LOOSE, fill
from hub.flow.gleaning import glean
from hub.flow.schemas import decode
from hub.flow.taming import tame
from hub.llm.decoding import checked
from hub.ports import Effect, Said, Terms, ToolCall
from hub.records import HOME
from hub.testing import ScriptedLLM

TERMS = Terms(tenant=HOME)
TEXT = {"type": "string"}
NUMBER = {"type": "number"}


class Foreign:
    """A tool with any schema."""

    name = "foreign"
    description = "Does what it does."
    effect: Effect = "none"

    def __init__(self, schema: Mapping[str, object]) -> None:
        self.schema = schema

    def fits(self, text: str) -> bool:
        return True

    async def call(self, call: ToolCall) -> str:
        return "done"


def an_object(*required: str, **properties: Mapping[str, object]) -> Mapping[str, object]:
    return {"type": "object", "properties": properties, "required": list(required)}


async def filled(llm: ScriptedLLM, schema: Mapping[str, object], text: str) -> object:
    found = await fill(llm, [Said("user", text)], Foreign(schema), TERMS)
    return msgspec.json.decode(found.json)


# --- from the message


@pytest.mark.parametrize(
    ("schema", "text", "found"),
    [
        (an_object("path", path=TEXT), "Read the file notes/todo.txt.", {"path": "notes/todo.txt"}),
        (an_object("path", path=TEXT), "Read a.txt and b.txt", {}),
        (
            an_object("source", "destination", source=TEXT, destination=TEXT),
            "Rename old.txt to new.txt!",
            {"source": "old.txt", "destination": "new.txt"},
        ),
        (
            an_object("paths", paths={"type": "array", "items": TEXT}),
            "Compare x.md with y.md",
            {"paths": ["x.md", "y.md"]},
        ),
        (an_object("a", "b", a=NUMBER, b=NUMBER), "What do 12 and 30.5 add up to?", {"a": 12, "b": 30.5}),
        (an_object("a", "b", a=NUMBER, b=NUMBER), "Add 12 and 30 and 4", {}),
        (an_object("n", n={"type": "integer"}), "the first 3 of file2.txt", {"n": 3}),
        (an_object("message", message=TEXT), 'Echo "hello there"', {"message": "hello there"}),
        (an_object("timezone", timezone=TEXT), "What time is it in Europe/Paris?", {"timezone": "Europe/Paris"}),
        (an_object("url", url=TEXT), "Fetch https://example.org/a?b=1.", {"url": "https://example.org/a?b=1"}),
        (an_object("city", city={"enum": ["New York", "Chicago"]}), "How is it in chicago?", {"city": "Chicago"}),
        (
            an_object(
                head={"type": "number", "description": "Only the first N lines"},
                tail={"type": "number", "description": "Only the last N lines"},
            ),
            "Show the last 20 lines",
            {"tail": 20},
        ),
        (an_object("path", path=TEXT), "Make a folder called taxes.", {"path": "taxes"}),
        (an_object("pattern", pattern=TEXT), "Find *.pdf here", {"pattern": "*.pdf"}),
    ],
)
def test_what_a_message_plainly_says_is_taken_from_it(
    schema: Mapping[str, Any], text: str, found: Mapping[str, object]
) -> None:
    assert glean(schema["properties"], schema["required"], text) == found


async def test_with_everything_known_no_model_is_asked() -> None:
    llm = ScriptedLLM()

    assert await filled(llm, an_object("path", path=TEXT), "Read notes.txt") == {"path": "notes.txt"}
    assert llm.asked == []


async def test_a_model_is_asked_only_for_what_is_missing() -> None:
    llm = ScriptedLLM(fills=[{"content": "we meet at noon"}])
    schema = an_object("path", "content", path=TEXT, content=TEXT)

    assert await filled(llm, schema, "Write plan.md that says we meet at noon") == {
        "path": "plan.md",
        "content": "we meet at noon",
    }
    assert llm.asked[0].schema is not None
    assert list(llm.asked[0].schema["properties"]) == ["content"]  # type: ignore[call-overload]


async def test_what_is_optional_and_not_spoken_of_is_left_out() -> None:
    schema = an_object("path", path=TEXT, encoding={"type": "string", "description": "Of the text"})

    assert await filled(ScriptedLLM(), schema, "Read notes.txt") == {"path": "notes.txt"}


async def test_a_tool_without_arguments_costs_no_model() -> None:
    assert await filled(ScriptedLLM(), {"type": "object"}, "do it") == {}


# --- by the model


async def test_what_does_not_fit_is_mended_once_with_what_was_wrong() -> None:
    llm = ScriptedLLM(fills=[{"degrees": "hot"}, {"degrees": 180}])

    assert await filled(llm, an_object("degrees", degrees={"type": "integer"}), "heat it") == {"degrees": 180}
    assert "Expected `int`" in llm.asked[1].text


async def test_what_does_not_fit_twice_is_never_called() -> None:
    llm = ScriptedLLM(fills=[{"degrees": "hot"}, {"degrees": "hotter"}])

    with pytest.raises(ToolError, match="don't fit the tool"):
        await filled(llm, an_object("degrees", degrees={"type": "integer"}), "heat it")


async def test_where_no_grammar_can_be_made_any_object_is_taken_and_checked() -> None:
    llm = ScriptedLLM(fills=[LLMError("no grammar"), {"degrees": 180}])

    assert await filled(llm, an_object("degrees", degrees={"type": "integer"}), "heat it") == {"degrees": 180}
    assert llm.asked[1].schema == LOOSE


async def test_a_model_that_is_away_is_no_fault_of_the_schema() -> None:
    llm = ScriptedLLM(fills=[LLMUnavailable("away")])

    with pytest.raises(LLMUnavailable):
        await filled(llm, an_object("degrees", degrees={"type": "integer"}), "heat it")


# --- strangers' schemas

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
JUNK = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below, max_size=3),
    max_leaves=3,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object", "thing"])
NAMES = st.sampled_from(
    ["path", "file", "url", "time", "zone", "n", "$ref", "type", "properties", "", "ä", "a b", "__class__"]
)
REFERENCES = st.sampled_from(
    ["#", "#/properties/n", "#/$defs/a", "https://example.org/schema", "#/x/y", "~", "#/properties"]
)


def schemas() -> st.SearchStrategy[Any]:
    def deeper(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        keys: dict[str, st.SearchStrategy[Any]] = {
            "type": TYPES | st.lists(TYPES, max_size=3) | JUNK,
            "properties": st.dictionaries(NAMES, below, max_size=4) | JUNK,
            "required": st.lists(NAMES, max_size=3) | JUNK,
            "items": below | st.lists(below, max_size=2),
            "enum": st.lists(SCALARS, max_size=4) | JUNK,
            "const": JUNK,
            "anyOf": st.lists(below, max_size=3),
            "oneOf": st.lists(below, max_size=3),
            "allOf": st.lists(below, max_size=2),
            "$ref": REFERENCES | JUNK,
            "$defs": st.dictionaries(st.just("a"), below, max_size=1),
            "minimum": JUNK,
            "maximum": SCALARS,
            "minLength": SCALARS,
            "maxLength": SCALARS,
            "minItems": SCALARS,
            "pattern": st.sampled_from(["(a+)+$", "[", "\\p{L}", "^x"]) | JUNK,
            "format": st.sampled_from(["uri", "date-time", "thing"]),
            "description": st.text(max_size=20) | JUNK,
            "default": JUNK,
            "additionalProperties": st.booleans() | below,
            "if": below,
            "not": below,
            "patternProperties": st.dictionaries(st.sampled_from(["(a+)+", "["]), below, max_size=1),
        }
        return st.fixed_dictionaries({}, optional=keys)

    return st.recursive(st.booleans() | JUNK, deeper, max_leaves=5)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(NAMES, schemas(), max_size=4)})
    | schemas(),
    JUNK,
    st.text(max_size=40),
)
def test_no_stranger_s_schema_breaks_anything(schema: Any, value: object, text: str) -> None:
    tamed = tame(schema if isinstance(schema, dict) else {})

    assert tamed["type"] == "object"
    assert checked(tamed)
    assert tame(tamed) == tamed
    with suppress(ToolError):
        decode(msgspec.json.encode({"n": value}).decode(), tamed)
    glean(tamed["properties"], tamed["required"], f"{text} a.txt 5 https://example.org 'x'")


def test_a_plain_schema_is_tamed_to_itself() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 9, "description": "A name"},
            "many": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "maxItems": 3},
            "kind": {"enum": ["a", "b"]},
        },
        "required": ["name"],
        "additionalProperties": False,
    }

    assert tame(schema) == schema


def test_references_within_it_are_followed_and_no_others() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "https://example.org/x"}}, "$defs": {"x": TEXT}}

    assert tame(schema)["properties"] == {"a": TEXT, "b": {}}


def test_references_in_a_circle_end() -> None:
    schema = {"properties": {"a": {"$ref": "#/properties/a"}, "b": {"$ref": "#"}}}

    assert tame(schema)["type"] == "object"


def test_two_objects_to_choose_from_are_checked_too() -> None:
    schema = tame(an_object("a", a={"oneOf": [an_object("x", x=TEXT), an_object("y", y=NUMBER)]}))

    assert decode('{"a":{"y":1}}', schema) == {"a": {"y": 1}}
    with pytest.raises(ToolError, match="don't fit"):
        decode('{"a":{"y":"no"}}', schema)
