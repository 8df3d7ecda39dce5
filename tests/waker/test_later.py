"""A request that may be answered later is kept with its body, asked once the hub is up, and answered for a day."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hub.testing import settle
from hub.waker.later import KEPT, PENDING, Later, wanted
from tests.waker.fronted import ALSO_KNOWN, KNOWN, Fronted, bearing, fronted

LATER = bearing(KNOWN, Prefer="respond-async, wait=5")


@asynccontextmanager
async def answering(front: Fronted) -> AsyncIterator[None]:
    """Have the kept requests looked after."""
    looking = asyncio.create_task(front.later.run())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def answer(front: Fronted, place: str, **headers: str) -> httpx.Response:
    """Wait for what becomes of a request."""
    async with asyncio.timeout(20):
        while True:
            found = await front.http.get(place, headers=headers or bearing(KNOWN))
            if found.status_code != 202:
                return found
            assert found.json()["state"] == "waiting"
            await front.sleeper.clock.advance(1)
            await settle()


async def test_it_is_kept_told_and_answered_with_the_hubs_own_answer(tmp_path: Path) -> None:
    body = b"x" * 3_000_000
    async with fronted(tmp_path) as front, answering(front):
        asked = await front.http.post("/v1/things?a=1", content=body, headers=LATER)
        assert (asked.status_code, asked.headers["preference-applied"]) == (202, "respond-async")
        assert front.wanted
        place = asked.headers["location"]
        assert (await front.http.get(place, headers=bearing(KNOWN))).status_code == 202
        assert front.hub.asked == []
        await front.be("ready")
        found = await answer(front, place)
        assert (found.status_code, found.json()["method"], found.json()["query"]) == (201, "POST", "a=1")
        assert found.json()["sha256"] == hashlib.sha256(body).hexdigest()
        assert found.json()["prefer"] == "", "it was the waker's to see to"
        assert found.headers["agenthost-answered-at"].isdigit()
        assert front.hub.keys == [place.rpartition("/")[2]], "named, so that it's done once if it's asked twice"
        assert [file.suffix for file in (tmp_path / "requests").iterdir()] == [".answer"]


async def test_nobody_is_let_in_by_a_copy_of_what_is_kept(tmp_path: Path) -> None:
    """The key that came along lies sealed, and what opens it isn't beside it in the spool."""
    async with fronted(tmp_path) as front:
        place = (await front.http.post("/v1/things", content=b"one", headers=LATER)).headers["location"]
        kept = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert kept
        assert not [file for file in kept if KNOWN.encode() in file.read_bytes()]
        assert {file.stat().st_mode & 0o077 for file in kept if file.suffix == ".key"} == {0}
        async with answering(front):
            await front.be("ready")
            assert (await answer(front, place)).status_code == 201, "and it was asked by that key"


async def test_one_that_an_earlier_waker_kept_unsealed_is_asked_all_the_same(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front:
        place = (await front.http.post("/v1/things", content=b"one", headers=LATER)).headers["location"]
        plain = json.dumps([["YXV0aG9yaXphdGlvbg==", base64.b64encode(f"Bearer {KNOWN}".encode()).decode()]])
        await front.sleeper.spool.ask("UPDATE asked SET headers = ?", plain.encode())
        async with answering(front):
            await front.be("ready")
            assert (await answer(front, place)).status_code == 201


async def test_it_outlives_the_waker(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front:
        place = (await front.http.post("/v1/things", content=b"one", headers=LATER)).headers["location"]
        (tmp_path / "requests" / "cut-off.body").write_bytes(b"half")
        front.later = Later(front.proxy, front.sleeper.spool, tmp_path / "requests", front.sleeper.clock)
        async with answering(front):
            await front.be("ready")
            found = await answer(front, place)
        assert found.json()["sha256"] == hashlib.sha256(b"one").hexdigest()
        assert not (tmp_path / "requests" / "cut-off.body").exists()


async def test_one_that_is_cut_off_is_asked_again_by_the_same_name(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, answering(front):
        front.sleeper.machine.state = "running"
        front.hub.cut = 2
        place = (await front.http.post("/v1/things", content=b"one", headers=LATER)).headers["location"]
        await front.be("ready")
        found = await answer(front, place)
        assert found.status_code == 201
        assert (len(front.hub.keys), len(set(front.hub.keys))) == (3, 1)


async def test_those_of_one_asker_are_asked_in_their_order(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, answering(front):
        places = []
        for number in range(20):
            asked = await front.http.put(f"/v1/things/{number}", headers=LATER)
            places.append(asked.headers["location"])
        await front.be("ready")
        for place in places:
            assert (await answer(front, place)).status_code == 201
        assert front.hub.asked == [f"PUT /v1/things/{number}" for number in range(20)]


async def test_nobody_else_learns_what_became_of_it(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front:
        place = (await front.http.get("/v1/things", headers=LATER)).headers["location"]
        cookies = [{"Cookie": f"{prefix}agenthost_session={ALSO_KNOWN}"} for prefix in ("", "__Host-")]
        for headers in ({}, bearing(ALSO_KNOWN), bearing("x"), *cookies):
            assert (await front.http.get(place, headers=headers)).status_code == 404


async def test_strangers_have_nothing_kept(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front:
        for headers in ({}, bearing("x" * 43)):
            refused = await front.http.post("/v1/things", headers={**headers, "Prefer": "respond-async"}, content=b"x")
            assert refused.status_code == 401
        assert not front.wanted
        assert not (tmp_path / "requests").exists()


async def test_answers_are_kept_for_a_day_and_what_cannot_be_asked_is_given_up_after_a_week(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, answering(front):
        place = (await front.http.get("/v1/things", headers=LATER)).headers["location"]
        await front.be("ready")
        assert (await answer(front, place)).status_code == 201
        await front.be("stopped")
        other = (await front.http.get("/v1/things", headers=LATER)).headers["location"]
        await front.sleeper.clock.advance(KEPT + 60)
        front.later._news.set()
        await front.sleeper.quiet()
        assert (await front.http.get(place, headers=bearing(KNOWN))).status_code == 404
        assert (await front.http.get(other, headers=bearing(KNOWN))).status_code == 202
        await front.sleeper.clock.advance(PENDING)
        front.later._news.set()
        await front.sleeper.quiet()
        assert (await front.http.get(other, headers=bearing(KNOWN))).status_code == 504


async def test_no_more_are_kept_than_may_wait(tmp_path: Path) -> None:
    async with fronted(tmp_path, waiting=2) as front:
        found = [(await front.http.post("/v1/things", headers=LATER)).status_code for _ in range(3)]
        assert found == [202, 202, 503]


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("respond-async", True),
        ("return=minimal, Respond-Async; foo", True),
        ("wait=10, respond-async", True),
        ("", False),
        ("no-respond-async", False),
    ],
)
def test_a_preference_is_read_as_it_is_written(value: str, asked: bool) -> None:
    assert wanted({"prefer": value}) is asked
