"""The packages page: one is put in, looked at, given its rights, used, updated, brought back and taken out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FileChooser, FilePayload, Locator, Page, expect

from hub.config import LimitsConfig
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking, serving
from tests.unit.packages.zipping import DATA, a_plugin, an_agent

pytestmark = [pytest.mark.browser, LOOP]

HOSTILE = """[permissions]
fs = "data"
schedule = true
net = ["api.example.org", "very-long-name-of-a-host.example.org:8443"]
"""


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[Running]:
    """A hub that installs packages."""
    async with serving(limits=LimitsConfig(ask_below=0.0), packages=tmp_path / "packages") as running:
        yield running


def zipfile(data: bytes, name: str = "echo.zip") -> FilePayload:
    return {"name": name, "mimeType": "application/zip", "buffer": data}


async def opened(tabs: Tabs, hub: Running) -> Page:
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Packages").click()
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    return page


async def put_in(page: Page, *files: FilePayload) -> None:
    await page.locator("#zip").set_input_files(list(files))


def card(page: Page, name: str) -> Locator:
    return page.locator(f"#p-{name}")


def tools(hub: Running) -> list[str]:
    return [tool.name for tool in hub.parts.toolbox.all()]


async def test_a_plugin_is_off_until_it_was_looked_at_and_given_what_it_asks_for(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(a_plugin(more=DATA)))
    echo = card(page, "echo")

    await expect(echo.get_by_text("Off", exact=True)).to_be_visible()
    await expect(echo).to_contain_text("It's code, and runs in a sandbox.")
    await expect(echo).to_contain_text("uploaded: echo.zip")
    enable = echo.get_by_role("button", name="Enable")
    await expect(enable).to_be_disabled()
    assert "echo" not in tools(shop)

    await echo.get_by_role("checkbox", name="Keep small documents of its own about each person").check()
    await enable.click()

    await expect(echo.get_by_text("In use")).to_be_visible()
    assert "echo" in tools(shop)


async def test_what_asks_for_nothing_waits_to_be_looked_at_all_the_same(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(an_agent(), "cook.zip"))
    cook = card(page, "cook")

    await expect(cook).to_contain_text("It has no code.")
    await expect(cook).to_contain_text("Would use")
    assert "cook" not in shop.parts.agents
    await cook.get_by_role("button", name="Enable").click()
    await expect(cook.get_by_text("In use")).to_be_visible()
    assert "cook" in shop.parts.agents


async def test_a_permission_taken_back_switches_it_off(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(a_plugin(more=DATA)))
    echo = card(page, "echo")
    await echo.get_by_role("checkbox").check()
    await echo.get_by_role("button", name="Enable").click()
    await expect(echo.get_by_text("In use")).to_be_visible()

    await echo.get_by_role("checkbox").uncheck()
    await expect(echo).to_contain_text("Without all of it it’s switched off.")
    await echo.get_by_role("button", name="Save permissions").click()

    await expect(echo.get_by_text("Off", exact=True)).to_be_visible()
    assert "echo" not in tools(shop)


async def test_a_bad_archive_is_told_as_the_hub_told_it_and_nothing_is_installed(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(b"<b>no zip</b>", "<img src=x>.zip"))

    told = page.locator("#comings .fault")
    await expect(told).to_contain_text("archive: doesn't begin as a zip file")
    await expect(page.locator("#comings")).to_contain_text("<img src=x>.zip")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(told).to_have_count(0)
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    tabs.expect_faults("422")


async def test_it_is_updated_rolled_back_and_removed_and_each_is_asked_twice(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(a_plugin(more=DATA)))
    echo = card(page, "echo")
    await echo.get_by_role("checkbox").check()
    await echo.get_by_role("button", name="Enable").click()
    await expect(echo.get_by_text("In use")).to_be_visible()

    await put_in(page, zipfile(a_plugin(version="2.0.0", more=DATA)))
    await expect(echo).to_contain_text("2.0.0 waits")
    await expect(echo).to_contain_text("Until then 1.0.0 goes on.")
    await expect(echo.get_by_text("In use")).to_be_visible()
    await expect(echo.get_by_role("checkbox"), "it was granted that before").to_be_checked()
    await echo.get_by_role("button", name="Use 2.0.0").click()
    await expect(echo).to_contain_text("plugin · 2.0.0")

    back = echo.get_by_role("button", name="Roll back to 1.0.0")
    await back.click()
    await expect(echo).to_contain_text("plugin · 2.0.0")
    await echo.get_by_role("button", name="Really roll back?").click()
    await expect(echo).to_contain_text("plugin · 1.0.0")

    await echo.get_by_role("button", name="Remove").click()
    await echo.get_by_role("button", name="Really remove?").click()
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert "echo" not in tools(shop)


async def test_it_is_fetched_from_an_address_and_updated_from_there(tabs: Tabs, tmp_path: Path) -> None:
    where, outside = "https://example.org/echo.zip", {"https://example.org/echo.zip": a_plugin()}
    async with serving(packages=tmp_path / "packages", outside=outside) as hub:
        page = await opened(tabs, hub)
        await page.get_by_label("An address, or a name in a registry").fill(where)
        await page.keyboard.press("Enter")
        echo = card(page, "echo")

        await expect(echo.get_by_text("Off", exact=True)).to_be_visible()
        await expect(echo).to_contain_text(f"From{where}")
        await echo.get_by_role("button", name="Enable").click()
        await expect(echo.get_by_text("In use")).to_be_visible()
        await echo.get_by_role("button", name="Update").click()
        await echo.get_by_role("button", name="Really update?").click()
        await expect(page.locator("#comings li")).to_have_count(0)
        await expect(echo.get_by_text("In use")).to_be_visible()


async def test_what_cannot_be_fetched_is_told_and_can_be_mended(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    source = page.get_by_label("An address, or a name in a registry")
    for wrong, words in (
        ("http://example.org/echo.zip", "only https://"),
        ("https://example.org/none.zip", "nobody answers there"),
    ):
        await source.fill(wrong)
        await page.keyboard.press("Enter")
        await expect(page.locator("#comings .fault").last).to_contain_text(words)
        await expect(source).to_have_value(wrong)
    tabs.expect_faults("400")


async def test_what_the_hub_says_against_a_wish_stands_on_the_sheet(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await put_in(page, zipfile(a_plugin("one", tool="same"), "one.zip"))
    await expect(card(page, "one")).to_be_visible()
    await put_in(page, zipfile(a_plugin("two", tool="same"), "two.zip"))
    await card(page, "two").get_by_role("button", name="Enable").click()
    await expect(card(page, "two").get_by_text("In use")).to_be_visible()

    await card(page, "one").get_by_role("button", name="Enable").click()

    await expect(card(page, "one").get_by_role("alert")).to_contain_text("package two has a tool of that name")
    tabs.expect_faults("422")


async def test_it_all_works_by_the_keyboard(shop: Running, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    # Told apart from the press: Chromium learns only a moment later that it's to ask us and not to open a window.
    chosen: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", lambda chooser: chosen.put_nowait(chooser))  # noqa: PLW0108 - a bound method isn't taken
    await page.locator("#choose").focus()
    await expect(page.locator("#choose")).to_be_focused()
    await page.keyboard.press("Enter")
    await (await chosen.get()).set_files([zipfile(a_plugin(more=DATA))])
    await expect(card(page, "echo").locator("summary")).to_be_focused()

    await page.keyboard.press("Tab")
    await expect(card(page, "echo").get_by_role("checkbox")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(card(page, "echo").get_by_text("In use")).to_be_visible()
    await expect(card(page, "echo").get_by_role("button", name="Disable")).to_be_focused()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 390])
async def test_a_phone_shows_a_long_sheet_without_scrolling_sideways(
    shop: Running, chromium: Browser, width: int, *, dark: bool, tmp_path: Path
) -> None:
    async with looking(chromium, viewport={**PHONE, "width": width}, touch=True, dark=dark) as tabs:
        page = await opened(tabs, shop)
        await put_in(
            page,
            zipfile(a_plugin("a-name-as-long-as-it-may-be-" + "x" * 30, more=HOSTILE, tool="long"), "x" * 90 + ".zip"),
        )
        await expect(page.get_by_role("checkbox")).to_have_count(4)

        assert await fits(page)
        await page.set_viewport_size({"width": width, "height": 1500})
        await page.screenshot(path=tmp_path / f"packages-{width}-{dark}.png", full_page=True)
