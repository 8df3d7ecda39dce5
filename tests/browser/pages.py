"""What a person does and sees on the pages, in few words."""

from playwright.async_api import Locator, Page, expect

from tests.browser.running import Running, Tabs


async def sign_in(tabs: Tabs, hub: Running) -> Page:
    """Follow a fresh sign-in link and wait for the chat."""
    page = await tabs.open(hub.link)
    await page.wait_for_url(f"{hub.url}/")
    await expect(page.locator("#welcome, .said").first).to_be_visible()
    return page


async def enter(tabs: Tabs, hub: Running) -> object:
    """Be signed in without a page; return as whom."""
    asked = tabs.context.request
    told = await asked.post(f"{hub.url}/v1/sign-in", data={"code": hub.parts.people.new_code()})
    assert told.status == 204, await told.text()
    return await (await asked.get(f"{hub.url}/v1/whoami")).json()


async def say(page: Page, text: str, *, about: str | None = None) -> None:
    """Send a message, after choosing in the selector what it's about."""
    if about:
        await page.locator("#target").click()
        await page.get_by_role("menuitemradio", name=about).click()
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


def said(page: Page, text: str) -> Locator:
    """Return a person's message."""
    return page.locator(".said.user", has_text=text)


def answer(page: Page, text: str) -> Locator:
    """Return a finished answer."""
    return page.locator(".said.agent:not(.live)", has_text=text)


def writing(page: Page) -> Locator:
    """Return the answers that are being written."""
    return page.locator(".said.live")


async def fits(page: Page) -> bool:
    """Say whether a page needs no scrolling sideways; a phone's browser makes room for what's too wide, and shrinks."""
    assert page.viewport_size
    width = await page.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth)")
    return int(width) <= page.viewport_size["width"]
