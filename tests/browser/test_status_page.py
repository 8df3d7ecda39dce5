"""The status page: what's wrong, with its way out, and how the parts are."""

import pytest
from playwright.async_api import expect

from hub.ports import BridgeInfo
from hub.testing import FakeBridge
from tests.browser.pages import sign_in
from tests.browser.running import LOOP, Tabs, serving

pytestmark = [pytest.mark.browser, LOOP]


async def test_what_is_wrong_is_counted_on_every_page_and_told_with_its_way_out(tabs: Tabs) -> None:
    bridge = FakeBridge("telegram")
    bridge.info = BridgeInfo(name="telegram", kind="telegram", state="refused", detail="wrong token <b>x</b>")
    async with serving(bridges=[bridge]) as hub:
        page = await sign_in(tabs, hub)
        await expect(page.locator("#alert-count")).to_have_text("1")
        await page.get_by_role("link", name="Status").click()

        await expect(page.locator("#alerts")).to_contain_text("The bridge telegram is refused: wrong token <b>x</b>.")
        await expect(page.locator("#alerts")).to_contain_text("Mend the account telegram")
        await expect(page.locator("#facts")).to_contain_text("Bridge telegram")


async def test_where_nothing_is_wrong_it_says_so(tabs: Tabs) -> None:
    async with serving() as hub:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/status")

        await expect(page.locator("#well")).to_be_visible()
        await expect(page.locator("#alert-count")).to_be_hidden()
