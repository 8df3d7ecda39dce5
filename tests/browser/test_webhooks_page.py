"""The webhooks page: who is told, what went to them, and which systems write."""

import json
import re
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from hub.business import Outside
from hub.ports import Fetched
from hub.records import HOME, OWNER, Address
from hub.testing import FakeEgress
from hub.vault import Vault
from tests.browser.axe import faults_of
from tests.browser.pages import fits, say, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking, serving

pytestmark = [pytest.mark.browser, LOOP]

URL = "https://example.org/hook"


@dataclass
class Receiver(FakeEgress):
    """A receiver that answers as the test says."""

    status: int = 204
    got: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def _answer(self, url: str) -> Fetched:
        self.got.append(json.loads(self.asked[-1][3] or b"null"))
        return Fetched(url=url, status=self.status, headers={}, body=b"<b>words</b> of the receiver")


async def opened(tabs: Tabs, hub: Running) -> Page:
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Webhooks").click()
    await expect(page.locator("#no-hooks, #hooks li").first).to_be_visible()
    return page


async def make(page: Page) -> str:
    """Make a webhook and return its secret."""
    await page.get_by_text("Tell an address").click()
    await page.get_by_label("Address").fill(URL)
    await page.get_by_label("What it’s for").fill("<i>Our</i> shop")
    await page.get_by_label("with what was said").check()
    await page.locator("#new-hook").get_by_role("button", name="Make it").click()
    return await page.locator("#shown-hook code").inner_text()


async def test_a_webhook_is_made_its_secret_shown_once_and_what_went_out_is_seen(tabs: Tabs) -> None:
    receiver = Receiver()
    async with serving(way_out=Outside(receiver, Vault(b"v" * 32))) as hub:
        page = await opened(tabs, hub)
        secret = await make(page)
        assert secret.startswith("whsec_")
        await page.get_by_role("button", name="I’ve kept it").click()
        await expect(page.locator("#hooks")).to_contain_text("<i>Our</i> shop")
        assert secret not in await page.content()
        await page.locator("#hooks summary").click()
        await expect(page.locator("#hooks")).to_contain_text("Nothing was sent yet.")
        await page.get_by_role("button", name="Send a test").click()

        await expect(page.locator("#toasts")).to_contain_text("It answered 204")
        await expect(page.locator(".deliveries li")).to_contain_text("webhook.test")
        await expect(page.locator(".deliveries .answer")).to_have_text("“<b>words</b> of the receiver”")


async def test_what_was_given_up_is_sent_again(tabs: Tabs) -> None:
    receiver = Receiver(status=410)
    async with serving(way_out=Outside(receiver, Vault(b"v" * 32))) as hub:
        page = await opened(tabs, hub)
        await make(page)
        await page.get_by_role("link", name="Chat").click()
        hub.llm.say("Hi!")
        await say(page, "hello")
        await expect(page.locator(".said.agent").first).to_be_visible()
        await page.get_by_role("link", name="Webhooks").click()
        await page.locator("#hooks summary").click()
        await expect(page.locator("#hooks")).to_contain_text("it wants nothing more")
        receiver.status = 200
        await page.get_by_role("button", name="Switch on").click()
        again = page.locator(".deliveries li", has_text="given up").get_by_role("button", name="Send again")
        await again.first.click()

        await expect(page.locator(".deliveries .state.delivered").first).to_be_visible()
        await expect(page.locator("#hooks .state.on")).to_have_text("On")


async def test_a_webhook_is_removed_only_if_one_is_sure(tabs: Tabs) -> None:
    async with serving(way_out=Outside(Receiver(), Vault(b"v" * 32))) as hub:
        page = await opened(tabs, hub)
        await make(page)
        await page.locator("#hooks summary").click()
        remove = page.locator("#hooks").get_by_role("button", name="Remove")
        await remove.click()
        assert len(await hub.parts.store.webhooks(HOME)) == 1
        await page.get_by_role("button", name="Really remove?").click()

        await expect(page.locator("#no-hooks")).to_be_visible()
        assert await hub.parts.store.webhooks(HOME) == ()


async def test_a_fault_stands_in_the_form(tabs: Tabs) -> None:
    async with serving(way_out=Outside(Receiver(), Vault(b"v" * 32))) as hub:
        page = await opened(tabs, hub)
        await page.get_by_text("Tell an address").click()
        await page.get_by_label("Address").fill("http://10.0.0.1/")
        await page.locator("#new-hook").get_by_role("button", name="Make it").click()

        await expect(page.locator("#hook-fault")).to_contain_text("only https")
        tabs.expect_faults("400")


async def test_a_system_is_let_write_and_what_it_posts_is_a_message(tabs: Tabs) -> None:
    async with serving() as hub:
        page = await opened(tabs, hub)
        await page.get_by_text("Let a system write").click()
        await page.get_by_label("Name").fill("shop")
        await page.get_by_label("Who posts").select_option("alertmanager")
        await expect(page.get_by_label("What the message says")).to_have_value(re.compile("commonLabels"))
        await page.get_by_label("What the message says").fill("Order {id}")
        await page.locator("#new-inlet").get_by_role("button", name="Make it").click()
        address = await page.locator("#shown-inlet code").inner_text()
        async with httpx.AsyncClient() as other:
            posted = await other.post(address, json={"id": 7})
        await expect(page.locator("#inlets")).to_contain_text("shop")
        await page.locator("#inlets summary").click()
        await page.locator("#inlets").get_by_role("button", name="Switch off").click()
        await expect(page.locator("#inlets .state.off")).to_be_visible()

        assert posted.status_code == 202
        chat = Address(bridge="http", chat=f"{OWNER}/main")
        [said] = [one for one in await hub.parts.store.messages_of_chat(HOME, chat, limit=9) if one.role == "user"]
        assert said.text == "[forwarded from shop]\nOrder 7"


async def test_it_fits_a_phone(chromium: Browser) -> None:
    way_out = Outside(Receiver(), Vault(b"v" * 32))
    async with serving(way_out=way_out) as hub, looking(chromium, viewport=PHONE, touch=True) as tabs:
        page = await tabs.open(hub.link)
        await page.wait_for_url(f"{hub.url}/")
        await page.goto(f"{hub.url}/webhooks")
        await make(page)
        await page.locator("#hooks summary").click()
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.locator(".deliveries li")).to_be_visible()

        assert await fits(page)


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_that_keeps_anybody_out(chromium: Browser, *, dark: bool) -> None:
    way_out = Outside(Receiver(status=500), Vault(b"v" * 32))
    async with serving(way_out=way_out) as hub, looking(chromium, dark=dark) as tabs:
        page = await opened(tabs, hub)
        await make(page)
        await page.locator("#hooks summary").click()
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.locator(".deliveries li")).to_be_visible()
        for form in await page.locator(".making summary").all():
            await form.click()

        assert await faults_of(page) == []
