"""A value fits its schema, or there's none."""

import pytest

from hub.llm import decoding

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"n": {"type": "integer", "maximum": 9}},
    "required": ["n"],
}


def test_a_value_that_fits_comes_back_compact() -> None:
    assert decoding.validated('{ "n" : 3 }', SCHEMA) == '{"n":3}'


@pytest.mark.parametrize("text", ["", "{", '{"n": 10}', '{"n": "3"}', "[]", '{"n": 3} and more', "[" * 100_000])
def test_a_value_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|\$"):
        decoding.validated(text, SCHEMA)


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a JSON schema"):
        decoding.checked({"type": "banana"})


def test_a_schema_is_never_fetched_from_elsewhere() -> None:
    with pytest.raises(ValueError, match="refers to"):
        decoding.validated("3", {"$ref": "http://127.0.0.1:9/schema"})


def test_every_string_and_list_gets_an_end() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "string", "maxLength": 5}}},
    }

    bounded = decoding.bounded(schema)

    assert bounded["properties"]["a"]["maxLength"] == decoding.LONGEST
    assert bounded["properties"]["b"]["maxItems"] == decoding.MOST
    assert bounded["properties"]["b"]["items"]["maxLength"] == 5


def test_a_string_that_is_bounded_otherwise_stays_as_it_is() -> None:
    for schema in ({"type": "string", "enum": ["a"]}, {"type": "string", "pattern": "^a$"}):
        assert decoding.bounded(schema) == schema


def test_json_in_a_code_block_is_taken_out_of_it() -> None:
    assert decoding.unfenced('```json\n{"n": 3}\n```') == '{"n": 3}'
    assert decoding.unfenced('{"n": 3}') == '{"n": 3}'
