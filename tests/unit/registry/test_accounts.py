"""Accounts of a registry: opened, signed in to, and lent out by tokens that are good for less."""

import asyncio
from datetime import timedelta

import pytest

from hub.registry.auditing import fault
from hub.registry.parts import Parts
from hub.testing import FakeClock
from tests.unit.registry.conftest import ON_SQLITE, PASSWORD, Client, signed_up


async def test_an_account_owns_its_publisher(client: Client) -> None:
    ann = await signed_up(client, "ann", "ann-tools")

    me = (await client.get("/registry/v1/me", headers=ann)).json()

    assert (me["name"], me["publishers"], me["role"]) == ("ann", ["ann-tools"], "member")


@pytest.mark.parametrize(("name", "publisher"), [("ann", "other"), ("other", "ann")])
async def test_no_name_is_given_twice(client: Client, name: str, publisher: str) -> None:
    await signed_up(client, "ann")

    answer = await client.post(
        "/registry/v1/accounts", json={"name": name, "publisher": publisher, "password": PASSWORD}
    )

    assert answer.status_code == 400
    assert "is taken" in answer.json()["detail"]


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(client: Client) -> None:
    await signed_up(client, "ann")

    wrong = await client.post("/registry/v1/session", json={"name": "ann", "password": "wrong horse"})
    unknown = await client.post("/registry/v1/session", json={"name": "bob", "password": "wrong horse"})

    assert (wrong.status_code, wrong.json()["detail"]) == (unknown.status_code, unknown.json()["detail"])
    assert wrong.status_code == 403


async def test_a_browser_is_signed_in_by_a_cookie_that_only_the_registrys_own_pages_may_use(client: Client) -> None:
    await signed_up(client, "ann")
    answer = await client.post("/registry/v1/session", json={"name": "ann", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    body = {"name": "laptop", "scopes": ["rate"]}

    own = await client.post("/registry/v1/tokens", json=body, headers={"Origin": "http://registry.test"})
    other = await client.post("/registry/v1/tokens", json=body, headers={"Origin": "https://evil.example"})
    nobody = await client.post("/registry/v1/tokens", json=body)

    assert [own.status_code, other.status_code, nobody.status_code] == [201, 403, 403]


async def test_a_token_makes_none_that_may_more_and_ends_in_time(client: Client, clock: FakeClock) -> None:
    ann = await signed_up(client, "ann")
    made = await client.post("/registry/v1/tokens", json={"name": "ci", "scopes": ["rate"], "days": 1}, headers=ann)
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}

    wider = await client.post("/registry/v1/tokens", json={"name": "x", "scopes": ["moderate"]}, headers=narrow)
    before = await client.get("/registry/v1/me", headers=narrow)
    await clock.advance(timedelta(days=2).total_seconds())
    after = await client.get("/registry/v1/me", headers=narrow)

    assert [wider.status_code, before.status_code, after.status_code] == [403, 200, 401]


@ON_SQLITE
async def test_the_database_holds_nothing_that_signs_anybody_in(client: Client, parts: Parts) -> None:
    ann = await signed_up(client, "ann")
    await parts.shelf.read(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)") and None)
    token = ann["Authorization"].partition(" ")[2]

    for path in parts.shelf.path.parent.glob("registry.db*"):
        kept = path.read_bytes()
        assert token.encode() not in kept
        assert PASSWORD.encode() not in kept


async def test_what_was_done_stands_in_a_chain_that_no_row_leaves_unnoticed(client: Client, parts: Parts) -> None:
    for name in ("ann", "bob", "eve"):
        await signed_up(client, name)
    assert await parts.shelf.read(fault) == ""

    await parts.shelf.write(lambda each: each.exec_driver_sql("DELETE FROM audit WHERE seq = 2") and None)

    assert "row 2" in await parts.shelf.read(fault)


async def test_what_holds_a_secret_is_kept_by_no_cache_and_every_answer_is_shielded(client: Client) -> None:
    ann = await signed_up(client, "ann")
    made = await client.post("/registry/v1/tokens", json={"name": "ci", "scopes": ["rate"]}, headers=ann)
    missing = await client.get("/registry/v1/nothing")

    assert made.headers["cache-control"] == "no-store"
    for answer in (made, missing):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@ON_SQLITE
async def test_people_who_sign_up_and_in_at_once_all_can(parts: Parts) -> None:
    """Passwords are hashed two at a time: OpenSSL's threads for one hash have failed beside another's."""
    names = [f"ann-{number}" for number in range(24)]

    await asyncio.gather(*(parts.accounts.create(name, "", PASSWORD, name) for name in names))
    signed = await asyncio.gather(*(parts.accounts.sign_in(name, PASSWORD) for name in names))

    assert [account.name for account, _ in signed] == names
