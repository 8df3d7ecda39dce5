"""From the web page an agent and a plugin are installed, used from Telegram, seen, and taken out again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.async_api import Browser, FilePayload, Page, async_playwright, expect

from hub.__main__ import load
from hub.cli.packing import packed
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.running import Tabs, looking
from tests.faults.served import Served
from tests.telegram.botapi import TOKEN, BotApi
from tests.telegram.says import until
from tests.telegram.seen import Shown

pytestmark = pytest.mark.browser

ACCOUNT = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{url}"
access = "list"
allow = ["1001"]
owner = "1001"
"""
MANIFEST = """\
name = "noticeboard"
version = "0.1.0"
description = "Puts notes up where everybody sees them."

[tools.put_up]
words = ["put up", "notice"]
examples = [{ text = "Put up a notice: the lift is broken.", arguments = { note = "The lift is broken." } }]
others = ["I notice that it rains."]
effect = "once"
ask = true

[permissions]
messages = ["read:task"]
"""
PROGRAM = '''\
async def put_up(note: str) -> str:
    """Put up a note where everybody sees it."""
    return f"It hangs. Asked for {len(await said())} time."
'''


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        await browser.close()


async def test_from_the_page_to_telegram_and_back_out_and_nothing_stays_but_the_log(
    api: BotApi, chromium: Browser, model: str, tmp_path: Path
) -> None:
    """Story 6 of the issue."""
    config = model + ACCOUNT.format(token=TOKEN, url=api.url)
    async with Served(tmp_path, config) as hub, looking(chromium) as tabs:
        page = await signed_in(hub, tabs)
        await install(page, packages(tmp_path / "mine"))
        assert "put_up" in await names(hub, "/v1/tools", "id")
        assert "caretaker" in await names(hub, "/v1/agents", "name")

        api.says("/agent caretaker")
        await until(lambda: any("takes your new tasks" in text for text in api.texts), within=60)
        api.says("Put up a notice about the lift")
        asked = await question(api)
        assert "put_up" in asked.text
        assert '"note"' in asked.text
        await waits_on(page, hub)

        api.presses(asked, "Approve")
        await until(lambda: any("Answer to" in text for text in api.texts), within=60)
        [task] = (await hub.get("/v1/tasks"))["items"]
        assert task["agent"] == "caretaker"
        await receipts_on(page, hub, task["id"])

        await deny_on(page, hub, api)
        await remove(page, hub)
        await nothing_stays(api, page, hub, task["id"])
    assert "put_up" not in (tmp_path / "config.toml").read_text()


def packages(folder: Path) -> list[FilePayload]:
    """Make a plugin and an agent as their authors would: begun by the command, then changed."""
    folder.mkdir()
    for kind, name in (("plugin", "noticeboard"), ("agent", "caretaker")):
        made = CliRunner().invoke(load("new"), [kind, name, "--in", str(folder)])
        assert made.exit_code == 0, made.output
    (folder / "noticeboard" / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "noticeboard" / "plugin.py").write_text(PROGRAM, encoding="utf-8")
    agent = folder / "caretaker" / "agent.toml"
    told = agent.read_text(encoding="utf-8")
    agent.write_text(told.replace('tools = ["clock", "calculate"]', 'tools = ["put_up"]'), encoding="utf-8")
    return [
        FilePayload(name=f"{name}.zip", mimeType="application/zip", buffer=packed(folder / name))
        for name in ("noticeboard", "caretaker")
    ]


async def signed_in(hub: Served, tabs: Tabs) -> Page:
    link = (await hub.http.post("/v1/sign-in/links")).json()["url"]
    page = await tabs.open(at(hub, f"sign-in#{link.partition('#')[2]}"))
    await page.get_by_role("link", name="Packages").click()
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    return page


async def install(page: Page, files: list[FilePayload]) -> None:
    """Put both in, look at what they ask for, grant it, and switch them on."""
    await page.locator("#zip").set_input_files(files)
    plugin, agent = page.locator("#p-noticeboard"), page.locator("#p-caretaker")
    await expect(agent.get_by_text("Off", exact=True)).to_be_visible()
    await expect(plugin.get_by_role("button", name="Enable")).to_be_disabled()
    await plugin.get_by_role("checkbox", name="Read what was said in the task").check()
    for card in (plugin, agent):
        await card.get_by_role("button", name="Enable").click()
        await expect(card.get_by_text("In use")).to_be_visible()


async def question(api: BotApi) -> Shown:
    """Wait until the hub asks on Telegram, and return that."""

    def found() -> list[Shown]:
        return [shown for shown in api.shown if "Approve" in {key["text"] for row in shown.buttons for key in row}]

    await until(lambda: bool(found()), within=60)
    return found()[0]


async def waits_on(page: Page, hub: Served) -> None:
    """See on the page what's asked on Telegram, word for word."""
    await page.goto(at(hub, "tasks"))
    waiting = page.get_by_role("region", name="Waits for your leave")
    await expect(waiting).to_contain_text("put_up")
    await expect(waiting.get_by_role("button", name="Approve: put_up")).to_be_visible()


async def receipts_on(page: Page, hub: Served, task: str) -> None:
    """See what was done, and who gave leave."""
    await page.goto(at(hub, f"tasks/{task}"))
    calls = page.get_by_role("region", name="What it did")
    await expect(calls).to_contain_text("put_up")
    await expect(calls).to_contain_text("from noticeboard")
    await expect(calls).to_contain_text("It hangs. Asked for 1 time.")
    await expect(calls).to_contain_text("Leave was given by Owner")
    await expect(page.get_by_role("region", name="Waits for your leave")).to_have_count(0)


async def deny_on(page: Page, hub: Served, api: BotApi) -> None:
    """See the next call come in on an open page, and refuse it there."""
    await page.goto(at(hub, "tasks"))
    waiting = page.get_by_role("region", name="Waits for your leave")
    await expect(page.get_by_role("region", name="Done")).to_contain_text("Put up a notice")
    await expect(waiting).to_have_count(0)
    api.says("/new Put up a notice about the cellar")
    await waiting.get_by_role("button", name="Deny: put_up").click(timeout=60_000)
    await expect(waiting).to_have_count(0)
    await page.get_by_role("link", name="Put up a notice about the cellar", exact=True).click()
    await expect(page.get_by_role("region", name="What it did")).to_contain_text("Leave was refused by Owner")


async def remove(page: Page, hub: Served) -> None:
    await page.goto(at(hub, "packages"))
    for name in ("noticeboard", "caretaker"):
        card = page.locator(f"#p-{name}")
        await card.locator("summary").click()
        await card.get_by_role("button", name="Remove").click()
        await card.get_by_role("button", name="Really remove?").click()
        await expect(card).to_have_count(0)
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()


async def nothing_stays(api: BotApi, page: Page, hub: Served, task: str) -> None:
    """No file, no tool, no agent; what was done can still be read, and who wrote on goes on with the default agent."""
    assert [path for path in (hub.data / "packages").rglob("*") if path.is_file()] == []
    assert [path for path in (hub.data / "documents").rglob("*") if "noticeboard" in path.name] == []
    assert "put_up" not in await names(hub, "/v1/tools", "id")
    assert "caretaker" not in await names(hub, "/v1/agents", "name")
    assert await names(hub, "/v1/plugins", "name") == ["units"]
    api.says("/agent")
    await until(lambda: any("isn't here any more" in text for text in api.texts), within=60)
    await page.goto(at(hub, f"tasks/{task}"))
    await expect(page.get_by_role("region", name="What it did")).to_contain_text("It hangs.")
    api.says("/new Hello again m9x9")
    await until(lambda: any("m9x9" in text for text in api.texts), within=60)
    newest = (await hub.get("/v1/tasks"))["items"][0]
    assert newest["agent"] == "default"


def at(hub: Served, path: str) -> str:
    return f"{str(hub.http.base_url).rstrip('/')}/{path}"


async def names(hub: Served, path: str, key: str) -> list[str]:
    items: list[Any] = (await hub.get(path))["items"]
    return [item[key] for item in items]
