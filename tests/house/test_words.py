"""The site's texts: each is marked where it stands, gathered, and translated into every language."""

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from make.catalogues import CALL, COMMENT, gathered, head_of, updated
from tests.house.tree import ROOT, named

WEB = ROOT / "hub" / "web"
CATALOGUES = sorted((WEB / "words").glob("*.po"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
# The widget is shown in other sites' pages and has its languages within.
SCRIPTS = sorted(path for path in (WEB / "static").glob("*.js") if path.name != "widget.js")

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
LETTERS = re.compile(r"[^\W\d_]")
SPOKEN = ("aria-label", "title", "placeholder", "alt")
"""Attributes that people read or hear."""
SAME_EVERYWHERE = {"AgentHost", "https://example.org/hook"}
PLACES = re.compile(r"\{\w+\}|%\(\w+\)s")

IN_CODE = re.compile(r'"((?:[^"\\\n]|\\.)*)"|[`{}]')
IN_TEMPLATE = re.compile(r"\\.|`|\$\{")
SENTENCE = re.compile(r"[^\W\d_]{2,}[,:;]? [a-z’]{2,}|^[A-Z][a-z’]+[.!?…]?$")
"""Two words in a row, or one that begins like a sentence."""
NOT_FOR_PEOPLE = re.compile(
    r"^(Accept|Home|End|Enter|Tab|Escape|Files)$"  # headers, keys, what a drag carries
    r"|^(Telegram|Sentry|Stripe|Alertmanager)$"  # names
    r"|^A (browser|program)$|^(e-mail or password is|the code is) wrong"  # what the API says
    r"|^The  (can’t be reached|answered )"  # what a registry's pages say, which are in English
    r"|^\(.+: .+\)$|^[a-z]+(\.|, )[\w., \[\]=-]+$"  # what a style or a selector says
    r"|^<svg |^\.[a-z]+ [a-z]+$|^plot-name plot-about$"  # drawings, and what they're named by
)


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return gathered(WEB)


def translated(path: Path) -> list[Message]:
    return [message for message in read_po(io.BytesIO(path.read_bytes()), abort_invalid=True) if message.id]


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def english(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def test_there_are_the_languages_that_we_promise() -> None:
    assert {"de", "es", "pt", "zh"} <= {path.stem for path in CATALOGUES}


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_a_catalogue_has_exactly_the_texts_of_the_site(path: Path, texts: Catalog) -> None:
    text = path.read_text(encoding="utf-8")
    renewed = updated(text, texts)

    assert set(renewed.splitlines()) - set(text.splitlines()) == set(), "run 'make words', and translate what's new"
    is_as_written = renewed == text
    assert is_as_written, "run 'make words'"


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_every_text_is_translated(path: Path) -> None:
    wanting = [message.id for message in translated(path) if message.fuzzy or not all(forms(message))]

    assert wanting == []


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_a_translation_has_the_places_of_its_text_and_no_markup_of_its_own(path: Path) -> None:
    faults = []
    for message in translated(path):
        wanted = [set(PLACES.findall(text)) for text in english(message)]
        for form in forms(message):
            # A number may be left to its word: "one hub".
            is_like = any(set(PLACES.findall(form)) | {"{n}"} == each | {"{n}"} for each in wanted)
            if not is_like or re.search(r"[<>&]", form) or form != form.strip():
                faults.append((message.id, form))

    assert faults == []


def test_a_language_is_begun_by_its_code(texts: Catalog) -> None:
    begun = updated(head_of("fr"), texts)

    assert '"X-Name: Français\\n"' in begun
    assert '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"' in begun
    assert begun.count("\nmsgid ") == len(texts) + 1


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_what_people_read_is_compared_with_nothing_and_numbers_are_of_their_language(path: Path) -> None:
    script = path.read_text(encoding="utf-8")

    assert re.findall(r"[!=]== [tn]\(|\b[tn]\([^()]*\) [!=]==", script) == []
    assert re.findall(r"toLocale\w*\((?!locale)", script) == []


class Bare(HTMLParser):
    """What people read of a template that isn't marked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._is_code = tag == "code"
        self.found += [value for name, value in attributes if name in SPOKEN and value and LETTERS.search(value)]

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.found += [line.strip() for line in data.split("·") if LETTERS.search(line)]

    def handle_endtag(self, tag: str) -> None:
        self._is_code = False


def bare(html: str) -> list[str]:
    parser = Bare()
    parser.feed(JINJA.sub("", html))
    return [text for text in parser.found if text not in SAME_EVERYWHERE]


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_marks_all_that_people_read(path: Path) -> None:
    assert bare(path.read_text(encoding="utf-8")) == []


def test_what_a_template_leaves_unmarked_is_found() -> None:
    assert bare('<p title="A tip">{{ _("Fine") }} <b>Bare</b> <code>x y</code></p>') == ["A tip", "Bare"]


def literals(code: str) -> Iterator[str]:
    """The strings of a script, and what stands fixed in its templates."""
    within, held, at = ["code"], [""], 0
    while found := (IN_CODE if within[-1] == "code" else IN_TEMPLATE).search(code, at):
        held[-1] += code[at : found.start()] if within[-1] == "template" else ""
        at = found.end()
        match found.group():
            case "`" if within[-1] == "template":
                within.pop()
                yield held.pop()
            case "`":
                within.append("template")
                held.append("")
            case "{" | "${":
                within.append("code")
            case "}":
                within.pop()
            case _ if within[-1] == "code":
                yield found.group(1)


def unmarked(script: str) -> list[str]:
    """What looks like words for people in a script, outside t(), n() and mixed()."""
    code = CALL.sub("", COMMENT.sub("", script))
    code = re.sub(r"^import .*$| // .*$", "", code, flags=re.MULTILINE)
    return [text for text in literals(code) if SENTENCE.search(text) and not NOT_FOR_PEOPLE.search(text)]


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_marks_all_that_people_read(path: Path) -> None:
    assert unmarked(path.read_text(encoding="utf-8")) == []


def test_what_a_script_leaves_unmarked_is_found() -> None:
    script = 'h("p.note", {}, "Not marked at all", t("Fine, this one"), `${n} of them`, x ? "Off" : t("On"));'

    assert unmarked(script) == ["Not marked at all", " of them", "Off"]


def test_no_text_stands_alone_here_and_has_two_forms_there() -> None:
    calls = [call.groups() for path in SCRIPTS for call in CALL.finditer(path.read_text(encoding="utf-8"))]

    assert {one for name, one, _ in calls if name != "n"} & {one for name, one, _ in calls if name == "n"} == set()
