"""What nobody should send, sent to a real hub: clear words, nothing lost, and it stays up."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import pytest

from hub.ports import Add
from hub.records import HOME, Person, PersonId
from hub.store.sql import SqlStore
from tests.faults.harness import KEY, Child
from tests.faults.served import Model, Served

pytestmark = pytest.mark.faults

FLOOD = int(os.environ.get("AGENTHOST_FLOOD", "800"))
FLOODER = PersonId("flooder")
ALONE = "PYTEST_XDIST_WORKER" not in os.environ
"""Beside other tests, waits say more of those than of the flood; `make faults` runs it alone."""
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Served]:
    async with Model(tmp_path, latency=0.02) as config:
        (tmp_path / "data").mkdir(mode=0o700)
        store = SqlStore.in_folder(tmp_path / "data")
        await store.open()
        flooder = Person(id=FLOODER, tenant=HOME, name="Flooder", role="member", created_at=datetime.now(UTC))
        await store.commit(Add(flooder))
        await store.close()
        async with Served(tmp_path, config) as served:
            yield served


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, ""),
        (b"{", 400, ""),
        (b"[]", 400, ""),
        (b'{"text": ""}', 400, "write something"),
        (b'{"text": " \\n\\t "}', 400, "write something"),
        (b'{"text": 7}', 400, "text"),
        (b'{"words": "hello"}', 400, "words"),
        (b'{"text": "\xff\xfe"}', 400, ""),
        (b'{"text": "\\ud800"}', 400, ""),
        (b'{"text": "\\u0000"}', 400, "U+0000"),
        (b'{"text": "\\u001b[2J"}', 400, "U+001B"),
        (b'{"text": "a\\u0085b"}', 400, "U+0085"),
        (b'{"text": "' + b"x" * (1 << 20) + b'"}', 413, ""),
        (b'{"text": "' + b"x" * 300_000 + b'"}', 413, "262,144"),
        (b"[" * 100_000, 400, ""),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else str(value),
)
async def test_what_cant_be_a_message_is_refused_in_words(hub: Served, body: bytes, status: int, words: str) -> None:
    response = await hub.http.post("/v1/messages", content=body, headers=JSON)

    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert words in problem["detail"]
    assert problem["detail"]
    answered = await hub.said("Still there?", wait=30)
    assert answered.status_code == 200


async def test_unusual_but_good_text_is_kept_letter_by_letter(hub: Served) -> None:
    text = "tab\tand line\nend, \U0001f469\u200d\U0001f680 \u05e9\u05dc\u05d5\u05dd \u202eabc, <script>, <|im_start|>"
    response = await hub.said(text, wait=30)

    assert response.status_code == 200
    assert response.json()["parts"][0]["text"] == text


async def test_a_flood_by_one_sender_is_refused_and_others_are_still_answered_soon(hub: Served, tmp_path: Path) -> None:
    """The flooder is told to come later, what was accepted is answered, and the others' waits stay within bounds."""
    before = await waits(hub, 30)
    flood = Child(
        tmp_path / "flood.log",
        sys.executable,
        "-m",
        "tests.faults.flood",
        hub.http.base_url.netloc.decode(),
        KEY,
        FLOODER,
        str(FLOOD),
    )
    await flood.start()
    told = asyncio.ensure_future(flood.line(within=300))
    during: list[float] = []
    while not told.done() or len(during) < 30:
        during += await waits(hub, 5)
    statuses = json.loads(await told)
    assert await flood.gone(within=10) == 0
    (p50_before, p95_before), (p50_during, p95_during) = middle_and_end(before), middle_and_end(during)
    print(
        f"\nflood of {FLOOD}: {statuses}; others wait {p50_before * 1000:.0f} ms p50, {p95_before * 1000:.0f} ms p95"
        f" before, {p50_during * 1000:.0f} and {p95_during * 1000:.0f} ms during ({len(during)} messages)"
    )

    assert set(statuses) == {"202", "429"}
    assert (await hub.get("/v1/status"))["queues"].get("inbox.dead", 0) == 0
    if ALONE:
        assert p50_during <= 1.5 * p50_before + 0.05
        # Sixty-four requests at one moment are a quarter of a second's work, which no order of doing them takes away.
        assert p95_during <= 1.5 * p95_before + 0.4
    end = time.monotonic() + 120
    while any((await hub.get("/v1/status"))["queues"].values()):
        assert time.monotonic() < end, "what was accepted isn't answered"
        await asyncio.sleep(0.2)


async def waits(hub: Served, count: int) -> list[float]:
    """Return the seconds from sending a message to its answer, one after another."""
    found = []
    for number in range(count):
        began = time.monotonic()
        response = await hub.said(f"Hello {number}", wait=60, chat="other", task="new")
        found.append(time.monotonic() - began)
        assert response.status_code == 200, response.text
    return found


def middle_and_end(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    parts = quantiles(seconds, n=20, method="inclusive")
    return parts[9], parts[-1]
