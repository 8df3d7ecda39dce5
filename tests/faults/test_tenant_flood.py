"""One tenant floods a real hub: what the others wait for their answers stays within 1.5 times."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.faults.harness import Child
from tests.faults.served import Model, Served
from tests.faults.test_bad_input import ALONE, middle_and_end

pytestmark = pytest.mark.faults

FLOOD = int(os.environ.get("AGENTHOST_FLOOD", "800"))
LATENCY = float(os.environ.get("AGENTHOST_LATENCY", "0.02"))
"""Seconds that the model takes for anything."""
HELD_UP = 0.1
"""Seconds more: 64 requests that come at one moment are worked off before the next one, in whatever order."""


async def a_tenant(hub: Served, name: str) -> str:
    """Make a tenant, and return its owner's key."""
    made = await hub.http.post("/v1/tenants", json={"name": name})
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


async def waits(client: httpx.AsyncClient, count: int) -> list[float]:
    """Return the seconds from sending a message to its answer, one after another."""
    found = []
    for number in range(count):
        began = time.monotonic()
        said = {"text": f"Hello {number}", "task": "new"}
        response = await client.post("/v1/messages", params={"wait": 60}, json=said)
        found.append(time.monotonic() - began)
        assert response.status_code == 200, response.text
    return found


async def test_one_tenants_flood_leaves_the_others_their_pace(tmp_path: Path) -> None:
    """The flooder has all of its people's messages taken up to its pace, and is told to come later beyond that."""
    async with Model(tmp_path, latency=LATENCY) as config, Served(tmp_path, config) as hub:
        flooder, other = await a_tenant(hub, "Flooder"), await a_tenant(hub, "Other")
        async with httpx.AsyncClient(
            base_url=hub.http.base_url, headers={"Authorization": f"Bearer {other}"}, timeout=60
        ) as client:
            await waits(client, 5)
            before = await waits(client, 60)
            address = hub.http.base_url.netloc.decode()
            words = (sys.executable, "-m", "tests.faults.flood", address, flooder, "owner", str(FLOOD))
            flood = Child(tmp_path / "flood.log", *words)
            await flood.start()
            told = asyncio.ensure_future(flood.line(within=300))
            during: list[float] = []
            while not told.done() or len(during) < 60:
                during += await waits(client, 5)
            statuses = json.loads(await told)
            assert await flood.gone(within=10) == 0
    (p50_before, p95_before), (p50_during, p95_during) = middle_and_end(before), middle_and_end(during)
    print(
        f"\ntenant flood of {FLOOD}: {statuses}; others wait {p50_before * 1000:.0f} ms p50, {p95_before * 1000:.0f} ms"
        f" p95 before, {p50_during * 1000:.0f} and {p95_during * 1000:.0f} ms during ({len(during)} messages):"
        f" p50 x{p50_during / p50_before:.2f}, p95 x{p95_during / p95_before:.2f}"
    )

    assert set(statuses) == {"202", "429"}
    if ALONE:
        assert p50_during <= 1.5 * p50_before + 0.05
        assert p95_during <= 1.5 * p95_before + HELD_UP
