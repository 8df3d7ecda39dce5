"""The pages in other languages: all of it is translated, fits on a phone, and keeps nobody out."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from playwright.async_api import Browser, Page, ViewportSize, expect

from hub.config import LimitsConfig
from hub.web.languages import FOLDER
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, Running, looking, serving

pytestmark = [pytest.mark.browser, LOOP]

LOCALES = {"de": "de-DE", "es": "es-ES", "pt": "pt-BR", "zh": "zh-CN"}
TAGS = {"de": "de", "es": "es", "pt": "pt-BR", "zh": "zh-Hans"}
PAGES = (
    *("/", "/tasks", "/tasks/1", "/people", "/desk", "/packages", "/packages/find", "/webhooks", "/status"),
    *("/account", "/sign-in", "/invitation"),
)
NARROW = ViewportSize(width=360, height=740)
SEEN = """() => [
    document.title.split(" · ")[0],
    ...document.body.innerText.split("\\n"),
    ...[...document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")].flatMap((each) =>
        ["title", "aria-label", "placeholder", "alt"].map((name) => each.getAttribute(name))),
].filter(Boolean).map((text) => text.trim())"""


def translations(code: str) -> Mapping[str, str]:
    """Return each English text without places in it that's another one in a language."""
    catalog = read_po(io.BytesIO((FOLDER / f"{code}.po").read_bytes()))
    alone = [(each.id, each.string) for each in catalog if isinstance(each.id, str) and isinstance(each.string, str)]
    return {text: told for text, told in alone if text and "{" not in text and "%" not in text and told != text}


async def settled(page: Page) -> None:
    """Wait until the page has shown what it asks the hub for."""
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(700)


@pytest.mark.parametrize("code", LOCALES)
async def test_no_english_is_left_and_nothing_is_cut_off(chromium: Browser, code: str, tmp_path: Path) -> None:
    texts = translations(code)
    folder = Path(os.environ.get("AGENTHOST_LOOK", tmp_path))
    async with (
        serving(limits=LimitsConfig(ask_below=0.0), packages=tmp_path / "packages") as hub,
        looking(chromium, viewport=NARROW, locale=LOCALES[code]) as tabs,
    ):
        page = await sign_in(tabs, hub)
        await page.locator("#text").fill("What now?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".said.user")).to_have_count(1)
        for path in PAGES:
            await page.goto(hub.url + path)
            await settled(page)
            for box in await page.locator("details > summary").all():
                if await box.is_visible():
                    await box.click()

            assert await page.locator("html").get_attribute("lang") == TAGS[code], path
            seen = set(await page.evaluate(SEEN))
            assert {text for text in seen if text in texts and text not in texts.values()} == set(), path
            assert seen & set(texts.values()), path
            await page.screenshot(path=folder / f"{code}{path.replace('/', '-')}.png", full_page=True)
            assert await fits(page), path


@pytest.mark.parametrize("code", ["de", "zh"])
async def test_the_translated_pages_keep_nobody_out(hub: Running, chromium: Browser, code: str) -> None:
    async with looking(chromium, locale=LOCALES[code]) as tabs:
        page = await sign_in(tabs, hub)
        for path in ("/", "/tasks", "/account", "/sign-in"):
            await page.goto(hub.url + path)
            await settled(page)
            assert await faults_of(page) == [], path


async def test_a_language_is_picked_on_the_way_in_and_kept_for_the_person(hub: Running, chromium: Browser) -> None:
    async with looking(chromium) as tabs:
        page = await tabs.open(f"{hub.url}/sign-in")
        await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

        await page.get_by_label("Language").select_option(label="Español")
        await expect(page.get_by_role("button", name="Entrar", exact=True)).to_be_visible()
        assert await page.locator("html").get_attribute("lang") == "es"

        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/account")
        await page.get_by_role("combobox", name="Idioma").select_option(label="Deutsch")
        await expect(page.get_by_role("heading", name="Dein Konto")).to_be_visible()
        await expect(page.locator("#sessions")).to_contain_text("angemeldet")

    async with looking(chromium) as elsewhere:
        page = await sign_in(elsewhere, hub)
        await expect(page.get_by_role("button", name="Senden")).to_be_visible()


async def test_numbers_and_times_are_written_as_the_pages_language_does(hub: Running, chromium: Browser) -> None:
    async with looking(chromium, locale="de-DE") as tabs:
        page = await sign_in(tabs, hub)
        await page.locator("#text").fill("What now?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".said.user")).to_have_count(1)
        written = await page.evaluate("""async () => {
            const { n, number, when } = await import(document.querySelector('[href$="/words.js"]').href);
            return [n("{n} turn", "{n} turns", 1), n("{n} turn", "{n} turns", 1234), number(1234.5, 1),
                    when("2026-03-01T12:00:00Z", { dateStyle: "medium", timeZone: "UTC" })];
        }""")

    assert written == ["1 Durchgang", "1.234 Durchgänge", "1.234,5", "01.03.2026"]
