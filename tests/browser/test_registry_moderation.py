"""The registry's pages for who looks after it: what waits, what was reported, who's suspended, what was done."""

from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy import select, update

from hub.registry.tables import audit, versions
from tests.browser.axe import faults_of
from tests.browser.registering import ADMIN, Author, Shop, shopping, signed_in
from tests.browser.running import LOOP, Tabs
from tests.browser.test_registry_pages import ECHO, ann, shop
from tests.unit.packages.zipping import a_plugin

__all__ = ["ann", "shop"]
pytestmark = [pytest.mark.browser, LOOP]


async def test_a_report_reaches_a_moderator_who_takes_the_version_away(shop: Shop, ann: Author, tabs: Tabs) -> None:
    await shop.account("bob", key=False)
    await shop.account(ADMIN, key=False)
    page = await signed_in(tabs, shop, "bob", ECHO)
    await page.get_by_text("Report it").click()
    await page.get_by_label("What’s wrong").select_option("malware")
    await page.get_by_label("What you saw, for a moderator").fill("It reads <i>all</i> files.")
    await page.get_by_role("button", name="Send the report").click()
    await expect(page.get_by_text("Thank you: a moderator will look at it.")).to_be_visible()
    await page.context.clear_cookies()

    page = await signed_in(tabs, shop, ADMIN, "/moderation")
    report = page.get_by_role("article", name="Report about ann/echo")
    await expect(report).to_contain_text("It reads <i>all</i> files.")
    await expect(report).to_contain_text("by bob")
    await report.get_by_role("button", name="Uphold").click()
    await expect(report).to_have_count(0)
    await page.goto(f"{shop.pages}{ECHO}/versions/1.1.0")
    await page.get_by_label("Your decision’s reason").fill("It reads more than it says.")
    await page.get_by_role("button", name="Quarantine").click()
    await expect(page.get_by_role("note")).to_contain_text("1.1.0 is quarantined.")
    await page.goto(f"{shop.pages}/audit")
    await expect(page.get_by_role("row").filter(has_text="version.quarantine")).to_contain_text(ADMIN)
    await page.context.clear_cookies()

    await page.goto(f"{shop.pages}{ECHO}/versions/1.1.0")
    await expect(page.get_by_role("heading", name="This was taken away")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("It reads more than it says.")
    await page.goto(shop.pages + ECHO)
    await expect(page.get_by_role("region", name="Versions")).not_to_contain_text("1.1.0")
    tabs.expect_faults("451")


async def test_what_waits_is_seen_by_its_author_and_listed_by_a_moderator(tabs: Tabs, tmp_path: Path) -> None:
    async with shopping(tmp_path / "new", listed_after_days=7) as shop:
        author = await shop.account("ann")
        await shop.account(ADMIN, key=False)
        await author.publish(a_plugin())
        page = await signed_in(tabs, shop, "ann")
        await expect(page.get_by_role("region", name="Your packages")).to_contain_text("It waits for a moderator")
        await page.context.clear_cookies()
        await page.goto(shop.pages + ECHO)
        await expect(page.get_by_role("heading", name="There’s nothing here")).to_be_visible()

        page = await signed_in(tabs, shop, ADMIN, "/moderation")
        case = page.get_by_role("article", name="ann/echo 1.0.0")
        await case.get_by_label("Your decision’s reason").fill("I read it.")
        await case.get_by_role("button", name="List it").click()
        await expect(page.get_by_text("Nothing waits.")).to_be_visible()
        await page.context.clear_cookies()
        await page.goto(shop.pages + ECHO)
        await expect(page.get_by_role("heading", name="ann/echo")).to_be_visible()
        tabs.expect_faults("404")


async def test_a_moderator_suspends_an_account_and_the_audit_log_is_checked(
    shop: Shop, ann: Author, tabs: Tabs
) -> None:
    await shop.account(ADMIN, key=False)
    page = await signed_in(tabs, shop, ADMIN, "/moderation")
    accounts = page.get_by_role("region", name="Accounts")
    await accounts.get_by_label("Name").fill("anna")
    await accounts.get_by_role("button", name="Look up").click()
    await expect(accounts).to_contain_text("There’s no account named anna.")
    await accounts.get_by_label("Name").fill("ann")
    await accounts.get_by_role("button", name="Look up").click()
    await accounts.get_by_label("Why, for the audit log").fill("It sends spam.")
    await accounts.get_by_role("button", name="Suspend").click()
    await accounts.get_by_role("button", name="Really suspend").click()
    await expect(accounts).to_contain_text("Suspended")
    assert not await faults_of(page)
    assert (await ann.http.get("/tokens")).status_code == 401
    assert (await shop.parts.shelf.read(lambda each: each.scalar(select(versions.c.state)))) == "held"

    await accounts.get_by_label("Why, for the audit log").fill("It was a mistake.")
    await accounts.get_by_role("button", name="Restore").click()
    await expect(accounts.get_by_role("button", name="Suspend")).to_be_visible()
    await accounts.get_by_label("Role").select_option("moderator")
    await accounts.get_by_role("button", name="Change the role").click()
    await expect(accounts).to_contain_text("moderator, since")

    await page.goto(f"{shop.pages}/audit?subject=account:ann")
    await expect(page.get_by_role("row").filter(has_text="account.suspend")).to_contain_text("It sends spam.")
    await page.get_by_role("link", name="Check all rows").click()
    await expect(page.get_by_role("note")).to_contain_text("The log is whole:")
    await shop.parts.shelf.write(
        lambda connection: connection.execute(
            update(audit).where(audit.c.action == "account.suspend").values(detail="It asked for it.")
        )
    )
    await page.reload()
    await expect(page.get_by_role("note")).to_contain_text("the audit log was changed at row")


async def test_members_see_neither_the_queue_nor_the_audit_log(shop: Shop, tabs: Tabs) -> None:
    await shop.account("ann", key=False)
    page = await signed_in(tabs, shop, "ann")
    for path in ("/moderation", "/audit"):
        await page.goto(shop.pages + path)
        await expect(page.get_by_role("heading", name="You may not see this")).to_be_visible()
        await expect(page.get_by_role("link", name="ann", exact=True)).to_be_visible()
    tabs.expect_faults("403")
