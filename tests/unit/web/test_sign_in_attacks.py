"""What strangers, thieves and other sites' pages try at the way in, each by its name; none gets anywhere."""

import asyncio
import dataclasses
import statistics
import time
from typing import Any

import pytest

from hub.flow.entrance import Entrance
from hub.flow.logins import WrongPassword
from hub.issuers import SignInConfig
from hub.records import Quotas
from hub.testing import FakeClock
from hub.vault import Vault
from tests.unit.web.signing import (
    ANN,
    BEA,
    OTHER,
    PASSWORD,
    by_password,
    code_of,
    session_of,
    signed_in,
    with_app,
    with_password,
)
from tests.unit.web.world import a_world

NOBODY = "nobody@example.org"


# --- session fixation


async def test_session_fixation_a_session_from_before_is_worth_nothing_after_signing_in() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as victim, world.client("") as attacker:
        await signed_in(victim)
        planted = session_of(victim)
        attacker.cookies.set("agenthost_session", planted)
        await signed_in(victim)

        assert session_of(victim) != planted
        assert (await victim.get("/v1/whoami")).status_code == 200
        assert (await attacker.get("/v1/whoami")).status_code == 401


@pytest.mark.parametrize("planted", ["made-up", "ah_0000_" + "a" * 43])
async def test_session_fixation_a_made_up_session_is_not_adopted(planted: str) -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        client.cookies.set("agenthost_session", planted)
        await client.get("/")
        client.headers["x-csrftoken"] = client.cookies.get("csrftoken") or ""
        answer = await by_password(client)

    given = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("agenthost_session="))
    assert answer.status_code == 200
    assert planted not in given


async def test_session_fixation_a_step_of_another_browser_is_not_gone_on_with_without_its_cookie() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as ann:
        await signed_in(ann)
        secret, _ = await with_app(ann)
    async with world.client("") as ann, world.client("") as attacker:
        await by_password(ann)
        stolen = await attacker.post("/v1/sign-in/code", json={"code": code_of(secret, steps=1)})

    assert stolen.status_code == 409


# --- user enumeration


async def test_user_enumeration_by_text_an_unknown_address_and_a_wrong_password_are_told_alike() -> None:
    world = await a_world()
    tenant, _, _ = await world.services.tenants.create("Bea & Co", Quotas())
    await with_password(world)
    await with_password(world, tenant=tenant.id, password=OTHER)
    answers = []
    for email in (ANN, NOBODY, "not an address"):
        async with world.client("") as client:
            answers.append(await by_password(client, email, "a wrong password"))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert len({frozenset(answer.headers) for answer in answers}) == 1


async def test_user_enumeration_by_waits_both_have_to_wait_after_as_many_tries() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await with_password(world)
    statuses: dict[str, list[int]] = {ANN: [], NOBODY: []}
    for email, told in statuses.items():
        for _ in range(8):
            async with world.client("") as client:
                told.append((await by_password(client, email, "a wrong password")).status_code)
        await clock.advance(61)

    assert statuses[ANN] == statuses[NOBODY] == [401] * 5 + [429] * 3


async def test_user_enumeration_by_time_nobody_takes_as_long_as_one_person_or_one_in_three_tenants() -> None:
    """Medians of 15 at the hash's real cost, taken in turns, so that a busy machine is as slow for all of them."""
    clock = FakeClock()
    world = await a_world(clock=clock)
    real = Entrance(world.store, clock, world.people, Vault.fresh(), SignInConfig(), {})
    real_world = dataclasses.replace(world, services=dataclasses.replace(world.services, entrance=real))
    await with_password(real_world)
    for name in ("Bea & Co", "Cid & Co", "Dan & Co"):
        tenant, _, _ = await world.services.tenants.create(name, Quotas())
        await with_password(real_world, email=BEA, tenant=tenant.id, password=f"{OTHER} of {name}")
    took: dict[str, list[float]] = {ANN: [], BEA: [], NOBODY: []}
    for _ in range(15):
        for email, times in took.items():
            began = time.perf_counter()
            with pytest.raises(WrongPassword):
                await real.logins.by_password(email, "a wrong password")
            times.append(time.perf_counter() - began)
        await clock.advance(900)
    medians = {email: statistics.median(times) for email, times in took.items()}

    assert max(medians.values()) / min(medians.values()) < 1.25, medians


# --- brute force


async def test_brute_force_at_an_account_waits_grow_even_for_the_right_password_and_end_by_themselves() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await with_password(world)
    tried = 0
    for _ in range(24):  # a day in which somebody tries as often as may be
        for _ in range(4):
            async with world.client("") as client:
                tried += (await by_password(client, ANN, "a wrong password")).status_code == 401
            await clock.advance(900)
    async with world.client("") as client:
        waiting = [await by_password(client, ANN, "a wrong password"), await by_password(client)]
        wait = int(waiting[1].headers["retry-after"])
        await clock.advance(wait)
        right = await by_password(client)

    assert tried <= 100, "as NIST SP 800-63B has it"
    assert waiting[1].status_code == 429
    assert wait <= 901
    assert right.status_code == 200


async def test_brute_force_many_at_once_are_as_many_tries() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        answers = await asyncio.gather(*(by_password(client, ANN, f"wrong password {n}") for n in range(15)))

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 10


async def test_brute_force_a_browser_that_is_known_does_not_wait_for_strangers_wrong_tries() -> None:
    """So that nobody can lock anybody out of their own laptop."""
    world = await a_world()
    await with_password(world)
    async with world.client("") as laptop, world.client("") as stranger:
        await signed_in(laptop)
        await laptop.post("/v1/sign-out")
        del laptop.headers["x-csrftoken"]
        for _ in range(6):
            await by_password(stranger, ANN, "a wrong password")
        refused, known = await by_password(stranger), await by_password(laptop)

    assert (refused.status_code, known.status_code) == (429, 200)


async def test_brute_force_a_known_browser_may_not_guess_without_end_nor_at_others() -> None:
    world = await a_world()
    tenant, _, _ = await world.services.tenants.create("Bea & Co", Quotas())
    await with_password(world)
    await with_password(world, email=BEA, tenant=tenant.id, password=OTHER)
    async with world.client("") as client:
        await signed_in(client)
        own = [(await by_password(client, ANN, "a wrong password")).status_code for _ in range(6)]
        others = [(await by_password(client, BEA, "a wrong password")).status_code for _ in range(6)]

    assert own == others == [401] * 5 + [429]


async def test_brute_force_from_one_address_over_many_accounts_is_slowed_down() -> None:
    world = await a_world()
    async with world.client("") as client:
        statuses = [(await by_password(client, f"p{n}@example.org", PASSWORD)).status_code for n in range(22)]

    assert statuses == [401] * 20 + [429] * 2


async def test_brute_force_at_an_apps_codes_waits_grow() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, _ = await with_app(client)
    async with world.client("") as client:
        await by_password(client)
        wrong = [(await client.post("/v1/sign-in/code", json={"code": f"{n:06}"})).status_code for n in range(7)]
        right = await client.post("/v1/sign-in/code", json={"code": code_of(secret, steps=1)})

    assert wrong == [401] * 5 + [429] * 2
    assert right.status_code == 429
    assert 1 <= int(right.headers["retry-after"]) <= 16


# --- TOTP replay


async def test_totp_replay_a_code_is_good_once_within_its_window() -> None:
    clock = FakeClock()
    world = await a_world(clock=clock)
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, _ = await with_app(client, clock)
        seen_at_set_up = code_of(secret, clock)
    await clock.advance(30)
    code = code_of(secret, clock)
    statuses = []
    for given in (seen_at_set_up, code, code, code_of(secret, clock, steps=-1), code_of(secret, clock, steps=1)):
        async with world.client("") as client:
            await by_password(client)
            statuses.append((await client.post("/v1/sign-in/code", json={"code": given})).status_code)

    assert statuses == [401, 200, 401, 401, 200]


async def test_totp_replay_at_the_same_moment_one_of_two_gets_in() -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        secret, recovery = await with_app(client)
    for code in (code_of(secret, steps=1), recovery[0]):
        clients = [world.client("") for _ in range(4)]
        for client in clients:
            await by_password(client)
        answers = await asyncio.gather(*(client.post("/v1/sign-in/code", json={"code": code}) for client in clients))
        assert sum(answer.status_code == 200 for answer in answers) == 1
        for client in clients:
            await client.aclose()


# --- CSRF on sign-in


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/sign-in", {"code": "x"}),
        ("/v1/sign-in/password", {"email": ANN, "password": PASSWORD}),
        ("/v1/sign-in/code", {"code": "123456"}),
        ("/v1/sign-in/enrol", {"code": "123456"}),
        ("/v1/sign-in/choose", {"tenant": "home"}),
        ("/v1/sign-in/oidc/work", {}),
        ("/v1/invitations/look", {"code": "x"}),
        ("/v1/invitations/accept", {"code": "x", "password": PASSWORD}),
    ],
)
async def test_csrf_on_sign_in_another_sites_page_signs_nobody_in_as_the_attacker(
    path: str, body: dict[str, str]
) -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        answers = [
            await client.post(path, json=body, headers=headers)
            for headers in (
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
            )
        ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert not any("set-cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_csrf_on_sign_in_a_form_is_no_json(kind: str) -> None:
    """All that a page may send to another site without asking it first."""
    world = await a_world()
    await with_password(world)
    body = f'{{"email": "{ANN}", "password": "{PASSWORD}"}}'
    async with world.client("") as client:
        answer = await client.post(
            "/v1/sign-in/password", content=body, headers={"Content-Type": kind, "Origin": "https://evil.example"}
        )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/account/password", {"old": PASSWORD, "new": OTHER}),
        ("POST", "/v1/account/totp", None),
        ("POST", "/v1/account/totp/end", {"password": PASSWORD}),
        ("POST", "/v1/account/oidc/work", None),
        ("DELETE", "/v1/account/oidc?issuer=a&subject=b", None),
        ("DELETE", "/v1/sessions", None),
        ("POST", "/v1/invitations", {}),
    ],
)
async def test_csrf_what_a_session_may_change_needs_its_token(method: str, path: str, body: Any) -> None:
    world = await a_world()
    await with_password(world)
    async with world.client("") as client:
        await signed_in(client)
        del client.headers["x-csrftoken"]
        answer = await client.request(method, path, json=body)

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
