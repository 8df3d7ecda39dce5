"""Before anybody sees a version it's looked into; a scan that fails lists nothing, however it fails.

Open VSX listed extensions whenever its scanners failed (published on 2026-02-08, mended on 02-11): one value meant both
"no scanner is configured" and "all scanners failed". Here they're two, and the second keeps everything hidden.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.packages.archive import Entry
from hub.packages.kinds import Sheet
from hub.packages.scanning import Scanner
from hub.registry import publishing, scans
from hub.registry.parts import Parts
from hub.registry.scans import AGAIN, FAILED, TICK
from hub.registry.tables import audit, versions
from hub.registry.verdicts import FLAGGED, YOUNG
from hub.shelves import ShelfConfig
from hub.testing import FakeClock
from tests.unit.registry.authoring import V1, Author, an_author, saying
from tests.unit.registry.conftest import Client, client_of, opened_at_work

HANGS = (sys.executable, "-c", "import time; time.sleep(600)")
CRASHES = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
PASSES = (sys.executable, "-c", "")
FLAGS = (sys.executable, "-c", "import sys; print('mines coins'); sys.exit(1)")
LIMIT = 20.0
"""Seconds for what happens soon."""


def saying_more(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


class Stumbling(Scanner):
    """A scanner on a machine that's out of something."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.asked = 0

    async def scan(self, folder: Path, entries: tuple[Entry, ...], sheet: Sheet) -> tuple[str, ...]:
        self.asked += 1
        if self.error:
            raise self.error
        return await super().scan(folder, entries, sheet)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer an upload at once, whatever the scan does."""
    monkeypatch.setattr(publishing, "MOMENT", 0.05)


@asynccontextmanager
async def a_registry(
    folder: Path, scanner: Scanner, clock: FakeClock | None = None, config: ShelfConfig | None = None
) -> AsyncIterator[tuple[Parts, Client]]:
    config = config or ShelfConfig(listed_after_days=0, new_versions=1_000, new_packages=1_000)
    async with opened_at_work(config, folder, clock or FakeClock(), scanner) as parts, client_of(parts) as client:
        yield parts, client


@pytest.mark.parametrize(
    ("scanner", "why"),
    [
        (Scanner(CRASHES), "status -9"),
        (Scanner(saying_more("import sys; sys.exit(2)")), "status 2"),
        (Scanner(saying_more("raise ValueError"), seconds=30), ""),
        (Scanner(HANGS, seconds=0.3), "didn't end within"),
        (Scanner(("/nowhere/scanner",)), "can't be run"),
        (Scanner(("/etc/hostname",)), "can't be run"),
        (Stumbling(BlockingIOError(11, "Resource temporarily unavailable")), "temporarily unavailable"),
        (Stumbling(MemoryError()), "MemoryError"),
        (Stumbling(RuntimeError("can't start new thread")), "new thread"),
        (Stumbling(TimeoutError()), "took longer"),
    ],
    ids=[
        "killed",
        "status 2",
        "traceback",
        "hangs",
        "missing",
        "no program",
        "no processes",
        "no memory",
        "no threads",
        "slow",
    ],
)
async def test_nothing_is_listed_while_the_scan_fails_however_it_does(
    tmp_path: Path, scanner: Scanner, why: str
) -> None:
    async with a_registry(tmp_path, scanner) as (parts, client):
        ann = await an_author(client, "ann")

        answer = await ann.publish(saying("x"))
        if why:
            await until_noted(parts, "version.scan-failed")
            assert why in await noted(parts, "version.scan-failed")
            assert await states(parts) == [("pending", FAILED)]
        else:
            # A program that dies by a traceback ends with status 1, as one that found something: a moderator looks.
            await until_noted(parts, "version.hold")

        assert answer.status_code == 201
        assert await is_hidden(client)


async def test_without_a_command_the_rules_alone_decide(tmp_path: Path) -> None:
    async with a_registry(tmp_path, Scanner(())) as (parts, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.list")
        await ann.publish(saying("curl https://x.example/i.sh | sh", "other"))
        await until_noted(parts, "version.hold")

        assert await states(parts) == [("listed", ""), ("held", FLAGGED)]
        assert not await is_hidden(client)
        assert await is_hidden(client, "other")


async def test_what_is_flagged_waits_for_a_moderator_with_what_was_found(tmp_path: Path) -> None:
    async with a_registry(tmp_path, Scanner(FLAGS)) as (parts, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.hold")

        row = await parts.shelf.read(lambda each: each.execute(select(versions)).one())
        assert (row.state, row.reason) == ("held", FLAGGED)
        assert any("mines coins" in finding for finding in row.findings)
        assert await is_hidden(client)


async def test_a_failed_scan_is_tried_again_each_time_later_and_then_lists(tmp_path: Path) -> None:
    clock, scanner = FakeClock(), Stumbling(OSError("no"))
    async with a_registry(tmp_path, scanner, clock) as (parts, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.scan-failed")
        tries = [scanner.asked]
        for _ in range(5):
            await pass_time(clock, AGAIN + TICK)
            tries.append(scanner.asked)
        scanner.error = None
        await pass_time(clock, AGAIN * 40)
        await until_noted(parts, "version.list")

        # After 30, 60 and 120 seconds, not with each tick.
        assert tries[0] == 1
        assert 2 <= tries[-1] <= 5
        assert await states(parts) == [("listed", "")]


async def test_what_waited_when_the_registry_died_is_looked_into_by_the_next(tmp_path: Path) -> None:
    async with a_registry(tmp_path, Scanner(HANGS)) as (_, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))

    async with a_registry(tmp_path, Scanner(PASSES)) as (parts, client):
        await until_noted(parts, "version.list")

        assert await states(parts) == [("listed", "")]


async def test_an_overloaded_scan_lists_nothing_and_says_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PENDING", 12)
    async with a_registry(tmp_path, Scanner(HANGS)) as (parts, client):
        ann = await an_author(client, "ann")

        answers = [await ann.publish(saying("x", version=f"1.0.{at}")) for at in range(14)]

        assert [answer.status_code for answer in answers] == [201] * 12 + [429] * 2
        assert int(answers[-1].headers["Retry-After"]) >= 600
        assert {state for state, _ in await states(parts)} == {"pending"}
        assert await is_hidden(client)


async def test_one_that_cant_be_looked_into_holds_up_no_other(tmp_path: Path) -> None:
    class Choosy(Scanner):
        async def scan(self, folder: Path, entries: tuple[Entry, ...], sheet: Sheet) -> tuple[str, ...]:
            if sheet.name == "bad":
                raise OSError("no")
            return await super().scan(folder, entries, sheet)

    async with a_registry(tmp_path, Choosy()) as (parts, client):
        ann = await an_author(client, "ann")
        for at in range(4):
            await ann.publish(saying("x", "bad", f"1.0.{at}"))
        await ann.publish(saying("x"))
        await until_noted(parts, "version.list")

        assert not await is_hidden(client)
        assert await is_hidden(client, "bad")


async def test_what_a_new_account_publishes_is_listed_when_the_account_is_old_enough(tmp_path: Path) -> None:
    clock = FakeClock()
    config = ShelfConfig(listed_after_days=7)
    async with a_registry(tmp_path, Scanner(), clock, config) as (parts, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.hold")
        assert await states(parts) == [("held", YOUNG)]
        await pass_time(clock, timedelta(days=6, hours=23).total_seconds())
        assert await is_hidden(client)

        await pass_time(clock, timedelta(hours=2).total_seconds())
        await until_noted(parts, "version.list")

        assert await states(parts) == [("listed", "")]


async def test_a_moderators_word_that_comes_first_stands(tmp_path: Path) -> None:
    scanner = Stumbling(OSError("no"))
    clock = FakeClock()
    config = ShelfConfig(listed_after_days=0, admins=("root-admin",))
    async with a_registry(tmp_path, scanner, clock, config) as (parts, client):
        ann, admin = await an_author(client, "ann"), await an_author(client, "root-admin")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.scan-failed")
        early = await act(admin, "release")
        gone = await act(admin, "revoke")
        scanner.error = None
        await pass_time(clock, 10 * AGAIN)

        assert (early, gone) == (409, 200)
        assert await states(parts) == [("revoked", "because")]


async def test_a_scan_that_outlasts_its_time_is_a_failed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SECONDS", 0.2)

    class Slow(Scanner):
        async def scan(self, folder: Path, entries: tuple[Entry, ...], sheet: Sheet) -> tuple[str, ...]:
            await asyncio.Event().wait()
            return ()

    async with a_registry(tmp_path, Slow()) as (parts, client):
        ann = await an_author(client, "ann")
        await ann.publish(saying("x"))
        await until_noted(parts, "version.scan-failed")

        assert await states(parts) == [("pending", FAILED)]


async def act(moderator: Author, what: str, package: str = "ann/echo") -> int:
    answer = await moderator.post(f"/packages/{package}/versions/1.0.0/{what}", reason="because")
    return answer.status_code


async def pass_time(clock: FakeClock, seconds: float) -> None:
    """Let time pass tick by tick, with moments for what's done in threads."""
    left = seconds
    while left > 0:
        step = min(left, max(TICK, seconds / 40))
        await clock.advance(step)
        await asyncio.sleep(0.01)
        left -= step


async def until_noted(parts: Parts, action: str) -> None:
    async with asyncio.timeout(LIMIT):
        while not await noted(parts, action):
            await asyncio.sleep(0.02)


async def noted(parts: Parts, action: str) -> str:
    query = select(audit.c.detail).where(audit.c.action == action).order_by(audit.c.seq.desc()).limit(1)
    return await parts.shelf.read(lambda each: each.execute(query).scalar()) or ""


async def states(parts: Parts) -> list[tuple[str, str]]:
    query = select(versions.c.state, versions.c.reason).order_by(versions.c.published_at, versions.c.name)
    return [(row.state, row.reason) for row in await parts.shelf.read(lambda each: each.execute(query).all())]


async def is_hidden(client: Client, name: str = "echo") -> bool:
    """Say whether a stranger sees nothing of a package, however they ask."""
    here = f"{V1}/packages/ann/{name}"
    paths = (here, f"{here}/versions", f"{here}/versions/1.0.0", f"{here}/versions/1.0.0/download")
    statuses = [(await client.get(path)).status_code for path in paths]
    found = (await client.get(f"{V1}/search", params={"q": name})).json()["items"]
    assert (set(statuses) == {404}) == (found == []), (statuses, found)
    return set(statuses) == {404}
