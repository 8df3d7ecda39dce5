"""What a person sent is found by its words, with file and place, by nobody else, whatever they look for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub.errors import ToolError
from hub.ports import Reading
from hub.records import HOME, OWNER, PersonId, TaskId, TenantId
from hub.testing import FakeClock
from hub.tools.extract import Extractor
from hub.tools.library import Library
from hub.tools.passages import CHARACTERS, Passage, Passages, cut, snippet, terms_of
from tests.unit.tools.calls import use
from tests.unit.tools.test_extract import a_pdf
from tests.unit.tools.world import World


async def found(world: World, words: str, **by: str) -> str:
    return await use(world.tools["search_documents"], words=words, **by)  # type: ignore[arg-type]  # ids are texts


async def test_a_passage_is_found_with_its_file_and_its_place(world: World) -> None:
    await world.send(
        "lease.pdf", a_pdf("The flat has two rooms.", "The notice period is three months."), "application/pdf"
    )
    await world.send("notes.txt", b"\n".join(b"line %d" % n for n in range(1, 300)) + b"\nThe plumber comes on Friday.")
    await world.send("page.html", b"<html><body><p>The museum opens at ten on Sundays.</p></body></html>", "text/html")

    assert await found(world, "notice period") == "lease.pdf, page 2: The notice period is three months."
    assert "notes.txt, lines " in await found(world, "plumber")
    assert await found(world, "museum") == "page.html: The museum opens at ten on Sundays."


async def test_words_are_found_in_other_forms_and_languages(world: World) -> None:
    await world.send("a.txt", "Die Kündigungsfrist beträgt drei Monate.".encode())
    await world.send("b.txt", "Le préavis est de trois mois.".encode())
    await world.send("c.txt", "Срок уведомления — три месяца.".encode())
    await world.send("d.txt", "通知期限为三个月。".encode())

    for words, name in (
        ("kundigungsfrist", "a.txt"),
        ("KÜNDIGUNG", "a.txt"),
        ("preavis", "b.txt"),
        ("уведомлен", "c.txt"),
        ("期限", "d.txt"),
    ):
        assert (await found(world, words)).startswith(name), words
    assert await found(world, "通知") == "d.txt, line 1: 通知期限为三个月。"


async def test_a_file_is_found_by_its_name_and_the_best_comes_first(world: World) -> None:
    await world.send("tax_return-2026.txt", b"Some numbers.")
    await world.send("letter.txt", b"Nothing about the tax here, but for this word and many others besides it, or so.")

    assert (await found(world, "tax return")).startswith("tax_return-2026.txt")


async def test_what_has_all_the_words_comes_before_what_has_some(world: World) -> None:
    await world.send("a.txt", b"red red red red")
    await world.send("b.txt", b"a bicycle that is red")

    assert [line.split(",")[0] for line in (await found(world, "my red bicycle")).splitlines()] == ["b.txt", "a.txt"]


@pytest.mark.parametrize("other", [{"person": PersonId("bob")}, {"tenant": TenantId("acme")}], ids=["person", "tenant"])
async def test_nobody_finds_what_another_sent(world: World, other: dict[str, str]) -> None:
    await world.send("secret.txt", b"the secret word")

    with pytest.raises(ToolError, match="hasn't sent any files"):
        await found(world, "secret word", **other)


async def test_a_group_finds_its_own_and_no_members(world: World) -> None:
    await world.send("ours.txt", b"our barbecue", person=PersonId("group"))
    await world.send("mine.txt", b"my barbecue")

    assert (await found(world, "barbecue", person=PersonId("group"))).startswith("ours.txt")
    assert "mine.txt" not in await found(world, "barbecue", person=PersonId("group"))


async def test_files_of_all_tasks_are_found_and_what_came_later_too(world: World) -> None:
    await world.send("first.txt", b"the old bridge", task=TaskId("one"))
    assert "first.txt" in await found(world, "bridge")
    await world.send("second.txt", b"the new bridge", task=TaskId("two"))
    await world.send("again.txt", b"the new bridge", task=TaskId("two"))

    assert len((await found(world, "bridge")).splitlines()) == 2


async def test_what_cannot_be_read_is_tried_once_and_harms_nothing(world: World) -> None:
    await world.send("photo.jpg", b"\xff\xd8\xff", "image/jpeg")
    await world.send("broken.pdf", b"%PDF-1.7 broken", "application/pdf")
    await world.send("a.txt", b"the bridge")

    assert "a.txt" in await found(world, "bridge")
    with pytest.raises(ToolError, match="Nothing about that"):
        await found(world, "photo")


async def test_a_file_that_is_gone_is_forgotten(world: World) -> None:
    file = await world.send("a.txt", b"the bridge")
    await world.send("b.txt", b"the river")
    await found(world, "bridge")
    del world.files._kept[file.sha256]

    with pytest.raises(ToolError, match="Nothing about that"):
        await found(world, "bridge")


@pytest.fixture
async def extractor() -> AsyncIterator[Extractor]:
    made = Extractor()
    yield made
    await made.close()


async def test_a_search_that_takes_long_says_what_is_left_and_the_next_goes_on(
    world: World, tmp_path: Path, extractor: Extractor
) -> None:
    for number in range(3):
        await world.send(f"{number}.txt", b"bridge number %d" % number)

    class Slow(FakeClock):
        def monotonic(self) -> float:
            self._monotonic += 1
            return super().monotonic()

    def library() -> Library:
        return Library(world.store, world.files, extractor, Slow(), tmp_path / "index", seconds=1.5)

    first = await library().search(HOME, OWNER, "bridge", 5)
    # Another process of the hub goes on where the first was killed.
    second = await library().search(HOME, OWNER, "bridge", 5)
    third = await library().search(HOME, OWNER, "bridge", 5)

    assert [(len(each.hits), each.left) for each in (first, second, third)] == [(1, 2), (2, 1), (3, 0)]
    assert first.hits[0].name == "2.txt", "the newest is read first"


async def test_a_damaged_index_is_begun_anew(world: World, tmp_path: Path) -> None:
    await world.send("a.txt", b"the bridge")
    await found(world, "bridge")
    [index] = (tmp_path / "search").rglob("*.db")
    assert index.stat().st_mode & 0o077 == 0
    index.write_bytes(b"no database at all" * 1_000)

    assert "a.txt" in await found(world, "bridge")


def test_a_kill_between_two_files_leaves_one_of_them(tmp_path: Path) -> None:
    index = Passages(tmp_path / "a.db")

    def broken() -> list[Passage]:
        return [Passage(place="", text="half"), None]  # type: ignore[list-item]

    index.add("1", "a.txt", [Passage(place="", text="whole")])
    with pytest.raises(AttributeError):
        index.add("2", "b.txt", broken())

    assert set(index.known()) == {"1"}
    assert index.search("half", 5) == ()
    assert [hit.text for hit in index.search("whole", 5)] == ["whole"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example('"')
@example("bridge AND NOT (")
@example("NEAR(a b, 5) OR text:bridge* ^x {name}: -")
@example("_")
@example("\x00\ud800")
@example("*")
@given(st.text(max_size=80))
def test_no_words_are_an_error_of_syntax(tmp_path: Path, words: str) -> None:
    index = Passages(tmp_path / "fuzz.db")
    if not index.known():
        index.add("1", "a.txt", [Passage(place="", text="The bridge is open.")])

    assert all(hit.name == "a.txt" for hit in index.search(words, 3))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=3_000), max_size=3))
def test_passages_are_short_and_nothing_is_lost(pages: list[str]) -> None:
    passages = list(cut(pages, paged=False, lined=True))

    assert all(part.text.strip() and len(part.text) <= CHARACTERS + 1 for part in passages)
    assert "".join("".join(pages).split()) == "".join("".join(part.text for part in passages).split())


def test_a_place_is_the_lines_of_the_passage() -> None:
    text = "\n".join(f"{number} {'x' * 50}" for number in range(1, 61))

    for part in cut([text], paged=False, lined=True):
        first, _, last = part.place.removeprefix("lines ").partition("-")
        assert part.text.startswith(f"{first} ")
        assert part.text.splitlines()[-1].startswith(f"{last} ")


def test_a_snippet_shows_where_the_words_stand() -> None:
    text = f"{'before ' * 100}the notice period is here {'after ' * 100}"
    shown = snippet(text, ("notice", "period"))

    assert "notice period" in shown
    assert shown.startswith("... ")
    assert shown.endswith(" ...")
    assert len(shown) < 340


def test_words_that_every_text_has_are_not_looked_for() -> None:
    assert terms_of("What do my files say about the Wärmepumpe?") == ("warmepumpe",)
    assert terms_of("the who") == ("the", "who")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Search my documents for the notice period", "the notice period"),
        ("find invoice 2026 in my files", "invoice 2026"),
        ("please look through my PDFs for warranty.", "warranty"),
        ("What do my files say about the warranty?", "the warranty"),
        ("Is there anything about heating in my papers?", "heating"),
        ("What do my files tell?", None),
        ("search for a good name", None),
    ],
)
def test_what_leaves_no_doubt_is_read(world: World, message: str, words: str | None) -> None:
    tool = world.tools["search_documents"]
    assert isinstance(tool, Reading)
    assert tool.read(message) == ({"words": words} if words else None)
