"""The look page: an owner gives the site a name, a colour and a logo, and everybody sees it, signed in or not."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from hub.records import HOME
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, Running, Tabs, looking
from tests.browser.test_keys_page import NARROW

pytestmark = [pytest.mark.browser, LOOP]
WIDE = ViewportSize(width=1280, height=900)
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 24"><script>document.title = "got in"</script>'
    '<rect width="60" height="24" rx="5" fill="#7c2d12"/><circle cx="12" cy="12" r="6" fill="#fff"/></svg>'
)


async def opened(tabs: Tabs, hub: Running) -> Page:
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Look").click()
    await expect(page.locator(".shop")).to_have_count(2)
    return page


async def colour(page: Page, element: str, what: str) -> str:
    return str(await page.locator(element).first.evaluate(f"(element) => getComputedStyle(element).{what}"))


async def test_a_name_a_colour_and_a_logo_are_everywhere_from_then_on(
    chromium: Browser, hub: Running, tmp_path: Path
) -> None:
    (tmp_path / "logo.svg").write_text(LOGO, encoding="utf-8")
    async with looking(chromium) as tabs:
        page = await opened(tabs, hub)
        await page.get_by_label("Name").fill("Bea’s & Co")
        await page.locator("#accent").fill("#7c2d12")
        await page.get_by_label("Logo").set_input_files(tmp_path / "logo.svg")
        await expect(page.locator(".shop.lit .mark-of")).to_have_text("Bea’s & Co")
        assert await colour(page, ".shop.lit .press", "backgroundColor") == "rgb(124, 45, 18)"
        shade = await page.locator("#accent-dark").get_attribute("placeholder")
        await page.get_by_role("button", name="Use it").click()
        await expect(page.locator("#said")).to_have_text("Your pages look so from now on.")
        await expect(page.locator(".brand")).to_have_text("Bea’s & Co")
        assert (await hub.parts.business.brands.of(HOME)).accent_dark == shade
        await page.get_by_role("link", name="Tasks").click()
        await expect(page).to_have_title("Tasks · Bea’s & Co")
        assert await page.locator(".brand img").evaluate("(picture) => picture.naturalWidth > 0")
    async with looking(chromium) as tabs:
        page = await tabs.open(f"{hub.url}/sign-in")
        await expect(page.get_by_role("heading", name="Sign in to Bea’s & Co")).to_be_visible()
        assert await colour(page, "button.primary", "backgroundColor") == "rgb(124, 45, 18)"
        assert "agenthost" not in (await page.locator("body").inner_text()).lower()
        assert await faults_of(page) == []


async def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can(tabs: Tabs, hub: Running) -> None:
    page = await opened(tabs, hub)
    await page.locator("#accent").fill("#ffe600")
    await page.get_by_role("button", name="Use it").click()

    await expect(page.locator("#fault")).to_contain_text("take #7a6e00")
    assert await hub.parts.store.brand(HOME) is None
    tabs.expect_faults("400")


async def test_it_is_forgotten_by_who_is_sure(tabs: Tabs, hub: Running) -> None:
    page = await opened(tabs, hub)
    await page.get_by_label("Name").fill("Bea’s")
    await page.get_by_role("button", name="Use it").click()
    await expect(page.locator(".brand")).to_have_text("Bea’s")
    await page.get_by_role("button", name="Back to how the hub looks").click()
    await page.get_by_role("button", name="Really?").click()

    await expect(page.locator(".brand")).to_have_text("AgentHost")
    assert await hub.parts.store.brand(HOME) is None


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("accent", ["#7a6e00", "#111111"])
async def test_axe_finds_nothing_that_keeps_anybody_out_in_any_colour_that_is_taken(
    chromium: Browser, hub: Running, accent: str, *, dark: bool
) -> None:
    async with looking(chromium, dark=dark, viewport=WIDE) as tabs:
        page = await opened(tabs, hub)
        await page.locator("#accent").fill(accent)
        await page.get_by_role("button", name="Use it").click()
        await expect(page.locator("#said")).not_to_be_empty()

        assert await faults_of(page) == []


async def test_it_fits_a_narrow_phone(chromium: Browser, hub: Running) -> None:
    async with looking(chromium, viewport=NARROW, touch=True) as tabs:
        page = await opened(tabs, hub)
        await page.get_by_label("Name").fill("A name that’s as long as names may be here")

        assert await fits(page)
