"""Chats in other sites' pages before a hub that sleeps: they are there, and a pass of the hub's own wakes it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from hub.guests import KIND, Card, Settings, claims_of, proof, proven
from hub.records import EmbedId
from hub.web.passes import Pass, signed
from tests.waker.fronted import Fronted, fronted
from tests.waker.sleeper import TOKEN

SECRET = b"the hub's own"
SHOP = "https://shop.example"
CARD = Card(origins=(SHOP,), settings=Settings(title="Ask us", greeting="Hello!", colour="#0f766e", visitors=True))
CLOSED = replace(CARD, settings=replace(CARD.settings, visitors=False))


@asynccontextmanager
async def asleep(folder: Path, card: Card = CARD, *, visitors: bool = False) -> AsyncIterator[Fronted]:
    """Have a front before a hub that's asleep, with a chat `c1` that it told of."""
    async with fronted(folder, visitors=visitors) as made:
        await made.sleeper.spool.meet("hub", [(f"{KIND}c1", msgspec.json.encode(card).decode())])
        yield made


def a_pass(made: Fronted, *, embed: str = "c1", who: str = "ann", minutes: int = 15, waker: str = TOKEN) -> str:
    """Return a pass as the hub makes it."""
    until = made.sleeper.clock.now() + timedelta(minutes=minutes)
    return signed(Pass(embed=EmbedId(embed), external=who, name="", expires_at=until), SECRET, waker)


async def asked(made: Fronted, method: str, path: str, token: str = "", origin: str = SHOP) -> httpx.Response:
    """Ask as the chat's script does in a page, and don't wait for a hub that's being woken."""
    headers = {"Origin": origin} | ({"Authorization": f"Bearer {token}"} if token else {})
    asking = asyncio.create_task(made.http.request(method, path, headers=headers))
    for _ in range(200):
        await asyncio.sleep(0.005)
        if made.wanted:
            await made.be("ready")
        if asking.done():
            break
    return await asking


async def test_a_pass_wakes_the_hub_and_has_its_answer(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        answer = await asked(made, "POST", "/embed/c1/messages", a_pass(made))
        assert made.wanted
        assert (answer.status_code, answer.json()["path"]) == (201, "/embed/c1/messages")
        assert answer.headers["agenthost-wake"].startswith("cold;dur=")
        assert answer.headers["access-control-allow-origin"] == SHOP


async def test_a_pages_chat_is_there_and_costs_nothing(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        script = await asked(made, "GET", "/embed/c1/widget.js")
        settings = await asked(made, "GET", "/embed/c1/settings")
        before = await asked(made, "OPTIONS", "/embed/c1/messages")
        gone = await asked(made, "GET", "/embed/c2/widget.js")
        assert not made.wanted
        assert made.hub.asked == []
    assert "attachShadow" in script.text
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert settings.json() == {
        "title": "Ask us",
        "greeting": "Hello!",
        "colour": "#0f766e",
        "ink": "",
        "visitors": True,
    }
    assert settings.headers["access-control-allow-origin"] == SHOP
    assert before.status_code == 204
    assert "authorization" in before.headers["access-control-allow-headers"]
    assert gone.status_code == 404


async def test_a_pass_wakes_nothing_that_is_over_or_of_another_chat_or_made_up(tmp_path: Path) -> None:
    async with asleep(tmp_path, CLOSED) as made:
        good = a_pass(made)
        head, body, mac = good.split(".")
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=="))
        swapped = base64.urlsafe_b64encode(msgspec.json.encode(claims | {"sub": "bob"})).decode().rstrip("=")
        longer = base64.urlsafe_b64encode(msgspec.json.encode(claims | {"exp": claims["exp"] + 9})).decode().rstrip("=")
        odd = base64.urlsafe_b64encode(msgspec.json.encode(claims | {"wake": "é"})).decode().rstrip("=")
        found = {
            name: (await asked(made, "POST", "/embed/c1/messages", token)).status_code
            for name, token in {
                "none": "",
                "over": a_pass(made, minutes=0),
                "of another chat": a_pass(made, embed="c2"),
                "of a visitor, where none may write": a_pass(made, who="visitor-1"),
                "no pass": "k" * 43,
                "no JSON": f"{head}.{'A' * 40}.{mac}",
                "endless": f"{head}.{'A' * 9000}.{mac}",
                "by another hub": a_pass(made, waker="x" * 32),
                "by a hub without a waker": a_pass(made, waker=""),
                "with another name": f"{head}.{swapped}.{mac}",
                "with a later end": f"{head}.{longer}.{mac}",
                "with an odd proof": f"{head}.{odd}.{mac}",
            }.items()
        }
        assert not made.wanted
    assert found == {
        "none": 401,
        "over": 401,
        "of another chat": 401,
        "of a visitor, where none may write": 401,
        "no pass": 401,
        "no JSON": 401,
        "endless": 401,
        "by another hub": 503,
        "by a hub without a waker": 503,
        "with another name": 503,
        "with a later end": 503,
        "with an odd proof": 503,
    }


async def test_a_page_of_another_site_wakes_nothing_by_a_good_pass_and_reads_nothing(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        answers = [
            await asked(made, method, f"/embed/c1/{what}", a_pass(made), origin=origin)
            for origin in ("https://evil.example", "null", "https://shop.example.evil.example", "http://[")
            for method, what in (("POST", "messages"), ("GET", "settings"), ("OPTIONS", "messages"), ("POST", "visits"))
        ]
        assert not made.wanted
    assert {answer.status_code for answer in answers} == {403}
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    ("card", "visitors", "wakes"), [(CARD, False, False), (CLOSED, True, False), (CARD, True, True)]
)
async def test_a_new_visitor_wakes_the_hub_if_chat_and_waker_let_them(
    tmp_path: Path, card: Card, visitors: bool, wakes: bool
) -> None:
    async with asleep(tmp_path, card, visitors=visitors) as made:
        answer = await asked(made, "POST", "/embed/c1/visits")
        assert made.wanted is wakes
        assert answer.status_code == (201 if wakes else 503)


async def test_a_visitors_pass_wakes_a_hub_whose_chat_takes_visitors(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        assert (await asked(made, "GET", "/embed/c1/messages", a_pass(made, who="visitor-1"))).status_code == 201
        assert made.wanted


async def test_a_chat_left_open_wakes_nothing(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        headers = {"Authorization": f"Bearer {a_pass(made)}", "Accept": "text/event-stream", "Origin": SHOP}
        asking = asyncio.create_task(made.http.get("/embed/c1/events", headers=headers))
        await asyncio.sleep(0.1)
        assert not made.wanted
        await made.be("ready")
        answer = await asking
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, SHOP)


async def test_a_guest_is_told_nothing_of_what_keeps_the_hub(tmp_path: Path) -> None:
    async with asleep(tmp_path) as made:
        made.power.detail = "/srv/secret/agenthost: can't be run"
        made.power.state = "failed"
        answer = await asked(made, "POST", "/embed/c1/messages", a_pass(made))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "secret" not in answer.text
        assert answer.headers["access-control-allow-origin"] == SHOP


def test_a_proof_is_of_one_chat_one_person_and_one_end() -> None:
    """And its parts can't be shifted into each other."""
    said: list[tuple[Any, ...]] = [("t" * 32, "c", "ann", 10), ("u" * 32, "c", "ann", 10), ("t" * 32, "c1", "ann", 10)]
    said += [("t" * 32, "c", "bob", 10), ("t" * 32, "c", "ann", 11), ("t" * 32, 'c","a', "nn", 10)]
    assert len({proof(*each) for each in said}) == len(said)


def test_nothing_is_proven_by_an_empty_token() -> None:
    """Which anybody has."""
    body = {"aud": "c", "sub": "ann", "exp": 10, "wake": proof("", "c", "ann", 10)}
    claims = claims_of(f"x.{base64.urlsafe_b64encode(msgspec.json.encode(body)).decode()}.x")
    assert claims is not None
    assert not proven(claims, "")
