"""Every route is closed but those that are meant to be open."""

import httpx
import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute, WebSocketRoute

from hub.records import HOME, SCOPES, KeyId
from hub.web.app import build
from hub.web.auth import ANY
from hub.web.openai.faults import speaks_so
from tests.unit.web.world import World, a_world

OPEN = {
    "/healthz",
    "/readyz",
    "/v1/sign-in",
    "/v1/sign-in/password",
    "/v1/sign-in/step",
    "/v1/sign-in/choose",
    "/v1/sign-in/code",
    "/v1/sign-in/enrol",
    "/v1/sign-in/oidc/{name:str}",
    "/v1/invitations/look",
    "/v1/invitations/accept",
    "/invitation",
    "/account",
    "/schema",
    "/schema/openapi.json",
    "/schema/{path:str}",
    "/",
    "/tasks",
    "/people",
    "/desk",
    "/approvals",
    "/routes",
    "/keys",
    "/usage",
    "/look",
    "/webhooks",
    "/status",
    "/packages",
    "/.well-known/agent-card.json",
}
GUESTS = "/embed/"
"""Where a pass is asked for in place of a key; see test_embeds.py."""
PAGES = (GUESTS, "/static", "/brand/", "/words/", "/tasks/", "/packages", "/sign-in", "/schema", "/favicon")
CALLED = ("/telegram/{name:str}", "/in/{token:str}")
"""Where a platform proves itself in another way; see test_hooks.py. So does the waker: see test_waker.py."""


def routes(world: World) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Return method, path and handler of every HTTP endpoint."""
    return [
        (method, route.path, handler)
        for route in world.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in ("OPTIONS", "HEAD")
    ]


def is_page(path: str) -> bool:
    return path in OPEN or path.startswith((*PAGES, "/v1/waker/")) or path in CALLED


def told(path: str, answer: httpx.Response) -> str:
    """Return what an error says, in whichever shape its endpoint has."""
    body = answer.json()
    return str(body["error"]["message"] if speaks_so(path) else body["detail"])


async def test_without_a_key_every_endpoint_answers_401_and_how_to_sign_in() -> None:
    world = await a_world()
    walked = 0
    async with world.client("") as client:
        for method, path, _ in routes(world):
            if is_page(path):
                continue
            answer = await client.request(method, path.replace("{id:str}", "some"), json={})
            assert (method, path, answer.status_code) == (method, path, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
            if not speaks_so(path):
                assert answer.headers["content-type"] == "application/problem+json"
            assert "Authorization: missing" in told(path, answer)
            walked += 1
    assert walked >= 20


async def test_with_a_key_that_lacks_its_scope_every_endpoint_answers_403_and_names_the_scope() -> None:
    world = await a_world()
    for method, path, handler in routes(world):
        scope = handler.opt.get("scope")
        if is_page(path) or scope == ANY:
            continue
        others = [other for other in SCOPES if other not in (scope, "admin")]
        async with world.client(await world.key_with(*others)) as client:
            answer = await client.request(method, path.replace("{id:str}", "some"), json={})
        assert (method, path, answer.status_code) == (method, path, 403)
        assert f"lacks the scope {scope}" in told(path, answer)


async def test_every_endpoint_names_a_known_scope_or_says_that_its_open() -> None:
    world = await a_world()
    for route in world.app.routes:
        if isinstance(route, HTTPRoute):
            handlers = list(route.route_handlers)
        else:
            assert isinstance(route, WebSocketRoute | ASGIRoute)
            handlers = [route.route_handler]  # type: ignore[list-item]
        for handler in handlers:
            if handler.opt.get("open"):
                assert is_page(route.path), f"{route.path} is open"
            elif isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue
            else:
                assert handler.opt.get("scope") in (*SCOPES, ANY), route.path


async def test_an_endpoint_that_names_no_scope_is_closed_to_the_owner_too() -> None:
    world = await a_world()

    @get("/forgotten")
    async def forgotten() -> str:
        return "secret"

    world.app = build(world.services)
    world.app.register(forgotten)
    async with world.client() as client:
        answer = await client.get("/forgotten")

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer nonsense", "unknown, revoked or past its end"),
        ("Bearer ", "unknown, revoked or past its end"),
        ("Basic b3duZXI6", "must be 'Bearer KEY'"),
        ("", "must be 'Bearer KEY'"),
    ],
)
async def test_a_bad_key_is_told_apart_from_none(header: str, words: str) -> None:
    world = await a_world()
    async with world.client("") as client:
        answer = await client.get("/v1/whoami", headers={"Authorization": header})

    assert answer.status_code == 401
    assert words in answer.json()["detail"]


async def test_the_scheme_may_be_written_in_small_letters() -> None:
    world = await a_world()
    async with world.client("") as client:
        answer = await client.get("/v1/whoami", headers={"authorization": f"bearer {world.key}"})

    assert answer.status_code == 200


async def test_a_revoked_key_is_refused_at_once() -> None:
    world = await a_world()
    secret = await world.key_with("messages:read")
    key = await world.people.whose(secret)
    assert key
    async with world.client(secret) as client:
        assert (await client.get("/v1/messages")).status_code == 200
        await world.people.revoke(HOME, KeyId(key.id))
        assert (await client.get("/v1/messages")).status_code == 401
