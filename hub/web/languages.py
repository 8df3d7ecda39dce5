"""The site's languages: which one a request is answered in, and its texts, read when they're first asked for.

Texts are written in English where they stand, in templates and scripts. A language is one gettext catalogue in words/;
`make words` gathers what's to be translated.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, cached_property
from gettext import c2py
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request
from msgspec import Struct

from hub.web.cookies import LANGUAGE

FOLDER = Path(__file__).parent / "words"
LONGEST = 500
"""Characters of an Accept-Language header that are looked at."""
Forms = tuple[str, ...]
PLURAL = re.compile(r"nplurals=\d+; plural=([n\d\s%<>=!&|?:()]+);?")
"""C's expressions of such signs are JavaScript's as well."""


class Language(Struct, frozen=True, kw_only=True):
    """A language that pages are shown in."""

    code: str
    name: str
    """In the language itself."""
    tag: str
    """For browsers, as in `<html lang>`."""


ENGLISH = Language(code="en", name="English", tag="en")


class Catalogue:
    """The texts of one language; what isn't translated is in English."""

    def __init__(self, language: Language, text: str) -> None:
        self.language = language
        self._texts: dict[str, Forms] = {}
        self._scripts: dict[str, str | Forms] = {}
        for block in text.split("\n\n"):
            self._read(block)
        self._rule = _plural(self._texts.pop("", ("",))[0])
        self._index = c2py(self._rule)

    def gettext(self, text: str) -> str:
        """Return a text in this language."""
        forms = self._texts.get(text)
        return forms[0] if forms else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return a text in the form that goes with a number."""
        forms = self._texts.get(one)
        return forms[self._index(count)] if forms else one if count == 1 else many

    @cached_property
    def script(self) -> bytes:
        """The texts of the scripts, as a module for words.js."""
        told = json.dumps(self._scripts, ensure_ascii=False, separators=(",", ":"))
        return f"export const plural = (n) => Number({self._rule});\nexport const texts = {told};\n".encode()

    @cached_property
    def address(self) -> str:
        """Where that module lies: elsewhere after every change, so that browsers may keep it for good."""
        return f"/words/{sha256(self.script).hexdigest()[:12]}/{self.language.code}.js"

    def _read(self, block: str) -> None:
        fields: dict[str, str] = {}
        name, is_for_scripts = "", False
        for line in block.splitlines():
            if line.startswith("#"):
                is_for_scripts |= line.startswith("#:") and ".js" in line
            elif line.startswith('"'):
                fields[name] += json.loads(line)
            elif line:
                name, _, value = line.partition(" ")
                fields[name] = json.loads(value)
        forms = tuple(value for name, value in fields.items() if name.startswith("msgstr"))
        if not forms or not all(forms):
            return  # not translated yet, or a comment: what's no longer asked for
        self._texts[fields["msgid"]] = forms
        if is_for_scripts:
            self._scripts[fields["msgid"]] = forms if "msgid_plural" in fields else forms[0]


class Spoken(Struct, frozen=True, kw_only=True):
    """What a page is shown in."""

    language: Language
    catalogue: Catalogue | None
    """None: English, which needs none."""

    @property
    def words(self) -> str:
        """Where scripts find their texts; empty: they have them."""
        return self.catalogue.address if self.catalogue else ""


@cache
def languages() -> Mapping[str, Language]:
    """Return all languages by their codes, English first."""
    found = (_language(path) for path in sorted(FOLDER.glob("*.po")))
    return {each.code: each for each in (ENGLISH, *found)}


@cache
def catalogue(code: str) -> Catalogue | None:
    """Return a language's texts; English has none."""
    if code == ENGLISH.code:
        return None
    return Catalogue(languages()[code], (FOLDER / f"{code}.po").read_text(encoding="utf-8"))


def chosen(cookie: str | None, accepted: str) -> str:
    """Return the code of the language that somebody chose, else one that their browser asks for, else English's."""
    if cookie in languages():
        return str(cookie)
    wanted = [_wanted(part) for part in accepted[:LONGEST].split(",")]
    for _, code in sorted((each for each in wanted if each[0] > 0), key=lambda each: -each[0]):
        if code == "*":
            break
        if code in languages():
            return code
    return ENGLISH.code


def spoken(request: Request[Any, Any, Any]) -> Spoken:
    """Return what a request's page is shown in."""
    code = chosen(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
    return Spoken(language=languages()[code], catalogue=catalogue(code))


def _wanted(part: str) -> tuple[float, str]:
    """Return how much a part of an Accept-Language header is wanted, and the language; 0 for what can't be read."""
    tag, _, quality = part.partition(";")
    shape = re.fullmatch(r"\s*(?:q=([01](?:\.\d{0,3})?))?\s*", quality)
    return (float(shape.group(1) or 1) if shape else 0.0), tag.strip().lower().partition("-")[0]


def _language(path: Path) -> Language:
    """Read the head of a catalogue, no more."""
    with path.open(encoding="utf-8") as lines:
        head = "".join(line for line, _ in zip(lines, range(40), strict=False))
    return Language(code=path.stem, name=_field(head, "X-Name"), tag=_field(head, "Language").replace("_", "-"))


def _field(head: str, name: str) -> str:
    found = re.search(rf"{name}: (.+?)(?:\\n|\n|$)", head)
    if not found:
        raise ValueError(f"a catalogue in {FOLDER} has no {name} in its head")
    return found.group(1).strip()


def _plural(head: str) -> str:
    """Return the rule by which a form is chosen, after a look at each of its signs: browsers run it."""
    found = PLURAL.fullmatch(_field(head, "Plural-Forms"))
    if not found:
        raise ValueError(f"a catalogue in {FOLDER} has a rule for plurals that isn't one: {head!r}")
    return found.group(1)
