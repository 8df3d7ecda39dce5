"""The people page: letting strangers in, and linking accounts of one's own."""

import pytest
from playwright.async_api import expect

from hub.ports import Add, BridgeInfo
from hub.records import HOME, OWNER, Address, Link
from hub.testing import NOON, FakeBridge, hello
from tests.browser.pages import sign_in
from tests.browser.running import LOOP, Running, Tabs, serving

pytestmark = [pytest.mark.browser, LOOP]


def bridges() -> list[FakeBridge]:
    telegram, xmpp = FakeBridge("telegram"), FakeBridge("xmpp")
    telegram.info = BridgeInfo(
        name="telegram", kind="telegram", account="@hub_bot", invite="https://t.me/hub_bot?start={code}"
    )
    xmpp.info = BridgeInfo(name="xmpp", kind="xmpp", account="hub@example.org")
    return [telegram, xmpp]


async def knocks(hub: Running, name: str, sender: str) -> None:
    """Have a stranger write to the hub."""
    here = Address(bridge="telegram", chat=sender)
    assert await hub.parts.pairings.knock(hello("hi", address=here, sender=sender, name=name))


async def test_a_stranger_is_let_in_and_another_refused(tabs: Tabs) -> None:
    async with serving(bridges=bridges()) as hub:
        await knocks(hub, "Bea Bold", "4711")
        await knocks(hub, "<b>Mallory</b>", "4712")
        page = await sign_in(tabs, hub)
        await expect(page.locator("#ask-count")).to_have_text("2")
        await page.get_by_role("link", name="People").click()
        await page.get_by_role("button", name="Let in: Bea Bold", exact=True).click()
        await expect(page.locator("#everybody")).to_contain_text("Bea Bold")
        await page.get_by_role("button", name="Refuse: <b>Mallory</b>").click()

        await expect(page.locator("#nobody")).to_be_visible()
        await expect(page.locator("#everybody")).not_to_contain_text("Mallory")
        assert [person.name for person in await hub.parts.store.people(HOME)] == ["Owner", "Bea Bold"]


async def test_linking_shows_a_code_and_for_each_platform_a_link_and_a_picture(tabs: Tabs) -> None:
    async with serving(bridges=bridges()) as hub:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/people")
        await page.get_by_role("button", name="Link an account").click()
        telegram = page.locator(".way", has_text="Telegram")

        code = await page.locator("#linking code").first.inner_text()
        await expect(telegram.get_by_role("link")).to_have_attribute("href", f"https://t.me/hub_bot?start={code}")
        picture = telegram.get_by_role("img")
        assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
        await expect(page.locator(".way", has_text="XMPP")).to_contain_text("hub@example.org")


async def test_an_account_is_unlinked_only_if_one_is_sure(tabs: Tabs) -> None:
    async with serving(bridges=bridges()) as hub:
        await hub.parts.store.commit(
            Add(Link(tenant=HOME, bridge="telegram", sender="4711", person=OWNER, created_at=NOON))
        )
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/people")
        button = page.get_by_role("button", name="Unlink 4711")
        await button.click()
        await expect(page.locator("#mine")).to_contain_text("4711")
        await button.click()

        await expect(page.locator("#alone")).to_be_visible()
