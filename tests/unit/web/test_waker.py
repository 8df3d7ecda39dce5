"""What the hub's waker is told, and nobody else."""

import json
import os
import random
from dataclasses import replace
from typing import Any

import httpx

from hub.signing import HEADER, Checker, sign
from hub.testing import NOON, FakeClock
from hub.web.services import WakerDoor
from tests.unit.web.world import World, a_world

TOKEN = "t" * 32
FUZZ = int(os.environ.get("AGENTHOST_WAKER_FUZZ", "400"))


class Idle:
    """An Idling that says what it's told to say."""

    def __init__(self) -> None:
        self.drained = True
        self.asked = 0

    async def look(self) -> Any:
        self.asked += 1
        return type("Idleness", (), {"busy": ("a turn",), "idle_seconds": 3.0, "next_due": None})()

    async def guests(self) -> tuple[tuple[tuple[str, str], ...], str]:
        return (("key", "hash"),), "name"

    async def drain(self) -> bool:
        self.asked += 1
        return self.drained


async def a_door() -> World:
    world = await a_world(clock=FakeClock())
    door = WakerDoor(Checker(TOKEN), Idle())  # type: ignore[arg-type] # it says what an Idling does
    return replace(world, services=replace(world.services, waker=door))


async def asked(
    world: World, method: str, path: str, body: bytes = b"", *, signature: str | None = None
) -> httpx.Response:
    signed = sign(TOKEN, method, path, body, NOON.timestamp()) if signature is None else signature
    async with world.client("") as client:
        return await client.request(method, path, content=body, headers={HEADER: signed})


async def test_it_is_told_how_the_hub_is_and_whom_it_knows() -> None:
    world = await a_door()
    told = (await asked(world, "GET", "/v1/waker/report?known=other")).json()
    assert (told["ready"], told["busy"], told["idle_seconds"]) == (True, ["a turn"], 3.0)
    assert (told["guests"], told["known"]) == ([["key", "hash"]], "name")
    assert (await asked(world, "GET", "/v1/waker/report?known=name")).json()["guests"] is None


async def test_a_signature_counts_once_and_for_its_own_request() -> None:
    world = await a_door()
    signed = sign(TOKEN, "POST", "/v1/waker/drain", b"", NOON.timestamp())
    assert (await asked(world, "POST", "/v1/waker/drain", signature=signed)).json() == {"drained": True}
    assert (await asked(world, "POST", "/v1/waker/drain", signature=signed)).status_code == 401
    other = sign(TOKEN, "GET", "/v1/waker/report", b"", NOON.timestamp())
    assert (await asked(world, "POST", "/v1/waker/drain", signature=other)).status_code == 401
    for nothing in ("", "t=1", sign("x" * 32, "POST", "/v1/waker/drain", b"", NOON.timestamp())):
        assert (await asked(world, "POST", "/v1/waker/drain", signature=nothing)).status_code == 401


async def test_nothing_that_is_not_signed_for_itself_has_any_effect() -> None:
    """Signatures of other requests, times, bodies and tokens, cut and mixed; more with AGENTHOST_WAKER_FUZZ."""
    world, dice, statuses = await a_door(), random.Random(3), set[int]()
    idle = world.services.waker.idling  # type: ignore[union-attr] # it has a door
    heard = json.dumps({"items": [{"id": 1, "account": "telegram", "lane": "1", "body": "{}"}]}).encode()
    places = ("/v1/waker/drain", "/v1/waker/heard", "/v1/waker/report", "/v1/waker/report?known=")
    async with world.client("") as client:
        for _ in range(FUZZ):
            method, path = dice.choice(["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH"]), dice.choice(places)
            body = dice.choice([b"", heard, b'{"items": []}', dice.randbytes(20)])
            off = dice.choice([-400, 400, -1e9, 1e9])
            good = sign(TOKEN, method, path, body, NOON.timestamp())
            forged = dice.choice(
                [
                    sign(TOKEN, method, path, body, NOON.timestamp() + off),
                    sign(TOKEN, method, path, body + b" ", NOON.timestamp()),
                    sign(TOKEN, method, path + "/", body, NOON.timestamp()),
                    sign(TOKEN, "OPTIONS", path, body, NOON.timestamp()),
                    sign(TOKEN[:-1], method, path, body, NOON.timestamp()),
                    good[: dice.randrange(len(good))],
                    good.replace("v=", "v=0", 1),
                    f"{good},{good}",
                    f" {good} x",
                    "",
                ]
            )
            headers = [(HEADER, forged)] * dice.choice([1, 1, 2])
            answer = await client.request(method, path, content=body, headers=headers)
            statuses.add(answer.status_code)
    assert statuses <= {401, 405}
    assert idle.asked == 0


async def test_a_hub_without_a_waker_has_no_such_door() -> None:
    assert (await asked(await a_world(), "GET", "/v1/waker/report")).status_code == 404


async def test_what_no_bridge_takes_stays_with_the_waker() -> None:
    world = await a_door()
    items = [{"id": 1, "account": "nobody", "lane": "1", "body": "{}"}]
    answer = await asked(world, "POST", "/v1/waker/heard", json.dumps({"items": items}).encode())
    assert (answer.status_code, answer.json()) == (200, {"settled": []})
    broken = await asked(world, "POST", "/v1/waker/heard", b'{"items": 3}')
    assert broken.status_code == 400
    assert "items" in broken.json()["detail"]
