"""What was done stands under an answer and on its task's page, word for word and as text only."""

import pytest
from playwright.async_api import Browser, expect

from hub.ports import Add
from hub.records import HOME, Step, TurnId
from tests.browser.pages import answer, fits, say, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]

EVIL = "<img src=x onerror=\"document.title='owned'\"> \u202e\u200b " + "words " * 200 + "the end"


async def done(hub: Running) -> None:
    """Have the newest turn look as if it had called a tool that failed."""
    (task,) = await hub.parts.store.tasks(HOME)
    turn = (await hub.parts.store.turns(task.id))[0]
    await hub.parts.store.commit(Add(a_call(turn.id)))


def a_call(turn: TurnId) -> Step:
    return Step(
        turn=turn,
        number=77,
        kind="tool",
        name="web_fetch",
        request='{"url":"https://example.org/<b>"}',
        result=EVIL,
        ms=412.0,
        failed=True,
    )


async def test_an_answer_says_what_was_used_for_it_and_shows_the_calls(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("It is noon.")
    page = await sign_in(tabs, hub)
    await say(page, "What time is it?")
    await expect(answer(page, "")).to_have_count(1)
    used = answer(page, "").get_by_role("button", name="Used clock")

    await used.click()
    panel = page.get_by_role("dialog", name="What was done")
    await expect(panel).to_contain_text("clock")
    await expect(panel).to_contain_text("changes nothing")
    await page.keyboard.press("Escape")
    await expect(used).to_be_focused()

    await used.click()
    await panel.get_by_role("link", name="All of this task").click()
    await expect(page.get_by_role("region", name="What it did")).to_contain_text("clock")


async def test_a_long_result_is_clipped_and_no_part_of_a_call_is_more_than_text(
    hub: Running, chromium: Browser
) -> None:
    async with looking(chromium, viewport={**PHONE, "width": 360}, touch=True) as tabs:
        page = await sign_in(tabs, hub)
        hub.llm.say("There you are.")
        await page.get_by_label("Message", exact=True).fill("Fetch it")
        await page.get_by_role("button", name="Send").tap()
        await expect(answer(page, "There you are.")).to_have_count(1)
        await done(hub)
        await page.goto(f"{hub.url}/tasks/1")
        calls = page.get_by_role("region", name="What it did")

        await expect(calls).to_contain_text("url")
        await expect(calls).to_contain_text("https://example.org/<b>")
        await expect(calls).to_contain_text("failed")
        await expect(calls).to_contain_text(r"\u{202e}\u{200b}")
        await expect(calls).not_to_contain_text("the end")
        await calls.get_by_role("button", name="More").click()
        await expect(calls).to_contain_text("the end")
        assert await calls.locator("img").count() == 0
        assert await page.title() != "owned"
        assert await fits(page)
