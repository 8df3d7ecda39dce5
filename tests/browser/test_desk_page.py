"""The desk: somebody asks for a human, an operator takes over, edits what the agent would say, and hands back."""

import pytest
from playwright.async_api import Browser, Page, expect

from hub.ports import Add
from hub.records import HOME, PersonId
from hub.testing import a_person
from tests.browser.pages import answer, fits, said, say
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]
BEA, OLA, OTTO = PersonId("bea"), PersonId("ola"), PersonId("otto")


async def people(hub: Running) -> None:
    """Have a customer and two operators."""
    for id, name, role in ((BEA, "Bea", "member"), (OLA, "Ola", "operator"), (OTTO, "Otto", "operator")):
        await hub.parts.store.commit(Add(a_person(id=id, name=name, role=role)))


async def comes(tabs: Tabs, hub: Running, person: PersonId) -> Page:
    """Sign somebody in, and wait for the chat."""
    page = await tabs.open(f"{hub.url}/sign-in#{hub.parts.people.new_code(HOME, person)}")
    await page.wait_for_url(f"{hub.url}/")
    await expect(page.locator("#welcome, .said").first).to_be_visible()
    return page


async def at_desk(tabs: Tabs, hub: Running, person: PersonId) -> Page:
    """Sign an operator in, and go to the desk."""
    page = await comes(tabs, hub, person)
    await page.get_by_role("link", name="Desk").click()
    await expect(page.locator("#queue-none, #queue button").first).to_be_visible()
    return page


async def test_a_customer_is_answered_by_a_human_and_then_by_the_agent_again(chromium: Browser, hub: Running) -> None:
    await people(hub)
    hub.llm.say("I can't do refunds.", "Good bye.")
    async with looking(chromium) as customers, looking(chromium) as operators:
        bea = await comes(customers, hub, BEA)
        ola = await at_desk(operators, hub, OLA)
        await say(bea, "I want to talk to a human")
        await expect(bea.locator(".said.notice")).to_contain_text("I've asked for a human")

        await ola.locator("#queue button").first.focus()
        await ola.keyboard.press("Enter")
        await expect(ola.get_by_role("heading", name="Bea")).to_be_focused()
        await ola.get_by_role("button", name="Take over").click()
        await expect(bea.locator(".said.notice").last).to_contain_text("Ola answers you from here on.")

        await say(bea, "I want my money <b>back</b>")
        await expect(ola.locator("#messages")).to_contain_text("I want my money <b>back</b>")
        box = ola.get_by_label("Your answer")
        await expect(box).to_have_value("I can't do refunds.")
        await expect(said(bea, "I want my money")).to_contain_text("A human answers")
        await expect(bea.locator(".said.agent")).to_have_count(0)

        await box.fill("You have it back **today**.")
        await ola.keyboard.press("Control+Enter")
        await expect(answer(bea, "You have it back today.")).to_contain_text("Ola")
        await expect(said(bea, "I want my money")).to_contain_text("Answered")
        await expect(box).to_have_value("")

        await ola.get_by_role("button", name="Let the agent go on").click()
        await expect(ola.locator("#queue-none")).to_be_visible()
        await expect(ola.locator("#case")).to_be_hidden()
        await expect(bea.locator(".said.notice").last).to_contain_text("The agent answers you again.")
        await say(bea, "Thanks, bye")
        await expect(answer(bea, "Good bye.")).to_be_visible()
        assert await bea.get_by_role("link", name="Desk").count() == 0


async def test_drafts_are_sent_as_they_are_or_discarded_and_notes_stay_with_operators(
    chromium: Browser, hub: Running
) -> None:
    await people(hub)
    hub.llm.say("A fine draft.", "A bad draft.")
    async with looking(chromium) as customers, looking(chromium) as operators:
        bea = await comes(customers, hub, BEA)
        await say(bea, "/human")
        await expect(bea.locator(".said.notice")).to_be_visible()
        ola = await at_desk(operators, hub, OLA)
        await ola.locator("#queue button").first.click()
        await ola.get_by_role("button", name="Take over").click()
        await say(bea, "One")
        await expect(ola.get_by_label("Your answer")).to_have_value("A fine draft.")
        await ola.get_by_role("button", name="Send").click()
        await expect(answer(bea, "A fine draft.")).to_be_visible()

        await say(bea, "Two")
        await expect(ola.get_by_label("Your answer")).to_have_value("A bad draft.")
        await ola.get_by_role("button", name="Discard the draft").click()
        await ola.get_by_role("button", name="Really discard it?").click()
        await expect(ola.get_by_label("Your answer")).to_have_value("")
        await ola.locator("#noting summary").click()
        await ola.get_by_label("A note that only operators see").fill("<i>Pays late</i>")
        await ola.keyboard.press("Enter")
        await expect(ola.locator("#notes")).to_contain_text("<i>Pays late</i>")
        await bea.reload()
        await expect(answer(bea, "A fine draft.")).to_be_visible()
        await expect(bea.locator("body")).not_to_contain_text("Pays late")
        await expect(bea.locator("body")).not_to_contain_text("A bad draft.")


async def test_who_is_second_sees_who_was_first_and_is_handed_the_chat(chromium: Browser, hub: Running) -> None:
    await people(hub)
    async with looking(chromium) as customers, looking(chromium) as first, looking(chromium) as second:
        bea = await comes(customers, hub, BEA)
        await say(bea, "/human")
        await expect(bea.locator(".said.notice")).to_be_visible()
        ola, otto = await at_desk(first, hub, OLA), await at_desk(second, hub, OTTO)
        for page in (ola, otto):
            await page.locator("#queue button").first.click()
            await expect(page.get_by_role("button", name="Take over")).to_be_visible()
        await ola.get_by_role("button", name="Take over").click()
        await expect(otto.locator("#acts")).to_have_text("Ola answers")
        await expect(otto.locator("#answering")).to_be_hidden()
        await ola.get_by_role("button", name="Hand it to…").click()
        await ola.get_by_role("menuitem", name="Otto").click()
        await expect(otto.get_by_label("Your answer")).to_be_visible()
        await expect(ola.locator("#answering")).to_be_hidden()
        assert await fits(ola)


async def test_the_desk_works_on_a_phone(chromium: Browser, hub: Running) -> None:
    await people(hub)
    async with looking(chromium) as customers, looking(chromium, viewport=PHONE, touch=True) as phones:
        bea = await comes(customers, hub, BEA)
        await say(bea, "/human")
        await expect(bea.locator(".said.notice")).to_be_visible()
        ola = await comes(phones, hub, OLA)
        await ola.goto(f"{hub.url}/desk")
        await ola.locator("#queue button").first.click()
        await ola.get_by_role("button", name="Take over").click()
        await expect(ola.get_by_label("Your answer")).to_be_visible()
        assert await fits(ola)
