"""The pages for everybody: by keyboard, on a phone, in the dark, under a strict policy."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.pages import answer, fits, say, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]

FONT_SIZES = """
[...document.querySelectorAll("input:not(.sr), textarea")].map((field) => parseFloat(getComputedStyle(field).fontSize))
"""
DARK = "rgb(23, 22, 20)"
LIGHT = "rgb(250, 249, 247)"
PLAN = """That’s in **13 days**. A plan that leaves some air:

| When | What |
|---|---|
| today | Book a van, ask two friends |
| by 28 Nov | Pack what you won’t need: books, winter sports |
| 4 Dec | Defrost the fridge, last boxes |

Shall I remind you the evening before each?"""
CODE = """Here’s a line for your calendar:

```python
for day in (27, 29, 3):
    remind(at=f"18:00 {day}.", about="move", because="the evening before is when people forget")
```"""


async def test_everything_can_be_done_with_the_keyboard_alone(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes first.", "Then the van.")
    page = await sign_in(tabs, hub)
    text = page.get_by_label("Message", exact=True)
    await expect(text).to_be_focused()

    await page.keyboard.type("Plan my move")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("to Bonn")
    await expect(text).to_have_value("Plan my move\nto Bonn")
    await page.keyboard.press("Enter")
    await expect(answer(page, "Boxes first.")).to_have_count(1)

    await page.keyboard.press("Tab")
    await expect(page.locator("#target")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.press("End")
    await expect(page.get_by_role("menuitemradio", name="Plan my move")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    await expect(page.locator("#target")).to_be_focused()
    await page.keyboard.press("Shift+Tab")

    await page.keyboard.type("And after that?")
    await page.keyboard.press("Enter")
    await expect(answer(page, "Then the van.")).to_have_count(1)
    await answer(page, "Then the van.").get_by_role("button", name="Wrong task?").focus()
    await expect(answer(page, "Then the van.").locator(".tools")).to_have_css("opacity", "1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu", name="Move this message to")).to_be_visible()


async def test_commands_are_offered_while_a_slash_is_typed(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)
    hints = page.get_by_role("listbox", name="Commands")

    await page.keyboard.type("/")
    await expect(hints.get_by_role("option")).to_have_count(23)
    await page.keyboard.type("ta")
    await expect(hints.get_by_role("option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(hints.get_by_role("option", selected=True)).to_contain_text("/task")
    await page.keyboard.press("Enter")

    await expect(page.get_by_label("Message", exact=True)).to_have_value("/task ")
    await expect(hints).to_be_hidden()


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(hub: Running, chromium: Browser) -> None:
    async with looking(chromium, viewport=PHONE, touch=True) as tabs:
        page = await sign_in(tabs, hub)
        hub.llm.say("supercalifragilistic" * 20)
        await say_by_button(page, "A word without an end: " + "x" * 300)
        await expect(answer(page, "supercali")).to_have_count(1)
        hub.llm.say(CODE, PLAN)
        await say_by_button(page, "Show me code")
        await expect(answer(page, "calendar")).to_have_count(1)
        await say_by_button(page, "Show me a table")
        await expect(answer(page, "some air")).to_have_count(1)

        for path in ("/", "/tasks", "/tasks/1", "/sign-in"):
            await page.goto(hub.url + path)
            await expect(page.locator(".said, .ticket, .turns, #door").first).to_be_visible()
            assert await fits(page), path
            sizes = await page.evaluate(FONT_SIZES)
            assert all(size >= 16 for size in sizes), f"a phone zooms into smaller fields: {path} {sizes}"


async def say_by_button(page: Page, text: str) -> None:
    """On a touch keyboard Enter begins a new line."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.get_by_role("button", name="Send").tap()


async def test_a_narrow_phone_has_room_for_it_too(hub: Running, chromium: Browser) -> None:
    async with looking(chromium, viewport={"width": 360, "height": 640}, touch=True) as tabs:
        page = await sign_in(tabs, hub)

        assert await fits(page)
        await expect(page.get_by_role("button", name="Send")).to_be_in_viewport()


async def test_dark_and_light_follow_the_system_until_one_is_chosen(hub: Running, chromium: Browser) -> None:
    async with looking(chromium, dark=True) as tabs:
        page = await sign_in(tabs, hub)
        html = page.locator("html")
        await expect(html).to_have_css("background-color", DARK)

        await page.get_by_role("button", name="Light or dark").click()
        await expect(html).to_have_css("background-color", LIGHT)
        await page.reload()
        await expect(html).to_have_css("background-color", LIGHT)

        await page.get_by_role("button", name="Light or dark").click()
        await page.emulate_media(color_scheme="light")
        await expect(html).to_have_css("background-color", LIGHT)


async def test_hostile_markdown_in_an_answer_runs_and_loads_nothing(hub: Running, tabs: Tabs) -> None:
    hub.llm.say(
        "<script>document.title='owned'</script> <img src=x onerror=\"document.title='owned'\"> "
        "![pixel](https://evil.example/p.png) [x](javascript:document.title='owned')\n\n|a|\n|:-:|\n|b|"
    )
    asked: list[str] = []
    page = await sign_in(tabs, hub)
    page.on("request", lambda request: asked.append(request.url))

    await say(page, "Be evil")

    await expect(answer(page, "pixel")).to_have_count(1)
    assert await answer(page, "pixel").locator("script, img, [style], [href^=javascript]").count() == 0
    assert await page.title() != "owned"
    assert [url for url in asked if not url.startswith(hub.url)] == []


async def test_the_alarm_for_the_policy_works(hub: Running, tabs: Tabs) -> None:
    """No other test could fail by it otherwise."""
    page = await sign_in(tabs, hub)

    await page.evaluate("document.body.setAttribute('style', 'color: red')")
    await page.wait_for_function("document.body.hasAttribute('style')")

    tabs.expect_faults("CSP", "Content Security Policy")


async def test_the_board_shows_each_task_by_its_state_and_follows_it(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes ‖ first.")
    page = await sign_in(tabs, hub)
    board = await tabs.open(f"{hub.url}/tasks")
    await say(page, "Plan my move")

    working = board.get_by_role("region", name="Working")
    await expect(working.get_by_role("link", name="Plan my move", exact=True)).to_be_visible()
    hub.llm.go_on()
    done = board.get_by_role("region", name="Done")
    await expect(done.get_by_role("link", name="Plan my move", exact=True)).to_be_visible()

    await done.get_by_role("link", name="Plan my move", exact=True).click()
    await expect(board.get_by_role("heading", name="Plan my move")).to_be_visible()
    await board.locator("summary").click()
    await expect(board.get_by_role("region", name="Turns")).to_contain_text("Boxes first.")
    await expect(board.get_by_role("region", name="Limits")).to_contain_text("1 of 20")
    await expect(board.get_by_role("region", name="Messages")).to_contain_text("Plan my move")


async def test_a_task_is_canceled_and_taken_up_again_on_its_page(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes ‖ first.", "Boxes at last.")
    page = await sign_in(tabs, hub)
    await say(page, "Plan my move")
    await expect(page.locator(".live")).to_contain_text("Boxes")
    await page.goto(f"{hub.url}/tasks/1")

    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.locator("h1 ~ .facts")).to_contain_text("Needs you")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator("h1 ~ .facts")).to_contain_text("Done")
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("Boxes at last.")
