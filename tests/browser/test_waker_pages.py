"""The waker's own pages: its hubs and their costs, and what a browser sees of a hub that sleeps."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.pages import fits
from tests.browser.running import LOOP, OWNER_KEY, PHONE, Running, Tabs, looking
from tests.waker.fronted import WAKER_KEY, Fronted, fronted, served

pytestmark = [pytest.mark.browser, LOOP]


async def ran(front: Fronted) -> None:
    """Have the hub run for an hour, an hour ago."""
    now = front.sleeper.clock.now().timestamp()
    run = await front.power.ledger.began(now - 7200, 0.9)
    await front.power.ledger.ready(run, now - 7198)
    await front.power.ledger.ended(now - 3600, "<b>it was silent</b>")


async def test_its_key_opens_the_page_that_shows_states_wake_times_and_costs(tabs: Tabs, tmp_path: Path) -> None:
    async with fronted(tmp_path, money_per_month=5.0) as front, served(front.front) as url:
        await ran(front)
        page = await tabs.open(f"{url}/waker/")
        await expect(page.get_by_role("heading", name="Sign in to the waker")).to_be_visible()
        await page.get_by_label("The waker’s key").fill("not the key")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("That isn’t the waker’s key")).to_be_visible()
        await page.get_by_label("The waker’s key").fill(WAKER_KEY)
        await page.keyboard.press("Enter")

        hub = page.get_by_role("region", name="hub")
        await expect(hub).to_contain_text("asleep")
        await expect(hub).to_contain_text("0.90 of 5.00")
        await expect(hub.get_by_role("row").nth(1)).to_contain_text("1 h 0 min")
        await expect(hub.get_by_role("row").nth(1)).to_contain_text("<b>it was silent</b>")
        await front.be("ready")
        await expect(hub).to_contain_text("up")
        [cookie] = await page.context.cookies(url + "/waker/")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/waker/")
        assert WAKER_KEY not in cookie["value"]

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in to the waker")).to_be_visible()
    tabs.expect_faults("401")


async def test_it_fits_a_phone_and_goes_dark(chromium: Browser, tmp_path: Path) -> None:
    async with (
        fronted(tmp_path) as front,
        served(front.front) as url,
        looking(chromium, viewport=PHONE, dark=True, touch=True) as tabs,
    ):
        await ran(front)
        page = await tabs.open(f"{url}/waker/")
        assert await fits(page)
        await page.get_by_label("The waker’s key").fill(WAKER_KEY)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="hub")).to_be_visible()
        assert await fits(page)
        ground = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert ground == "rgb(23, 22, 20)"
        tabs.expect_faults("401")


async def test_a_stranger_is_asked_for_a_key_and_with_a_good_one_wakes_it_and_is_signed_in(
    hub: Running, tabs: Tabs, tmp_path: Path
) -> None:
    async with fronted(tmp_path, url=hub.url) as front, served(front.front) as url:
        await front.known(OWNER_KEY)
        page = await tabs.open(url)
        await expect(page.get_by_role("heading", name="The hub is asleep")).to_be_visible()
        await page.locator("#code").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The hub doesn’t know this key")).to_be_visible()
        assert not front.wanted
        await page.locator("#code").fill(OWNER_KEY)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Waking the hub …")).to_be_visible()
        async with asyncio.timeout(10):
            await front.power._wanted.wait()
        await front.be("ready")
        await expect(page.locator("#welcome, .said").first).to_be_visible()
        await page.close()
    tabs.expect_faults("401")


async def test_who_has_a_session_sees_that_it_is_being_woken_and_then_their_page(
    hub: Running, tabs: Tabs, tmp_path: Path
) -> None:
    async with fronted(tmp_path, url=hub.url) as front, served(front.front) as url:
        await front.be("ready")
        page = await tabs.open(hub.link.replace(hub.url, url))
        await page.wait_for_url(f"{url}/")
        [session] = [cookie for cookie in await page.context.cookies() if cookie["name"] == "agenthost_session"]
        await front.known(session["value"])
        await front.be("stopped")
        await page.goto(f"{url}/tasks")
        await expect(page.get_by_role("heading", name="The hub is waking …")).to_be_visible()
        assert front.wanted
        await front.be("ready")
        await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        await front.be("failed")
        front.power.detail = "no <i>money</i>"
        await page.goto(f"{url}/tasks")
        await expect(page.get_by_text("It could not be started (no <i>money</i>)")).to_be_visible()
        await page.close()
    tabs.expect_faults("503", "ERR_", "Failed", "events")
