"""What was heard is on disk before anybody is told so, once, in order, until the hub has it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import StartError, StoreUnavailable
from hub.waker.ledger import Ledger
from hub.waker.spool import Heard, Spool


def heard(key: int, *, lane: str = "1", wakes: bool = True, account: str = "telegram", hub: str = "hub") -> Heard:
    return Heard(hub=hub, account=account, key=str(key), lane=lane, body=b"{}", wakes=wakes, at=1.0)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "waker.db")
    spool.open()
    yield spool
    await spool.close()


async def test_what_a_platform_says_twice_is_kept_once(spool: Spool) -> None:
    assert await asyncio.gather(*(spool.put(heard(7)) for _ in range(20))) == [True] + [False] * 19
    assert [each.key for each in await spool.next("hub", 10)] == ["7"]


async def test_the_oldest_are_handed_over_first_and_each_hub_gets_its_own(spool: Spool) -> None:
    for key in (3, 1, 2):
        await spool.put(heard(key))
    await spool.put(heard(9, hub="other", account="other"))
    assert [each.key for each in await spool.next("hub", 2)] == ["3", "1"]
    assert await spool.waiting("hub") == (3, 3)
    await spool.drop(each.id for each in await spool.next("hub", 2))
    assert [each.key for each in await spool.next("hub", 2)] == ["2"]


async def test_what_was_kept_is_there_after_a_restart(spool: Spool, tmp_path: Path) -> None:
    await spool.put(heard(1))
    await spool.mark("offset:telegram", "2")
    await spool.close()
    again = Spool(tmp_path / "waker.db")
    again.open()
    assert [each.key for each in await again.next("hub", 2)] == ["1"]
    assert await again.marked("offset:telegram") == "2"
    await again.close()


async def test_strangers_fill_only_their_own_corner(spool: Spool) -> None:
    await spool.put(heard(0))
    for key in range(1, 30):
        await spool.put(heard(key, wakes=False))
    await spool.crowd("telegram", 5)
    assert [each.key for each in await spool.next("hub", 50)] == ["0", "25", "26", "27", "28", "29"]
    assert await spool.waiting("hub") == (6, 1)


async def test_whom_a_hub_knows_is_what_it_said_last(spool: Spool) -> None:
    await spool.meet("hub", [("key", "a"), ("sender:telegram", "7")])
    assert await spool.knows("hub", "key", ["x", "a"])
    assert await spool.knows("hub", "sender:telegram", ["7"])
    assert not await spool.knows("other", "key", ["a"])
    await spool.meet("hub", [("key", "b")])
    assert not await spool.knows("hub", "key", ["a"])


async def test_a_spool_that_cannot_write_says_so_and_keeps_nothing_by_halves(spool: Spool) -> None:
    large = replace(heard(1), body=b"x" * 100_000)
    await spool.ask("PRAGMA max_page_count = 1")
    with pytest.raises(StoreUnavailable, match="can't be written: database or disk is full"):
        await spool.put(large)
    await spool.ask("PRAGMA max_page_count = 1000000")
    assert await spool.waiting("hub") == (0, 0)
    assert await spool.put(large)


async def test_two_wakers_never_share_a_spool(spool: Spool, tmp_path: Path) -> None:
    await spool.put(heard(1))
    with pytest.raises(StartError, match="is another waker running"):
        await asyncio.to_thread(Spool(tmp_path / "waker.db", patience=0.2).open)


async def test_a_file_of_an_earlier_version_is_brought_up_with_what_was_spent(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "waker.db")) as old, old:
        old.execute(
            "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, hub TEXT NOT NULL, began REAL NOT NULL,"
            " ready REAL, ended REAL, price REAL NOT NULL, error TEXT NOT NULL DEFAULT '')"
        )
        old.execute("INSERT INTO runs (hub, began, ended, price) VALUES ('hub', 0, 3600, 2.0)")
    for _ in range(2):
        spool = Spool(tmp_path / "waker.db")
        spool.open()
        [run] = await Ledger(spool, "hub").last(5)
        assert run.cost(1e9) == 2.0
        await spool.close()
