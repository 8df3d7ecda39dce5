"""The chat in a page of another site: one line puts it there, and the page's strict policy is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import faults_of
from tests.browser.running import LOOP, OWNER_KEY, PHONE, Running, Tabs, serving

pytestmark = [pytest.mark.browser, LOOP]
ANSWER = "Yes, **three** of them."


@asynccontextmanager
async def shop(hub: Running, line: str, *, strict: bool = True) -> AsyncIterator[str]:
    """Serve a page of somebody else's, on another origin, that lets in the hub's script and nothing else."""
    lets_in = f"default-src 'none'; script-src {hub.url}; connect-src {hub.url} 'self'"
    policy = f"{lets_in}; require-trusted-types-for 'script'" if strict else lets_in
    body = f'<!doctype html><html lang="en"><title>Shop</title><main><h1>Shop</h1><p>Teapots.</p></main>{line}</html>'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        kind, text = ("application/json", await _pass(hub, asked)) if asked.startswith("/pass") else ("text/html", body)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Security-Policy: {policy}\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(text.encode())}\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def api(hub: Running, path: str, body: dict[str, object]) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def _pass(hub: Running, asked: str) -> str:
    id = asked.partition("?")[2]
    return f'{{"token": "{(await api(hub, f"/v1/embeds/{id}/passes", {"external": "customer-1"}))["token"]}"}}'


async def an_embed(hub: Running, **fields: object) -> str:
    # Its page's port isn't known yet: set once it is.
    return (await api(hub, "/v1/embeds", {"name": "Shop help", "origins": [hub.url], **fields}))["id"]


async def let_in(hub: Running, id: str, origin: str) -> None:
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        assert (await client.patch(f"/v1/embeds/{id}", json={"origins": [origin]})).status_code == 200


async def leave(tabs: Tabs) -> None:
    """Close the pages while their hub still answers: a chat that's open would ask it again."""
    for page in tabs.context.pages:
        await page.close()


def line(hub: Running, id: str, more: str = "") -> str:
    return f'<script src="{hub.url}/embed/{id}/widget.js" {more} async></script>'


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Write a message").fill(text)
    await page.keyboard.press("Enter")


async def test_a_visitor_asks_in_a_shops_page_and_finds_the_answer_again(tabs: Tabs) -> None:
    async with serving() as hub:
        hub.llm.say("Yes, ‖ **three** of them.")
        id = await an_embed(hub, visitors=True, greeting="How can we help?")
        async with shop(hub, line(hub, id)) as url:
            await let_in(hub, id, url)
            page = await tabs.open(url)
            await page.get_by_role("button", name="Open the chat").click()
            await expect(page.get_by_role("log")).to_contain_text("How can we help?")
            await say(page, "Are there teapots?")
            await expect(page.locator(".m.agent")).to_have_text("Yes,")
            hub.llm.go_on()

            await expect(page.locator("strong")).to_have_text("three")
            await expect(page.locator(".m.agent")).to_have_count(1)  # what was written meanwhile is gone
            await page.reload()
            await page.get_by_role("button", name="Open the chat").click()
            await expect(page.get_by_role("log")).to_contain_text("Are there teapots?")
            await expect(page.get_by_role("log")).to_contain_text("Yes, three of them.")
            await leave(tabs)


async def test_whom_the_page_names_has_the_same_chat_on_every_device(tabs: Tabs) -> None:
    async with serving() as hub:
        hub.llm.say(ANSWER)
        id = await an_embed(hub)
        async with shop(hub, line(hub, id, f'data-pass-url="/pass?{id}"')) as url:
            await let_in(hub, id, url)
            page = await tabs.open(url)
            await page.get_by_role("button", name="Open the chat").click()
            await say(page, "Are there teapots?")
            await expect(page.get_by_role("log")).to_contain_text("Yes, three of them.")

            other = await tabs.open(url)
            await other.evaluate("localStorage.clear()")
            await other.reload()
            await other.get_by_role("button", name="Open the chat").click()
            await expect(other.get_by_role("log")).to_contain_text("Yes, three of them.")
            await leave(tabs)


async def test_what_others_write_runs_nothing_in_the_shops_page(tabs: Tabs) -> None:
    image, link = "<img src=x onerror=\"document.title='owned'\">", "[x](javascript:document.title='owned')"
    attack = f"{image} {link} <script>alert(1)</script>"
    async with serving() as hub:
        hub.llm.say(attack)
        id = await an_embed(hub, visitors=True, greeting="<b onclick=x>Hi</b>", title="<i>Shop</i>")
        async with shop(hub, line(hub, id)) as url:
            await let_in(hub, id, url)
            page = await tabs.open(url)
            await page.get_by_role("button", name="Open the chat").click()
            await say(page, attack)

            await expect(page.locator(".m.agent").last).to_contain_text("x")
            assert await page.title() == "Shop"
            assert await page.locator(".log script, .log [onerror], .log a[href^=javascript]").count() == 0
            await leave(tabs)


async def test_it_is_used_by_keys_and_on_a_phone_and_axe_finds_no_fault(tabs: Tabs) -> None:
    async with serving() as hub:
        hub.llm.say(ANSWER)
        id = await an_embed(hub, visitors=True)
        async with shop(hub, line(hub, id), strict=False) as url:
            await let_in(hub, id, url)
            page = await tabs.open(url)
            await page.set_viewport_size(PHONE)
            door = page.get_by_role("button", name="Open the chat")
            await expect(door).to_be_visible()
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await say(page, "Are there teapots?")
            await expect(page.get_by_role("log")).to_contain_text("Yes, three of them.")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await faults_of(page) == []

            await page.keyboard.press("Escape")
            await expect(page.get_by_role("textbox")).to_be_hidden()
            await expect(door).to_be_focused()
            await leave(tabs)
