"""With what a tool is called: what the message plainly says, the rest by the LLM; bound, checked and mended once."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from hub.errors import LLMError, ToolError
from hub.flow import prompts
from hub.flow.gleaning import glean, spoken_of
from hub.flow.schemas import decode, fit
from hub.flow.taming import tame
from hub.ports import LLM, Exemplary, Filled, Naming, Retrying, Said, Terms, Tool
from hub.records import Step

SHORT, WRITTEN = 200, 800
"""Tokens of arguments, and of those that are a piece of work."""
LOOSE: Mapping[str, object] = {"type": "object", "properties": {}}
"""Any object: for a schema that no grammar could be made of."""


async def fill(
    llm: LLM,
    said: Sequence[Said],
    tool: Tool,
    terms: Terms,
    failed: Sequence[Step] = (),
    found: Sequence[Step] = (),
    certain: Mapping[str, object] = MappingProxyType({}),
) -> Filled:
    """Return arguments that fit the tool's schema; raises ToolError if none could be found, or LLMError.

    What the LLM writes is checked; what doesn't fit is put to it once more, with what's wrong. A tool with examples
    shows by them what's an argument; of one without, what a message plainly says is taken from there, and what's
    optional and not spoken of is left out. `failed` are the tool's calls before in this turn: they're to be bettered;
    `found` those of others that went well: what they found may be what's to be written. `certain` are arguments that
    can't be anything else.
    """
    limit = WRITTEN if isinstance(tool, Retrying) else SHORT
    schema = _bound(tame(tool.schema), certain)
    known: Mapping[str, object] = {}
    wanted = schema
    if not isinstance(tool, Exemplary):
        known, wanted = _narrowed(schema, tool, prompts.asked(said))
        if not wanted["properties"] and schema["properties"]:
            return _spent(known, ())
    if not schema["properties"] and not isinstance(schema.get("additionalProperties"), Mapping):
        return _spent({}, ())
    tries: list[Filled] = []
    fault = ""
    for _ in range(2):
        filled = await _written(llm, prompts.arguments(said, tool, wanted, fault, failed, found), wanted, terms, limit)
        tries.append(filled)
        try:
            values = {**known, **decode(filled.json, wanted)}
            decode(msgspec.json.encode(values).decode(), schema)
        except ToolError as error:
            fault = str(error)
        else:
            return _spent(values, tries)
    raise ToolError(fault)


def _bound(schema: dict[str, Any], known: Mapping[str, object]) -> dict[str, Any]:
    """Return a schema whose arguments that are known can't be anything else."""
    if not known:
        return schema
    told = {name: {**below, "enum": [known[name]]} for name, below in schema["properties"].items() if name in known}
    return {**schema, "properties": {**schema["properties"], **told}}


def _narrowed(schema: Mapping[str, Any], tool: Tool, text: str) -> tuple[Mapping[str, object], dict[str, Any]]:
    """Return the arguments that are known, and a schema of those that are still to be found."""
    properties, required = schema["properties"], schema["required"]
    named = tool.named if isinstance(tool, Naming) else ()
    gleaned = glean(properties, required, text)
    known = {name: value for name, value in gleaned.items() if _fits(value, properties[name])}
    left = {
        name: below
        for name, below in properties.items()
        if name not in known and name not in named and (name in required or spoken_of(name, below, text))
    }
    needed = [name for name in required if name in left]
    return known, {**schema, "properties": left, "required": needed, "additionalProperties": False}


def _fits(value: object, schema: Mapping[str, object]) -> bool:
    try:
        fit({"value": value}, {"type": "object", "properties": {"value": schema}, "required": ["value"]})
    except ToolError:
        return False
    return True


async def _written(llm: LLM, prompt: Sequence[Said], schema: Mapping[str, object], terms: Terms, limit: int) -> Filled:
    try:
        return await llm.fill(prompt, schema, terms, limit=limit)
    except LLMError as error:
        # Those below it tell of the model; the error itself, that no grammar or no end came of this schema.
        if type(error) is not LLMError:
            raise
        return await llm.fill(prompt, LOOSE, terms, limit=limit)


def _spent(values: Mapping[str, object], tries: Sequence[Filled]) -> Filled:
    whole = Filled(json=msgspec.json.encode(values).decode(), tokens_in=0, tokens_out=0, ms=0.0)
    for one in tries:
        whole = replace(
            whole,
            tokens_in=whole.tokens_in + one.tokens_in,
            tokens_out=whole.tokens_out + one.tokens_out,
            ms=whole.ms + one.ms,
            money=whole.money + one.money,
        )
    return whole
