"""The web chat, as a person with a browser meets it."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Running, Tabs, looking, serving

pytestmark = pytest.mark.browser


async def sign_in(tabs: Tabs, hub: Running) -> Page:
    page = await tabs.open(hub.link)
    await page.wait_for_url(f"{hub.url}/")
    await expect(page.locator("#welcome, .said").first).to_be_visible()
    return page


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


def answers(page: Page) -> object:
    return page.locator(".said.agent:not(.live)")


async def test_a_link_signs_in_and_leaves_no_code_behind(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)

    assert page.url == f"{hub.url}/"
    await page.go_back()
    assert "#" not in page.url
