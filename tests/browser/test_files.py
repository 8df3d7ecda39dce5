"""Files in the web chat: picked, pasted and dropped, shown where they were said."""

import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from hub.config import LimitsConfig
from hub.ports import Add
from hub.records import HOME, OWNER, Address, File, Text
from hub.store.memory import MemoryStore
from hub.testing import a_message
from tests.browser.pages import answer, said, say, sign_in
from tests.browser.running import LOOP, Running, Tabs, serving

pytestmark = [pytest.mark.browser, LOOP]

DROP = """
([name, type, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, { type }));
  for (const kind of ["dragover", "drop"])
    document.getElementById("main").dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
}
"""
PASTE = """
([name, type, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, { type }));
  document.getElementById("text").dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}
"""


def a_picture(width: int = 320, height: int = 200) -> bytes:
    """A PNG in one colour, bright enough to be seen on either theme."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\x2a\x9d\x8f" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def test_a_picture_that_is_picked_is_shown_in_the_message_also_after_a_reload(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("A fine green.")
    page = await sign_in(tabs, hub)
    picture = FilePayload(name="green.png", mimeType="image/png", buffer=a_picture())
    await page.locator("#file").set_input_files([picture])
    await expect(page.locator("#attached li")).to_contain_text("green.png")
    await say(page, "What colour is this?")
    await expect(answer(page, "A fine green.")).to_be_visible()
    await page.reload()

    shown = said(page, "What colour is this?").get_by_role("img", name="green.png")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320


async def test_a_file_without_words_can_be_dropped_and_sent(hub: Running, tabs: Tabs) -> None:
    hub.llm.say("Thanks.")
    page = await sign_in(tabs, hub)
    await page.evaluate(DROP, ["notes.txt", "text/plain", "buy milk"])
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    await page.get_by_role("button", name="Send", exact=True).click()

    link = page.locator(".said.user a.file", has_text="notes.txt")
    await expect(link).to_be_visible()
    async with page.expect_download() as download:
        await link.click()
    assert Path(await (await download.value).path()).read_bytes() == b"buy milk"


async def test_a_pasted_file_can_be_left_out_again(hub: Running, tabs: Tabs) -> None:
    page = await sign_in(tabs, hub)
    await page.evaluate(PASTE, ["secret.txt", "text/plain", "x"])
    await page.get_by_role("button", name="Leave out secret.txt").click()

    await expect(page.locator("#attached")).to_be_hidden()
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


async def test_a_file_too_large_says_so_and_keeps_the_message_back(tabs: Tabs) -> None:
    async with serving(limits=LimitsConfig(file_mb=1)) as hub:
        page = await sign_in(tabs, hub)
        await page.evaluate(DROP, ["film.bin", "application/octet-stream", "x" * (1024 * 1024 + 1)])

        await expect(page.locator("#attached .failed")).to_contain_text("send a smaller one")
        await expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        tabs.expect_faults("413")


async def test_files_in_an_answer_are_shown_too(tabs: Tabs) -> None:
    store = MemoryStore()
    async with serving(store=store) as hub:
        sha256, size = await hub.parts.files.put(a_picture(), limit=10**6)
        file = File(name="chart.png", media_type="image/png", size=size, sha256=sha256)
        here = Address(bridge="http", chat=f"{OWNER}/main")
        reply = a_message(tenant=HOME, role="agent", state="sent", address=here, parts=(Text("Here."), file))
        await store.commit(Add(reply))
        page = await sign_in(tabs, hub)

        await expect(answer(page, "Here.").get_by_role("img", name="chart.png")).to_be_visible()
        await expect(answer(page, "[file")).to_have_count(0)
