"""Names, titles, files and foreign pages that attack: shown as what they are, they run and load nothing."""

import json
from contextlib import suppress

import httpx
import pytest
from playwright.async_api import Error, expect

from hub.ports import Add
from hub.records import HOME
from hub.store.memory import MemoryStore
from tests.browser.hostile import Watched, hostile
from tests.browser.pages import enter, sign_in
from tests.browser.running import LOOP, OWNER_KEY, Running, Tabs, serving
from tests.browser.test_widget import an_embed, leave, let_in
from tests.unit.web import test_isolation

pytestmark = [pytest.mark.browser, LOOP]
PAGES = ("/", "/tasks", "/tasks/{task}", "/people", "/desk", "/webhooks", "/packages", "/status", "/account")
SHOWING = ("/tasks", "/tasks/{task}", "/people")
"""Those that show a name for sure."""
NAME = "<img src=x onerror=top.owned=1>\"'><svg onload=top.owned=1>{{7*7}}<a href='javascript:top.owned=1'>x</a>"
SCRIPT = "top.owned=1;try{opener.owned=1}catch{}"
FILES = {
    "page.html": ("text/html", f"<script>{SCRIPT}</script>"),
    "picture.svg": ("image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg' onload='{SCRIPT}'/>"),
    "data.xml": ("text/xml", f"<x xmlns='http://www.w3.org/1999/xhtml'><script>{SCRIPT}</script></x>"),
    "sheet.xsl": ("application/xslt+xml", f"<script xmlns='http://www.w3.org/1999/xhtml'>{SCRIPT}</script>"),
    "code.js": ("text/javascript", SCRIPT),
    "looks-like.png": ("image/png", f"<html><script>{SCRIPT}</script>"),
    "sound.mp3": ("audio/mpeg", f"<html><script>{SCRIPT}</script>"),
    "odd.type": ("text/html; charset=utf-7", "+ADw-script+AD4-top.owned=1+ADw-/script+AD4-"),
    'quote".html;x=\r\nSet-Cookie: a=b.html': ("text/html", f"<script>{SCRIPT}</script>"),
}


async def test_xss_in_names_of_people_tasks_tools_hooks_keys_chats_and_places(
    tabs: Tabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of everything that has a name or a text by others, on all pages."""
    monkeypatch.setattr(test_isolation, "CANARY", NAME)
    ids, records = test_isolation.has_everything(HOME)
    store, watched = MemoryStore(), Watched(tabs)
    async with serving(store=store) as hub:
        await store.commit(*map(Add, records))
        await enter(tabs, hub)
        page = await watched.open(f"{hub.url}/account")
        for path in PAGES:
            await page.goto(hub.url + path.replace("{task}", ids["task"]))
            if path in SHOWING:
                await expect(page.locator("body")).to_contain_text("onerror=top.owned=1")
            await page.wait_for_timeout(300)
            assert await page.locator("main img[src=x], main svg[onload]").count() == 0, path
            assert await watched.effects() == [], path
        await leave(tabs)


async def test_uploaded_files_and_their_names_run_nothing_when_they_are_opened(hub: Running, tabs: Tabs) -> None:
    await enter(tabs, hub)
    watched = Watched(tabs)
    own = await watched.open(f"{hub.url}/account")
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        for name, (kind, text) in FILES.items():
            sent = await client.post("/v1/files", files={"file": (name, text.encode(), kind)})
            assert sent.status_code == 201, sent.text
            address = f"/v1/files/{sent.json()['sha256']}"
            told = (await client.get(address)).headers
            page = await tabs.context.new_page()
            shown = kind in {"image/png", "audio/mpeg"}
            if shown:
                await page.goto(hub.url + address)
                assert page.url.endswith(address), name
            else:
                async with page.expect_download() as saving:
                    with suppress(Error):  # it's no error that a file is saved, but playwright's
                        await page.goto(hub.url + address)
                assert (await saving.value).url.endswith(address), name
                assert not page.url.endswith(address), name
            assert told["x-content-type-options"] == "nosniff", name
            assert told["content-security-policy"] == "default-src 'none'; sandbox", name
            assert "set-cookie" not in told, name
            assert told["content-disposition"].startswith("inline" if shown else "attachment"), name
            await own.evaluate(
                """(address) => {
                  window.open(address);
                  for (const tag of ["img", "embed", "object", "iframe", "script"]) {
                    const each = document.createElement(tag);
                    each[tag === "object" ? "data" : "src"] = address;
                    document.body.append(each);
                  }
                }""",
                address,
            )
        await own.wait_for_timeout(500)

    # The page's own policy refuses to embed them at all: that's what's told then, and nothing ran.
    assert [seen for seen in await watched.effects() if not seen.startswith("CSP")] == []


async def test_a_files_name_is_shown_and_saved_as_letters(hub: Running, tabs: Tabs) -> None:
    page, watched = await sign_in(tabs, hub), Watched(tabs)
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        for number, name in enumerate((f"{NAME[:60]}.html", "../../etc/passwd", "\u202egnp.exe", "a\u0000b.png")):
            sent = await client.post("/v1/files", files={"file": (name, b"x%d" % number, "text/html")})
            assert sent.status_code in {201, 400}
            if sent.status_code == 201:
                part = {"type": "file", "sha256": sent.json()["sha256"], "name": sent.json()["name"]}
                assert "/" not in sent.json()["name"]
                hub.llm.say("Kept.")
                said = await client.post(
                    "/v1/messages?wait=20", json={"parts": [part, {"type": "text", "text": "look"}]}
                )
                assert said.status_code in {200, 202}, said.text
    await page.reload()
    await expect(page.locator("a.file").first).to_be_visible()

    assert await page.locator("#messages img").count() == 0
    assert await watched.effects() == []


# --- the widget in a page that attacks


def shop(hub: Running, id: str, before: str) -> str:
    return (
        f'<!doctype html><title>Shop</title><body>{before}<script src="{hub.url}/embed/{id}/widget.js" async></script>'
    )


async def test_dom_clobbering_of_the_shops_page_does_not_lead_the_widget_elsewhere(tabs: Tabs) -> None:
    """Shops show what people write, with names in it: none of these takes the place of what the widget looks for."""
    async with serving() as hub, hostile() as evil:
        id = await an_embed(hub, visitors=True, greeting="How can we help?")
        await let_in(hub, id, evil.url())
        for name in ("currentScript", "trustedTypes", "fetch", "settings", "agenthost"):
            clobber = (
                f'<img name="{name}" src="{evil.url()}/embed/x/widget.js"><a id="{name}" href="{evil.url()}/x/">y</a>'
            )
            evil.pages["/shop"] = shop(hub, id, clobber)
            page = await tabs.context.new_page()
            await page.goto(f"{evil.url()}/shop")
            await page.get_by_role("button", name="Open the chat").click()
            await expect(page.get_by_role("log")).to_contain_text("How can we help?")
            await page.close()

    assert [hit for hit in evil.hits if not hit.startswith("GET /embed/x/widget.js ")] == []


async def test_prototype_pollution_and_messages_of_the_shops_page_get_nothing_out_of_the_widget(tabs: Tabs) -> None:
    """A page can do all with its own chat. What others polluted in it, or post to it, adds nothing to that."""
    image = "<img src=x onerror=top.owned=1>"
    posted = [{"type": "pass", "token": "x"}, {"event": "message", "data": {"html": image}}, "open"]
    async with serving() as hub, hostile() as evil:
        hub.llm.say("Yes, <img src=x onerror=window.owned=1> of course.")
        id = await an_embed(hub, visitors=True)
        await let_in(hub, id, evil.url())
        polluted = {
            "visitors": True,
            "pass": "polluted",
            "passUrl": f"{evil.url()}/pass",
            "html": image,
            "title": image,
        }
        script = f"Object.assign(Object.prototype, {json.dumps(polluted)});"
        script += f"setInterval(() => {json.dumps(posted)}.forEach((each) => window.postMessage(each, '*')), 50)"
        evil.pages["/shop"] = shop(hub, id, f"<script>{script}</script>")
        page = await tabs.context.new_page()
        await page.goto(f"{evil.url()}/shop")
        await page.get_by_role("button", name="Open the chat").click()
        await page.get_by_role("textbox", name="Write a message").fill("Hello")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("log")).to_contain_text("of course.")

        assert await page.evaluate("Object.hasOwn(window, 'owned')") is False
        await page.close()

    assert evil.hits == []


async def test_the_widgets_answers_are_not_to_be_read_by_pages_of_other_origins(tabs: Tabs) -> None:
    async with serving() as hub, hostile(page="<title>x</title>") as evil:
        id = await an_embed(hub, visitors=True)
        page = await tabs.context.new_page()
        await page.goto(f"{evil.url()}/page")
        read = await page.evaluate(
            """async (base) => {
              const read = [];
              const ways = [["GET", "settings"], ["POST", "visits"], ["GET", "messages"]];
              for (const [method, path] of ways)
                await fetch(base + path, { method }).then(async (told) => read.push(await told.text())).catch(() => {});
              return read;
            }""",
            f"{hub.url}/embed/{id}/",
        )
        await page.close()

    assert read == []
