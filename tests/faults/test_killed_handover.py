"""kill -9 at every step of a hand-over: nobody loses what was said, and nobody is answered twice in silence."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from hub.failpoints import NAMES, RARE
from tests.faults.harness import KEY, World
from tests.faults.length import some_of
from tests.faults.platform import Delivery

pytestmark = pytest.mark.faults

CHAT, MARK = "chat0", "m0x1"
TAKING = ("handover.before-commit", "handover.after-commit")
DRAFTING = ("turn.begun", "turn.before-commit", "turn.after-commit")
SENDING = ("draft.before-commit", "draft.after-commit", "outbox.before-deliver", "outbox.after-deliver")


class Desk:
    """A hub that's killed, and its operator; used as `async with Desk(world) as desk`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = httpx.AsyncClient()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    async def start(self, failpoint: str = "") -> None:
        """Start the hub, armed, and find it."""
        await self.world.start(failpoint)
        line = await self.world.hub.line()
        await self.http.aclose()
        url = line.split(" is at ")[1].split(" ")[0]
        self.http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)

    async def dies(self) -> None:
        await self.world.hub.gone(within=60)

    async def handover(self) -> dict[str, Any]:
        """Return the one that there is."""
        [found] = (await self.http.get("/v1/handovers")).json()["items"]
        assert isinstance(found, dict)
        return found

    async def drafts(self) -> list[dict[str, Any]]:
        """Return the drafts that nobody has decided about."""
        at = f"/v1/handovers/{(await self.handover())['id']}/drafts"
        return [draft for draft in (await self.http.get(at)).json()["items"] if draft["state"] == "open"]

    async def post(self, step: str, body: object = None) -> httpx.Response | None:
        """Take a step under one idempotency key; None if the hub dies over it."""
        at = f"/v1/handovers/{(await self.handover())['id']}/{step}"
        try:
            return await self.http.post(at, json=body, headers={"Idempotency-Key": f"{step}-1"})
        except httpx.TransportError:
            return None

    async def eventually(self, true: Callable[[], Awaitable[bool]]) -> None:
        end = time.monotonic() + 60
        while not await true():
            assert time.monotonic() < end, f"{self.world.platform.deliveries[-3:]} {self.world.hub.log[-2000:]}"
            await asyncio.sleep(0.05)

    def told(self, words: str) -> list[Delivery]:
        return [each for each in self.world.platform.deliveries if words in each.text]

    async def asks_for_a_human(self) -> None:
        self.world.platform.say(CHAT, "/human")

        async def was_told() -> bool:
            return bool(self.told("asked for a human"))

        await self.eventually(was_told)

    async def is_drafted(self) -> bool:
        return any(MARK in draft["text"] for draft in await self.drafts())


@pytest.mark.parametrize("place", some_of([*TAKING, *DRAFTING, *SENDING]))
async def test_what_is_said_is_drafted_once_and_answered_once_wherever_the_hub_dies(place: str, tmp_path: Path) -> None:
    async with World(tmp_path, chats=1, latency=0.0) as world, Desk(world) as desk:
        await desk.start()
        await desk.asks_for_a_human()
        if place in TAKING:
            await world.hub.end()
            await desk.start(place)
            assert await desk.post("take") is None
            await desk.dies()
            await desk.start()
        taken = await desk.post("take")
        assert taken is not None
        assert taken.json()["state"] == "taken", taken.text

        if place in DRAFTING:
            await world.hub.end()
            await desk.start(place)
        world.platform.say(CHAT, f"hello {MARK}")
        if place in DRAFTING:
            await desk.dies()
            await desk.start()
        await desk.eventually(desk.is_drafted)
        [draft] = await desk.drafts()
        assert desk.told(MARK) == []

        if place in SENDING:
            await world.hub.end()
            await desk.start(place)
        sent = await desk.post("send", {"draft": draft["id"], "text": f"An answer to {MARK}"})
        if place in SENDING:
            await desk.dies()
            await desk.start()
            again = await desk.post("send", {"draft": draft["id"], "text": f"An answer to {MARK}"})
            assert again is not None
            assert again.status_code == 201, again.text
        else:
            assert sent is not None
            assert sent.status_code == 201, sent.text

        async def was_answered() -> bool:
            return bool(desk.told(MARK))

        await desk.eventually(was_answered)
        resolved = await desk.post("resolve")
        assert resolved is not None
        assert resolved.json()["state"] == "resolved"
        proof = (await desk.http.get("/v1/audit/verify")).json()
        steps = (await desk.http.get("/v1/audit", params={"object": f"handover/{resolved.json()['id']}"})).json()

    answers = desk.told(MARK)
    assert len({each.message for each in answers}) == 1
    assert [each.again for each in answers[1:]] == [True] * (len(answers) - 1)
    assert len(answers) == (2 if place == "outbox.after-deliver" else 1)
    assert proof["whole"], proof
    assert [step["action"] for step in reversed(steps["items"])] == [
        "handover.asked",
        "handover.taken",
        "handover.sent",
        "handover.resolved",
    ]


def test_all_places_of_a_handover_are_killed_at() -> None:
    assert {*TAKING, *DRAFTING, *SENDING} <= {*NAMES, *RARE}
    assert {name for name in RARE if name.startswith(("handover.", "draft."))} <= {*TAKING, *SENDING}
