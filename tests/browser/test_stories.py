"""The stories of an owner, an operator and somebody on a shop's page, in real browsers, with a hub as it's run."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.axe import Examined
from tests.browser.house import App, House, a_house, a_place, eventually, in_the_shop, invited
from tests.browser.pages import answer, fits, said, say
from tests.browser.running import LOOP, PHONE, Tabs, looking
from tests.unit.packages.zipping import zipped

pytestmark = [pytest.mark.browser, LOOP]

NORA, OMAR, MIA = "nora@kettle-leaf.example", "omar@kettle-leaf.example", "mia@kettle-leaf.example"
PASSWORD = "blue tram onion kite"
AGENT = zipped(
    {
        "shop-help/agent.toml": 'name = "shop-help"\nversion = "1.2.0"\n'
        'description = "Answers customers of a small shop."\ntools = ["clock", "ask_a_human"]\n',
        "shop-help/prompt.md": "You help the customers of a small tea shop. Be brief and friendly.",
    }
)
DEW = "Yes: ‖ the **glass teapot “Dew”** has a lid that stays on while you pour. It’s €34, and here by Thursday."
DRAFT = "We don’t take back pots that were used."
MENDED = "Of course: send it back within 30 days, **we pay the postage**. A label is on its way to you."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A hub in a process of its own, with all that's around it; each test has a tenant of its own on it."""
    async with a_house(tmp_path_factory.mktemp("house")) as made:
        yield made


@asynccontextmanager
async def browsers(chromium: Browser, *phones: int, count: int) -> AsyncIterator[list[Tabs]]:
    """Give each person a browser of their own."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                looking(chromium, viewport=PHONE, touch=True) if number in phones else looking(chromium)
            )
            for number in range(count)
        ]


async def accepts(tabs: Tabs, link: str, *, name: str = "", email: str = "") -> Page:
    """Accept an invitation with a password of one's own."""
    page = await tabs.open(link)
    await expect(page.get_by_role("heading", name="You’re invited to Kettle & Leaf")).to_be_visible()
    if name:
        await page.get_by_label("Your name").fill(name)
    if email:
        await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("A password of your own").fill(PASSWORD)
    await page.get_by_role("button", name="Accept", exact=True).click()
    return page


async def is_in(page: Page, house: House) -> None:
    """Wait until somebody is signed in and their chat is there."""
    await page.wait_for_url(f"{house.url}/")
    await expect(page.locator("#welcome, .said").first).to_be_visible()


async def sets_up_the_app(page: Page, look: Examined) -> App:
    """Set up an authenticator app, and keep the recovery codes."""
    await expect(page.locator(".secret")).to_be_visible()
    await look.look(page, "setting up an app")
    app = App(await page.locator(".secret").inner_text())
    await page.get_by_label("Code that the app shows").fill(app.code())
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    await look.look(page, "recovery codes")
    await page.get_by_role("button", name="I’ve kept them").click()
    return app


# --- the owner


async def test_an_owner_is_invited_moves_in_and_runs_the_place(house: House, chromium: Browser) -> None:
    look = Examined()
    await an_agent_is_let_in(house, chromium, look)
    place = await a_place(house, agents=["shop-help", "default"])
    async with browsers(chromium, count=2) as (hers, members):
        page = await accepts(hers, place.invitation, name="Nora Lind", email=NORA)
        app = await sets_up_the_app(page, look)
        await is_in(page, house)
        await look.look(page, "an empty chat")
        await comes_back(house, page, app, look)
        links = await invites(house, page, look)
        mia = await accepts(members, links["Mia"])
        await is_in(mia, house)
        await expect(page.locator("#everybody")).to_contain_text("Mia", timeout=20_000)
        await makes_a_webhook(house, page, look)

        house.script.when("green tea", "Steep it for two minutes, at 75 °C.")
        await say(mia, "How long do I steep green tea?")
        await expect(answer(mia, "two minutes")).to_be_visible()
        await eventually(lambda: len(house.receiver.got) > 0, "the webhook is told")
        told = house.receiver.got[0].said
        assert (told["type"], told["data"]["tenant"]) == ("message.answered", place.id)
        used = await house.asks("GET", "/v1/usage", key=place.key)
        assert (used["total"]["messages"], used["total"]["turns"]) == (1, 1)
        await look.look(page, "a webhook")
        await everything_is_paused(house, mia)
        await locks_out(house, page, mia, look)
        hers.faults.clear()  # signed out on purpose
        members.faults.clear()  # and locked out
    assert look.found == {}


async def everything_is_paused(house: House, mia: Page) -> None:
    """Whoever runs the hub stops all of it: what's said meanwhile waits, and is answered once it goes on."""
    await house.asks("PUT", "/v1/pause", {"why": "Moving to another machine"})
    try:
        house.script.when("black tea", "Four minutes, in boiling water.")
        await say(mia, "And black tea?")
        await expect(said(mia, "And black tea?")).to_contain_text("Kept")
        assert (await house.asks("GET", "/v1/pause"))["paused"]
        await expect(answer(mia, "Four minutes")).to_have_count(0)
    finally:
        await house.asks("DELETE", "/v1/pause")
    await expect(answer(mia, "Four minutes")).to_be_visible()


async def locks_out(house: House, page: Page, mia: Page, look: Examined) -> None:
    """Lock somebody out: their page shows them the door, their password opens nothing; then let them in again."""
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Lock out Mia").click()
    await page.get_by_role("button", name="Lock out Mia").click()
    await expect(page.locator("#everybody")).to_contain_text("locked out")
    await look.look(page, "somebody locked out")
    await mia.reload()
    await mia.wait_for_url(f"{house.url}/sign-in")
    await mia.get_by_label("E-mail").fill(MIA)
    await mia.get_by_label("Password").fill(PASSWORD)
    await mia.keyboard.press("Enter")
    await expect(mia.locator("#words")).to_have_text("E-mail or password is wrong.")
    await page.get_by_role("button", name="Let in again: Mia").click()
    await expect(page.get_by_role("button", name="Lock out Mia")).to_be_visible()
    await mia.get_by_label("Password").fill(PASSWORD)
    await mia.keyboard.press("Enter")
    await is_in(mia, house)


async def an_agent_is_let_in(house: House, chromium: Browser, look: Examined) -> None:
    """Whoever runs the hub puts an agent in, sees what it may, and switches it on."""
    async with looking(chromium) as tabs:
        page = await tabs.open(await house.link())
        await is_in(page, house)
        await page.get_by_role("link", name="Packages").click()
        await expect(page.get_by_text("Nothing yet.")).to_be_visible()
        await page.locator("#zip").set_input_files(
            {"name": "shop-help.zip", "mimeType": "application/zip", "buffer": AGENT}
        )
        card = page.locator("#p-shop-help")
        await expect(card).to_contain_text("It has no code.")
        await look.look(page, "a package to be looked at")
        await card.get_by_role("button", name="Enable").click()
        await expect(card.get_by_text("In use")).to_be_visible()
        await page.get_by_role("link", name="Status").click()
        await expect(page.locator("#facts li").first).to_be_visible()
        await look.look(page, "status")


async def comes_back(house: House, page: Page, app: App, look: Examined) -> None:
    """Sign out, and in again by e-mail, password and the app's code."""
    await expect(page.get_by_role("link", name="Packages")).to_be_hidden()
    await expect(page.get_by_role("link", name="Status")).to_be_hidden()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{house.url}/sign-in")
    await look.look(page, "the way in")
    await page.get_by_label("E-mail").fill(NORA)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    code = page.get_by_label("Code from your authenticator app")
    await code.fill(app.code())
    await look.look(page, "the app's code")
    await page.keyboard.press("Enter")
    await is_in(page, house)


async def invites(house: House, page: Page, look: Examined) -> dict[str, str]:
    """Make invitations on the page for people, and return their links."""
    links = {}
    await page.get_by_role("link", name="People").click()
    await page.get_by_text("Make an invitation").click()
    for name, email, role in (("Omar", OMAR, "operator"), ("Mia", MIA, "member")):
        await page.get_by_label("As", exact=True).select_option(role)
        await page.get_by_label("Name, if you like").fill(name)
        await page.get_by_label("E-mail to sign in by, if you like").fill(email)
        await page.get_by_role("button", name="Make the link").click()
        await expect(page.locator("#invited")).to_contain_text(name)
        links[name] = await page.locator("#invitation-link").inner_text()
    await look.look(page, "people, invited")
    return links


async def makes_a_webhook(house: House, page: Page, look: Examined) -> None:
    """Have the shop's own server be told of answers."""
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_text("Tell an address").click()
    await page.get_by_label("Address").fill(f"http://{house.receiver.place}/hub")
    await page.get_by_label("What it’s for").fill("The shop’s own records")
    events = page.locator("#events")
    for box in await events.get_by_role("checkbox").all():
        await box.uncheck()
    await events.get_by_label("an answer", exact=True).check()
    await look.look(page, "making a webhook")
    await page.locator("#new-hook").get_by_role("button", name="Make it").click()
    await expect(page.locator("#shown-hook code")).to_contain_text("whsec_")
    await look.look(page, "a webhook's secret")


# --- somebody on the shop's page, an operator and the owner, together


def told(page: Page) -> Locator:
    """Return what stands in the widget."""
    return page.get_by_role("log")


async def asks(page: Page, text: str) -> None:
    """Say something in the widget."""
    await page.get_by_role("textbox", name="Write a message").fill(text)
    await page.keyboard.press("Enter")


async def test_a_customer_an_operator_and_the_owner_see_live_what_each_other_does(
    house: House, chromium: Browser
) -> None:
    look = Examined()
    place = await a_place(house)
    await in_the_shop(house, place)
    omars = await invited(house, place, "operator", "Omar", OMAR)
    async with browsers(chromium, count=3) as (customers, operators, owners):
        # A desk that's just reading a chat when another ends it is told so, and closes it.
        owners.excused = operators.excused = (f"404 (Not Found) <{house.url}/v1/handovers/",)
        nora = await accepts(owners, place.invitation, name="Nora Lind", email=NORA)
        await sets_up_the_app(nora, Examined())
        await is_in(nora, house)
        omar = await accepts(operators, omars)
        await is_in(omar, house)
        for desk in (nora, omar):
            await desk.get_by_role("link", name="Desk").click()
            await expect(desk.locator("#queue-none")).to_be_visible()
        await look.look(omar, "an empty desk")

        page = await asks_the_agent(house, customers, look)
        await asks(page, "I want to talk to a human")
        await expect(told(page)).to_contain_text("I've asked for a human")
        await takes_over(page, omar, nora, look)
        await is_answered_by_a_human(house, page, omar, look)

        await omar.get_by_role("button", name="Let the agent go on").click()
        await expect(omar.locator("#queue-none")).to_be_visible()
        await expect(nora.locator("#queue-none")).to_be_visible()
        await expect(told(page)).to_contain_text("The agent answers you again.")
        house.script.when("Thank you", "You’re welcome, and happy brewing!")
        await asks(page, "Thank you!")
        await expect(told(page)).to_contain_text("happy brewing")
        await finds_it_again(page, operators)
    assert look.found == {}


async def asks_the_agent(house: House, customers: Tabs, look: Examined) -> Page:
    """On the shop's page: ask, read the answer while it's written, close and open, load the page again."""
    page = await customers.open(house.shop.url)
    await page.get_by_role("button", name="Open the chat").click()
    await expect(told(page)).to_contain_text("Hello! Ask us anything")
    house.script.when("drip", DEW)
    await asks(page, "Which pot doesn’t drip?")
    await expect(page.locator(".m.agent").last).to_have_text("Yes:")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox")).to_be_hidden()
    house.script.go_on()
    door = page.get_by_role("button", name="Open the chat: New message")
    await expect(door).to_be_visible()
    await door.click()
    await expect(page.locator(".m.agent strong")).to_have_text("glass teapot “Dew”")
    await page.goto(f"{house.shop.url}/?checked")  # axe-core can't work where Trusted Types are required
    await page.get_by_role("button", name="Open the chat").click()
    await expect(told(page)).to_contain_text("Which pot doesn’t drip?")
    await expect(told(page)).to_contain_text("here by Thursday")
    await look.look(page, "the shop with an answer")
    await page.goto(house.shop.url)
    await page.get_by_role("button", name="Open the chat").click()
    await expect(told(page)).to_contain_text("here by Thursday")
    return page


async def takes_over(page: Page, omar: Page, nora: Page, look: Examined) -> None:
    """At the desk: who waits comes by itself, with the time that's left; one takes it, the others see who."""
    for desk in (omar, nora):
        await expect(desk.locator("#queue button")).to_contain_text("Visitor ")
        await expect(desk.locator("#queue .due")).to_have_text(re.compile("in 1[45] minutes"))
        await desk.locator("#queue button").click()
        await expect(desk.get_by_role("button", name="Take over")).to_be_visible()
    await expect(omar.locator("#messages")).to_contain_text("Which pot doesn’t drip?")
    await look.look(omar, "a chat at the desk")
    await omar.get_by_role("button", name="Take over").click()
    await expect(nora.locator("#acts")).to_have_text("Omar answers")
    await expect(told(page)).to_contain_text("Omar answers you from here on.")


async def is_answered_by_a_human(house: House, page: Page, omar: Page, look: Examined) -> None:
    """The agent's draft is mended and sent; drafts and notes are never seen on the shop's page."""
    house.script.when("send a pot back", DRAFT)
    await asks(page, "Can I send a pot back that I used once?")
    await expect(omar.locator("#messages")).to_contain_text("send a pot back")
    box = omar.get_by_label("Your answer")
    await expect(box).to_have_value(DRAFT)
    await omar.locator("#noting summary").click()
    await omar.get_by_label("A note that only operators see").fill("Second pot this year: be generous")
    await omar.keyboard.press("Enter")
    await expect(omar.locator("#notes")).to_contain_text("be generous")
    await look.look(omar, "a draft and a note")
    await box.fill(MENDED)
    await omar.keyboard.press("Control+Enter")
    await expect(page.locator(".m.agent", has_text="we pay the postage").locator(".by")).to_have_text("Omar")
    await expect(box).to_have_value("")


async def finds_it_again(page: Page, operators: Tabs) -> None:
    """After a reload all is there, but for what wasn't meant for them."""
    await page.reload()
    await page.get_by_role("button", name="Open the chat").click()
    for words in ("Which pot doesn’t drip?", "we pay the postage", "happy brewing"):
        await expect(told(page)).to_contain_text(words)
    for words in ("be generous", "used"):
        await expect(page.locator(".m.agent, .m.notice", has_text=words)).to_have_count(0)


async def test_a_german_customer_writes_from_a_phone(house: House, chromium: Browser) -> None:
    look = Examined()
    place = await a_place(house)
    await in_the_shop(house, place, greeting="Guten Tag! Fragen Sie uns zu Tee und Kannen.")
    omars = await invited(house, place, "operator", "Omar", OMAR)
    house.script.when("Kanne", "Die **Glaskanne „Tau“** fasst 0,8 Liter und tropft nicht.")
    async with browsers(chromium, 0, 1, count=2) as (phones, operators):
        page = await phones.open(f"{house.shop.url}/de?checked")
        await page.get_by_role("button", name="Chat öffnen").tap()
        await expect(told(page)).to_contain_text("Guten Tag!")
        await page.get_by_role("textbox", name="Nachricht schreiben").fill("Welche Kanne tropft nicht?")
        await page.get_by_role("button", name="Senden").tap()
        await expect(told(page)).to_contain_text("Die Glaskanne „Tau“")
        assert await fits(page)
        await look.look(page, "the shop on a phone")
        await page.get_by_role("textbox").fill("Ich möchte mit einem Menschen sprechen")
        await page.get_by_role("button", name="Senden").tap()
        await expect(page.locator(".m.notice")).to_be_visible()

        omar = await accepts(operators, omars)
        await is_in(omar, house)
        await omar.goto(f"{house.url}/desk")
        await omar.locator("#queue button").tap()
        await omar.get_by_role("button", name="Take over").tap()
        await omar.get_by_label("Your answer").fill("Hier ist Omar. Womit kann ich helfen?")
        assert await fits(omar)
        await look.look(omar, "the desk on a phone")
        await omar.get_by_role("button", name="Send", exact=True).tap()
        await expect(told(page)).to_contain_text("Hier ist Omar.")
    assert look.found == {}
