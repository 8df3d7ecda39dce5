"""The documentation's pictures, each of a small shop's day, taken by `make pictures`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from hub.business import Outside
from hub.config import LimitsConfig
from hub.ports import Add, Fetched
from hub.records import HOME, PersonId
from hub.store.sql import SqlStore
from hub.testing import FakeEgress, a_person
from hub.vault import Vault
from tests.browser.pages import answer, say, sign_in
from tests.browser.pictures import Standing, picture
from tests.browser.running import DESKTOP, LOOP, OWNER_KEY, PHONE, Running, Tabs, serving
from tests.browser.shopping import shopping
from tests.unit.packages.zipping import zipped

pytestmark = [
    pytest.mark.browser,
    LOOP,
    pytest.mark.skipif("AGENTHOST_PICTURES" not in os.environ, reason="pictures are taken by `make pictures`"),
]

STALL = """Here’s a plan that leaves some air. The stall is **4 metres** wide, so one table and the shelf fit.

| When | What |
|---|---|
| this week | Order 300 paper bags, book the van |
| by 4 Dec | Pack the tins: 80 Darjeeling, 60 Assam, 40 herbal |
| 11 Dec | Load from 16:00, kettle and gas last |

Shall I remind you the evening before each?"""
LABEL = """Three lines for the new tin:

1. *First light, first leaf.*
2. Darjeeling, picked in March: bright, with a hint of muscat.
3. Two minutes at 90 °C; then once more."""
REMIND = "Done: I’ll remind you at **18:00** on 27 November, 3 and 10 December."
HELP = {
    "shop-help/agent.toml": 'name = "shop-help"\nversion = "1.2.0"\n'
    'description = "Answers customers: tea, pots, orders, returns."\ntools = ["clock", "ask_a_human"]\n',
    "shop-help/prompt.md": "You help the customers of a small tea shop.",
}
PARCELS = {
    "plugin.toml": """name = "parcels"
version = "0.4.1"
description = "Says where a parcel is, as its carrier knows it."
[permissions]
fs = "data"
net = ["api.parcels.example"]
[tools.parcel]
words = ["parcel"]
examples = [{ text = "Where is my parcel?", arguments = {} }]
others = ["Hello"]
""",
    "plugin.py": 'def parcel() -> str:\n    """Say where the last parcel is."""\n    return "on its way"\n',
}
DESK_DRAFT = "I’m sorry to hear that. Pots are fired by hand, so small marks are normal."
DEW = "The **glass teapot “Dew”**: its lid stays on while you pour. It’s €34, and with you on Thursday."


class Receivers(FakeEgress):
    """Whoever webhooks go to: they take everything."""

    def _answer(self, url: str) -> Fetched:
        return Fetched(url=url, status=204, headers={}, body=b"")


@asynccontextmanager
async def looks(
    chromium: Browser, clock: Standing, viewport: ViewportSize = DESKTOP, *, dark: bool = False
) -> AsyncIterator[Tabs]:
    """Give a browser whose time is the hub's, and whose screen is a fine one."""
    phone = viewport == PHONE
    context = await chromium.new_context(
        viewport=viewport,
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        device_scale_factor=2 if phone else 1.5,
    )
    await context.clock.set_fixed_time(clock.at)
    try:
        yield Tabs(context)
    finally:
        await context.close()


@asynccontextmanager
async def a_shops_hub(folder: Path, clock: Standing) -> AsyncIterator[Running]:
    """A hub with everything that a small shop has."""
    out = Outside(Receivers(), Vault(b"v" * 32))
    limits = LimitsConfig(ask_below=0.0)
    store = SqlStore.in_folder(folder)
    await store.open()
    try:
        async with serving(store=store, limits=limits, packages=folder / "packages", way_out=out, clock=clock) as hub:
            yield hub
    finally:
        await store.close()


async def turns_to(page: Page, hub: Running, path: str, clock: Standing) -> None:
    """Open a page at the hub's present time."""
    await page.context.clock.set_fixed_time(clock.at)
    await page.goto(f"{hub.url}{path}")


async def test_the_owners_pages_are_pictured(chromium: Browser, tmp_path: Path) -> None:
    clock = Standing()
    async with a_shops_hub(tmp_path, clock) as hub, looks(chromium, clock) as tabs:
        door = await tabs.open(f"{hub.url}/sign-in")
        await expect(door.get_by_label("E-mail")).to_be_visible()
        await picture(door, "sign-in")
        await door.close()

        page = await sign_in(tabs, hub)
        await plans_the_stall(page, hub, clock)
        await picture(page, "chat")
        async with looks(chromium, clock, PHONE, dark=True) as phones:
            pocket = await sign_in(phones, hub)
            await expect(answer(pocket, "18:00")).to_be_visible()
            await picture(pocket, "phone")
        await has_more_to_do(page, hub, clock)
        await turns_to(page, hub, "/tasks", clock)
        await expect(page.locator(".ticket")).to_have_count(6)
        await picture(page, "tasks")
        await puts_packages_in(page, hub, clock)
        await picture(page, "packages")
        await tells_others(page, hub, clock)
        await picture(page, "webhooks")
        await turns_to(page, hub, "/status", clock)
        await expect(page.locator("#facts li").nth(3)).to_be_visible()
        await picture(page, "status")
        hub.llm.go_on()


async def plans_the_stall(page: Page, hub: Running, clock: Standing) -> None:
    """Talk about two things, and come back to the first."""
    hub.llm.say(STALL, LABEL, REMIND)
    for words, about, comes in (
        ("Plan our stall at the Christmas market on 12 December", "New task", "some air"),
        ("A line for the label of the new Darjeeling", "New task", "First light"),
        ("Yes, please remind me", "Plan our stall", "18:00"),
    ):
        await say(page, words, about=about)
        await expect(answer(page, comes)).to_be_visible()
        clock.later(2)
        await page.clock.set_fixed_time(clock.at)
    await page.locator("#target").click()
    await page.get_by_role("menuitemradio", name="Auto").click()


async def has_more_to_do(page: Page, hub: Running, clock: Standing) -> None:
    """Have tasks in several states."""
    clock.later(9)
    hub.llm.say("Everything adds up: 41 parcels, 2 came back.", "Which of the two printers? ‖ …", "I’m at page ‖ 3.")
    await page.clock.set_fixed_time(clock.at)
    await say(page, "Check last week’s parcels against the orders", about="New task")
    await expect(answer(page, "adds up")).to_be_visible()
    await say(page, "Reorder the thank-you cards", about="New task")
    await expect(page.locator(".said.live")).to_contain_text("Which of the two")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.locator(".said.live")).to_have_count(0)
    await say(page, "/schedule tomorrow 8:00 Tell me what’s low in stock")
    await expect(page.locator(".said.notice")).to_contain_text("due")
    await say(page, "Sum up the reviews of our pots", about="New task")
    await expect(page.locator(".said.live")).to_contain_text("I’m at page")


async def puts_packages_in(page: Page, hub: Running, clock: Standing) -> None:
    """Have one package in use, and one to be looked at."""
    clock.later(3)
    await turns_to(page, hub, "/packages", clock)
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    for name, data in (("shop-help", zipped(HELP)), ("parcels", zipped(PARCELS))):
        await page.locator("#zip").set_input_files(
            {"name": f"{name}.zip", "mimeType": "application/zip", "buffer": data}
        )
        await expect(page.locator(f"#p-{name}")).to_be_visible()
    shop_help = page.locator("#p-shop-help")
    await shop_help.get_by_role("button", name="Enable").click()
    await expect(shop_help.get_by_text("In use")).to_be_visible()
    await page.locator("#adding").evaluate("section => section.scrollIntoView()")


async def tells_others(page: Page, hub: Running, clock: Standing) -> None:
    """Have a webhook, and a system that writes."""
    hook = {"url": "https://shop.example/hub", "description": "The shop’s records"}
    more = {"url": "https://chat.example/hooks/tea", "description": "Our team’s channel"}
    await asked(hub, "POST", "/v1/webhooks", hook | {"events": ["message.answered", "task.state"]})
    await asked(hub, "POST", "/v1/webhooks", more | {"events": ["task.state"], "include": ["text"]})
    await asked(hub, "POST", "/v1/hooks/in", {"name": "Shop orders", "source": "generic"})
    await turns_to(page, hub, "/webhooks", clock)
    await expect(page.locator("#inlets li").first).to_be_visible()
    await page.locator("#hooks summary").first.click()
    await expect(page.locator("#hooks details[open]")).to_contain_text("message.answered")


async def asked(hub: Running, method: str, path: str, body: dict[str, object]) -> dict[str, str]:
    """Return what the API answers to the owner."""
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        answered = await client.request(method, path, json=body)
    assert answered.is_success, answered.text
    found: dict[str, str] = answered.json()
    return found


async def test_the_shop_and_the_desk_are_pictured(chromium: Browser, tmp_path: Path) -> None:
    clock = Standing()
    async with a_shops_hub(tmp_path, clock) as hub, looks(chromium, clock) as tabs, shopping() as shop:
        title = {"name": "Shop help", "title": "Kettle & Leaf", "greeting": "Hello! Ask us about tea and pots."}
        embed = await asked(
            hub, "POST", "/v1/embeds", title | {"origins": [shop.url], "visitors": True, "colour": "#7c2d12"}
        )
        shop.embed(hub.url, embed["script"])
        page = await tabs.open(shop.url)
        await page.get_by_role("button", name="Open the chat").click()
        hub.llm.say(DEW, "Then we send you another one, free of charge.", DESK_DRAFT)
        for words, comes in (("Which pot doesn’t drip?", "Dew"), ("And if it breaks on the way?", "free of charge")):
            await page.get_by_role("textbox", name="Write a message").fill(words)
            await page.keyboard.press("Enter")
            await expect(page.locator(".m.agent", has_text=comes)).to_be_visible()
        await picture(page, "widget")
        await works_at_the_desk(chromium, hub, page, clock)


async def works_at_the_desk(chromium: Browser, hub: Running, page: Page, clock: Standing) -> None:
    """Somebody else waits, and the one on the shop's page is answered."""
    for id, name, role in (("lea", "Lea Brandt", "member"), ("omar", "Omar", "operator")):
        await hub.parts.store.commit(Add(a_person(id=PersonId(id), name=name, role=role)))
    async with looks(chromium, clock) as operators, looks(chromium, clock) as customers:
        lea = await customers.open(f"{hub.url}/sign-in#{hub.parts.people.new_code(HOME, PersonId('lea'))}")
        await lea.wait_for_url(f"{hub.url}/")
        await page.get_by_role("textbox", name="Write a message").fill("I want to talk to a human")
        await page.keyboard.press("Enter")
        await expect(page.locator(".m.notice")).to_contain_text("asked for a human")
        clock.later(4)
        await lea.clock.set_fixed_time(clock.at)
        await say(lea, "/human My parcel went to the neighbour, who’s away")
        await expect(lea.locator(".said.notice")).to_be_visible()

        omar = await operators.open(f"{hub.url}/sign-in#{hub.parts.people.new_code(HOME, PersonId('omar'))}")
        await omar.wait_for_url(f"{hub.url}/")
        clock.later(1)
        await turns_to(omar, hub, "/desk", clock)
        await omar.locator("#queue button", has_text="Visitor").click()
        await omar.get_by_role("button", name="Take over").click()
        await page.get_by_role("textbox", name="Write a message").fill("My new pot has a small mark on the spout")
        await page.keyboard.press("Enter")
        await expect(omar.get_by_label("Your answer")).to_have_value(DESK_DRAFT)
        await omar.locator("#noting summary").click()
        await omar.get_by_label("A note that only operators see").fill("Second pot this year: be generous")
        await omar.keyboard.press("Enter")
        await expect(omar.locator("#notes")).to_contain_text("be generous")
        await expect(omar.locator(".toasts > *")).to_have_count(0)
        await picture(omar, "desk")
