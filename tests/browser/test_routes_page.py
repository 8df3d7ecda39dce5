"""The routes: where messages went, how often that was right, and putting one right on the spot."""

import random
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from hub.config import LimitsConfig
from hub.ports import Add, Change
from hub.records import HOME, OWNER, Candidate, PersonId, Route, Rule, Task
from hub.testing import a_correction, a_message, a_person, a_route, a_task
from tests.browser.axe import faults_of
from tests.browser.pages import answer, fits, say, sign_in
from tests.browser.running import LOOP, Running, Tabs, looking, serving
from tests.browser.test_approvals_page import shot
from tests.browser.waiting import HTTP, now

pytestmark = [pytest.mark.browser, LOOP]
NARROW = ViewportSize(width=360, height=800)
BEA = PersonId("bea")
UNCERTAIN = """() => {
    const shares = [...document.querySelectorAll("#routed .percent")].map((each) => parseFloat(each.textContent));
    return shares.length > 0 && shares.every((share) => share <= 60);
}"""
"""Nothing is listed but what the router gave less than 60 per cent."""
WORDS = (
    "Without nuts, please", "The one at eight is too early", "And the cake?", "Ten children will come",
    "Is there a seat by the window?", "Make it two layers", "What does it cost with a bike?", "Thanks, that's fine",
)  # fmt: skip


def weighed(first: Task, other: Task, share: float, rule: Rule = "model") -> Route:
    rest = 1 - share
    candidates = (
        Candidate(task=first.id, title=first.title, probability=share, evidence={"overlap": 1.2, "last": 0.4}),
        Candidate(task=other.id, title=other.title, probability=rest * 0.8, evidence={"overlap": 0.1}),
        Candidate(task=None, title="a new task", probability=rest * 0.2, evidence={}),
    )
    return a_route(
        first, rule=rule, new=False, probability=share, candidates=candidates, model="SmolLM2", tokens=61, ms=47.0
    )


async def some_weeks(hub: Running, *, person: PersonId = OWNER, messages: int = 160) -> None:
    """Have a person have written for eight weeks, and have put right what was wrong."""
    dice = random.Random(7)
    at = now() - timedelta(weeks=8)
    trip = a_task("A train to Bonn", number=1, person=person, origin=HTTP, state="completed", updated_at=now())
    cake = a_task(
        "A carrot cake for Saturday", number=2, person=person, origin=HTTP, state="completed", updated_at=now()
    )
    changes: list[Change] = [Add(trip), Add(cake)]
    for number in range(messages):
        share = dice.uniform(0.5, 0.99)
        right, wrong = (trip, cake) if dice.random() < 0.5 else (cake, trip)
        is_right = dice.random() < share + 0.04
        said = weighed(right if is_right else wrong, wrong if is_right else right, share)
        asked = share < 0.65 and dice.random() < 0.7
        route = a_route(right, rule="asked", new=False, candidates=said.candidates) if asked else said
        message = a_message(
            WORDS[number % len(WORDS)], person=person, address=HTTP, task=right.id, state="answered",
            created_at=at + timedelta(weeks=8) * number / messages,
            route=a_route(right, rule="corrected") if not asked and not is_right else route,
        )  # fmt: skip
        changes.append(Add(message))
        if not asked and not is_right:
            changes.append(Add(a_correction(message, wrong, right, route=said, by=person, created_at=now())))
    await hub.parts.store.commit(*changes)


async def comes(tabs: Tabs, hub: Running) -> Page:
    """Sign the owner in, and go to the routes by the menu."""
    page = await sign_in(tabs, hub)
    await page.get_by_role("link", name="Routes").click()
    await expect(page.locator("#measured")).to_be_visible()
    return page


async def test_what_was_measured_stands_on_top_with_its_interval_and_what_it_cannot_tell(
    hub: Running, tabs: Tabs
) -> None:
    await some_weeks(hub)
    page = await comes(tabs, hub)
    found = await page.evaluate("fetch('/v1/routes/figures').then((answer) => answer.json())")
    right = found["decided"]
    assert 0 < right["right"] < right["n"]
    await expect(page.locator("#right")).to_have_text(f"{right['share'] * 100:.1f}%")
    await expect(page.locator("#measured")).to_contain_text(f"of {right['n']} messages it decided about by itself")
    await expect(page.locator("#measured")).to_contain_text("95% interval")
    await expect(page.get_by_role("img", name="Share of messages that stayed")).to_be_visible()
    dots = page.get_by_role("img", name="How often messages were right").locator(".dot")
    await expect(dots).to_have_count(len(found["bins"]))
    await page.get_by_text("What these figures tell").click()
    await expect(page.locator(".honest")).to_contain_text("nobody has said so")
    await expect(page.get_by_role("group", name="By week").locator("tbody tr")).to_have_count(len(found["weeks"]))
    assert await faults_of(page) == []
    assert await fits(page)
    await page.get_by_text("What these figures tell").click()
    await shot(page, "routes-light")


async def test_messages_are_filtered_and_older_ones_come_on_request(tabs: Tabs) -> None:
    async with serving(limits=LimitsConfig(ask_below=0.6)) as hub:
        await some_weeks(hub)
        page = await comes(tabs, hub)
        await expect(page.locator("#routed > li")).to_have_count(25)
        await page.get_by_role("button", name="Show older ones").click()
        await expect(page.locator("#routed > li")).to_have_count(50)
        await page.get_by_role("button", name="Put right", exact=True).click()
        await expect(page.locator("#routed > li").first).to_contain_text("by Owner")
        await expect(page.locator("#routed > li", has_not=page.locator(".tag.wrong"))).to_have_count(0)
        await page.get_by_role("button", name="Asked", exact=True).click()
        await expect(page.locator("#routed > li", has_not=page.locator(".tag.ask"))).to_have_count(0)
        await page.get_by_role("button", name="Uncertain").click()
        await page.wait_for_function(UNCERTAIN)


async def test_a_wrong_one_is_put_right_on_the_spot_and_is_answered_there(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Which day?", "A carrot cake it is.", "By train, then.")
    page = await sign_in(tabs, hub)
    await say(page, "Find me a train to Bonn", about="New task")
    await expect(answer(page, "Which day?")).to_be_visible()
    await say(page, "Bake me a carrot cake", about="New task")
    await expect(answer(page, "A carrot cake it is.")).to_be_visible()
    await page.get_by_role("link", name="Routes").click()
    row = page.locator("#routed > li", has_text="Bake me a carrot cake")
    await expect(row).to_contain_text("told outright")
    await row.get_by_role("button", name="Wrong task?").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitem", name="Find me a train to Bonn").press("Enter")
    await expect(row.locator(".tag.wrong")).to_have_text("Put right")
    await expect(row.get_by_role("link", name="#1 Find me a train to Bonn")).to_be_visible()
    await expect(row).to_contain_text("by Owner")
    [correction] = await hub.parts.store.corrections(HOME, 9)
    assert correction.by == OWNER


async def test_everybodys_are_shown_to_the_owner_and_a_phone_has_room_for_all(chromium: Browser, hub: Running) -> None:
    await some_weeks(hub, messages=40)
    await hub.parts.store.commit(Add(a_person(id=BEA, name="Bea Bold", role="member")))
    await some_weeks(hub, person=BEA, messages=12)
    async with looking(chromium, viewport=NARROW, touch=True, dark=True) as tabs:
        page = await sign_in(tabs, hub)
        await page.goto(f"{hub.url}/routes")
        await expect(page.locator("#measured")).to_be_visible()
        await expect(page.locator("#routed")).not_to_contain_text("Bea Bold")
        await shot(page, "routes-phone")
        await page.get_by_role("button", name="Everybody’s").tap()
        await expect(page.locator("#routed > li").first).to_contain_text("Bea Bold")
        assert await fits(page)
        assert await faults_of(page) == []


async def test_where_nobody_wrote_it_says_so(hub: Running, tabs: Tabs) -> None:
    page = await comes(tabs, hub)
    await expect(page.locator("#measured")).to_contain_text("There’s nothing to measure yet")
    await expect(page.locator("#no-routes")).to_contain_text("What you write anywhere stands here")
