"""Which language a page is in, and what it brings along for its scripts."""

import json
import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from hub.flow.brands import Look
from hub.web.languages import FOLDER, Catalogue, catalogue, chosen, languages
from hub.web.site import Site, static_files, templates
from tests.unit.web.world import a_world

WEIGHT = 48 * 1024
"""Bytes of a language's texts for scripts, which come beside what a page loads; browsers keep them."""
FOREIGN = [code for code in languages() if code != "en"]


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    look = {"look": Provide(Look, sync_to_thread=False)}
    with TestClient(Litestar([Site, static_files()], dependencies=look, template_config=templates())) as client:
        yield client


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR,fr;q=0.9,es;q=0.5,en;q=0.4", "es"),
        ("en;q=0.4, pt-PT;q=0.8", "pt"),
        ("zh-Hant-TW", "zh"),
        ("ZH-cn", "zh"),
        ("fr, *;q=0.5, de;q=0.1", "en"),
        ("de;q=0, es;q=0.001", "es"),
        ("de;q=2, es;q=x, pt;level=1", "en"),
        ("en-GB,de", "en"),
        (";;,=,q=1,de" + "," * 10_000, "de"),
        ("x" * 10_000 + ",de", "en"),
    ],
)
def test_a_browsers_languages_are_weighed(accepted: str, code: str) -> None:
    assert chosen(None, accepted) == code


def test_a_choice_counts_more_than_the_browser_and_an_unknown_one_counts_nothing() -> None:
    assert [chosen(cookie, "de") for cookie in ("es", "en", "xx", "", "../de")] == ["es", "en", "de", "de", "de"]


def test_a_page_is_in_the_language_that_was_asked_for_and_caches_are_told(client: TestClient[Litestar]) -> None:
    german = client.get("/sign-in", headers={"Accept-Language": "de"})
    chosen = client.get("/sign-in", headers={"Accept-Language": "de", "Cookie": "agenthost_language=zh"})
    english = client.get("/sign-in")

    assert '<html lang="de" data-words="/words/' in german.text
    assert "<h1>Bei AgentHost anmelden</h1>" in german.text
    assert '<html lang="zh-Hans"' in chosen.text
    assert '<html lang="en" data-site="AgentHost">' in english.text
    assert "words/" not in english.text, "English needs no texts"
    assert {answer.headers["vary"] for answer in (german, chosen, english)} == {"Accept-Language, Cookie"}


def test_markup_within_a_text_is_the_templates_and_not_the_catalogues(client: TestClient[Litestar]) -> None:
    german = client.get("/sign-in", headers={"Accept-Language": "de"}).text

    assert "in der Datei <code>owner.key</code>." in german
    assert "mit <code>agenthost chat</code> schreiben" in german


def test_every_language_can_be_picked_by_its_own_name(client: TestClient[Litestar]) -> None:
    for path in ("/sign-in", "/invitation", "/account"):
        page = client.get(path, headers={"Accept-Language": "pt"}).text
        found = re.findall(r'<option value="(\w+)" lang="([\w-]+)"( selected)?>(.+?)</option>', page)

        assert [(code, tag, name) for code, tag, _, name in found] == [
            ("en", "en", "English"),
            ("de", "de", "Deutsch"),
            ("es", "es", "Español"),
            ("pt", "pt-BR", "Português"),
            ("zh", "zh-Hans", "中文"),
        ]
        assert [code for code, _, is_chosen, _ in found if is_chosen] == ["pt"]


@pytest.mark.parametrize("code", FOREIGN)
def test_scripts_find_their_texts_where_the_page_says_and_browsers_keep_them(
    client: TestClient[Litestar], code: str
) -> None:
    page = client.get("/", headers={"Accept-Language": code}).text
    address = re.findall(r'data-words="([^"]+)"', page)[0]

    answer = client.get(address)

    assert f'<link rel="modulepreload" href="{address}">' in page
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "max-age=31536000, immutable"
    assert len(answer.content) < WEIGHT
    texts = json.loads(answer.text.partition("texts = ")[2].removesuffix(";\n"))
    assert texts["Needs you"] == (catalogue(code) or Catalogue(languages()[code], "")).gettext("Needs you")
    assert isinstance(texts["{n} turn"], list)
    assert "Skip to the page" not in texts, "it's a template's"


def test_no_other_address_has_texts(client: TestClient[Litestar]) -> None:
    found = catalogue("de")
    assert found is not None
    version = found.address.split("/")[2]

    for path in ("/words/0/de.js", f"/words/{version}/es.js", f"/words/{version}/de", f"/words/{version}/..%2fde.js"):
        assert client.get(path).status_code == 404
    assert client.get("/words/0/en.js").status_code == 404


def test_a_catalogue_gives_each_number_its_form_and_english_where_nothing_is_told() -> None:
    text = (FOLDER / "pt.po").read_text(encoding="utf-8").partition("\n\n")[0]
    entry = 'msgid "{n} hub"\nmsgid_plural "{n} hubs"\nmsgstr[0] "um"\nmsgstr[1] ""\n"vários"\n\nmsgid "New"\nmsgstr ""'
    found = Catalogue(languages()["pt"], f"{text}\n\n{entry}")

    assert [found.ngettext("{n} hub", "{n} hubs", n) for n in (0, 1, 2)] == ["um", "um", "vários"]
    assert [found.ngettext("{n} cat", "{n} cats", n) for n in (1, 2)] == ["{n} cat", "{n} cats"]
    assert found.gettext("New") == "New"
    assert b"(n > 1)" in found.script


def test_a_rule_for_plurals_that_isnt_one_runs_nowhere() -> None:
    text = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=1; plural=alert(1);\\n"'

    with pytest.raises(ValueError, match="plural"):
        Catalogue(languages()["de"], text)


async def test_a_choice_is_kept_for_its_person_and_goes_along_where_they_sign_in() -> None:
    world = await a_world()
    async with world.client() as client:
        kept = await client.put("/v1/people/me/preferences", json={"language": "zh"})
        wrong = await client.put("/v1/people/me/preferences", json={"language": "xx"})
    async with world.client("") as browser:
        answer = await browser.post("/v1/sign-in", json={"code": world.people.new_code()})

    assert kept.json()["language"] == "zh"
    assert (wrong.status_code, wrong.json()["field"]) == (400, "language")
    cookies = [cookie for name, cookie in answer.headers.multi_items() if name == "set-cookie"]
    assert [cookie for cookie in cookies if cookie.startswith("agenthost_language=zh; ")]
