"""The usage page: what was taken by day and by whom, how the quotas stand, and who sees whose."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, Route, ViewportSize, expect

from hub.ports import Add, Count, Save
from hub.records import HOME, OWNER, PersonId, Quotas, Taken, Tenant, TenantId
from hub.records.usage import KEPT, total
from hub.testing import NOON, a_person
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]
NARROW = ViewportSize(width=360, height=780)
BEA, ALDER = PersonId("bea"), TenantId("alder")


def day(before: int) -> str:
    return (datetime.now(UTC) - timedelta(days=before)).date().isoformat()


async def used(hub: Running) -> None:
    """Have the owner and Bea have taken this and that in the last days, and another tenant as well."""
    store = hub.parts.store
    home = await store.tenant(HOME)
    assert home
    quotas = Quotas(messages=100, money=2.0, storage_mb=10)
    await store.commit(
        Add(a_person(id=BEA, name="Bea <i>B</i>", role="member")),
        Add(Tenant(id=ALDER, name="Alder", created_at=NOON)),
        Save(Tenant(id=HOME, name=home.name, created_at=home.created_at, quotas=quotas)),
    )
    rows = [
        Taken(tenant=HOME, day=day(0), person=OWNER, agent="default", messages=85, tokens_in=12_000, tokens_out=3_000),
        Taken(tenant=HOME, day=day(1), person=OWNER, key="gone", agent="helper", messages=30, tokens_in=5_000),
        Taken(tenant=HOME, day=day(1), person=BEA, messages=12, tokens_in=500, tokens_out=100, money=250_000),
        Taken(tenant=HOME, day=day(5), person=BEA, agent="helper", messages=3, bytes=2_500_000),
        Taken(tenant=ALDER, day=day(0), person=OWNER, agent="default", messages=77),
    ]  # fmt: skip
    counted = [Count(each) for row in rows for each in (row, total(row))]
    await store.commit(*counted, Count(Taken(tenant=HOME, day=KEPT, bytes=9 * 1024 * 1024)))


async def opened(tabs: Tabs, hub: Running, span: str = "Last 7 days") -> Page:
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Usage").click()
    await page.get_by_label("Days").select_option(span)
    await expect(page.locator("#plot svg[role=img]")).to_be_visible()
    return page


async def test_what_was_taken_is_told_by_number_plot_table_and_file(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await opened(tabs, hub)

    await expect(page.locator(".tile", has_text="Messages")).to_contain_text("130")
    picture = page.get_by_role("img", name="Messages")
    await expect(picture.locator("rect.plot-1")).to_have_count(3)
    assert "130 from" in await picture.locator("desc").inner_html()
    await page.get_by_text("As a table", exact=True).click()
    await expect(page.locator("#table tbody tr")).to_have_count(7)
    await expect(page.locator("#table tbody tr").last).to_contain_text("85")
    async with page.expect_download() as begun:
        await page.get_by_role("link", name="Download as CSV").click()
    path = await (await begun.value).path()
    lines = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [(line["day"], line["messages"]) for line in lines] == [(day(5), "3"), (day(1), "42"), (day(0), "85")]


async def test_days_chosen_as_soon_as_the_page_is_there_are_those_that_are_shown(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await sign_in(tabs, hub)

    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/usage.js", late)
    await page.goto(f"{hub.url}/usage", wait_until="commit")
    await page.get_by_label("Days").select_option("Last 7 days")

    await expect(page.locator(".tile", has_text="Messages")).to_contain_text("130")
    await expect(page.get_by_label("Days")).to_have_value("7")


async def test_tokens_are_two_kinds_that_differ_by_more_than_their_colour(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await opened(tabs, hub)
    await page.locator(".tile", has_text="Tokens").click()

    await expect(page.locator("#legend")).to_contain_text("Written by models")
    await expect(page.locator("#plot rect.plot-2")).to_have_count(2)
    await expect(page.locator('#plot rect[fill="url(#plot-hatch)"]')).to_have_count(2)
    await expect(page.locator(".tile[aria-pressed=true]")).to_be_focused()
    await page.locator("#plot .plot-over").last.hover()
    await expect(page.locator(".plot-tip")).to_contain_text("Read by models: 12,000")
    await page.reload()
    await expect(page.locator(".tile[aria-pressed=true]")).to_contain_text("Tokens")


async def test_who_took_most_comes_first_and_a_person_is_looked_at_alone(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await opened(tabs, hub)
    await expect(page.locator("#ranks .name")).to_have_text(["default", "helper", "Before an agent had it"])
    await page.get_by_role("button", name="Key", exact=True).click()
    await expect(page.locator("#ranks .name")).to_have_text(
        ["By chat platforms, or due by a schedule", "In the browser, or by a key that’s gone"]
    )
    await page.get_by_role("button", name="Person", exact=True).click()
    await page.get_by_role("button", name="Bea <i>B</i>").click()

    await expect(page.locator("#chosen")).to_contain_text("Only Bea <i>B</i>")
    await expect(page.locator(".tile", has_text="Messages")).to_contain_text("15")
    await page.get_by_role("button", name="Show everybody").click()
    await expect(page.locator(".tile", has_text="Messages")).to_contain_text("130")


async def test_quotas_say_how_much_is_used_and_when_they_begin_anew(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await opened(tabs, hub)

    messages = page.locator("#shares li", has_text="Messages today")
    await expect(messages).to_contain_text("85 of 100")
    await expect(messages).to_contain_text("85% used · begins anew in")
    await expect(page.get_by_role("meter", name="Files kept")).to_have_attribute("aria-valuetext", "90% used")
    await expect(page.locator("#shares li", has_text="Tokens today")).to_contain_text("No quota")


async def test_a_member_sees_their_own_and_who_runs_the_hub_any_tenants(chromium: Browser, hub: Running) -> None:
    await used(hub)
    async with looking(chromium) as tabs:
        page = await tabs.open(f"{hub.url}/sign-in#{hub.parts.people.new_code(HOME, BEA)}")
        await page.wait_for_url(f"{hub.url}/")
        await page.get_by_role("link", name="Usage").click()
        await page.get_by_label("Days").select_option("Last 7 days")
        await expect(page.locator(".tile", has_text="Messages")).to_contain_text("15")
        await expect(page.locator("#whose")).to_have_text("What you took yourself.")
        await expect(page.locator("#quotas")).to_be_hidden()
        await expect(page.get_by_label("Whose")).to_be_hidden()
    async with looking(chromium) as tabs:
        page = await opened(tabs, hub)
        await page.get_by_label("Whose").select_option("Alder")
        await expect(page.locator(".tile", has_text="Messages")).to_contain_text("77")
        await expect(page.get_by_role("button", name="Person", exact=True)).to_be_hidden()


async def test_days_of_ones_own_the_wrong_way_round_are_told_and_many_days_are_weeks(tabs: Tabs, hub: Running) -> None:
    await used(hub)
    page = await opened(tabs, hub, "Last 365 days")
    await expect(page.locator("#plot-title")).to_have_text("Messages by week")
    await page.get_by_label("Days").select_option("From … to …")
    await page.get_by_label("First day").fill(day(-3))

    await expect(page.locator("#fault")).to_contain_text("put the earlier day first")
    tabs.expect_faults("400")


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing_that_keeps_anybody_out(chromium: Browser, hub: Running, *, dark: bool) -> None:
    await used(hub)
    async with looking(chromium, dark=dark) as tabs:
        page = await opened(tabs, hub)
        await page.locator(".tile", has_text="Tokens").click()
        await page.get_by_role("button", name="Person", exact=True).click()
        await page.get_by_text("As a table", exact=True).click()
        await expect(page.locator("#table td").first).to_be_visible()

        assert await faults_of(page) == []


async def test_it_fits_a_narrow_phone(chromium: Browser, hub: Running) -> None:
    await used(hub)
    async with looking(chromium, viewport=NARROW, touch=True) as tabs:
        page = await opened(tabs, hub)
        await page.get_by_text("As a table", exact=True).click()
        await page.get_by_label("Days").select_option("From … to …")
        await expect(page.get_by_label("First day")).to_be_visible()

        assert await fits(page)
