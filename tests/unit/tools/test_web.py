"""A page is read as text, in parts, by the one way out; an address that nobody said is told to be one."""

import pytest

from hub.errors import ToolError
from hub.ports import ToolCall
from hub.records import HOME, OWNER, TaskId
from hub.testing import FakeClock, FakeEgress
from hub.tools.extract import Extractor
from hub.tools.web import WebFetch, addresses
from tests.unit.tools.calls import use
from tests.unit.tools.world import NEWS, World

LONG = (
    b"<html><body><article>" + b"".join(b"<p>Sentence number %d is here.</p>" % n for n in range(400)) + b"</article>"
)


def fetch() -> WebFetch:
    return WebFetch(FakeClock(), FakeEgress(), Extractor())


def a_call(url: str) -> ToolCall:
    return ToolCall(
        tool="web_fetch", arguments={"url": url}, key="k", tenant=HOME, person=OWNER, agent="default", task=TaskId("t")
    )


async def test_a_page_is_title_text_and_links(world: World) -> None:
    found = await use(world.tools["web_fetch"], url=NEWS)

    assert found.startswith("News")
    assert NEWS in found
    assert "The new bridge over the Rhine was opened on Monday" in found
    assert "- The bridge: https://example.org/bridge" in found
    assert "Home" not in found


async def test_a_long_page_is_read_on_part_by_part_and_fetched_once(world: World) -> None:
    world.page(NEWS, LONG)
    first = await use(world.tools["web_fetch"], url=NEWS)
    second = await use(world.tools["web_fetch"], url=NEWS, part=2)

    assert len(first) <= 2_000
    assert len(second) <= 2_000
    assert "Sentence number 0 " in first
    assert first.endswith("Read on with part=2.]")
    last = first.count("Sentence number") - 1
    assert f"Sentence number {last + 1} " in second
    assert len(world.egress.asked) == 1
    with pytest.raises(ToolError, match="no part 99"):
        await use(world.tools["web_fetch"], url=NEWS, part=99)


async def test_after_a_while_a_page_is_fetched_anew(world: World) -> None:
    await use(world.tools["web_fetch"], url=NEWS)
    await world.clock.advance(660)
    await use(world.tools["web_fetch"], url=NEWS)

    assert len(world.egress.asked) == 2


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("text/plain; charset=iso-8859-1", "Köln am Rhein".encode("latin-1"), "Köln am Rhein"),
        ("text/markdown", b"# Trains\n\nAt noon.", "# Trains"),
        ("application/json", b'{"trains": [1, 2]}', '"trains"'),
        ("application/ld+json", b'{"a": "b"}', '"a": "b"'),
    ],
)
async def test_text_of_other_kinds_is_read(world: World, kind: str, body: bytes, found: str) -> None:
    world.page(NEWS, body, kind)

    assert found in await use(world.tools["web_fetch"], url=NEWS)


@pytest.mark.parametrize("kind", ["image/png", "application/zip", "application/octet-stream", "video/mp4", ""])
async def test_what_is_no_text_is_refused_in_words(world: World, kind: str) -> None:
    world.page(NEWS, b"\x89PNG\0", kind)

    with pytest.raises(ToolError, match="only pages, PDF and text are read"):
        await use(world.tools["web_fetch"], url=NEWS)


async def test_a_refused_or_missing_page_is_said(world: World) -> None:
    world.gone("https://10.0.0.1/", "isn't a public address")
    world.page(NEWS, b"gone", status=404)

    with pytest.raises(ToolError, match="isn't a public address"):
        await use(world.tools["web_fetch"], url="https://10.0.0.1/")
    with pytest.raises(ToolError, match=r"example\.org answered 404"):
        await use(world.tools["web_fetch"], url=NEWS)


async def test_an_address_is_written_in_one_way(world: World) -> None:
    for spelled in (
        "http://Example.org/news",
        "example.org/news#top",
        "Please read https://example.org/news, will you?",
    ):
        assert "bridge" in await use(world.tools["web_fetch"], url=spelled)

    assert {url for _, url, _, _ in world.egress.asked} == {NEWS}


async def test_what_is_no_address_is_asked_for(world: World) -> None:
    with pytest.raises(ToolError, match="no address"):
        await use(world.tools["web_fetch"], url="the news, please")


async def test_a_page_with_nothing_to_read_and_a_broken_one_are_said(world: World) -> None:
    world.page(NEWS, b"<html><body><script>alert(1)</script></body></html>")
    with pytest.raises(ToolError, match="no text"):
        await use(world.tools["web_fetch"], url=NEWS)
    world.page(NEWS, b"%PDF-1.7 nonsense", "application/pdf")
    with pytest.raises(ToolError, match="broken"):
        await use(world.tools["web_fetch"], url=NEWS)


async def test_what_hides_in_a_page_is_not_shown(world: World) -> None:
    hidden = "".join(chr(0xE0000 + ord(sign)) for sign in "obey")
    body = f"<html><body><p>Plain\u202e words\u200b of a page, long enough to be kept.{hidden}</p></body></html>"
    world.page(NEWS, body.encode())

    assert "Plain words of a page" in await use(world.tools["web_fetch"], url=NEWS)


# --- what leaves no doubt


@pytest.mark.parametrize(
    ("message", "url"),
    [
        ("https://example.org/news", "https://example.org/news"),
        ("Summarise https://example.org/news please", "https://example.org/news"),
        ("can you read example.org/a?b=c for me", "example.org/a?b=c"),
        ("What does https://example.org/x_(y) say?", "https://example.org/x_(y)"),
        ("tl;dr of https://example.org/news.", "https://example.org/news"),
    ],
)
def test_a_message_that_wants_a_page_read_is_read(message: str, url: str) -> None:
    assert fetch().read(message) == {"url": url}


@pytest.mark.parametrize(
    "message",
    [
        "What does https://example.org/news say about trains?",
        "Compare https://example.org/a with https://example.org/b",
        "Write to ann@example.org",
        "Is example.org a good name for my company?",
        "hello",
    ],
)
def test_a_message_that_wants_more_is_left_to_the_model(message: str) -> None:
    assert fetch().read(message) is None


def test_no_name_of_a_file_or_person_is_taken_for_an_address() -> None:
    assert addresses("See notes.txt, main.py, v1.2.3, ann@example.org, e.g. this... Mr.Smith") == []
    assert addresses("(see https://example.org/a), and example.org/b!") == ["https://example.org/a", "example.org/b"]


# --- what goes out


@pytest.mark.parametrize(
    ("heard", "url"),
    [
        ("Read https://example.org/news", "https://example.org/news"),
        ("Read example.org/news.", "http://EXAMPLE.org/news#part"),
        ("first example.org/a?b=c, then the rest", "https://example.org/a?b=c"),
    ],
)
def test_an_address_that_was_said_tells_nobody_anything(heard: str, url: str) -> None:
    assert fetch().goes_out(a_call(url), heard) == ""


@pytest.mark.parametrize(
    ("heard", "url"),
    [
        ("Read https://example.org/news", "https://evil.example/?key=1234"),
        ("Read https://example.org/news", "https://example.org/news?key=1234"),
        ("Read https://example.org/news", "https://example.org/new"),
        ("Read https://example.org/news", "https://example.org/NEWS"),
        ("Read https://example.org/news", "https://user@example.org/news"),
        ("Read https://example.org/news", "https://1234.example.org/news"),
        ("Read https://example.org/news", "https://example.org:8443/news"),
        ("Do not read evilexample.org/news", "https://example.org/news"),
        ("", "https://example.org/"),
    ],
)
def test_any_other_address_may_carry_something_out(heard: str, url: str) -> None:
    assert "you haven't named" in fetch().goes_out(a_call(url), heard)
