"""The registry's pages: whole as they come, the same for strangers and caches, and never a program's answer."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import httpx
import pytest
from msgspec.structs import replace

from hub.buckets import Quota
from hub.records import PackageKind
from hub.registry.limits import Limits, quotas_of
from hub.registry.parts import Parts, opened
from hub.registry.records import Report, VersionState
from hub.registry.web.pages import KIND_WORDS, REASONS, STATES
from hub.registry.web.site import KEPT_OUT
from hub.shelves import ShelfConfig
from hub.testing import FakeClock
from tests.apps import registry_over
from tests.unit.packages.zipping import DATA
from tests.unit.registry.authoring import an_author, saying
from tests.unit.registry.conftest import Client, signed_up
from tests.unit.registry.publishing import published


def asked(parts: Parts) -> Client:
    """Return a client of a registry that isn't the usual one."""
    transport = httpx.ASGITransport(app=registry_over(parts))  # type: ignore[arg-type]  # it's an ASGI application
    return httpx.AsyncClient(transport=transport, base_url="http://registry.test")


HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_page_holds_what_it_shows_and_may_be_kept_while_it_stays_the_same(client: Client, parts: Parts) -> None:
    await signed_up(client, "ann")
    await published(parts)

    answer = await client.get("/registry/packages/ann/echo", headers=HTML)

    assert answer.status_code == 200
    assert "agenthost install ann/echo" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Cookie"
    assert '<link rel="canonical" href="http://registry.test/registry/packages/ann/echo">' in answer.text


async def test_what_somebody_signed_in_sees_is_kept_nowhere(client: Client) -> None:
    token = (await signed_up(client, "ann"))["Authorization"].partition(" ")[2]
    client.cookies.set("agenthost_registry", token)

    answer = await client.get("/registry/account", headers=HTML)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    assert token not in answer.text


@pytest.mark.parametrize("path", ["/account", "/moderation", "/audit"])
async def test_who_isnt_signed_in_is_led_to_the_door_and_back(client: Client, path: str) -> None:
    answer = await client.get(f"/registry{path}", headers=HTML, follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/registry/sign-in?next=/registry{path}"


async def test_people_are_told_of_errors_by_a_page_and_programs_by_a_problem(client: Client) -> None:
    page = await client.get("/registry/packages/ann/nothing", headers=HTML)
    problem = await client.get("/registry/packages/ann/nothing", headers={"Accept": "application/json"})
    api = await client.get("/registry/v1/packages/ann/nothing", headers=HTML)

    assert [each.status_code for each in (page, problem, api)] == [404, 404, 404]
    assert page.headers["content-type"].startswith("text/html")
    assert "There’s nothing here" in page.text
    assert problem.headers["content-type"] == api.headers["content-type"] == "application/problem+json"


async def test_too_many_requests_are_told_by_a_page_that_says_when_to_come_again(
    parts: Parts, clock: FakeClock
) -> None:
    few = Limits(clock, {**quotas_of(parts.config), "reads": Quota(name="reads", most=1, seconds=60)})
    async with asked(replace(parts, limits=few)) as client:
        answers = [await client.get("/registry/sign-in", headers=HTML) for _ in range(3)]

    last = answers[-1]
    assert last.status_code == 429
    assert "Too many requests" in last.text
    assert int(last.headers["retry-after"]) >= 1


async def test_a_registry_that_stands_alone_leads_from_the_root_to_its_pages(client: Client) -> None:
    home = await client.get("/", follow_redirects=False)
    robots = await client.get("/robots.txt")

    assert (home.status_code, home.headers["location"]) == (307, "/registry/")
    assert robots.text.splitlines()[1:] == [f"Disallow: /registry/{each}" for each in KEPT_OUT]


async def test_files_of_the_hubs_site_are_served_from_one_place_for_good(client: Client) -> None:
    page = (await client.get("/registry/", headers=HTML)).text
    for name in ("site.css", "registry.css", "theme.js", "registry.js"):
        address = re.search(rf'"(/registry/static/[0-9a-f]{{12}}/{re.escape(name)})"', page)
        assert address, name
        answer = await client.get(address[1])
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "max-age=31536000, immutable")


async def test_what_is_withheld_is_told_with_the_reason_and_to_strangers_nothing_else(
    client: Client, parts: Parts
) -> None:
    await signed_up(client, "ann")
    await published(parts)
    await published(parts, version="2.0.0", state="quarantined", reason="It reads all files.")
    await published(parts, version="3.0.0", state="held", reason="The scan found something.")

    quarantined = await client.get("/registry/packages/ann/echo/versions/2.0.0", headers=HTML)
    held = await client.get("/registry/packages/ann/echo/versions/3.0.0", headers=HTML)
    whole = await client.get("/registry/packages/ann/echo", headers=HTML)

    assert (quarantined.status_code, held.status_code) == (451, 404)
    assert "It reads all files." in quarantined.text
    assert "2.0.0" not in whole.text
    assert "3.0.0" not in whole.text


async def test_a_readmes_headings_stand_below_the_pages(client: Client, parts: Parts) -> None:
    await signed_up(client, "ann")
    await published(parts)

    page = (await client.get("/registry/packages/ann/echo", headers=HTML)).text

    assert page.count("<h1>") == 1
    assert "<h3>echo 1.0.0</h3>" in page


async def test_a_bad_cursor_or_filter_breaks_no_search(client: Client) -> None:
    bad = await client.get("/registry/search?q=x&cursor=nonsense&kind=spaceship&sort=sideways", headers=HTML)

    assert bad.status_code == 200
    assert "nonsense" in bad.text


async def test_a_look_says_what_a_statement_has_to_name_and_keeps_nothing(client: Client, parts: Parts) -> None:
    ann = await an_author(client, "ann")
    archive = saying("hello", more=DATA)

    look = await client.post("/registry/v1/looks", files={"archive": ("a.zip", archive)}, headers=ann.headers)
    stranger = await client.post("/registry/v1/looks", files={"archive": ("a.zip", archive)})
    bad = await client.post("/registry/v1/looks", files={"archive": ("a.zip", b"no zip")}, headers=ann.headers)
    none = await client.post("/registry/v1/looks", files={"other": ("a.zip", b"")}, headers=ann.headers)

    told = look.json()
    assert (look.status_code, told["name"], told["version"]) == (200, "echo", "1.0.0")
    assert [ask["id"] for ask in told["asks"]] == ["fs:data"]
    assert [each.status_code for each in (stranger, bad, none)] == [401, 422, 400]
    assert (await client.get("/registry/v1/packages/ann/echo")).status_code == 404


async def test_a_token_changes_no_password(client: Client) -> None:
    ann = await signed_up(client, "ann")
    made = await client.post("/registry/v1/tokens", json={"name": "ci", "scopes": ["rate"]}, headers=ann)
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}
    body = {"old": "correct horse battery", "new": "another horse battery"}

    refused = await client.put("/registry/v1/password", json=body, headers=narrow)
    wrong = await client.put("/registry/v1/password", json={**body, "old": "wrong horse"}, headers=ann)
    changed = await client.put("/registry/v1/password", json=body, headers=ann)

    assert [each.status_code for each in (refused, wrong, changed)] == [403, 403, 204]
    assert (await client.get("/registry/v1/me", headers=narrow)).status_code == 401


async def test_each_kind_state_and_reason_has_words() -> None:
    assert set(KIND_WORDS) == set(get_args(PackageKind))
    assert set(STATES) == set(get_args(VersionState))
    assert {reason for reason, _ in REASONS} == set(get_args(Report.__annotations__["reason"]))


@pytest.fixture
async def closed(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Client]:
    """A registry that opens no accounts by itself."""
    url = "http://registry.test"
    async with (
        opened(ShelfConfig(sign_up=False), tmp_path, url, clock, memory=64) as parts,
        asked(parts) as client,
    ):
        yield client


async def test_a_registry_without_sign_up_says_so(closed: Client) -> None:
    assert "opens no accounts by itself" in (await closed.get("/registry/sign-up", headers=HTML)).text
    assert "/registry/sign-up" not in (await closed.get("/registry/sign-in", headers=HTML)).text
