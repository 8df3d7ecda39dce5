"""The words of a message that tell what's asked for."""

import re

LONGEST = 2_000
"""Characters of a message that are looked at."""

_URL = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)
_PATH = re.compile(r"(?<!\S)\S*[\w*]/[\w*.]\S*|(?<!\S)/\w\S*|(?<!\S)[\w*-]+\.[a-z]\w{1,4}\b")
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What says nothing of what's asked for; in English, as descriptions mostly are.
_WORDS = """
a about above after again all also always am an and any are as at back be because been before being below best
better between both but by called can could did do does doing done down each else ever every few find first for
found from further gave get gets getting give given go goes going good got great had has have having he help helped
hello her here hers hi him his how i if in into is it its just keep know last least less let like long look lot many
may maybe me might mine more most much must my named need never new next no none nor not now of off ok okay old on
once one only or other our out over own part people perhaps please put quite rather really right said same say says
see she should show so some something soon still such sure take tell than thank thanks that the their them then
there these they thing things think this those though through to today together told tomorrow too try two under
until up upon us use used using very want wanted was way we well went were what when where whether which while who
whom whose why will wish with without work would yes yesterday yet you your yours
"""
_COMMON = frozenset(_WORDS.split())
_ALSO = {
    "make": "create",
    "folder": "directory",
    "folders": "directories",
    "picture": "image",
    "pictures": "images",
    "photo": "image",
    "photos": "images",
    "website": "url",
    "page": "url",
    "link": "url",
    "big": "size",
    "delete": "remove",
    "search": "find",
    "rename": "move",
    "add": "sum",
    "video": "media",
    "mail": "email",
}
"""What people say, and what's written in descriptions for it."""


def shown(text: str) -> str:
    """Return the part of a long message in which it's said what's wanted: its beginning and its end.

    What's looked for takes a time that grows faster than the text.
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} {text[-LONGEST // 2 :]}"


def asked(text: str) -> tuple[str, ...]:
    """Return the words of a message that tell what's asked for; a path counts as the word file, a link as url."""
    plain = _PATH.sub(_kind_of, _URL.sub(" url ", shown(text)))
    words = (word for word in _WORD.findall(_HUMP.sub(" ", plain).lower()) if len(word) > 1 and word not in _COMMON)
    return tuple(dict.fromkeys(also for word in words for also in (word, _ALSO.get(word, word))))


def _kind_of(path: re.Match[str]) -> str:
    return " file " if "." in path[0].rpartition("/")[2] else " directory "
