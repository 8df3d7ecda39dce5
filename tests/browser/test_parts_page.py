"""A task's page shows what it's made of, and its person changes the plan there."""

import pytest
from playwright.async_api import expect

from tests.browser.pages import sign_in
from tests.browser.running import LOOP, Running, Tabs

pytestmark = [pytest.mark.browser, LOOP]


async def test_a_plan_is_written_ticked_off_and_dropped_on_the_tasks_page(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Drip drop, the rain.")
    page = await sign_in(tabs, hub)
    await page.goto(f"{hub.url}/tasks")
    await page.get_by_label("A new task").fill("Write a poem about rain")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("link", name="Write a poem about rain", exact=True).click()
    plan = page.get_by_role("region", name="Plan")

    for point in ("Buy paper", "Send it"):
        await plan.get_by_label("A new point").fill(point)
        await plan.get_by_role("button", name="Add").click()
        await expect(plan.get_by_label(point)).to_be_visible()
    await plan.get_by_label("A new point").fill("Half a tho")
    await plan.get_by_label("Buy paper").check()
    await expect(plan).to_contain_text("1 of 2 done")
    await expect(plan.get_by_label("A new point")).to_have_value("Half a tho")
    await plan.get_by_role("button", name="Drop").click()
    await expect(plan).to_contain_text("1 of 1 done")
    await page.reload()
    await expect(page.get_by_role("region", name="Plan").get_by_label("Buy paper")).to_be_checked()
