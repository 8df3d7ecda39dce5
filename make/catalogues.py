"""The site's catalogues (`make words`): gathers each text that's to be translated, out of templates and scripts.

`make words LANGUAGE=fr` begins one more language.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from make.places import Places
from make.words import SetupError, say

WIDTH = 120
METHODS = [("templates/**.html", "jinja2"), ("static/**.js", "make.catalogues:texts_of_script")]
KEYWORDS: Mapping[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "t": None, "n": (1, 2), "mixed": None}
CALL = re.compile(r'(?<![\w.$])(t|n|mixed)\(\s*("(?:[^"\\\n]|\\.)*")(?:\s*,\s*("(?:[^"\\\n]|\\.)*"))?')
"""A call with its text, or two of them, written out: whatever else stands around it."""
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)

HEAD = """# {english}. Words:
#   ...
msgid ""
msgstr ""
"Language: {code}\\n"
"X-Name: {name}\\n"
"Plural-Forms: {plural}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def gathered(web: Path) -> Catalog:
    """Return all texts of the site in `web` as a catalogue that's translated into nothing."""
    catalog = Catalog()
    options = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}
    found = extract_from_dir(web, METHODS, options, keywords=KEYWORDS)
    for name, _, text, _, _ in sorted(found, key=lambda each: (each[0], each[1])):
        catalog.add(text, locations=[(Path(name).as_posix(), 0)])
    return catalog


def texts_of_script(
    stream: IO[bytes], keywords: object, tags: object, options: object
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """Extract the texts of a script, as Babel asks for it: each call of t(), n() and mixed() with its line."""
    code = COMMENT.sub("", stream.read().decode())
    for call in CALL.finditer(code):
        name, *texts = call.groups()
        said = [json.loads(text) for text in texts if text]
        yield code.count("\n", 0, call.start()) + 1, name, tuple(said) if name == "n" else said[0], []


def updated(before: str, texts: Catalog) -> str:
    """Return a language's catalogue with exactly these texts: what's new is empty, what's gone is gone."""
    head, _, _ = before.partition("\n\n")
    catalog = read_po(io.BytesIO(before.encode()), abort_invalid=True)
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    written = io.BytesIO()
    write_po(written, catalog, width=WIDTH, include_lineno=False, sort_by_file=True, omit_header=True)
    return f"{head}\n\n{written.getvalue().decode().strip()}\n"


def head_of(code: str) -> str:
    """Return the beginning of the catalogue of a language that there's none of yet."""
    try:
        locale = Locale.parse(code)
    except (UnknownLocaleError, ValueError) as error:
        raise SetupError(f"LANGUAGE={code}: {error}; it's a code like fr") from None
    name = str(locale.get_language_name()).capitalize()
    return HEAD.format(english=locale.english_name, code=code, name=name, plural=Catalog(locale).plural_forms)


def renew(web: Path, languages: Iterable[str]) -> None:
    """Bring each catalogue up to date, and begin those that are named and aren't there."""
    texts = gathered(web)
    folder = web / "words"
    for code in languages:
        path = folder / f"{code}.po"
        if not path.exists():
            path.write_text(head_of(code), encoding="utf-8")
    for path in sorted(folder.glob("*.po")):
        text = updated(path.read_text(encoding="utf-8"), texts)
        path.write_text(text, encoding="utf-8")
        missing = len(re.findall(r'^msgstr(?:\[\d\])? ""$(?!\n")', text, re.MULTILINE))
        say(f"{path.name}: {len(texts)} texts, {missing} to be translated")


if __name__ == "__main__":
    try:
        renew(Places.of(os.environ).root / "hub" / "web", sys.argv[1:])
    except SetupError as error:
        sys.exit(f"==> {error}")
