"""A hub in a process of its own, as `agenthost run` starts it, with a scripted model, a shop and a receiver outside."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp

from tests.browser.scripted import Script, scripted
from tests.browser.shopping import Shop, shopping
from tests.faults.harness import KEY
from tests.faults.receiver import Receiver
from tests.faults.served import Served

CONFIG = """
[limits]
ask_below = 0.0

[sign_in]
totp = ["owner"]

[egress]
allow = ["{receiver}"]
"""


@dataclass
class House:
    """What runs, and what whoever runs the hub does by its API."""

    url: str
    served: Served
    script: Script
    shop: Shop
    receiver: Receiver

    async def asks(self, method: str, path: str, body: object = None, *, key: str = KEY) -> Any:
        """Return what the API answers to a key, which must be good."""
        headers = {"Authorization": f"Bearer {key}"}
        answer = await self.served.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def link(self) -> str:
        """Return a link that signs in the hub's own owner."""
        return f"{self.url}/sign-in#{KEY}"


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    """Start it all; the hub is killed at the end of the block."""
    async with (
        scripted() as script,
        shopping() as shop,
        Receiver() as receiver,
        Served(folder, script.config + CONFIG.format(receiver=receiver.place)) as served,
    ):
        url = str(served.http.base_url).rstrip("/")
        yield House(url=url, served=served, script=script, shop=shop, receiver=receiver)


class App:
    """An authenticator app; it gives no code twice, and waits for none."""

    def __init__(self, secret: str) -> None:
        self._app = pyotp.TOTP(secret.replace(" ", ""))
        self._step = int(time.time()) // 30 - 2

    def code(self) -> str:
        """Return the next code that's good now: the hub takes one from half a minute ago or ahead, too."""
        self._step = max(self._step + 1, int(time.time()) // 30 - 1)
        return self._app.generate_otp(self._step)


async def settled(seconds: float = 0.3) -> None:
    """Let what moves come to rest before it's looked at."""
    await asyncio.sleep(seconds)


@dataclass
class Place:
    """A tenant, its owner's key, and the way in for its owner."""

    id: str
    key: str
    invitation: str


async def a_place(house: House, name: str = "Kettle & Leaf", **more: object) -> Place:
    """Have whoever runs the hub make a tenant and invite its owner."""
    made = await house.asks("POST", "/v1/tenants", {"name": name, **more})
    invited = await house.asks("POST", f"/v1/tenants/{made['id']}/invitation")
    return Place(id=made["id"], key=made["key"], invitation=invited["url"])


async def invited(house: House, place: Place, role: str, name: str, email: str) -> str:
    """Return the link of an invitation by the owner's key."""
    wish = {"role": role, "name": name, "email": email}
    url: str = (await house.asks("POST", "/v1/invitations", wish, key=place.key))["url"]
    return url


async def in_the_shop(house: House, place: Place, **more: object) -> None:
    """Have the owner's server make a chat, and the shop put its one line into each page."""
    wish = {"name": "Shop help", "title": "Kettle & Leaf", "origins": [house.shop.url], "visitors": True}
    wish |= {"greeting": "Hello! Ask us anything about tea and pots.", "colour": "#7c2d12", **more}
    embed = await house.asks("POST", "/v1/embeds", wish, key=place.key)
    house.shop.embed(house.url, embed["script"])


async def eventually(true: Callable[[], bool], otherwise: str, within: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.05)
