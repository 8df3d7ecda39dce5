"""People sign in as themselves, accept invitations and look after their account, in a browser."""

from collections.abc import AsyncIterator

import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from hub.clock import SystemClock
from hub.flow.invitations import Wish
from hub.issuers import SignInConfig
from hub.records import HOME, OWNER
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking, serving

pytestmark = [pytest.mark.browser, LOOP]

ANN, BEA = "ann@example.org", "bea@example.org"
PASSWORD, OTHER = "blue tram onion kite", "grey bells under water"


@pytest_asyncio.fixture(loop_scope="session")
async def needing() -> AsyncIterator[Running]:
    """A hub whose admins need an authenticator app."""
    async with serving(sign_in=SignInConfig(totp=("admin",))) as running:
        yield running


async def with_password(hub: Running) -> None:
    """Have the owner sign in by a password from now on."""
    credentials, store = hub.parts.business.entrance.credentials, hub.parts.store
    owner = await store.person(HOME, OWNER)
    assert owner
    await store.commit(*await credentials.set_password(owner, None, ANN, PASSWORD))


async def with_app(hub: Running) -> str:
    """Have the owner need an app's codes; return its secret."""
    logins, login = hub.parts.business.entrance.logins, await hub.parts.store.login(HOME, OWNER)
    assert login
    secret, _ = logins.fresh_secret(ANN)
    await logins.set_up(login, secret, code_of(secret, -1))
    return secret


async def invitation(hub: Running, wish: Wish) -> str:
    """Return the link of a fresh invitation."""
    _, code = await hub.parts.business.entrance.invitations.invite(HOME, OWNER, wish, admin=True)
    return f"{hub.url}/invitation#{code}"


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(SystemClock().now().timestamp()) // 30 + steps)


async def is_in(page: Page, hub: Running) -> None:
    await page.wait_for_url(f"{hub.url}/")
    await expect(page.locator("#welcome, .said").first).to_be_visible()


async def test_by_e_mail_password_and_the_apps_code_with_the_keyboard_alone(hub: Running, tabs: Tabs) -> None:
    await with_password(hub)
    secret = await with_app(hub)
    page = await tabs.open(f"{hub.url}/sign-in")

    await expect(page.get_by_label("E-mail")).to_be_focused()
    await page.keyboard.type(ANN)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    code = page.get_by_label("Code from your authenticator app")
    await expect(code).to_be_focused()
    await expect(code).to_have_attribute("autocomplete", "one-time-code")
    await page.keyboard.type(code_of(secret))
    await page.keyboard.press("Enter")
    await is_in(page, hub)

    assert "#" not in page.url
    assert "?" not in page.url


async def test_a_wrong_password_is_told_and_the_next_try_is_at_hand(hub: Running, tabs: Tabs) -> None:
    await with_password(hub)
    page = await tabs.open(f"{hub.url}/sign-in")
    email, password = page.get_by_label("E-mail"), page.get_by_label("Password")
    await email.fill(ANN)
    await password.fill("not my password")
    await page.get_by_role("button", name="Sign in", exact=True).click()

    await expect(page.locator("#words")).to_have_text("E-mail or password is wrong.")
    await expect(password).to_be_focused()
    await expect(password).to_have_value("")
    await expect(email).to_have_value(ANN)
    await password.fill(PASSWORD)
    await page.keyboard.press("Enter")
    await is_in(page, hub)
    tabs.expect_faults("401")


async def test_a_wrong_code_is_told_and_a_recovery_code_does(hub: Running, tabs: Tabs) -> None:
    await with_password(hub)
    page = await sign_in(tabs, hub)
    await page.goto(f"{hub.url}/account")
    await page.get_by_role("button", name="Set one up").click()
    secret = (await page.locator(".secret").inner_text()).replace(" ", "")
    assert await page.locator(".qr").evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
    await page.get_by_label("Code that the app shows").fill(code_of(secret))
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Use it from now on").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    await expect(codes).to_have_count(10)
    recovery = await codes.all_inner_texts()
    await page.get_by_role("button", name="I’ve kept them").click()
    await expect(page.locator("#app-facts")).to_contain_text("10 recovery codes are left")
    await page.get_by_role("button", name="Sign out", exact=True).click()

    await page.wait_for_url(f"{hub.url}/sign-in")
    await page.get_by_label("E-mail").fill(ANN)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_label("Code from your authenticator app").fill("000000")
    await page.keyboard.press("Enter")
    await expect(page.locator("#words")).to_contain_text("Wait for the app’s next one")
    await page.get_by_role("button", name="use a recovery code").click()
    await page.get_by_label("Recovery code").fill(recovery[0])
    await page.keyboard.press("Enter")
    await is_in(page, hub)
    tabs.expect_faults("401")


async def test_an_invitation_becomes_an_account(hub: Running, tabs: Tabs) -> None:
    page = await tabs.open(await invitation(hub, Wish(name="Bea", email=BEA)))

    await expect(page.get_by_role("heading")).to_have_text("You’re invited to Home")
    await expect(page.get_by_label("Your name")).to_have_value("Bea")
    await expect(page.get_by_label("E-mail")).to_have_value(BEA)
    password = page.get_by_label("A password of your own")
    await expect(password).to_have_attribute("autocomplete", "new-password")
    await password.fill("Password2026!")
    await page.get_by_role("button", name="Accept", exact=True).click()
    await expect(page.locator("#words")).to_contain_text("among the first that are guessed")
    await password.fill(OTHER)
    await page.get_by_role("button", name="Accept", exact=True).click()
    await is_in(page, hub)
    await page.goto(f"{hub.url}/account")
    await expect(page.locator("#who")).to_have_text("Bea · member")
    tabs.expect_faults("400", "403")


async def test_who_needs_an_app_sets_it_up_while_accepting(needing: Running, tabs: Tabs) -> None:
    page = await tabs.open(await invitation(needing, Wish(role="admin")))
    await page.get_by_label("Your name").fill("Adam")
    await page.get_by_label("E-mail").fill("adam@example.org")
    await page.get_by_label("A password of your own").fill(OTHER)
    await page.get_by_role("button", name="Accept", exact=True).click()
    secret = (await page.locator(".secret").inner_text()).replace(" ", "")
    await page.get_by_label("Code that the app shows").fill("123")
    await page.keyboard.press("Enter")
    await expect(page.locator("#words")).to_contain_text("code is wrong")
    await page.get_by_label("Code that the app shows").fill(code_of(secret))
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    await page.get_by_role("button", name="I’ve kept them").click()
    await is_in(page, needing)
    tabs.expect_faults("401")


async def test_an_invitation_is_made_on_the_people_page_taken_by_somebody_and_another_withdrawn(
    hub: Running, tabs: Tabs, chromium: Browser
) -> None:
    page = await sign_in(tabs, hub)
    await page.goto(f"{hub.url}/people")
    await page.get_by_text("Make an invitation").click()
    for name in ("Bea", "Cid"):
        await page.get_by_label("As", exact=True).select_option("operator")
        await page.get_by_label("Name, if you like").fill(name)
        await page.get_by_role("button", name="Make the link").click()
        await expect(page.get_by_role("button", name=f"Withdraw the invitation of {name}")).to_be_visible()
        if name == "Bea":
            link = await page.locator("#invitation-link").inner_text()
    withdraw = page.get_by_role("button", name="Withdraw the invitation of Cid")
    await withdraw.click()
    await withdraw.click()
    await expect(page.locator("#invited li")).to_have_count(1)
    assert link.startswith(f"{hub.url}/invitation#")

    async with looking(chromium) as theirs:
        other = await theirs.open(link)
        await other.get_by_label("E-mail").fill(BEA)
        await other.get_by_label("A password of your own").fill(OTHER)
        await other.get_by_role("button", name="Accept", exact=True).click()
        await is_in(other, hub)
        theirs.faults.clear()  # an operator may not read all that the owner's pages ask for
    await page.reload()
    await expect(page.locator("#everybody")).to_contain_text("Bea")
    await expect(page.locator("#invited li")).to_have_count(0)


async def test_an_invitation_that_was_used_says_so(hub: Running, tabs: Tabs) -> None:
    page = await tabs.open(f"{hub.url}/invitation#long-gone")

    await expect(page.locator("#words")).to_contain_text("ask for another")
    await expect(page.locator("#accept")).to_be_hidden()
    tabs.expect_faults("404")


async def test_the_owner_sets_a_first_password_and_ends_another_session(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)
    owner = await hub.parts.store.person(HOME, OWNER)
    assert owner
    await hub.parts.people.open_session(owner, "Safari on iPhone")
    await page.get_by_role("link", name="Your account").click()

    await expect(page.locator("#password-facts")).to_have_text("You have none yet.")
    await expect(page.get_by_role("button", name="Sign out Safari on iPhone")).to_be_visible()
    await page.get_by_role("button", name="Sign out Safari on iPhone").click()
    await expect(page.locator("#sessions li")).to_have_count(1)
    await page.get_by_text("Set one", exact=True).click()
    await page.get_by_label("E-mail").fill(ANN)
    await page.get_by_label("The new one").fill("short but lon")
    await page.get_by_label("The new one").fill("aaaaaaaaaaaaa")
    await page.get_by_role("button", name="Set it").click()
    await expect(page.locator("#password-form .fault")).to_contain_text("among the first that are guessed")
    await page.get_by_label("The new one").fill(PASSWORD)
    await page.get_by_role("button", name="Set it").click()

    await expect(page.locator("#password-facts")).to_contain_text(f"You sign in as {ANN}")
    tabs.expect_faults("400")


async def test_the_pages_fit_a_phone_and_its_fields_are_not_zoomed_into(hub: Running, chromium: Browser) -> None:
    async with looking(chromium, viewport=PHONE, touch=True) as tabs:
        page = await tabs.open(await invitation(hub, Wish(name="x" * 90)))
        await expect(page.locator("#accept")).to_be_visible()
        assert await fits(page)
        page = await sign_in(tabs, hub)
        for path in ("/account", "/sign-in"):
            await page.goto(hub.url + path)
            await expect(page.locator("#sessions li, #door").first).to_be_visible()
            assert await fits(page), path


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_that_keeps_anybody_out(hub: Running, chromium: Browser, *, dark: bool) -> None:
    found: dict[str, list[str]] = {}

    async def examine(page: Page, what: str) -> None:
        await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        if faults := await faults_of(page):
            found[what] = faults

    await with_password(hub)
    async with looking(chromium, dark=dark) as tabs:
        page = await tabs.open(await invitation(hub, Wish()))
        await expect(page.locator("#accept")).to_be_visible()
        await examine(page, "invitation")
        page = await tabs.open(f"{hub.url}/sign-in#!nobody-here")
        await expect(page.locator("#words")).to_contain_text("nobody’s here yet")
        await examine(page, "sign-in")
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/people")
        await expect(page.locator("#invitations")).to_be_visible()
        await examine(page, "people")
        await page.goto(f"{hub.url}/account")
        await expect(page.locator("#sessions li")).to_have_count(1)
        await page.get_by_role("button", name="Set one up").click()
        await expect(page.locator(".secret")).to_be_visible()
        await examine(page, "account")
        secret = (await page.locator(".secret").inner_text()).replace(" ", "")
        await page.get_by_label("Code that the app shows").fill(code_of(secret))
        await page.get_by_label("Your password").fill(PASSWORD)
        await page.get_by_role("button", name="Use it from now on").click()
        await expect(page.get_by_role("list", name="Recovery codes")).to_be_visible()
        await examine(page, "recovery codes")
        await tabs.context.clear_cookies()
        page = await tabs.open(f"{hub.url}/sign-in")
        await page.get_by_label("E-mail").fill(ANN)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Code from your authenticator app")).to_be_visible()
        await examine(page, "code")
        tabs.faults.clear()  # pages that are still open have no session any more
    assert found == {}
