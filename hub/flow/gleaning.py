"""What of a tool's arguments stands in a message beyond doubt: paths, numbers, times, words in quotes.

A small LLM writes what sounds right in its place. Only what can be meant for one argument is taken; the rest is the
LLM's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.flow.wording import asked, shown

Values = dict[str, Any]

_QUOTED = re.compile(r"[\"“„]([^\"“”„]{1,500})[\"”“]|(?<!\w)'([^']{1,500})'(?!\w)")
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\"']+")
_ZONE = re.compile(r"\b(?:[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?|UTC)\b")
_TIME = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])")
_PATH = re.compile(
    r"(?<![\w/.~-])(?:[~.]{0,2}/)?[\w.-]+(?:/[\w.-]+)+/?|(?<!\S)~?/[\w./-]*|(?<![\w/])[\w-]+\.[A-Za-z]\w{0,5}\b"
)
_GLOB = re.compile(r"(?<!\S)\S*\*\S*")
_NUMBER = re.compile(r"(?<![\w.:/-])-?\d+(?:\.\d+)?(?![\w:/]|\.\d)")
_CALLED = re.compile(
    r"\b(?:directory|folder|called|named)\s+(?!called\b|named\b|tree\b|structure\b|listing\b|and\b|of\b|is\b|that\b|with\b|as\b)([\w-]+)\b",
    re.IGNORECASE,
)
_END = ".,;:!?"


def glean(properties: Mapping[str, Mapping[str, Any]], required: Sequence[str], text: str) -> Values:
    """Return the arguments that a message leaves no doubt about."""
    found: Values = {}
    rest = text = shown(text)
    for is_meant, pattern in _SORTS:
        named = {name: schema for name, schema in properties.items() if name not in found and is_meant(name, schema)}
        values = [_bare(match) for match in pattern.finditer(rest)] if named else []
        if given := _given(named, [name for name in named if name in required], values):
            found |= given
            # What's a path isn't a number, too.
            rest = pattern.sub(" ", rest)
    found |= _counted({name: schema for name, schema in properties.items() if name not in found}, rest)
    for name, schema in properties.items():
        options = [option for option in schema.get("enum", ()) if isinstance(option, str) and _has(text, option)]
        if name not in found and len(options) == 1:
            found[name] = options[0]
    return found


def gives(text: str) -> bool:
    """Say whether a message has a path, a link or words in quotes, which a tool would have to take."""
    return any(pattern.search(shown(text)) for pattern in (_PATH, _URL, _QUOTED, _GLOB))


def spoken_of(name: str, schema: Mapping[str, Any], text: str) -> bool:
    """Say whether a message has a word of an argument's name or description, or one of its values."""
    text = shown(text)
    words = set(asked(f"{name} {schema.get('description', '')}"))
    options = [option for option in schema.get("enum", ()) if isinstance(option, str)]
    return bool(words & set(asked(text))) or any(_has(text, option) for option in options)


def _given(named: Mapping[str, Mapping[str, Any]], required: Sequence[str], values: Sequence[str]) -> Values:
    lists = [name for name, schema in named.items() if schema.get("type") == "array"]
    if len(lists) == 1 and len(named) == 1 and values:
        return {lists[0]: list(values)}
    single = [name for name in required if name not in lists]
    if len(single) == len(values):
        return {name: _typed(named[name], value) for name, value in zip(single, values, strict=True)}
    return {}


def _counted(named: Mapping[str, Mapping[str, Any]], text: str) -> Values:
    """Return the numbers that stand beside a word of one argument: the first 5 lines, 2 steps."""
    found: Values = {}
    numbers = {name: schema for name, schema in named.items() if _is_number(name, schema)}
    for match in _NUMBER.finditer(text) if numbers else ():
        beside = {
            *re.findall(r"\w+", text[: match.start()].lower())[-1:],
            *re.findall(r"\w+", text[match.end() :].lower())[:1],
        }
        # What stands beside it in one argument's words only: "lines" may stand in all of them, "first" in one.
        fitting = {
            name: len(beside & set(re.findall(r"\w+", f"{name} {schema.get('description', '')}".lower())))
            for name, schema in numbers.items()
            if name not in found
        }
        best = max(fitting.values(), default=0)
        chosen = [name for name, fit in fitting.items() if fit == best]
        if best and len(chosen) == 1:
            found[chosen[0]] = _typed(numbers[chosen[0]], match[0])
    return found


def _typed(schema: Mapping[str, Any], value: str) -> object:
    match schema.get("type"):
        case "integer":
            return int(float(value))
        case "number":
            return float(value) if "." in value else int(value)
        case _:
            return value


def _bare(match: re.Match[str]) -> str:
    groups = [group for group in match.groups() if group is not None]
    return groups[0] if groups else match[0].rstrip(_END)


def _has(text: str, option: str) -> bool:
    # A file of a folder may be called by its own name.
    called = {option, option.rpartition("/")[2]} - {""}
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.IGNORECASE) for one in called)


def _is_text(schema: Mapping[str, Any]) -> bool:
    items = schema.get("items")
    return schema.get("type") == "string" or (
        schema.get("type") == "array" and isinstance(items, Mapping) and items.get("type") == "string"
    )


def _named(*parts: str) -> Callable[[str, Mapping[str, Any]], bool]:
    pattern = re.compile("|".join(parts), re.IGNORECASE)
    return lambda name, schema: _is_text(schema) and bool(pattern.search(name))


def _is_number(name: str, schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in {"integer", "number"}


def _is_other_text(name: str, schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string"


_SORTS: tuple[tuple[Callable[[str, Mapping[str, Any]], bool], re.Pattern[str]], ...] = (
    (_named(r"ur[li]s?$", r"link"), _URL),
    (_named(r"zone"), _ZONE),
    (_named(r"^time$", r"_time$", r"Time$"), _TIME),
    (_named(r"pattern", r"glob"), _GLOB),
    (
        _named(r"paths?$", r"^files?$", r"file_?name", r"^source$", r"^destination$", r"^director(y|ies)$", r"^folder"),
        _PATH,
    ),
    (_named(r"^path$", r"^director(y|ies)$", r"^folder"), _CALLED),
    (_is_number, _NUMBER),
    (_is_other_text, _QUOTED),
)
"""In this order: what's found by the first isn't looked for by the next."""
