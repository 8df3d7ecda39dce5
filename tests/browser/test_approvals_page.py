"""The approvals: all that waits, decided by mouse, keyboard and thumb, once."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from hub.records import HOME, OWNER, Ask
from tests.browser.axe import faults_of
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, Running, Tabs, looking, serving
from tests.browser.test_packages_page import put_in, zipfile
from tests.browser.waiting import a_resting_task, a_waiting_call, everything
from tests.unit.packages.zipping import DATA, a_plugin

pytestmark = [pytest.mark.browser, LOOP]
NARROW = ViewportSize(width=360, height=800)
KINDS = 9


async def comes(tabs: Tabs, hub: Running) -> Page:
    """Sign the owner in, and go to what waits by the menu."""
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Approvals").click()
    await expect(page.locator(".wait, #clear:not([hidden])").first).to_be_visible()
    return page


def card(page: Page, words: str) -> Locator:
    return page.locator(".wait", has_text=words)


async def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("AGENTHOST_SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=False)


async def test_all_that_waits_stands_in_one_place_and_says_what_would_happen(hub: Running, tabs: Tabs) -> None:
    await everything(hub)
    page = await comes(tabs, hub)
    await expect(page.locator(".wait")).to_have_count(KINDS - 1)
    await expect(page.locator("#waiting-count")).to_have_text(str(KINDS - 1))

    call = card(page, "May this be called?")
    await expect(call).to_contain_text("clock")
    await expect(call).to_contain_text('"to": "ann@example.org"')
    await expect(call).to_contain_text("It changes nothing.")
    await expect(call).to_contain_text("https://example.org/prices")
    await expect(call).to_contain_text("No answer is a no")
    await expect(call.get_by_role("link", name="#1 Send Ann our offer")).to_be_visible()
    await expect(card(page, "has spent what it may")).to_contain_text("Turns: 20 of 20")
    await expect(card(page, "When is this task done?")).to_contain_text("the file minutes.md is there")
    await expect(card(page, "Which task is this about?")).to_contain_text("And please make it vegetarian")
    await expect(card(page, "Carl Sommer asks to be let in")).to_contain_text("telegram")
    await expect(card(page, "An answer to Bea Bold waits").get_by_role("textbox")).to_have_value(
        "I'm sorry to hear that. Which order is it about?"
    )
    assert await faults_of(page) == []
    assert await fits(page)
    await shot(page, "approvals-light")


async def test_leave_is_refused_by_the_keyboard_with_a_reason_and_stands_below_with_who_and_why(
    hub: Running, tabs: Tabs
) -> None:
    task = await a_resting_task(hub, 1, "Send Ann our offer", Ask(question="", why="leave is asked for clock"))
    pause = await a_waiting_call(hub, task)
    hub.llm.say("Then I won't.")
    page = await comes(tabs, hub)
    await card(page, "May this be called?").focus()
    await page.keyboard.press("2")
    await expect(page.get_by_label("Why not?")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Deny")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("The price is wrong")
    await page.keyboard.press("Enter")

    await expect(page.locator("#clear")).to_be_visible()
    await expect(page.locator("#settled")).to_contain_text("denied · clock")
    await expect(page.locator("#settled")).to_contain_text("Because: The price is wrong")
    await expect(page.locator("#settled")).to_contain_text("by Owner")
    await expect(page.locator("#waiting-count")).to_be_hidden()
    decided = await hub.parts.store.pause(pause.id)
    assert decided is not None
    assert (decided.answer, decided.reason, decided.decided_by) == ("denied", "The price is wrong", OWNER)


async def test_of_two_browsers_one_decides_and_the_other_is_told(chromium: Browser, hub: Running) -> None:
    question = Ask(question="How many children come?")
    await a_resting_task(hub, 1, "Plan the party", question)
    call = await a_resting_task(hub, 2, "Send Ann our offer", Ask(question="", why="leave is asked for clock"))
    await a_waiting_call(hub, call)
    hub.llm.say("It's noon.", "Ten it is.")
    async with looking(chromium) as ones, looking(chromium) as others:
        one, other = await comes(ones, hub), await comes(others, hub)
        # The other one hears of nothing meanwhile.
        await other.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
        await other.route("**/v1/waiting?*", lambda route: route.abort())
        await one.get_by_role("button", name="Approve").click()
        await expect(card(one, "May this be called?")).to_have_count(0)
        await other.unroute("**/v1/waiting?*")
        await other.get_by_role("button", name="Approve").click()
        await expect(other.locator("#toasts")).to_contain_text("It was decided already: approved by Owner.")
        await expect(card(other, "May this be called?")).to_have_count(0)

        # And what one answers is gone at the other without anybody doing anything.
        await one.get_by_label("Your answer").fill("Ten")
        await one.get_by_role("button", name="Answer").click()
        await expect(other.locator("#clear")).to_be_visible()
        (said,) = await hub.parts.store.routed_messages(HOME, OWNER, limit=9)
        assert (said.text, said.route and said.route.rule) == ("Ten", "explicit")
        others.expect_faults("409", "Failed to load")


async def test_a_budget_is_granted_checks_are_agreed_a_stranger_is_let_in_and_a_draft_is_sent(
    hub: Running, tabs: Tabs
) -> None:
    await everything(hub)
    hub.llm.say(*["Fine."] * 9)
    page = await comes(tabs, hub)
    await card(page, "has spent what it may").get_by_role("button", name="Go on").click()
    await expect(card(page, "has spent what it may")).to_have_count(0)
    await card(page, "When is this task done?").get_by_role("button", name="Check it so").click()
    await expect(card(page, "When is this task done?")).to_have_count(0)
    await card(page, "Carl Sommer").get_by_role("button", name="Let in", exact=True).click()
    await expect(card(page, "Carl Sommer")).to_have_count(0)
    draft = card(page, "An answer to Bea Bold waits")
    await draft.get_by_role("textbox").fill("Which order is it about, Bea?")
    await page.keyboard.press("Control+Enter")
    await expect(draft).to_have_count(0)
    await card(page, "Which task is this about?").get_by_role("button", name="Plan the birthday party").click()
    await expect(card(page, "Which task is this about?")).to_have_count(0)

    store = hub.parts.store
    tasks = {task.number: task for task in await store.tasks(HOME, OWNER)}
    assert (tasks[3].limits.turns, tasks[5].proposed, len(tasks[5].checks)) == (40, (), 1)
    assert "Carl Sommer" in [person.name for person in await store.people(HOME)]
    (routed,) = [each for each in await store.routed_messages(HOME, OWNER, limit=9) if "vegetarian" in each.text]
    assert (routed.task, routed.route and routed.route.rule) == (tasks[2].id, "asked")
    for words in ("granted as much again", "checks agreed on", "approved · Carl Sommer", "answered · Bea Bold"):
        await expect(page.locator("#settled")).to_contain_text(words)


async def test_the_page_works_on_a_phone_in_the_dark(chromium: Browser, hub: Running) -> None:
    await everything(hub)
    hub.llm.say("Sent.")
    async with looking(chromium, viewport=NARROW, touch=True, dark=True) as tabs:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/approvals")
        await expect(page.locator(".wait")).to_have_count(KINDS - 1)
        assert await fits(page)
        assert await faults_of(page) == []
        await shot(page, "approvals-phone")
        await card(page, "May this be called?").get_by_role("button", name="Approve").tap()
        await expect(card(page, "May this be called?")).to_have_count(0)


async def test_an_update_that_asks_for_more_is_allowed_here(tabs: Tabs, tmp_path: Path) -> None:
    async with serving(packages=tmp_path / "packages") as hub:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/packages")
        await put_in(page, zipfile(a_plugin()))
        await page.locator("#p-echo").get_by_role("button", name="Enable").click()
        await expect(page.locator("#p-echo").get_by_text("In use")).to_be_visible()
        await put_in(page, zipfile(a_plugin(version="2.0.0", more=DATA)))
        await expect(page.locator("#p-echo")).to_contain_text("2.0.0 waits")

        await page.get_by_role("link", name="Approvals").click()
        update = card(page, "An update waits for your leave")
        await expect(update).to_contain_text("echo 1.0.0 → 2.0.0")
        await expect(update).to_contain_text("New: Keep small documents of its own about each person")
        await update.get_by_role("button", name="Allow it").click()
        await expect(page.locator("#clear")).to_be_visible()
        await expect(page.locator("#settled")).to_contain_text("allowed · echo")
        [package] = await hub.parts.store.packages(HOME)
        assert (package.now.version, package.state, package.now.grants) == ("2.0.0", "enabled", ("fs:data",))
