"""The keys page: a key is made, seen once, used, given a fresh secret, and revoked by who is sure."""

import httpx
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from hub.ports import Add
from hub.records import HOME, PersonId
from hub.testing import a_person
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]
NARROW = ViewportSize(width=360, height=780)
BEA = PersonId("bea")


async def opened(tabs: Tabs, hub: Running) -> Page:
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Keys").click()
    await expect(page.locator("#mine li").first).to_be_visible()
    return page


async def make(page: Page, name: str, *words: str) -> str:
    """Make a key that may what's said in these words alone, and return it."""
    await page.get_by_text("Make a key").click()
    await page.get_by_label("Name").fill(name)
    while await page.locator("#scopes input:checked").count():
        await page.locator("#scopes input:checked").first.uncheck()
    for each in words:
        await page.get_by_label(each).check()
    await page.get_by_role("button", name="Make it").click()
    return await page.locator("#shown-key code").inner_text()


async def status(hub: Running, key: str, path: str = "/v1/tasks") -> int:
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {key}"}) as client:
        return (await client.get(path)).status_code


async def test_a_key_is_made_in_plain_words_shown_once_and_may_just_that(tabs: Tabs, hub: Running) -> None:
    page = await opened(tabs, hub)
    key = await make(page, "<b>Our</b> shop", "Read tasks, their turns")

    assert await status(hub, key) == 200
    assert await status(hub, key, "/v1/keys") == 403
    await page.get_by_role("button", name="I’ve kept it").click()
    card = page.locator("#mine li", has_text="<b>Our</b> shop")
    await expect(card.locator(".state")).to_have_text("Good")
    assert key not in await page.content()
    await page.reload()
    await card.locator("summary").click()
    await expect(card.locator(".can li")).to_have_text(["Read tasks, their turns and what they cost"])
    await expect(card).to_contain_text("today")
    assert key not in await page.content()


async def test_a_key_gets_a_fresh_secret_and_the_old_one_is_good_for_as_long_as_was_said(
    tabs: Tabs, hub: Running
) -> None:
    page = await opened(tabs, hub)
    old = await make(page, "shop", "Read tasks, their turns")
    card = page.locator("#mine li", has_text="shop")
    await card.locator("summary").click()
    await card.get_by_role("button", name="New secret").click()
    await card.get_by_label("The old secret is good for").select_option("not any more")
    await card.get_by_role("button", name="Give it a new secret").click()
    await expect(page.locator("#shown-key")).to_contain_text("The new secret of shop.")
    new = await page.locator("#shown-key code").inner_text()

    assert (await status(hub, old), await status(hub, new)) == (401, 200)


async def test_a_key_is_revoked_only_by_who_is_sure_and_is_seen_among_those_that_are_over(
    tabs: Tabs, hub: Running
) -> None:
    page = await opened(tabs, hub)
    key = await make(page, "shop", "Read tasks, their turns")
    card = page.locator("#mine li", has_text="shop")
    await card.locator("summary").click()
    await card.get_by_role("button", name="Revoke").click()
    assert await status(hub, key) == 200
    await card.get_by_role("button", name="Really revoke?").click()
    await expect(page.locator("#mine li", has_text="shop")).to_have_count(0)
    await page.get_by_text("1 key that’s over").click()

    await expect(page.locator("#ended li").locator(".state")).to_have_text("Revoked")
    assert await status(hub, key) == 401


async def test_a_member_makes_keys_for_what_they_may_and_sees_no_others(chromium: Browser, hub: Running) -> None:
    await hub.parts.store.commit(Add(a_person(id=BEA, name="Bea", role="member")))
    await hub.parts.people.create_key(HOME, BEA, "beas bot", ["tasks:read"])
    async with looking(chromium) as tabs:
        page = await tabs.open(f"{hub.url}/sign-in#{hub.parts.people.new_code(HOME, BEA)}")
        await page.wait_for_url(f"{hub.url}/")
        await page.get_by_role("link", name="Keys").click()
        await expect(page.locator("#mine > li")).to_have_count(1)
        await page.get_by_text("Make a key").click()

        await expect(page.get_by_label("Make and revoke keys")).to_be_visible()
        await expect(page.get_by_label("Everything its person may")).to_have_count(0)
        await expect(page.locator("#for-whom")).to_be_hidden()
        await expect(page.get_by_role("link", name="Look")).to_be_hidden()
    async with looking(chromium) as tabs:
        page = await opened(tabs, hub)
        await expect(page.locator("#theirs > li")).to_contain_text("Bea · never used")


async def test_a_key_that_may_nothing_is_refused_in_the_form(tabs: Tabs, hub: Running) -> None:
    page = await opened(tabs, hub)
    await page.get_by_text("Make a key").click()
    await page.get_by_label("Name").fill("nothing")
    while await page.locator("#scopes input:checked").count():
        await page.locator("#scopes input:checked").first.uncheck()
    await page.get_by_role("button", name="Make it").click()

    await expect(page.locator("#key-fault")).to_contain_text("scopes")
    tabs.expect_faults("400")


async def test_it_fits_a_narrow_phone(chromium: Browser, hub: Running) -> None:
    async with looking(chromium, viewport=NARROW, touch=True) as tabs:
        page = await opened(tabs, hub)
        await make(page, "a name as long as people give them to things that they’ll want to find again", "Read tasks")
        card = page.locator("#mine > li", has_text="Read tasks")
        await card.locator("summary").click()
        await card.get_by_role("button", name="New secret").click()

        assert await fits(page)


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_that_keeps_anybody_out(chromium: Browser, hub: Running, *, dark: bool) -> None:
    async with looking(chromium, dark=dark) as tabs:
        page = await opened(tabs, hub)
        await make(page, "shop", "Read tasks")
        card = page.locator("#mine > li", has_text="Read tasks")
        await card.locator("summary").click()
        await card.get_by_role("button", name="New secret").click()
        await page.get_by_text("Make a key").click()
        await page.get_by_text("Narrower still").click()

        assert await faults_of(page) == []
