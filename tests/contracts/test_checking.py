"""Every sentence that ports.Checking promises, over the hub's own and the fake."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from hub.errors import EgressRefused
from hub.packages.commands import Commands
from hub.packages.sandbox import Sandbox
from hub.ports import Checking, Workspaces
from hub.records import HOME, CommandExits, FileExists, ForFile, ForUrl, UrlAnswers
from hub.testing import FakeChecking, FakeEgress, MemoryWorkspaces, a_task
from hub.tools.checks import Checks
from hub.tools.extract import Extractor
from tests.unit.packages.confining import needs_sandbox

PAGE = "https://example.org/page"
SHUT = "https://shut.example.org/"
GONE = "https://gone.example.org/"
TASK = a_task()


class World(Struct):
    """A checking, and what it looks at."""

    checking: Checking
    workspaces: Workspaces
    pages: dict[str, str | None]
    egress: FakeEgress | None = None

    def says(self, url: str, text: str) -> None:
        self.pages[url] = text
        if self.egress:
            self.egress.answers[url] = text.encode()


@pytest.fixture(params=["own", "fake"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    workspaces = MemoryWorkspaces()
    if request.param == "fake":
        pages: dict[str, str | None] = {SHUT: None}
        yield World(FakeChecking(workspaces, pages, {"true": 0, "false": 1}), workspaces, pages)
        return
    extractor, egress = Extractor(), FakeEgress({SHUT: EgressRefused("it isn't public")})
    commands = Commands(Sandbox(), workspaces)
    yield World(Checks(workspaces, egress, extractor, commands.run), workspaces, {}, egress)
    await extractor.close()


async def test_a_file_has_passed_when_it_is_there_with_its_words(world: World) -> None:
    assert not (await world.checking.check(TASK, FileExists(path="a/report.md"))).passed
    await world.workspaces.write(HOME, TASK.id, "a/report.md", b"Trains to Bonn")

    assert (await world.checking.check(TASK, FileExists(path="a/report.md"))).passed
    assert (await world.checking.check(TASK, FileExists(path="a/report.md", contains="Bonn"))).passed
    missing = await world.checking.check(TASK, FileExists(path="a/report.md", contains="planes"))
    assert (missing.passed, missing.able) == (False, True)
    assert "a/report.md" in missing.said
    assert "“planes”" in missing.said


async def test_an_address_has_passed_when_it_answers_so_with_those_words(world: World) -> None:
    world.says(PAGE, "Trains to Bonn")

    assert (await world.checking.check(TASK, UrlAnswers(url=PAGE))).passed
    assert (await world.checking.check(TASK, UrlAnswers(url=PAGE, contains="Bonn"))).passed
    assert not (await world.checking.check(TASK, UrlAnswers(url=PAGE, contains="planes"))).passed
    assert not (await world.checking.check(TASK, UrlAnswers(url=PAGE, status=404))).passed
    gone = await world.checking.check(TASK, UrlAnswers(url=GONE))
    assert (gone.passed, gone.able) == (False, True), "it may answer another time"


async def test_an_address_that_may_not_be_asked_has_not_passed_and_could_not_be_looked_at(world: World) -> None:
    shut = await world.checking.check(TASK, UrlAnswers(url=SHUT))

    assert (shut.passed, shut.able) == (False, False)
    assert SHUT in shut.said


@needs_sandbox
async def test_a_command_has_passed_when_it_exits_so(world: World) -> None:
    assert (await world.checking.check(TASK, CommandExits(command=("true",)))).passed
    assert (await world.checking.check(TASK, CommandExits(command=("false",), status=1))).passed
    failed = await world.checking.check(TASK, CommandExits(command=("false",)))
    assert (failed.passed, failed.able) == (False, True)
    assert "1" in failed.said


async def test_what_is_there_has_a_mark_of_its_own_that_changes_with_it(world: World) -> None:
    for what, write in ((ForFile(path="a.txt"), world.workspaces), (ForUrl(url=PAGE), None)):

        async def now(text: str, here: Workspaces | None = write) -> None:
            await here.write(HOME, TASK.id, "a.txt", text.encode()) if here else world.says(PAGE, text)

        nothing = await world.checking.seen(TASK, what)
        await now("one")
        one = await world.checking.seen(TASK, what)
        again = await world.checking.seen(TASK, what)
        await now("two")
        two = await world.checking.seen(TASK, what)

        assert not nothing
        assert one == again
        assert one
        assert two not in {one, nothing}


async def test_what_cannot_be_looked_at_now_has_no_mark(world: World) -> None:
    assert await world.checking.seen(TASK, ForUrl(url=SHUT)) is None
