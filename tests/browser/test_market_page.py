"""The page that finds packages in registries: one is looked at, given its rights, installed, and looked after."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from hub.clock import SystemClock
from hub.config import LimitsConfig
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking, serving
from tests.unit.packages.shelving import StandIn
from tests.unit.packages.zipping import DATA, a_plugin

pytestmark = [pytest.mark.browser, LOOP]


@dataclass
class Shop:
    """A hub, and the registry that it installs from."""

    hub: Running
    registry: StandIn


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    registry = StandIn(clock=SystemClock())
    registry.publish("ann/echo", "1.0.0", a_plugin())
    registry.publish("ann/echo", "1.1.0", a_plugin(version="1.1.0", more=DATA), ["fs:data"])
    registry.publish("bob/sing", "1.0.0", a_plugin("sing"))
    async with serving(
        limits=LimitsConfig(ask_below=0.0), packages=tmp_path / "packages", registry=registry
    ) as running:
        yield Shop(running, registry)


async def opened(tabs: Tabs, shop: Shop) -> Page:
    page = await sign_in(tabs, shop.hub)
    await page.get_by_role("link", name="Packages").click()
    await page.get_by_role("link", name="Find one in your registries").click()
    await expect(page.get_by_role("heading", name="Find packages")).to_be_visible()
    await expect(page.locator("#offers > li")).to_have_count(2)
    return page


def offer(page: Page, name: str) -> Locator:
    return page.locator("#offers > li", has=page.locator("summary b", has_text=name))


async def unfold(page: Page, name: str) -> Locator:
    found = offer(page, name)
    await found.locator("summary").first.click()
    await expect(found.locator("form")).to_be_visible()
    return found


async def test_a_package_is_found_looked_at_granted_and_used(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    await page.get_by_label("What it’s for, or its name").fill("echo")
    await page.keyboard.press("Enter")
    await expect(page.locator("#offers > li")).to_have_count(1)
    echo = await unfold(page, "ann/echo")
    await expect(echo).to_contain_text("★ 4.3 (4)")
    await expect(echo).to_contain_text("It’s the first package of this publisher’s here")
    await expect(echo).to_contain_text(shop.registry.signer("ann").id)
    install = echo.get_by_role("button", name="Grant this, and install")
    await expect(install).to_be_disabled()

    await echo.get_by_role("checkbox", name="Keep small documents of its own about each person").check()
    await install.click()

    await expect(echo.get_by_text("It’s here.")).to_be_visible()
    assert "echo" in [tool.name for tool in shop.hub.parts.toolbox.all()]
    await echo.get_by_role("link", name="echo 1.1.0 is in use").click()
    card = page.locator("#p-echo")
    await expect(card.get_by_text("In use")).to_be_visible()
    await expect(card).to_contain_text(f"Signed{shop.registry.signer('ann').id} by ann, at {shop.registry.url}")


async def test_its_own_words_are_shown_without_their_scripts(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    echo = await unfold(page, "ann/echo")
    await echo.get_by_text("Its own words").click()

    await expect(echo.get_by_role("heading", name="Hi")).to_be_visible()
    await expect(echo.locator(".body")).to_contain_text("<script>alert(1)</script>")
    await echo.get_by_text("Versions (2)").click()
    await expect(echo).to_contain_text("asks besides for fs:data")
    await echo.get_by_text("What others think").click()
    await expect(echo).to_contain_text("Good.")


async def test_it_can_be_installed_switched_off_to_be_looked_at_first(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    sing = await unfold(page, "bob/sing")
    await sing.get_by_role("button", name="Install, switched off").click()

    await expect(sing.get_by_role("link", name="sing 1.0.0 is here, and off until you say so")).to_be_visible()
    assert "sing" not in [tool.name for tool in shop.hub.parts.toolbox.all()]


async def test_a_signature_that_is_not_good_is_told_and_nothing_can_be_installed(shop: Shop, tabs: Tabs) -> None:
    assert shop.hub.parts.installer
    registries = shop.hub.parts.installer.registries
    assert registries
    await registries.publishers.trust("ann", "0" * 16)
    page = await opened(tabs, shop)
    echo = await unfold(page, "ann/echo")

    await expect(echo).to_contain_text("It can’t be installed: the signature isn’t good.")
    await expect(echo).to_contain_text("agenthost packages trust ann")
    await expect(echo.get_by_role("button", name="Install, switched off")).to_be_disabled()


async def test_what_goes_wrong_between_is_told_and_can_be_tried_again(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    sing = await unfold(page, "bob/sing")
    kept = shop.registry.packages["bob/sing"]["1.0.0"]
    good, kept.statement = kept.statement, b"{}"
    await sing.get_by_role("button", name="Install", exact=True).click()

    await expect(page.locator("#comings .fault")).to_contain_text("the statement is no DSSE envelope")
    await expect(sing).to_contain_text("It didn’t come in")
    kept.statement = good
    await sing.get_by_role("button", name="Install", exact=True).click()
    await expect(sing.get_by_role("link", name="sing 1.0.0 is in use")).to_be_visible()


async def test_a_registry_that_is_away_is_told(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    shop.registry.url = "https://elsewhere.example.org"
    await page.get_by_label("What it’s for, or its name").fill("none")
    await page.keyboard.press("Enter")

    await expect(page.locator("#find-fault")).to_contain_text("nobody answers there")


async def test_what_was_taken_away_is_off_and_says_so(shop: Shop, tabs: Tabs) -> None:
    page = await opened(tabs, shop)
    sing = await unfold(page, "bob/sing")
    await sing.get_by_role("button", name="Install", exact=True).click()
    await sing.get_by_role("link", name="sing 1.0.0 is in use").click()
    await expect(page.locator("#p-sing").get_by_text("In use")).to_be_visible()

    shop.registry.publish("bob/sing", "1.2.0", a_plugin("sing", version="1.2.0"))
    shop.registry.revoke("bob/sing", "1.0.0", "It stole <b>keys</b>.")
    await page.get_by_role("button", name="Look for updates").click()

    card = page.locator("#p-sing")
    await expect(card.get_by_text("Taken away", exact=True)).to_be_visible()
    await expect(card).to_contain_text("Its registry took it away, so it can’t be used: It stole <b>keys</b>.")
    await card.get_by_role("button", name="Update to 1.2.0").click()
    await card.get_by_role("button", name="Really update?").click()
    await expect(card).to_contain_text("plugin · 1.2.0")


async def test_without_a_registry_the_page_says_how_to_name_one(tabs: Tabs, tmp_path: Path) -> None:
    async with serving(packages=tmp_path / "packages") as hub:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/packages/find")
        await expect(page.get_by_text("No registry is named under [[registries]]")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
async def test_a_phone_shows_it_without_scrolling_sideways(
    shop: Shop, chromium: Browser, *, dark: bool, tmp_path: Path
) -> None:
    async with looking(chromium, viewport={**PHONE, "width": 360}, touch=True, dark=dark) as tabs:
        page = await opened(tabs, shop)
        await unfold(page, "ann/echo")
        for part in ("Versions (2)", "What others think", "Its own words"):
            await page.get_by_text(part).click()

        assert await fits(page)
        await asyncio.sleep(0)
        await page.set_viewport_size({"width": 360, "height": 1800})
        await page.screenshot(path=tmp_path / f"market-{dark}.png", full_page=True)
