"""The web chat, as a person with a browser meets it."""

import asyncio

import pytest
from playwright.async_api import expect

from hub.config import LimitsConfig
from hub.ports import Add
from hub.records import HOME, OWNER, Address
from hub.store.memory import MemoryStore
from hub.testing import a_message
from tests.browser.pages import answer, said, say, sign_in, writing
from tests.browser.running import LOOP, OWNER_KEY, Running, Tabs, serving

pytestmark = [pytest.mark.browser, LOOP]

BEHIND = "globalThis.behind = true; Object.defineProperty(document, 'hidden', { get: () => behind });"
"""A page that nobody has looked at yet."""


async def watched(hub: Running, times: int) -> None:
    """Wait until so many pages hear of what happens to the owner."""
    async with asyncio.timeout(20):
        while len(hub.parts.feed._watchers.get((HOME, OWNER), ())) != times:
            await asyncio.sleep(0.05)


# --- signing in


async def test_a_link_signs_in_and_leaves_no_code_in_the_history(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)

    await expect(page.get_by_role("heading", name="What can I do for you?")).to_be_visible()
    assert await page.evaluate("history.length") <= 2
    assert "#" not in page.url


async def test_without_a_session_every_page_leads_to_sign_in(hub: Running, tabs: Tabs) -> None:
    for path in ("/", "/tasks", "/tasks/1"):
        page = await tabs.open(hub.url + path)
        await page.wait_for_url(f"{hub.url}/sign-in")
    tabs.expect_faults("401")


async def test_an_old_link_says_how_to_get_a_new_one_and_a_key_does_as_well(hub: Running, tabs: Tabs) -> None:
    page = await tabs.open(f"{hub.url}/sign-in#long-gone")

    await expect(page.get_by_role("status").first).to_contain_text("agenthost status --link")
    assert page.url == f"{hub.url}/sign-in"
    await page.get_by_label("Owner key or code").fill(OWNER_KEY)
    await page.get_by_role("button", name="Sign in with it").click()
    await page.wait_for_url(f"{hub.url}/")
    tabs.expect_faults("401")


async def test_who_signs_out_is_out(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)

    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{hub.url}/sign-in")
    await page.goto(hub.url)
    await page.wait_for_url(f"{hub.url}/sign-in")
    tabs.expect_faults("401")


# --- a conversation


async def test_an_answer_streams_in_and_says_which_task_it_belongs_to(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Heavy ones ‖ at the **bottom**.")
    page = await sign_in(tabs, hub)

    await say(page, "How do I pack books?")

    await expect(writing(page)).to_contain_text("Heavy ones")
    await expect(said(page, "How do I pack books?")).to_contain_text("Working…")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    hub.llm.go_on()
    await expect(answer(page, "Heavy ones at the bottom.").locator("strong")).to_have_text("bottom")
    await expect(answer(page, "Heavy ones").locator(".chip")).to_contain_text("#1 How do I pack books?")
    await expect(said(page, "How do I pack books?")).to_contain_text("Answered")
    await expect(writing(page)).to_have_count(0)
    await expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    await expect(page.locator("#announce")).to_contain_text("Task 1: Heavy ones")


async def test_a_reload_in_mid_stream_goes_on_where_it_was(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("One two ‖ three four.")
    page = await sign_in(tabs, hub)
    await say(page, "Count for me")
    await expect(writing(page)).to_contain_text("One two")

    await page.reload()

    await expect(writing(page)).to_contain_text("One two")
    hub.llm.go_on()
    await expect(answer(page, "One two three four.")).to_have_count(1)
    await expect(page.locator(".said")).to_have_count(2)


async def test_a_second_tab_sees_the_same(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("One two ‖ three four.")
    first = await sign_in(tabs, hub)
    await say(first, "Count for me")
    await expect(writing(first)).to_contain_text("One two")

    second = await tabs.open(hub.url)

    await expect(writing(second)).to_contain_text("One two")
    hub.llm.go_on()
    for page in (first, second):
        await expect(answer(page, "One two three four.")).to_have_count(1)
        await expect(page.locator(".said")).to_have_count(2)


async def test_tabs_behind_others_hang_up_and_catch_up_once_they_are_looked_at(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("In boxes.")
    page = await sign_in(tabs, hub)
    await watched(hub, 1)
    await tabs.context.add_init_script(BEHIND)
    others = [await tabs.context.new_page() for _ in range(3)]
    for other in others:
        await other.clock.install()
        await other.goto(hub.url)
    await watched(hub, 4)

    await page.clock.fast_forward(16_000)  # of all these pages
    await watched(hub, 1)
    await say(page, "How do I pack books?")
    await expect(answer(page, "In boxes.")).to_be_visible()
    await expect(said(others[0], "How do I pack books?")).to_have_count(0)

    await others[0].evaluate("behind = false; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(answer(others[0], "In boxes.")).to_be_visible()
    await watched(hub, 2)


async def test_stop_ends_the_answer_and_trying_again_answers_after_all(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("It began when ‖ nobody listens to this.", "A short story.")
    page = await sign_in(tabs, hub)
    await say(page, "Tell me a story")
    await expect(writing(page)).to_contain_text("It began when")

    await page.get_by_role("button", name="Stop").click()

    await expect(said(page, "Tell me a story")).to_contain_text("Stopped")
    await expect(writing(page)).to_have_count(0)
    await said(page, "Tell me a story").get_by_role("button", name="Try again").click()
    await expect(answer(page, "A short story.")).to_have_count(1)
    await expect(said(page, "Tell me a story")).to_contain_text("Answered")


async def test_a_message_in_the_wrong_task_is_moved_with_one_choice(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes first.", "Ferns like shade.", "Then the van.")
    page = await sign_in(tabs, hub)
    await say(page, "Plan my move", about="New task")
    await expect(answer(page, "Boxes first.")).to_have_count(1)
    await say(page, "And after that?", about="New task")
    await expect(answer(page, "Ferns like shade.").locator(".chip")).to_contain_text("#2")

    await answer(page, "Ferns like shade.").hover()
    await answer(page, "Ferns like shade.").get_by_role("button", name="Wrong task?").click()
    await page.get_by_role("menuitem", name="Plan my move").click()

    await expect(answer(page, "Then the van.").locator(".chip")).to_contain_text("#1")
    await expect(said(page, "And after that?").locator(".chip")).to_contain_text("#1")
    await expect(page.get_by_text("This answer was taken back")).to_be_visible()
    await page.reload()
    await expect(answer(page, "Then the van.")).to_have_count(1)
    await expect(answer(page, "Ferns like shade.")).to_have_count(0)


async def test_two_tasks_answer_side_by_side_and_each_answer_says_what_it_is_for(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes ‖ first.", "Ferns ‖ like shade.")
    page = await sign_in(tabs, hub)
    await say(page, "Plan my move", about="New task")
    await expect(writing(page).filter(has_text="Boxes")).to_have_count(1)
    await say(page, "Where do ferns grow?", about="New task")
    await expect(writing(page).filter(has_text="Ferns").locator(".chip")).to_contain_text("#2")
    await expect(writing(page)).to_have_count(2)

    hub.llm.go_on()

    await expect(answer(page, "Boxes first.").locator(".chip")).to_contain_text("#1")
    await expect(answer(page, "Ferns like shade.").locator(".chip")).to_contain_text("#2")
    await page.reload()
    await expect(answer(page, "Boxes first.").locator(".quote")).to_have_text("Plan my move")
    await expect(page.locator(".said")).to_have_count(4)


async def test_a_message_can_be_aimed_at_a_task(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes first.", "Ferns like shade.", "Then the van.")
    page = await sign_in(tabs, hub)
    await say(page, "Plan my move", about="New task")
    await expect(answer(page, "Boxes first.")).to_have_count(1)
    await say(page, "Where do ferns grow?", about="New task")
    await expect(answer(page, "Ferns like shade.")).to_have_count(1)

    await say(page, "And after that?", about="Plan my move")

    await expect(answer(page, "Then the van.").locator(".chip")).to_contain_text("#1")
    await expect(page.locator("#target")).to_contain_text("#1 Plan my move")


async def test_the_route_is_explained_on_request(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Boxes first.", "Then the van.")
    page = await sign_in(tabs, hub)
    await say(page, "Plan my move")
    await expect(answer(page, "Boxes first.")).to_have_count(1)
    await say(page, "And after that?")
    await expect(answer(page, "Then the van.")).to_have_count(1)

    await said(page, "And after that?").hover()
    await said(page, "And after that?").get_by_role("button", name="Why?").click()

    evidence = page.get_by_role("dialog", name="Why this task")
    await expect(evidence).to_contain_text("Plan my move")
    await expect(evidence).to_contain_text("A new task")
    await expect(evidence).to_contain_text("%")
    await page.keyboard.press("Escape")
    await expect(evidence).to_have_count(0)


async def test_a_question_is_answered_by_a_button(tabs: Tabs) -> None:
    async with serving(limits=LimitsConfig(ask_below=1.0)) as hub:
        hub.llm.say("Boxes first.", "Then the van.")
        page = await sign_in(tabs, hub)
        await say(page, "Plan my move")
        await expect(answer(page, "Boxes first.")).to_have_count(1)

        await say(page, "And after that?")
        await expect(said(page, "And after that?")).to_contain_text("Which task?")
        choices = page.get_by_role("group", name="Choices").get_by_role("button")
        await choices.filter(has_text="Plan my move").click()

        await expect(answer(page, "Then the van.").locator(".chip")).to_contain_text("#1")
        await expect(choices.first).to_be_disabled()


async def test_a_command_answers_at_once(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)

    await say(page, "/whoami ")

    await expect(page.locator(".said.notice")).to_contain_text("Owner")


async def test_earlier_messages_come_as_one_scrolls_up_and_nothing_jumps(hub: Running, tabs: Tabs) -> None:
    at = Address(bridge="http", chat="owner/main")
    await hub.parts.store.commit(*(Add(a_message(f"Message {n}.", address=at, state="answered")) for n in range(120)))
    page = await sign_in(tabs, hub)
    await expect(said(page, "Message 119.")).to_be_in_viewport()
    await expect(page.locator(".said")).to_have_count(50)

    await page.locator("#scroll").evaluate("(scroll) => scroll.scrollTo(0, 0)")

    await expect(page.locator(".said")).to_have_count(100)
    await expect(said(page, "Message 70.")).to_be_in_viewport()
    await page.locator("#scroll").evaluate("(scroll) => scroll.scrollTo(0, 0)")
    await expect(page.locator(".said")).to_have_count(120)
    texts = await page.locator(".said .bubble").all_text_contents()
    assert texts == [f"Message {n}." for n in range(120)]
    await page.get_by_role("button", name="Go to the latest message").click()
    await expect(said(page, "Message 119.")).to_be_in_viewport()


async def test_the_page_stays_at_the_end_while_it_grows_unless_one_reads_back(hub: Running, tabs: Tabs) -> None:
    paragraphs = "\n\n".join(f"Paragraph {n}." for n in range(40))
    hub.llm.say(paragraphs, f"More. ‖ {paragraphs}")
    page = await sign_in(tabs, hub)
    await say(page, "Write much")
    await expect(answer(page, "Paragraph 39.").get_by_text("Paragraph 39.")).to_be_in_viewport()

    await say(page, "Write more")
    await expect(writing(page)).to_contain_text("More.")
    await page.locator("#scroll").hover()
    await page.mouse.wheel(0, -1500)
    await expect(page.get_by_role("button", name="Go to the latest message")).to_be_visible()
    hub.llm.go_on()

    await expect(answer(page, "More.")).to_have_count(1)
    await expect(answer(page, "More.").get_by_text("Paragraph 39.")).not_to_be_in_viewport()


# --- when something is away


async def test_a_message_is_kept_until_there_is_a_model(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Here I am.")
    hub.llm.go_down()
    page = await sign_in(tabs, hub)

    await expect(page.locator("#kept")).to_contain_text("What you write is kept")
    await say(page, "Are you there?")
    await expect(said(page, "Are you there?")).to_contain_text("Kept")
    hub.llm.come_up()

    await expect(answer(page, "Here I am.")).to_have_count(1)
    await expect(page.locator("#kept")).to_be_hidden()


async def test_what_could_not_be_sent_is_sent_once_the_network_is_back(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Got it.")
    page = await sign_in(tabs, hub)
    await tabs.context.set_offline(True)
    await say(page, "Into the void")
    await expect(page.get_by_role("alert")).to_contain_text("Not sent: The hub can’t be reached.")

    await tabs.context.set_offline(False)

    await expect(answer(page, "Got it.")).to_have_count(1)
    await expect(said(page, "Into the void")).to_have_count(1)
    tabs.expect_faults("ERR_INTERNET_DISCONNECTED")


async def test_a_message_that_was_not_sent_survives_a_reload_and_is_sent_once(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Got it.")
    page = await sign_in(tabs, hub)
    await page.route("**/v1/messages", lambda route: route.abort())
    await say(page, "Don’t lose me")
    await expect(page.get_by_role("alert")).to_contain_text("Not sent")
    await page.unroute_all()

    await page.reload()

    await expect(answer(page, "Got it.")).to_have_count(1)
    await expect(said(page, "Don’t lose me")).to_have_count(1)
    await page.reload()
    await expect(said(page, "Don’t lose me")).to_have_count(1)
    tabs.expect_faults("ERR_FAILED")


async def test_a_draft_survives_a_reload(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)
    await page.get_by_label("Message", exact=True).fill("Half a thou")

    await page.reload()

    await expect(page.get_by_label("Message", exact=True)).to_have_value("Half a thou")


async def test_the_page_comes_back_by_itself_when_the_hub_was_restarted(tabs: Tabs) -> None:
    store = MemoryStore()
    async with serving(store=store) as hub:
        port = int(hub.url.rsplit(":", 1)[1])
        page = await sign_in(tabs, hub)
    await expect(page.locator("#offline")).to_be_visible()
    await say(page, "Said while it was away")

    async with serving(store=store, port=port) as hub:
        hub.llm.say("Back again.")
        await expect(answer(page, "Back again.")).to_have_count(1)
        await expect(page.locator("#offline")).to_be_hidden()
        await expect(said(page, "Said while it was away")).to_have_count(1)
    tabs.expect_faults("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE")
