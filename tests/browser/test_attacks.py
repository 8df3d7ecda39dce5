"""What pages of others, and texts of others in our pages, try in a real browser, each by its name: none has an effect.

The attacker's site lies on a port of its own: by the name localhost it's another site than the hub's, by 127.0.0.1 it's
of the same one, so that even cookies that are SameSite come along with what it sends.
"""

import json
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
import pytest_asyncio
from playwright._impl._api_structures import SetCookieParam
from playwright.async_api import Browser, Page, expect

from hub.records import OWNER, TenantId
from tests.browser.hostile import Watched, hostile, submitted
from tests.browser.pages import answer, enter, say, sign_in, writing
from tests.browser.running import LOOP, OWNER_KEY, PAUSE, Running, Tabs, looking, serving
from tests.browser.vectors import CALL, vectors

pytestmark = [pytest.mark.browser, LOOP]
SITES = pytest.mark.parametrize("site", ["localhost", "127.0.0.1"])
KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
EACH = 90
"""Vectors in one answer."""
SPEAK = """async ({ hub, headers }) => {
  const body = JSON.stringify({ text: "owned" });
  const answer = await fetch(hub + "/v1/messages", { method: "POST", credentials: "include", headers, body });
  return answer.status;
}"""
LISTEN = """(hub) => new Promise((resolve) => {
  const source = new EventSource(hub + "/v1/events?after=0", { withCredentials: true });
  const end = (what) => { source.close(); resolve(what); };
  source.addEventListener("hello", (event) => end("hello"));
  source.onopen = () => setTimeout(() => end("open"), 30000);
  source.onerror = () => end("nothing");
})"""
CONNECT = """(hub) => new Promise((resolve) => {
  const socket = new WebSocket(hub.replace("http", "ws") + "/v1/ws");
  socket.onopen = () => { socket.close(); resolve("open"); };
  socket.onerror = () => resolve("nothing");
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing() -> AsyncIterator[Running]:
    """A hub for all tests in here that must leave it as it was: whoever fails to may have others fail too."""
    async with serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(standing: Running, chromium: Browser) -> list[SetCookieParam]:
    """The cookies of somebody who's signed in there: once, for of tries there are few in a minute."""
    async with looking(chromium) as tabs:
        await enter(tabs, standing)
        return cast("list[SetCookieParam]", await tabs.context.cookies())


@pytest_asyncio.fixture(loop_scope="session")
async def victim(standing: Running, session: list[SetCookieParam], tabs: Tabs) -> object:
    """Whoever the browser's signed in as."""
    await tabs.context.add_cookies(session)
    found = await who(tabs, standing)
    assert found
    return found


async def asked(hub: Running, method: str, path: str, body: object = None) -> httpx.Response:
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {OWNER_KEY}"}) as client:
        return await client.request(method, path, json=body)


async def said(hub: Running) -> list[str]:
    """Return all that was said to a hub."""
    return [message["text"] for message in (await asked(hub, "GET", "/v1/messages")).json()["items"]]


async def who(tabs: Tabs, hub: Running) -> object:
    """Return as whom a browser is signed in, if as anybody."""
    told = await tabs.context.request.get(f"{hub.url}/v1/whoami")
    return await told.json() if told.ok else None


async def foreign(tabs: Tabs, url: str) -> Page:
    """Open a page of somebody else, who has all faults they like."""
    return await Watched(tabs).open(url)


# --- CSRF


async def test_the_hubs_own_page_may_do_what_is_refused_below_to_those_of_others(hub: Running, tabs: Tabs) -> None:
    """So that a refusal below means something: it's who asks, not what's asked."""
    await enter(tabs, hub)
    page = await foreign(tabs, f"{hub.url}/static/icon.svg")
    token = next(cookie["value"] for cookie in await tabs.context.cookies() if cookie["name"] == "csrftoken")
    headers = {"Content-Type": "application/json", "x-csrftoken": token}
    hub.llm.say("Certainly.")

    assert await page.evaluate(CONNECT, hub.url) == "open"
    assert await page.evaluate(LISTEN, hub.url) == "hello"
    assert await page.evaluate(SPEAK, {"hub": hub.url, "headers": headers}) == 202
    assert "owned" in await said(hub)
    assert await page.evaluate(SPEAK, {"hub": hub.url, "headers": {"Content-Type": "application/json"}}) == 403


@SITES
async def test_csrf_by_a_form_of_another_sites_page_says_nothing(
    standing: Running, tabs: Tabs, victim: object, site: str
) -> None:
    action = f"{standing.url}/v1/messages"
    for kind in KINDS:
        # As text/plain, name and value make JSON together.
        name, value = ('{"text": "owned", "chat": "', 'x"}') if kind == "text/plain" else ("text", "owned")
        form = f"<form method=post enctype='{kind}' action='{action}'><input name='{name}' value='{value}'></form>"
        async with hostile(form=form) as evil:
            page = await foreign(tabs, f"{evil.url(site)}/form")
            assert await submitted(page) == 403, kind
            assert "own pages" in await page.content(), kind

    assert await said(standing) == []
    assert await who(tabs, standing) == victim


@SITES
async def test_csrf_by_fetch_with_credentials_does_and_reads_nothing(
    standing: Running, tabs: Tabs, victim: object, site: str
) -> None:
    async with hostile(page="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url(site)}/page")
        read = await page.evaluate(
            """async (hub) => {
              const ways = [];
              for (const mode of ["no-cors", "cors"])
                for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded"])
                  for (const [method, path] of [["POST", "/v1/messages"], ["POST", "/v1/sign-out"],
                    ["DELETE", "/v1/sessions"], ["PUT", "/v1/account/password"], ["POST", "/v1/keys"]])
                    ways.push({ mode, type, method, path });
              const read = [];
              for (const { mode, type, method, path } of ways) {
                try {
                  const body = JSON.stringify({ text: "owned", name: "owned", scopes: ["admin"], new: "owned" });
                  const headers = { "Content-Type": type };
                  const answer = await fetch(hub + path, { method, mode, credentials: "include", headers, body });
                  if (answer.type !== "opaque") read.push([path, await answer.text()]);
                } catch { /* refused, as it should be */ }
              }
              navigator.sendBeacon(hub + "/v1/messages", JSON.stringify({ text: "owned" }));
              for (const path of ["/v1/whoami", "/v1/messages", "/v1/keys"]) {
                try {
                  const answer = await fetch(hub + path, { credentials: "include" });
                  read.push([path, await answer.text()]);
                } catch { /* not to be read */ }
              }
              return read;
            }""",
            standing.url,
        )

    assert read == []
    assert await said(standing) == []
    assert "owned" not in (await asked(standing, "GET", "/v1/keys")).text
    assert await who(tabs, standing) == victim


@SITES
async def test_login_csrf_nobody_is_signed_in_as_the_attacker(
    standing: Running, tabs: Tabs, victim: object, site: str
) -> None:
    """Else what one writes then stands in the attacker's chats."""
    mallory = (await asked(standing, "POST", "/v1/tenants", {"name": "Mallory"})).json()
    code = standing.parts.people.new_code(TenantId(mallory["id"]), OWNER)
    value = f'", "code": "{code}", "instead": true}}'
    form = f"<form method=post enctype='text/plain' action='{standing.url}/v1/sign-in'>"
    form += f"""<input name='{{"x": "' value='{value}'></form>"""
    async with hostile(form=form) as evil:
        page = await foreign(tabs, f"{evil.url(site)}/form")
        assert await submitted(page) == 403

    assert await who(tabs, standing) == victim


async def test_login_csrf_by_a_link_asks_whoever_is_signed_in_already(standing: Running, tabs: Tabs) -> None:
    before = await enter(tabs, standing)
    mallory = (await asked(standing, "POST", "/v1/tenants", {"name": "Mallory"})).json()
    code = standing.parts.people.new_code(TenantId(mallory["id"]), OWNER)
    page = await foreign(tabs, f"{standing.url}/sign-in#{code}")
    await expect(page.locator("#words")).to_contain_text("somebody else")

    assert await who(tabs, standing) == before

    await page.get_by_role("button", name="Sign in by the link").click()
    await page.wait_for_url(f"{standing.url}/")
    assert await who(tabs, standing) not in (before, None)


async def test_login_csrf_a_link_for_oneself_is_followed_at_once(standing: Running, tabs: Tabs) -> None:
    # That ends the session it had.
    before = await enter(tabs, standing)
    page = await tabs.open(standing.link)
    await page.wait_for_url(f"{standing.url}/")
    assert await who(tabs, standing) == before


# --- streams


@SITES
async def test_cross_site_websocket_hijacking_gets_no_connection(
    standing: Running, tabs: Tabs, victim: object, site: str
) -> None:
    async with hostile(page="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url(site)}/page")
        assert await page.evaluate(CONNECT, standing.url) == "nothing"


@SITES
async def test_cross_site_event_stream_is_not_read(standing: Running, tabs: Tabs, victim: object, site: str) -> None:
    async with hostile(page="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url(site)}/page")
        assert await page.evaluate(LISTEN, standing.url) == "nothing"


# --- where one is led


async def test_token_in_the_address_is_gone_after_signing_in_and_sent_to_nobody(hub: Running, tabs: Tabs) -> None:
    link = hub.link
    code = link.partition("#")[2]
    heads: list[str] = []
    tabs.context.on(
        "request", lambda request: heads.append(f"{request.url.partition('#')[0]} {json.dumps(request.headers)}")
    )
    page = await tabs.open(link)
    await page.wait_for_url(f"{hub.url}/")
    await expect(page.locator("#welcome")).to_be_visible()
    async with hostile() as evil:
        hub.llm.say(f"[Look]({evil.url()}/look)")
        await say(page, "Where?")
        await answer(page, "Look").get_by_role("link", name="Look", exact=True).click()
        await page.wait_for_url(evil.url("**") + "/look")
        await page.go_back()

    assert evil.hits
    assert [head for head in evil.hits if "referer" in head.lower() or code in head] == []
    assert [head for head in heads if code in head] == []
    assert page.url == f"{hub.url}/"
    assert await page.evaluate("history.length") <= 3
    await page.go_back()
    assert code not in page.url


PATHS = (
    *("/sign-in?next={}", "/sign-in?next=//{}", "/sign-in?url={}", "/sign-in?redirect_uri=\\\\{}", "/sign-in#!{}"),
    *("//{}/", "/\\{}/", "/%2f%2f{}", "/%5c{}", "/sign-in/..//{}", "/sign-in/oidc/x?state={}&code=1&iss={}"),
    *("/sign-in/oidc/%2f%2f{}?code=1", "/tasks/..%2f..%2f{}", "/?gateway={}&url={}&host={}"),
)


@pytest.mark.parametrize("signed_in", [False, True])
async def test_open_redirect_and_another_servers_address_lead_nowhere(
    standing: Running, session: list[SetCookieParam], tabs: Tabs, signed_in: bool
) -> None:
    """No parameter of an address points pages, or what they ask, at somebody else."""
    watched = Watched(tabs)
    if signed_in:
        await tabs.context.add_cookies(session)
    page = await watched.open(f"{standing.url}/sign-in")
    async with hostile() as evil:
        place = evil.url().removeprefix("http://")
        for path in PATHS:
            await page.goto(f"{standing.url}{path.replace('{}', place)}")
            await page.wait_for_timeout(50)
            assert page.url.startswith(f"{standing.url}/"), (path, page.url)

    assert evil.hits == []
    assert await watched.effects() == []


@SITES
async def test_clickjacking_no_page_is_shown_in_a_frame(
    standing: Running, tabs: Tabs, victim: object, site: str
) -> None:
    ours = [f"{standing.url}{path}" for path in ("/", "/packages", "/account", "/sign-in")]
    frames = "".join(f'<iframe src="{url}"></iframe>' for url in (*ours, "/inner"))
    async with hostile(page=frames, inner="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url(site)}/page")
        shown = [frame.url for frame in page.frames[1:] if not frame.url.startswith("chrome-error://")]

        assert len(page.frames) == 6
        assert shown == [f"{evil.url(site)}/inner"], "its own is"


async def test_tabnabbing_a_page_that_opened_the_hub_has_no_hold_of_it(
    standing: Running, tabs: Tabs, victim: object
) -> None:
    async with hostile(page="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url('127.0.0.1')}/page")
        async with tabs.context.expect_page() as opened:
            await page.evaluate("(hub) => { window.other = window.open(hub); }", standing.url)
        other = await opened.value
        await expect(other.locator("#welcome")).to_be_visible()

        assert await page.evaluate("window.other.closed"), "as far as it can see"
        assert await other.evaluate("window.opener") is None


# --- texts


async def test_these_texts_would_do_harm_in_a_page_that_takes_them_for_html(tabs: Tabs) -> None:
    """So that a pass of those below means something."""
    async with hostile(page="<title>x</title>") as evil:
        page = await foreign(tabs, f"{evil.url()}/page")
        # These two would move the whole page.
        texts = [text for text in vectors(f"{evil.url()}/loaded") if "http-equiv" not in text and "<base" not in text]
        assert len(texts) >= 500
        await page.evaluate(
            """([texts, call]) => {
              window.ran = new Set();
              texts.forEach((text, number) => {
                const box = document.createElement("div");
                document.body.append(box);
                box.innerHTML = text.replaceAll(call, `top.ran.add(${number})`);
                for (const link of box.querySelectorAll("a")) if (link.protocol === "javascript:") link.click();
              });
            }""",
            [texts, CALL],
        )
        # By themselves or by a click.
        await page.wait_for_function("window.ran.size >= 35")
        await page.evaluate(
            """() => { for (const each of document.querySelectorAll("body *")) for (const { name } of each.attributes)
              if (name.startsWith("on")) each.dispatchEvent(new Event(name.slice(2))); }"""
        )
        # By what else may happen to them.
        await page.wait_for_function("window.ran.size >= 200")

    assert [hit for hit in evil.hits if " /loaded/img " in hit]


async def test_xss_in_markdown_of_an_agents_answer_while_it_comes_and_when_it_is_there(
    hub: Running, tabs: Tabs
) -> None:
    watched = Watched(tabs)
    async with hostile() as evil:
        texts = list(vectors(evil.url()))
        assert len(texts) >= 480
        await enter(tabs, hub)
        page = await watched.open(f"{hub.url}/")
        for begin in range(0, len(texts), EACH):
            half, whole = f"Half of {begin}.", f"End of {begin}."
            hub.llm.say("\n\n".join([*texts[begin : begin + EACH], f"{half} {PAUSE} {whole}"]))
            await say(page, f"And {begin}?")
            await expect(writing(page)).to_contain_text(half)
            assert await writing(page).locator(".body *:not(.caret)").count() == 0
            assert await writing(page).get_by_text("<", exact=False).count() > 0
            hub.llm.go_on()
            await expect(answer(page, whole)).to_be_visible()
        assert await odd(page) == []
        await page.reload()
        await expect(answer(page, f"End of {begin}.")).to_be_visible()
        await page.evaluate(
            """() => { for (const each of document.querySelectorAll("#messages *"))
              for (const name of ["mouseover", "focus", "toggle"]) each.dispatchEvent(new Event(name)); }"""
        )
        assert await answer(page, "End of").count() == len(range(0, len(texts), EACH))
        assert await odd(page) == []

    assert evil.hits == []
    assert await watched.effects() == []


async def odd(page: Page) -> list[str]:
    """Return what stands in a page's answers and has no business there."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("#messages .body *:not(.glyph, .glyph *)")].filter((each) =>
          each.matches("script, iframe, img, object, embed, form, input, style, link, meta, base, video, audio, svg")
          || [...each.attributes].some(({ name }) => name.startsWith("on") || name === "style" || name === "name")
          || (each.href && !/^(https?|mailto):/.test(each.href))).map((each) => each.outerHTML)"""
    )
    return found


async def test_dom_clobbering_an_answer_names_nothing_that_the_pages_scripts_look_for(hub: Running, tabs: Tabs) -> None:
    hub.llm.say(
        '<a id="messages" name="cookie">x</a><form id="text" name="append"></form><img name="currentScript">\n\nDone.'
    )
    page = await sign_in(tabs, hub)
    await say(page, "Hello")
    await expect(answer(page, "Done.")).to_be_visible()

    assert await page.evaluate("document.querySelectorAll('#messages, #text').length") == 2
    assert await page.evaluate("document.querySelectorAll('#messages [name], #messages .body [id]').length") == 0
    assert await page.evaluate("typeof document.cookie") == "string"
