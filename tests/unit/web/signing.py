"""What tests of signing in have in common: people with passwords, and browsers as httpx clients."""

from collections.abc import Mapping
from typing import Any

import httpx
import pyotp

from hub.clock import SystemClock
from hub.ports import Clock
from hub.records import HOME, OWNER, Key, Person, PersonId, TenantId
from tests.unit.web.world import World

ANN, BEA = "ann@example.org", "bea@example.org"
PASSWORD, OTHER = "blue tram onion kite", "grey bells under water"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def with_password(
    world: World,
    *,
    email: str = ANN,
    password: str = PASSWORD,
    tenant: TenantId = HOME,
    person: PersonId = OWNER,
) -> Person:
    """Have somebody who's there sign in by this from now on."""
    who = await world.store.person(tenant, person)
    assert who
    credentials = world.services.entrance.credentials
    await world.store.commit(*await credentials.set_password(who, await credentials.of(who), email, password))
    return who


async def by_password(client: httpx.AsyncClient, email: str = ANN, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/sign-in/password", json={"email": email, "password": password})


async def signed_in(client: httpx.AsyncClient, email: str = ANN, password: str = PASSWORD) -> None:
    """Sign a client in, and have it send its token with what it changes, as the pages do."""
    answer = await by_password(client, email, password)
    assert answer.json() == {"next": "done", "tenants": [], "secret": "", "uri": "", "qr": "", "recovery": []}
    await with_token(client)


async def with_token(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/whoami")).status_code == 200
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]


def code_of(secret: str, clock: Clock | None = None, steps: int = 0) -> str:
    """Return what an app with this secret shows now, or so many steps later."""
    now = (clock or SystemClock()).now()
    return pyotp.TOTP(secret).generate_otp(int(now.timestamp()) // 30 + steps)


async def with_app(client: httpx.AsyncClient, clock: Clock | None = None) -> tuple[str, list[str]]:
    """Set up an app for whoever is signed in; return its secret and the recovery codes."""
    began = (await client.post("/v1/account/totp")).json()
    given = {"setting_up": began["setting_up"], "code": code_of(began["secret"], clock), "password": PASSWORD}
    confirmed = await client.post("/v1/account/totp/confirm", json=given)
    assert confirmed.status_code == 200, confirmed.text
    return began["secret"], confirmed.json()["recovery"]


async def invited(client: httpx.AsyncClient, **wish: Any) -> str:
    """Return the code of a fresh invitation."""
    made = await client.post("/v1/invitations", json=wish)
    assert made.status_code == 201, made.text
    return str(made.json()["url"]).partition("#")[2]


def acceptance(code: str, **fields: Any) -> Mapping[str, Any]:
    return {"code": code, "email": BEA, "name": "Bea", "password": OTHER, **fields}


def session_of(client: httpx.AsyncClient) -> str:
    return client.cookies["agenthost_session"]


async def key_of(world: World, secret: str) -> Key | None:
    return await world.people.whose(secret)
