"""The registry's pages: read by anybody, also without scripts; published in by who has a key, and looked after."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, expect

from hub.releases import read_release, read_rotation
from hub.statements import SigningKey, id_of, public_of, shown
from tests.browser.registering import PASSWORD, Author, Shop, a_file, shopping, signed_in
from tests.browser.running import LOOP, Tabs, looking
from tests.unit.packages.zipping import DATA, a_plugin, an_agent

pytestmark = [pytest.mark.browser, LOOP]

WIDER = '[permissions]\nfs = "data"\nnet = ["api.example.org"]\n'
ECHO = "/packages/ann/echo"


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A registry that lists at once."""
    async with shopping(tmp_path / "data") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def ann(shop: Shop) -> Author:
    """Somebody who has published a plugin, a wider version of it, and an agent."""
    author = await shop.account("ann")
    await author.publish(a_plugin(more=DATA))
    await author.publish(a_plugin(version="1.1.0", more=WIDER))
    await author.publish(an_agent())
    return author


async def dropped(page: Page, *files: FilePayload) -> None:
    """Drop files onto the page's drop zone, as a person does."""
    packed = [{"name": each["name"], "data": base64.b64encode(each["buffer"]).decode()} for each in files]
    transfer = await page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const { name, data } of files) {
                transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
            }
            return transfer;
        }""",
        packed,
    )
    await page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


async def test_a_package_is_found_by_browsing_and_by_searching(shop: Shop, ann: Author, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/")
    newest = page.get_by_role("region", name="Newest")
    await expect(newest.get_by_role("link", name="ann/echo")).to_be_visible()
    await page.get_by_role("navigation", name="Kinds").get_by_role("link", name="Agents 1").click()
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    await expect(page.get_by_role("link", name="ann/cook")).to_be_visible()
    await expect(page.get_by_role("link", name="ann/echo")).to_have_count(0)

    await page.get_by_label("Search packages").fill("echo")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="ann/echo").click()

    await expect(page.get_by_role("heading", name="ann/echo")).to_be_visible()
    await expect(page).to_have_title("ann/echo · AgentHost registry")


async def test_a_search_that_finds_nothing_says_a_way_on(shop: Shop, ann: Author, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/search?q=echo&kind=agent")

    await expect(page.get_by_text("with these filters")).to_be_visible()
    await page.get_by_role("link", name="Search without them").click()
    await expect(page.get_by_role("link", name="ann/echo")).to_be_visible()


async def test_a_long_search_goes_on_page_by_page(shop: Shop, tabs: Tabs) -> None:
    author = await shop.account("many")
    for number in range(10, 18):
        await author.publish(a_plugin(f"tool-{number}", tool="tool"))
    for number in range(18, 33):
        await author.publish(an_agent(f"agent-{number}"))

    page = await tabs.open(f"{shop.pages}/search?sort=newest")
    await expect(page.locator(".card-of")).to_have_count(20)
    await page.get_by_role("link", name="More").click()
    await expect(page.locator(".card-of")).to_have_count(3)
    await expect(page.get_by_role("link", name="More")).to_have_count(0)


async def test_a_package_says_what_it_is_and_what_it_may_in_plain_words(shop: Shop, ann: Author, tabs: Tabs) -> None:
    await shop.account("bob", key=False)
    await shop.rated("ann/echo", "bob", 4, "Does what it says.")
    page = await tabs.open(shop.pages + ECHO)

    sheet = page.get_by_role("region", name="What it may do")
    await expect(sheet).to_contain_text("It's code, and runs in a sandbox.")
    await expect(sheet).to_contain_text("Send and fetch data over the internet, to and from api.example.org.")
    await expect(page.get_by_text("agenthost install ann/echo", exact=True)).to_be_visible()
    newer = page.get_by_role("region", name="Versions").get_by_role("listitem").filter(has_text="1.1.0").first
    await expect(newer).to_contain_text("now asks: Send and fetch data over the internet")
    await expect(page.get_by_role("region", name="Keys of ann")).to_contain_text(ann.key.id)
    await expect(page.get_by_role("region", name="Ratings")).to_contain_text("Does what it says.")
    await expect(page.get_by_role("region", name="Scan of 1.1.0")).to_contain_text("Nothing odd.")

    await page.get_by_role("link", name="Look at the files").click()
    await page.get_by_role("link", name="plugin.py").click()
    await expect(page.locator("pre")).to_contain_text('return "echo 1.1.0"')


async def test_reading_needs_no_script(shop: Shop, ann: Author, chromium: Browser) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    for path, words in (
        ("/", "ann/echo"),
        ("/search?q=echo", "ann/echo"),
        (ECHO, "agenthost install ann/echo"),
        (f"{ECHO}/versions/1.0.0", "Keep small documents"),
        (f"{ECHO}/versions/1.0.0/files/plugin.py", "Say which plugin"),
        ("/publishers/ann", ann.key.id),
    ):
        await page.goto(shop.pages + path)
        await expect(page.locator("main")).to_contain_text(words)
        assert await page.locator("form:visible").count() == (2 if path.startswith("/search") else 1), path
    await context.close()


async def test_search_engines_are_told_what_a_page_is_and_what_to_leave(shop: Shop, ann: Author, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}{ECHO}?ratings=")

    assert await page.locator("link[rel=canonical]").get_attribute("href") == shop.pages + ECHO
    assert await page.locator("meta[property='og:title']").get_attribute("content") == "ann/echo"
    assert await page.locator("meta[name=description]").get_attribute("content") == "Says what it is."
    assert await page.locator("meta[name=robots]").count() == 0
    robots = await page.context.request.get(f"{shop.pages}/robots.txt")
    assert "Disallow: /registry/v1/\n" in await robots.text()
    await page.goto(f"{shop.pages}/sign-in")
    assert await page.locator("meta[name=robots]").get_attribute("content") == "noindex"


async def test_an_account_is_opened_and_a_token_is_shown_once(shop: Shop, tabs: Tabs) -> None:
    page = await tabs.open(f"{shop.pages}/sign-up")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("short")
    await page.get_by_role("button", name="Open the account").click()
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Open the account").click()
    await page.get_by_role("link", name="ann", exact=True).click()

    await page.get_by_text("Make a token").click()
    await page.get_by_label("What it’s for").fill("laptop")
    await page.get_by_label("Rating", exact=True).check()
    await page.get_by_role("button", name="Make it").click()
    token = await page.locator("#token").inner_text()
    caller = await shop.parts.accounts.caller(token)
    assert caller is not None
    assert caller.scopes == ("rate",)

    await page.get_by_role("button", name="Done").click()
    await expect(page.locator("#tokens")).to_contain_text("laptop")
    assert token not in await page.content()

    row = page.locator("#tokens li", has_text="laptop")
    await row.get_by_role("button", name="Revoke laptop").click()
    await row.get_by_role("button", name="Revoke laptop").click()
    await expect(page.locator("#tokens")).not_to_contain_text("laptop")
    assert await shop.parts.accounts.caller(token) is None


async def test_a_wrong_password_is_told_and_signing_out_ends_it(shop: Shop, tabs: Tabs) -> None:
    await shop.account("ann", key=False)
    page = await tabs.open(f"{shop.pages}/sign-in?next=https://evil.example/")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("wrong horse battery")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("name or password is wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{shop.pages}/")

    await page.get_by_role("link", name="ann", exact=True).click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await page.goto(f"{shop.pages}/account")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    tabs.expect_faults("403")


async def test_a_password_is_changed_on_the_account_and_the_old_one_ends(shop: Shop, tabs: Tabs) -> None:
    await shop.account("ann", key=False)
    page = await signed_in(tabs, shop, "ann")

    await page.get_by_text("Change it").first.click()
    await page.get_by_label("The one you have").fill(PASSWORD)
    await page.get_by_label("The new one").fill("another horse battery")
    await page.get_by_role("button", name="Change it").click()

    await expect(page.get_by_text("Changed.")).to_be_visible()
    account, _ = await shop.parts.accounts.sign_in("ann", "another horse battery")
    assert account.name == "ann"


async def test_a_package_is_published_by_dropping_it_and_the_key_never_leaves_the_page(shop: Shop, tabs: Tabs) -> None:
    author = await shop.account("ann")
    page = await signed_in(tabs, shop, "ann", "/publish")
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))

    archive = a_plugin(more=WIDER)
    await dropped(page, a_file("echo.zip", archive))
    look = page.get_by_role("region", name="ann/echo 1.0.0")
    await expect(look).to_contain_text("Send and fetch data over the internet, to and from api.example.org.")
    await page.get_by_label(f"The file of the key {author.key.id}").set_input_files(
        a_file("ann.key", author.key.told().encode())
    )
    await page.get_by_role("button", name="Publish 1.0.0").click()
    await expect(page.locator("#outcome")).to_contain_text("ann/echo 1.0.0")

    answer = await page.context.request.get(f"{shop.pages}/v1{ECHO}/versions/1.0.0/statement")
    release = read_release(await answer.body(), author.key.public)
    release.check("ann/echo", "1.0.0", archive)
    assert release.predicate.permissions == ("fs:data", "net:api.example.org")
    private = author.key.told().encode()
    assert len(sent) >= 2
    assert not [body for body in sent if private in body or base64.b64decode(private) in body]
    await page.goto(shop.pages + ECHO)
    await expect(page.get_by_role("heading", name="ann/echo")).to_be_visible()


async def test_another_key_and_another_packages_statement_publish_nothing(shop: Shop, tabs: Tabs) -> None:
    author = await shop.account("ann")
    page = await signed_in(tabs, shop, "ann", "/publish")
    other = SigningKey.fresh()
    fault = page.locator("#fault")

    await dropped(page, a_file("echo.zip", a_plugin()))
    key = page.get_by_label(f"The file of the key {author.key.id}")
    await key.set_input_files(a_file("other.key", other.told().encode()))
    await expect(fault).to_contain_text(f"That’s the key {other.id}")
    await key.set_input_files(a_file("photo.jpg", b"\xff\xd8 no key"))
    await expect(fault).to_contain_text("photo.jpg is no key file")
    about = {"subject": [{"name": "ann/other", "digest": {}}], "predicate": {"version": "2.0.0"}}
    payload = base64.b64encode(json.dumps(about).encode()).decode()
    envelope = {"payloadType": "x", "payload": payload, "signatures": [{"keyid": "x", "sig": ""}]}
    await dropped(page, a_file("s.json", json.dumps(envelope).encode()))
    await expect(page.locator("#signing")).to_contain_text("The statement is about ann/other 2.0.0")

    await expect(page.get_by_role("button", name="Publish 1.0.0")).to_have_count(0)
    await dropped(page, a_file("bad.zip", b"no zip"))
    await expect(fault).to_contain_text("doesn't begin as a zip file")
    tabs.expect_faults("422")


async def test_a_publishers_first_key_is_made_in_the_page_and_changed_there(shop: Shop, tabs: Tabs) -> None:
    await shop.account("ann", key=False)
    page = await signed_in(tabs, shop, "ann")
    await page.get_by_role("button", name="Make a new key").click()
    use = page.get_by_role("button", name="I’ve kept it: use this key")
    await expect(use).to_be_disabled()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Save the key file").click()
    first = Path(await (await downloading.value).path()).read_bytes()
    await use.click()

    await page.get_by_text("Change the key").click()
    await page.get_by_label("The file of the key in use").set_input_files(a_file("ann.key", first))
    second = SigningKey.fresh()
    await page.get_by_label("Or take one from a file").set_input_files(a_file("new.key", second.told().encode()))

    keys = page.get_by_role("region", name="Publishers and their keys")
    await expect(keys).to_contain_text(second.id)
    await expect(keys).to_contain_text("The key before it states it.")
    found = await shop.parts.reading.publisher("ann", None)
    newest, oldest = found.keys
    assert (newest.id, newest.public) == (second.id, shown(second.public))
    assert read_rotation(newest.rotation.encode(), public_of(oldest.public), "ann") == second.public
    assert id_of(public_of(oldest.public)) == oldest.id


async def test_a_version_is_yanked_and_brought_back_on_its_page(shop: Shop, ann: Author, tabs: Tabs) -> None:
    page = await signed_in(tabs, shop, "ann", ECHO)
    own = page.get_by_role("region", name="Your package")
    await own.get_by_text("Yank 1.1.0").first.click()
    await own.get_by_label("Why, for who has it installed").first.fill("It <b>loses</b> words.")
    await own.get_by_role("button", name="Yank 1.1.0").click()

    versions = page.get_by_role("region", name="Versions")
    await expect(versions).to_contain_text("Yanked: It <b>loses</b> words.")
    await own.get_by_text("Bring 1.1.0 back").first.click()
    await own.get_by_role("button", name="Bring 1.1.0 back").click()
    await expect(versions).not_to_contain_text("Yanked")


async def test_a_package_is_deleted_only_by_typing_its_name(shop: Shop, ann: Author, tabs: Tabs) -> None:
    page = await signed_in(tabs, shop, "ann", "/packages/ann/cook")
    await page.get_by_text("Delete the package").click()
    typed = page.get_by_label("Type ann/cook to delete it")
    await typed.fill("ann/echo")
    await page.get_by_role("button", name="Delete for ever").click()
    await expect(typed).to_be_focused()
    await typed.fill("ann/cook")
    await page.get_by_role("button", name="Delete for ever").click()
    await page.wait_for_url(f"{shop.pages}/account")

    await page.goto(f"{shop.pages}/packages/ann/cook")
    await expect(page.get_by_role("heading", name="There’s nothing here")).to_be_visible()
    tabs.expect_faults("404")


async def test_dark_and_light_are_chosen_here_too(shop: Shop, chromium: Browser) -> None:
    async with looking(chromium, dark=True) as tabs:
        page = await tabs.open(f"{shop.pages}/")
        await expect(page.locator("html")).to_have_css("background-color", "rgb(23, 22, 20)")
        await page.get_by_role("button", name="Light or dark").click()
        await page.reload()
        await expect(page.locator("html")).to_have_css("background-color", "rgb(250, 249, 247)")
