"""A task's timeline, and the board: what happened, how long it took, and what's waited for, on every screen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from hub.flow.notices import notice
from hub.ports import Add
from hub.records import (
    HOME,
    OWNER,
    Address,
    Again,
    Ask,
    Point,
    Schedule,
    Step,
    Task,
    Usage,
    Wait,
)
from hub.testing import a_message, a_step, a_task, a_transition, a_turn
from tests.browser.pages import fits, sign_in
from tests.browser.running import LOOP, PHONE, Running, Tabs, looking

pytestmark = [pytest.mark.browser, LOOP]
LONG = "<img src=x onerror=\"document.title='owned'\"> " + "a table of trains, and of what they cost " * 30


async def some_work(hub: Running) -> Task:
    """Keep a task that has worked, called tools, waited and asked; and others that rest."""
    now = datetime.now(UTC).replace(microsecond=0)

    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    task = a_task(number=70, title="Book a train to Rome", goal="Book a train to Rome", kind="assignment",
                  state="input-required", created_at=ago(1600), updated_at=ago(5), used=Usage(turns=3, tokens=4120),
                  plan=(Point(text="Find the trains", state="done"), Point(text="Compare"), Point(text="Book")),
                  verdict=Ask(question="Is 12:05 fine?"))  # fmt: skip
    waits = Wait(until=now + timedelta(hours=5), why="the shop is closed")
    resting = a_task(number=71, title="Watch the price", kind="assignment", state="working", updated_at=ago(9),
                     due_at=waits.until, verdict=waits)  # fmt: skip
    daily = a_task(number=72, title="News", kind="assignment", state="submitted", updated_at=ago(10),
                   due_at=now + timedelta(hours=9), run_at=now + timedelta(hours=9),
                   schedule=Schedule(cron="0 8 * * *"))  # fmt: skip
    one = a_turn(task, number=1, state="done", started_at=ago(1600), ended_at=ago(1598), ms=112_000.0, tokens_in=900,
                 tokens_out=80, verdict=Wait(until=ago(70), why="the timetable comes at noon"))  # fmt: skip
    two = a_turn(task, number=2, state="done", started_at=ago(70), ended_at=ago(69), ms=61_000.0, tokens_in=2000,
                 tokens_out=140, answer="I looked.", verdict=Again(after=60, why="nothing is booked"))  # fmt: skip
    three = a_turn(task, number=3, state="done", started_at=ago(60), ended_at=ago(59), ms=44_000.0, tokens_in=900,
                   tokens_out=100, answer="Is 12:05 fine?", verdict=Ask(question="Is 12:05 fine?"))  # fmt: skip

    def call(turn: int, at: float, **fields: object) -> Step:
        return a_step([one, two, three][turn - 1], kind="tool", name="web_fetch", request='{"url":"https://example.org"}',
                      ended_at=ago(at), **fields)  # fmt: skip

    calls = (
        call(1, 1599, number=1, result=LONG, ms=812.0),
        call(2, 69.5, number=1, result="it can't be reached", ms=30_000.0, failed=True),
    )
    said = a_message("Book a train to Rome", task=task.id, created_at=ago(1600), state="answered")
    moves = (
        a_transition(task, after="submitted", by="person", why="assigned", at=ago(1600)),
        a_transition(task, before="submitted", after="working", by="hub", why="turn 1 begins", at=ago(1600)),
        a_transition(
            task, before="working", after="input-required", by="supervisor", why="it asks which train", at=ago(59)
        ),
        a_transition(resting, before="submitted", after="working", by="schedule", why="turn 1 begins", at=ago(9)),
        a_transition(daily, before="working", after="submitted", by="supervisor", why="all is said", at=ago(10)),
    )
    records = (task, resting, daily, one, two, three, *calls, said, *moves)
    await hub.parts.store.commit(*(Add(record) for record in records))
    return task


async def test_a_timeline_is_read_filtered_and_taken_away(hub: Running, tabs: Tabs) -> None:
    task = await some_work(hub)
    page = await sign_in(tabs, hub)
    await page.goto(f"{hub.url}/tasks/{task.id}")
    timeline = page.get_by_role("region", name="Timeline")
    items = timeline.get_by_role("listitem")

    await expect(items.first).to_contain_text("it still waits")
    await expect(items.last).to_contain_text("founded: Waiting")
    await expect(timeline).to_contain_text("3 turns · 4,120 tokens · 4 min at work")
    await expect(timeline).to_contain_text("web_fetch")
    assert await page.title() != "owned"

    await timeline.get_by_role("button", name="Tool calls").click()
    await expect(items).to_have_count(2)
    await expect(items.first).to_contain_text("30.0 s")
    await items.last.locator("summary").click()
    await expect(items.last.locator(".detail").last).to_be_visible()
    await timeline.get_by_role("button", name="Waits").click()
    await expect(items.last).to_contain_text("until a time")
    await expect(items.last).to_contain_text("1 d")

    async with page.expect_download() as download:
        await timeline.get_by_role("link", name="CSV").click()
    text = Path(await (await download.value).path()).read_text()
    assert (await download.value).suggested_filename == "task-70.csv"
    assert "the timetable comes at noon" in text


async def test_the_board_says_how_far_tasks_are_what_they_wait_for_and_who_changed_them(
    hub: Running, tabs: Tabs
) -> None:
    await some_work(hub)
    page = await sign_in(tabs, hub)
    await page.goto(f"{hub.url}/tasks")
    ticket = page.locator(".ticket", has_text="Book a train to Rome")

    await expect(ticket).to_contain_text("1 of 3 points done")
    await expect(ticket).to_contain_text("Needs you, says the supervisor: it asks which train")
    await expect(page.locator(".ticket", has_text="Watch the price")).to_contain_text("the shop is closed")
    await expect(page.locator(".ticket", has_text="News")).to_contain_text("Next run")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_both_fit_a_phone_in_light_and_dark(hub: Running, chromium: Browser, theme: str, tmp_path: Path) -> None:
    task = await some_work(hub)
    async with looking(chromium, viewport={**PHONE, "width": 360}, touch=True) as tabs:
        page = await sign_in(tabs, hub)
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for path in (f"/tasks/{task.id}", "/tasks"):
            await page.goto(f"{hub.url}{path}")
            await expect(page.locator("main")).to_contain_text("Book a train to Rome")
            await expect(page.locator("main")).to_contain_text("Needs you, says the supervisor")
            assert await fits(page)


async def test_progress_changes_in_place_in_the_chat(hub: Running, tabs: Tabs) -> None:
    task = await some_work(hub)
    page = await sign_in(tabs, hub)
    here = Address(bridge="http", chat="owner/main")
    now = datetime.now(UTC)
    said = notice("Working: turn 2 of 20", tenant=HOME, to=here, person=OWNER, now=now, task=task.id)
    feed, store, outbox = hub.parts.feed, hub.parts.store, hub.parts.outbox
    feed.publish(*await store.commit(*outbox.say(said)))
    shown = page.locator(".said.notice")
    await expect(shown).to_contain_text("Working: turn 2 of 20")

    feed.publish(*await store.commit(*await outbox.change(said.id, "Done after 3 turns, 2 min")))
    await expect(shown).to_contain_text("Done after 3 turns, 2 min")
    await expect(shown).to_have_count(1)
